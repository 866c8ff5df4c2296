"""Blur pooling in plain operations: see :func:`anypool.blur_pool`, whose numbers these are."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from .space import Array, Space


def blur_pool(
    space: Space, x: Array, dtype: np.dtype, laid: tuple[Any, Any, Any, Any], mode: str,
    mask: Any, weights: Any, fill: float,
) -> Array:  # fmt: skip
    """Smooth with binomial coefficients along the pooled axes and keep every stride-th output.

    ``x`` is the framework's array, of NumPy's ``dtype``; mask and weights broadcast to it.
    ``laid`` are the pooled axes, and for each its coefficients, stride and padding, checked
    (``anypool.blur.laid`` does).
    """
    pooled, kernel, steps, sides = laid
    result = np.dtype(np.float64) if dtype.kind in "biu" else dtype
    wide = np.dtype(np.float32) if result.itemsize == 2 else result

    def all_axes(a: Array) -> Array:
        for axis, k, step, side in zip(pooled, kernel, steps, sides, strict=True):
            a = _one_axis(space, a, axis, k, step, side, mode)
        return a

    values = space.astype(x, wide)
    if mask is None and weights is None:
        return space.astype(all_axes(values), result)
    w = space.astype(space.asarray(1 if weights is None else weights), wide)
    if mask is not None:
        w = space.where(space.asarray(mask), w, 0.0)
    w = space.broadcast_to(w, x.shape)
    held, total = all_axes(space.where(w > 0, values, 0.0) * w), all_axes(w)
    y = space.where(total > 0, held / space.where(total > 0, total, 1.0), float(fill))
    return space.astype(y, result)


def _one_axis(
    space: Space, x: Array, axis: int, k: int, step: int, side: tuple[int, int], mode: str
) -> Array:
    """A filter as a sum of picked slices."""
    n = x.shape[axis]
    first = np.arange((n + sum(side) - k) // step + 1) * step - side[0]
    y = None
    for tap in range(k):
        part = _picked(space, x, axis, first + tap, mode) * (comb(k - 1, tap) / 2 ** (k - 1))
        y = part if y is None else y + part
    return y


def _picked(space: Space, x: Array, axis: int, spots: np.ndarray, mode: str) -> Array:
    """The slices of x at ``spots``, which may lie outside: mirrored, the nearest, or zeros."""
    last = x.shape[axis] - 1
    if mode == "reflect":
        return space.pick(x, axis, last - np.abs(last - np.abs(spots)))
    part = space.pick(x, axis, np.clip(spots, 0, last))
    if mode == "edge":
        return part
    real = ((spots >= 0) & (spots <= last)).reshape(-1, *(1,) * (len(x.shape) - axis - 1))
    return space.where(space.asarray(real), part, 0.0)
