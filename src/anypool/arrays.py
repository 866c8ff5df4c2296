"""The arguments that are arrays, made canonical: x, mask, weights, sizes, out, lists of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .axes import find_axes
from .errors import PoolError, ShapeError
from .plan import Plan, storable
from .windows import Boxes, Sliding, Windows

FOREIGN = ("torch", "tensorflow", "keras")


class Batch(NamedTuple):
    """One array for the kernels, and what came with it."""

    x: np.ndarray
    mask: Any
    sizes: Any
    axes: Any


def canonical(x: Any, mask: Any, sizes: Any, axes: Any, windows: Windows) -> Batch:
    """``x`` as one array: arrays pass, nested lists are made one, lists of arrays are padded."""
    if type(x) is np.ndarray:
        return Batch(x, mask, sizes, axes)
    if isinstance(x, np.ma.MaskedArray):
        real = ~np.ma.getmaskarray(x)
        return Batch(x.data, real if mask is None else real & np.asarray(mask), sizes, axes)
    if isinstance(x, list | tuple) and any(isinstance(a, np.ndarray) for a in x):
        if mask is not None or sizes is not None:
            raise PoolError("a list of arrays has its own sizes; it takes no mask and no sizes")
        return _padded([np.asarray(a) for a in x], axes, windows)
    return Batch(_array(x), mask, sizes, axes)


def _array(x: Any) -> np.ndarray:
    home = type(x).__module__.split(".")[0]
    if home in FOREIGN:
        raise PoolError(
            f"x is a {home} {type(x).__name__}, for which anypool has no front yet; "
            "give a NumPy array"
        )
    try:
        return np.asarray(x)
    except ValueError:
        raise ShapeError(
            "x is a nested list of uneven lengths; give lists of equal length, one array, or a "
            "list of NumPy arrays"
        ) from None


def _padded(arrays: Sequence[np.ndarray], axes: Any, windows: Windows) -> Batch:
    """Arrays of different sizes as one padded batch with the sizes of each."""
    shapes = [a.shape for a in arrays]
    sizes, axes = batch_of_sizes(shapes, [a.dtype for a in arrays], axes, windows)
    x = np.zeros((len(arrays), *np.max(shapes, axis=0)), arrays[0].dtype)
    for i, a in enumerate(arrays):
        x[(i, *map(slice, a.shape))] = a
    return Batch(x, None, sizes, axes)


def batch_of_sizes(
    shapes: Sequence[tuple[int, ...]], dtypes: Sequence[Any], axes: Any, windows: Windows
) -> tuple[np.ndarray, Any]:
    """Whether arrays of these shapes can be one batch; the sizes of its samples, and its axes."""
    if isinstance(windows, Sliding | Boxes):
        raise ShapeError(
            "a list of arrays becomes one batch only where the output size does not depend on the "
            "input size; use adaptive, split, whole or pyramid windows"
        )
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1 or ranks == {0}:
        raise ShapeError(f"the arrays of a list must agree in rank; these have {sorted(ranks)}")
    rank = ranks.pop() + 1
    if axes is None and windows.rank is None and rank <= 3:
        axes = tuple(range(1, rank))
    given = find_axes(rank, windows, axes)
    if 0 in given:
        raise ShapeError("axis 0 counts the arrays of the list; it cannot be pooled")
    _check_agreement(shapes, dtypes, sorted(given))
    if any(getattr(rule, "m", 0) is None for grid in windows.rules(len(given)) for rule in grid):
        raise ShapeError("output_size None keeps each array's own size; a list needs a number")
    return np.array([[shape[p - 1] for p in given] for shape in shapes]), axes


def _check_agreement(
    shapes: Sequence[tuple[int, ...]], dtypes: Sequence[Any], pooled: Sequence[int]
) -> None:
    for i, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True)):
        if dtype != dtypes[0]:
            raise ShapeError(
                f"array {i} of the list is {dtype}, array 0 is {dtypes[0]}; make them agree"
            )
        for axis in range(len(shape)):
            if axis + 1 not in pooled and shape[axis] != shapes[0][axis]:
                raise ShapeError(
                    f"array {i} of the list has {shape[axis]} along its axis {axis}, array 0 has "
                    f"{shapes[0][axis]}; only pooled axes may differ"
                )


class Weighing(NamedTuple):
    """Mask and weights as one array of x's shape: bool, or float64 with 0 for what is not real."""

    array: np.ndarray
    weights: np.ndarray | None  # as given, for the shape of its derivative

    @property
    def kind(self) -> str:
        return "mask" if self.array.dtype == bool else "weights"


def weighing(shape: tuple[int, ...], mask: Any, weights: Any, cumulate: bool) -> Weighing | None:
    """Check mask and weights, and lay them over x without a copy where one is enough.

    Where weights do not ``cumulate``, they only say what is real: they become a mask.
    """
    if mask is None and weights is None:
        return None
    real = None if mask is None else _over(_mask(mask), shape, "mask")
    if weights is None:
        return Weighing(real, None)  # type: ignore[arg-type]
    own = _weights(weights)
    laid = _over(own, shape, "weights")
    if real is not None:
        joint = np.where(_small(real), _small(laid), 0.0)
        laid = np.broadcast_to(joint, shape)
    return Weighing(laid if cumulate else np.broadcast_to(_small(laid) > 0, shape), own)


def _small(a: np.ndarray) -> np.ndarray:
    """``a`` without the axes that only repeat, so that two of them meet in little memory."""
    return a[tuple(slice(0, 1) if s == 0 else slice(None) for s in a.strides)]


def _mask(mask: Any) -> np.ndarray:
    array = np.asarray(mask)
    if array.dtype != bool:
        raise ShapeError(f"mask has dtype {array.dtype}; it must be bool, True where x is real")
    return array


def _weights(weights: Any) -> np.ndarray:
    array = np.asarray(weights)
    if array.dtype.kind not in "biuf":
        raise ShapeError(f"weights have dtype {array.dtype}; they must be real numbers")
    own = array.astype(np.float64)
    if own.size and not (own.min() >= 0 and own.max() < np.inf):
        raise PoolError("weights must be finite and not negative; 0 takes an element out")
    return own


def _over(array: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ShapeError(
            f"{what} has shape {array.shape}, which does not broadcast to x's shape {shape}"
        ) from None


def extents(plan: Plan, sizes: Any) -> np.ndarray:
    """``sizes`` checked, as (batch, pooled axes in the array's order, start and stop)."""
    array = np.asarray(sizes)
    batch, rank = plan.shape[0], len(plan.axes)
    if array.dtype.kind not in "iu" or array.shape not in ((batch, rank), (batch, rank, 2)):
        raise ShapeError(
            f"sizes has shape {array.shape} and dtype {array.dtype}; give whole numbers of shape "
            f"({batch}, {rank}), or ({batch}, {rank}, 2) for start and stop"
        )
    array = array.astype(np.int64)
    pairs = array if array.ndim == 3 else np.stack([np.zeros_like(array), array], axis=-1)
    pairs = pairs[:, list(plan.order)]
    for i, axis in enumerate(plan.axes):
        low, high, n = pairs[:, i, 0], pairs[:, i, 1], plan.shape[axis]
        wrong = np.flatnonzero((low < 0) | (high < low) | (high > n))
        if wrong.size:
            w = wrong[0]
            raise ShapeError(
                f"sizes of sample {w} say {low[w]} to {high[w]} on axis {axis}, which has {n} "
                f"elements; use 0 <= start <= stop <= {n}"
            )
    return pairs


def as_given(plan: Plan, pairs: np.ndarray, pairwise: bool) -> np.ndarray:
    """Output extents in the form and the axis order in which sizes came."""
    back = np.empty(len(plan.order), np.int64)
    back[list(plan.order)] = np.arange(len(plan.order))
    pairs = pairs[:, back]
    return pairs if pairwise else pairs[..., 1]


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype, inputs: Sequence[Any]) -> None:
    """``out`` must be an array of exactly this shape and dtype, apart from every input."""
    if not isinstance(out, np.ndarray):
        raise PoolError(f"out must be a NumPy array, not {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ShapeError(
            f"out has shape {out.shape} and dtype {out.dtype}; the result needs {shape}, {dtype}"
        )
    if not out.flags.writeable:
        raise PoolError("out is read-only; give an array that can be written")
    if any(isinstance(a, np.ndarray) and np.may_share_memory(out, a) for a in inputs):
        raise PoolError("out overlaps an input; give memory of its own")


def check_hashable(**arguments: Any) -> None:
    """A PoolError for the argument that is a list, a dict or an array where none makes sense."""
    for name, value in arguments.items():
        try:
            hash(value)
        except TypeError:
            raise PoolError(f"{name} is {value!r}; give plain numbers or words") from None


def dtype_of(dtype: Any) -> np.dtype | None:
    """The argument dtype as NumPy's, or a PoolError."""
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise PoolError(f"dtype {dtype!r} is not a NumPy dtype") from None
    if not storable(found):
        raise PoolError(f"dtype {found} cannot hold a result; use a bool, integer or float type")
    return found
