"""The way back from max pooling, and indices in other frameworks' conventions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import doors
from .axes import find_axes
from .errors import PoolError, ShapeError
from .windows import adaptive
from .windows.rules import each

DUPLICATES = ("last", "sum", "mean", "max")


def max_unpool(
    y: Any, indices: Any, output_size: Any, *, axes: Any = None, duplicates: str = "last",
    fill: float = 0,
) -> Any:  # fmt: skip
    """Put pooled values back where they stood; everything else becomes ``fill``.

    Args:
        y: pooled values.
        indices: from ``max_pool(..., return_indices=True)``: flat over the pooled axes; -1 is
            skipped.
        output_size: the sizes of the pooled axes; a number or one for each.
        duplicates: what several values for one place become: the "last" in row-major order, their
            "sum", "mean" or "max". Always the same, whatever the machine.

    >>> import numpy as np, anypool as ap
    >>> y, i = ap.max_pool(np.array([1, 4, 2, 3]), 2, return_indices=True)
    >>> ap.max_unpool(y, i, 4)
    array([0, 4, 0, 3])
    """
    if duplicates not in DUPLICATES:
        raise PoolError(f"duplicates is {duplicates!r}; use {', '.join(map(repr, DUPLICATES))}")
    there = doors.front(y)  # no := here: TensorFlow's AutoGraph reads this function
    if there is not None:
        return there.max_unpool(y, indices, output_size, axes, duplicates, fill)
    y, indices = np.asarray(y), np.asarray(indices)
    if indices.shape != y.shape or indices.dtype.kind not in "iu":
        raise ShapeError(
            f"indices are {indices.dtype} of shape {indices.shape}; "
            f"they must be whole numbers of y's shape {y.shape}"
        )
    size = tuple(output_size) if np.iterable(output_size) else output_size
    named = find_axes(y.ndim, adaptive(size), axes)
    sizes = each(size, "output_size", len(named), 1)
    pooled, sizes = zip(*sorted(zip(named, sizes, strict=True)), strict=True)
    outer = tuple(a for a in range(y.ndim) if a not in pooled)
    order = (*outer, *pooled)
    planes = math.prod(y.shape[a] for a in outer)
    values = y.transpose(order).reshape(planes, -1)
    places = indices.transpose(order).reshape(planes, -1)
    _check_places(places, math.prod(sizes), sizes)
    flat = _scatter(values, places, math.prod(sizes), duplicates, fill)
    full = flat.reshape(*(y.shape[a] for a in outer), *sizes)
    return np.ascontiguousarray(full.transpose(np.argsort(order)))


def _check_places(places: np.ndarray, n: int, sizes: tuple[int, ...]) -> None:
    if places.size and (places.min() < -1 or places.max() >= n):
        raise ShapeError(
            f"indices run from {places.min()} to {places.max()}; output_size {sizes} has places "
            f"0 to {n - 1} (and -1 for none)"
        )


def _scatter(
    values: np.ndarray, places: np.ndarray, n: int, duplicates: str, fill: float
) -> np.ndarray:
    flat = np.full((len(values), n), fill, values.dtype)
    rows, columns = np.nonzero(places >= 0)
    spot, taken = (rows, places[rows, columns]), values[rows, columns]
    if duplicates == "last":
        flat[spot] = taken
        return flat
    hit = np.zeros(flat.shape, np.int64)
    np.add.at(hit, spot, 1)
    wide = np.float32 if values.dtype.itemsize == 2 and values.dtype.kind in "fV" else values.dtype
    if duplicates == "max":
        best = flat.astype(wide)
        best[spot] = taken  # any of them, so that fill does not take part
        np.maximum.at(best, spot, taken.astype(wide))
        return best.astype(values.dtype)
    total = np.zeros(flat.shape, np.float64 if duplicates == "mean" else wide)
    np.add.at(total, spot, taken.astype(total.dtype))
    if duplicates == "mean":
        total = total / np.maximum(hit, 1)
        if values.dtype.kind in "iu":
            total = np.rint(total)
    return np.where(hit > 0, total, fill).astype(values.dtype)


def indices_to_tensorflow(
    indices: Any, shape: tuple[int, ...], axes: Any = None, include_batch: bool = False
) -> np.ndarray:
    """PyTorch's indices as TensorFlow's: flat over (pooled axes..., channels) of a channels-last x.

    Args:
        indices: from ``return_indices=True`` on an x with a batch and a channel axis.
        shape: the shape of that x.
        axes: its pooled axes; None: every axis after the first two.
        include_batch: count the batch too, as ``include_batch_in_index``.

    >>> import numpy as np
    >>> indices_to_tensorflow(np.array([[[[5]], [[5]]]]), (1, 2, 3, 3)).ravel()
    array([10, 11])
    """
    indices, batch, channel, channels, n = _numbered(indices, shape, axes)
    flat = indices * channels + channel
    if include_batch:
        flat = flat + batch * (n * channels)
    return np.where(indices < 0, -1, flat)


def indices_to_onnx(indices: Any, shape: tuple[int, ...], axes: Any = None) -> np.ndarray:
    """PyTorch's indices as ONNX's: flat over the whole tensor (batch, channels, ...), row-major.

    >>> import numpy as np
    >>> indices_to_onnx(np.array([[[[5]], [[5]]]]), (1, 2, 3, 3)).ravel()
    array([ 5, 14])
    """
    indices, batch, channel, channels, n = _numbered(indices, shape, axes)
    return np.where(indices < 0, -1, (batch * channels + channel) * n + indices)


def _numbered(indices: Any, shape: tuple[int, ...], axes: Any) -> tuple[Any, Any, Any, int, int]:
    """The indices, each one's sample and channel, and how many channels and places there are."""
    indices = np.asarray(indices)
    pooled = range(2, len(shape)) if axes is None else find_axes(len(shape), adaptive(1), axes)
    outer = [a for a in range(len(shape)) if a not in pooled]
    if indices.ndim != len(shape) or len(outer) != 2:
        raise ShapeError(
            f"indices have {indices.ndim} axes and shape is {tuple(shape)}; both must have a batch "
            "axis, a channel axis and the pooled axes (axes= says which)"
        )
    batch, channel = (
        np.expand_dims(np.arange(shape[a]), tuple(i for i in range(len(shape)) if i != a))
        for a in outer
    )
    return indices, batch, channel, shape[outer[1]], math.prod(shape[a] for a in pooled)
