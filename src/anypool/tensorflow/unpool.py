"""The way back from max pooling: the last value in row-major order wins, on every machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import plain
from ..axes import find_axes
from ..errors import ShapeError
from ..windows import adaptive
from ..windows.rules import each
from .lift import Lifted, Tensor, tf
from .space import Tensors
from .tensors import as_tensor, numpy_dtype


@tf.autograph.experimental.do_not_convert
def max_unpool(
    y: Any, indices: Any, output_size: Any, axes: Any, duplicates: str, fill: float
) -> Tensor:
    """:func:`anypool.max_unpool` for tensors."""
    y, indices = as_tensor(y, "y"), as_tensor(indices, "indices")
    if y.shape.is_fully_defined() and indices.shape.is_fully_defined():
        dtype = numpy_dtype(y.dtype)
        return plain.max_unpool(Tensors(), Lifted(y), Lifted(indices), dtype, output_size, axes,
                                duplicates, fill).t  # fmt: skip
    if duplicates != "last":
        raise ShapeError(
            f'duplicates="{duplicates}" needs known sizes; y has shape {y.shape}: give a static '
            'shape, or duplicates="last"'
        )
    size = tuple(output_size) if isinstance(output_size, list | tuple) else output_size
    named = find_axes(y.shape.rank, adaptive(size), axes)
    sizes = each(size, "output_size", len(named), 1)
    pooled, sizes = zip(*sorted(zip(named, sizes, strict=True)), strict=True)
    outer = tuple(a for a in range(y.shape.rank) if a not in pooled)
    order, n = (*outer, *pooled), math.prod(sizes)
    _check(y, indices, n, sizes)
    lead = tf.gather(tf.shape(y), np.array(outer, np.int32))
    flat = tf.concat([tf.reshape(tf.reduce_prod(lead), (1,)), [-1]], 0)
    values, places = (tf.reshape(tf.transpose(a, order), flat) for a in (y, indices))
    full = tf.reshape(_scattered(values, places, n, fill), tf.concat([lead, sizes], 0))
    return tf.transpose(full, np.argsort(order))


def _check(y: Tensor, indices: Tensor, n: int, sizes: Any) -> None:
    if not indices.dtype.is_integer or not indices.shape.is_compatible_with(y.shape):
        raise ShapeError(
            f"indices are {indices.dtype.name} of shape {indices.shape}; "
            f"they must be whole numbers of y's shape {y.shape}"
        )
    if tf.executing_eagerly() and indices.shape.num_elements():
        low, high = int(tf.reduce_min(indices)), int(tf.reduce_max(indices))
        if low < -1 or high >= n:
            raise ShapeError(
                f"indices run from {low} to {high}; output_size {tuple(sizes)} has places 0 to "
                f"{n - 1} (and -1 for none)"
            )


def _scattered(values: Tensor, places: Tensor, n: int, fill: float) -> Tensor:
    """(planes, m) values at their places among n: first the winner of each place, then its value.

    A tensor_scatter_nd_max finds the last of several whatever the order in which it is run.
    """
    planes, m = tf.shape(values)[0], tf.shape(values)[1]
    row = tf.repeat(tf.range(planes), m)
    spot = tf.reshape(tf.cast(places, tf.int32), [-1])
    spot = tf.where(spot < 0, n, spot)  # one place more than asked takes what is skipped
    order = tf.tile(tf.range(m), [planes])
    winner = tf.tensor_scatter_nd_max(
        tf.fill([planes, n + 1], -1), tf.stack([row, spot], 1), order
    )[:, :n]
    taken = tf.gather(values, tf.maximum(winner, 0), axis=1, batch_dims=1)
    return tf.where(winner >= 0, taken, tf.cast(fill, values.dtype))
