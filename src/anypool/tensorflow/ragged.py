"""Images of different sizes as one padded batch with the sizes of each."""

from __future__ import annotations

from typing import Any

from ..arrays import batch_of_sizes
from ..axes import find_axes
from ..errors import PoolError, ShapeError
from ..windows import Windows
from .lift import Tensor, tf
from .tensors import as_tensor, is_tensor


def is_ragged(x: Any) -> bool:
    """Whether x is several tensors of different sizes: a list, or a RaggedTensor."""
    return isinstance(x, list | tuple | tf.RaggedTensor)


def padded(x: Any, windows: Windows, axes: Any, mask: Any, sizes: Any) -> tuple[Tensor, Any, Any]:
    """The padded batch, the sizes of its samples and the pooled axes."""
    if mask is not None or sizes is not None:
        raise PoolError("ragged tensors have their own sizes; they take no mask and no sizes")
    if isinstance(x, tf.RaggedTensor):
        return _ragged(x, windows, axes)
    if not x or not all(is_tensor(a) for a in x):
        raise PoolError(f"x must be a tensor or a list of tensors, not {type(x).__name__}")
    parts = [as_tensor(a) for a in x]
    shapes = [_known(a.shape) for a in parts]
    found, axes = batch_of_sizes(shapes, [a.dtype for a in parts], axes, windows)
    most = [max(n) for n in zip(*shapes, strict=True)]
    batch = tf.stack([
        tf.pad(a, [[0, m - n] for n, m in zip(shape, most, strict=True)])
        for a, shape in zip(parts, shapes, strict=True)
    ])  # fmt: skip
    return batch, found, axes


def _known(shape: Any) -> tuple[int, ...]:
    if not shape.is_fully_defined():
        raise ShapeError(
            "the tensors of a list must have known sizes inside tf.function; give one padded "
            "tensor with sizes="
        )
    return tuple(shape)


def _ragged(x: Any, windows: Windows, axes: Any) -> tuple[Tensor, Any, Any]:
    """A RaggedTensor whose samples are boxes: rows of one length inside a sample."""
    rank, ragged = x.shape.rank, _ragged_axes(x)
    if not ragged:  # ragged in name only
        return x.to_tensor(), None, axes
    pooled = find_axes(rank, windows, tuple(ragged) if axes is None else axes)
    for axis in ragged:
        if axis not in pooled:
            raise ShapeError(
                f"axis {axis} of the ragged tensor is ragged but not pooled; pool axes={pooled}"
            )
    batch = x.to_tensor()
    lengths = {axis: _lengths(x, axis) for axis in ragged}
    whole = tf.ones_like(lengths[ragged[0]])
    columns = [lengths[a] if a in lengths else whole * tf.cast(tf.shape(batch)[a], whole.dtype)
               for a in pooled]  # fmt: skip
    return batch, tf.stack(columns, 1), pooled


def _ragged_axes(x: Any) -> list[int]:
    return [a for a in range(1, x.ragged_rank + 1) if x.shape[a] is None]


def _lengths(x: Any, axis: int) -> Tensor:
    """How long each sample is along a ragged axis."""
    lengths = x.row_lengths(axis)
    while isinstance(lengths, tf.RaggedTensor):
        if tf.executing_eagerly():
            _check_even(lengths, axis)
        lengths = tf.reduce_max(lengths, axis=-1)
    return lengths


def _check_even(lengths: Any, axis: int) -> None:
    most, least = tf.reduce_max(lengths, axis=-1), tf.reduce_min(lengths, axis=-1)
    filled = lengths.row_lengths() > 0
    uneven = tf.reduce_any(tf.logical_and(most != least, filled))
    if bool(uneven):
        raise ShapeError(
            f"a sample of the ragged tensor has rows of different lengths along axis {axis}; "
            "samples may differ, but each must be a box"
        )
