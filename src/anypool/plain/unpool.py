"""The way back from max pooling in plain operations: see :func:`anypool.max_unpool`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import find_axes
from ..errors import ShapeError
from ..windows import adaptive
from ..windows.rules import each
from .space import Array, Space


def max_unpool(
    space: Space, y: Array, indices: Array, dtype: np.dtype, output_size: Any, axes: Any,
    duplicates: str, fill: float,
) -> Array:  # fmt: skip
    """Pooled values back where they stood; ``dtype`` is NumPy's for y's.

    An index of -1 is one without a place. The derivative goes to what was placed.
    """
    if tuple(indices.shape) != tuple(y.shape) or not space.isdtype(indices.dtype, "integral"):
        raise ShapeError(
            f"indices are {indices.dtype} of shape {tuple(indices.shape)}; "
            f"they must be whole numbers of y's shape {tuple(y.shape)}"
        )
    size = tuple(output_size) if np.iterable(output_size) else output_size
    named = find_axes(len(y.shape), adaptive(size), axes)
    sizes = each(size, "output_size", len(named), 1)
    pooled, sizes = zip(*sorted(zip(named, sizes, strict=True)), strict=True)
    outer = [a for a in range(len(y.shape)) if a not in pooled]
    order, n = [*outer, *pooled], math.prod(sizes)
    lead = [y.shape[a] for a in outer]
    shape = (math.prod(lead), math.prod(y.shape[a] for a in pooled))
    values = space.reshape(space.transpose(y, order), shape)
    places = space.reshape(space.transpose(indices, order), shape)
    _check(space, places, n, sizes)
    flat = _put(space, values, places, n, dtype, duplicates, fill)
    return space.transpose(space.reshape(flat, (*lead, *sizes)), list(np.argsort(order)))


def _check(space: Space, places: Array, n: int, sizes: tuple[int, ...]) -> None:
    """Raise for places outside, where their numbers are known."""
    if not math.prod(places.shape):
        return
    low, high = space.min(places, axis=(0, 1)), space.max(places, axis=(0, 1))
    if space.truth((low >= -1) & (high < n)) is False:
        raise ShapeError(
            f"indices run from {int(low)} to {int(high)}; output_size {sizes} has places 0 to "
            f"{n - 1} (and -1 for none)"
        )


def _put(
    space: Space, values: Array, places: Array, n: int, dtype: np.dtype, duplicates: str,
    fill: float,
) -> Array:  # fmt: skip
    # one place more than asked takes what is skipped
    spots = space.where((places < 0) | (places > n), n, places)
    turn = space.asarray(np.broadcast_to(np.arange(values.shape[1]), values.shape))
    winner = space.scattered(turn, spots, n + 1, "max", -1)[:, :n]
    taken = winner >= 0
    if duplicates == "last":
        found = space.take_along_axis(values, space.maximum(winner, 0), 1)
        return space.where(taken, found, space.asarray(np.array(fill).astype(dtype)))
    half = dtype.itemsize == 2 and dtype.kind in "fV"
    wide = np.dtype(np.float64) if duplicates == "mean" and not half else dtype
    wide = np.dtype(np.float32) if half else wide
    v = space.astype(values, wide)
    how, least = ("max", -math.inf) if duplicates == "max" else ("add", 0)
    if how == "max" and dtype.kind in "iu":
        least = int(np.iinfo(dtype).min)
    total = space.scattered(v, spots, n + 1, how, least)[:, :n]
    if duplicates == "mean":
        hits = space.scattered(v * 0 + 1, spots, n + 1, "add", 0)[:, :n]
        total = total / space.maximum(hits, 1)
        total = space.round(total) if dtype.kind in "iu" else total
    return space.astype(space.where(taken, total, fill), dtype)
