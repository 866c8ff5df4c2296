"""Blur pooling: a binomial filter, then a stride (Zhang 2019, arXiv:1904.11486)."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from . import doors
from .arrays import canonical, weighing
from .axes import find_axes
from .errors import PoolError, WindowError
from .windows import sliding
from .windows.rules import each, pairs_of

MODES = {"reflect": "reflect", "zero": "constant", "edge": "edge"}


def blur_pool(
    x: Any, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *, mode: str = "reflect",
    axes: Any = None, mask: Any = None, weights: Any = None, fill: float = 0,
) -> Any:  # fmt: skip
    """Smooth with binomial coefficients along every pooled axis, and keep every stride-th output.

    Args:
        kernel_size: coefficients per axis; 3 is 1/4, 1/2, 1/4.
        padding: as for :func:`max_pool`; None: (k - 1) // 2 before and k // 2 after.
        mode: what the padding holds: "reflect", "edge" or "zero".
        mask, weights: unreal elements take no part; the coefficients of the others add up to 1.
            A window with nothing real becomes ``fill``.

    Returns:
        The array, its pooled axes shorter; integers become float64.

    >>> import numpy as np, anypool as ap
    >>> ap.blur_pool(np.array([0.0, 0.0, 4.0, 0.0, 0.0]))
    array([0., 2., 0.])
    """
    there = doors.front(x)  # no := here: TensorFlow's AutoGraph reads this function
    if there is not None:
        return there.blur_pool(x, kernel_size, stride, padding, mode=mode, axes=axes, mask=mask,
                               weights=weights, fill=fill)  # fmt: skip
    batch = canonical(x, mask, None, axes, sliding(kernel_size, stride))
    pooled, kernel, steps, sides = laid(
        batch.x.shape, kernel_size, stride, padding, mode, batch.axes
    )
    weighed = weighing(batch.x.shape, batch.mask, weights, True)
    values = _wide(batch.x)
    if weighed is None:
        return _all_axes(values, pooled, kernel, steps, sides, mode).astype(_result(batch.x))
    w = weighed.array.astype(values.dtype)
    total = _all_axes(w, pooled, kernel, steps, sides, mode)
    held = _all_axes(np.where(w > 0, values * w, 0), pooled, kernel, steps, sides, mode)
    y = np.divide(held, total, out=np.full(total.shape, fill, values.dtype), where=total > 0)
    return y.astype(_result(batch.x))


def laid(
    shape: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, mode: str, axes: Any
) -> tuple[Any, Any, Any, Any]:
    """The pooled axes, and for each its coefficients, its stride and its padding; checked."""
    if mode not in MODES:
        raise PoolError(f'mode is {mode!r}; use "reflect", "edge" or "zero"')
    pooled = find_axes(len(shape), sliding(kernel_size, stride), axes)
    kernel = each(kernel_size, "kernel_size", len(pooled), 1)
    steps = each(stride, "stride", len(pooled), 1)
    sides = tuple(((k - 1) // 2, k // 2) for k in kernel) if padding is None else (
        pairs_of(padding, len(pooled)))  # fmt: skip
    if isinstance(sides, str):
        raise WindowError(f'padding {padding!r} is not for blur_pool; use numbers or "valid"')
    for axis, k, side in zip(pooled, kernel, sides, strict=True):
        _check(shape[axis], axis, k, side, mode)
    return pooled, kernel, steps, sides


def _check(n: int, axis: int, k: int, side: tuple[int, int], mode: str) -> None:
    length = n + sum(side)
    if length < k:
        raise WindowError(
            f"window {k} does not fit axis {axis}: {n} elements with padding {side[0]} and "
            f"{side[1]} make {length}; use kernel_size <= {length} or more padding"
        )
    if mode == "reflect" and max(side) >= n:
        raise WindowError(
            f"axis {axis} has {n} elements, too few to reflect {max(side)}; "
            'use mode="edge" or less padding'
        )


def _result(x: np.ndarray) -> np.dtype:
    return np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype.newbyteorder("=")


def _wide(x: np.ndarray) -> np.ndarray:
    """Halves are smoothed in float32, integers in float64."""
    return x.astype(np.float32 if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else _result(x))


def _all_axes(x: np.ndarray, axes: Any, kernel: Any, steps: Any, sides: Any, mode: str) -> Any:
    for axis, k, step, side in zip(axes, kernel, steps, sides, strict=True):
        x = _one_axis(x, axis, k, step, side, mode)
    return x


def _one_axis(
    x: np.ndarray, axis: int, k: int, step: int, side: tuple[int, int], mode: str
) -> np.ndarray:
    length = x.shape[axis] + sum(side)
    widths = [(0, 0)] * x.ndim
    widths[axis] = side
    padded = np.pad(x, widths, mode=MODES[mode])  # type: ignore[call-overload]
    outputs = (length - k) // step + 1
    y = np.zeros_like(padded, shape=(*x.shape[:axis], outputs, *x.shape[axis + 1 :]))
    for tap in range(k):
        spot = [slice(None)] * x.ndim
        spot[axis] = slice(tap, tap + (outputs - 1) * step + 1, step)
        y += padded[tuple(spot)] * x.dtype.type(comb(k - 1, tap) / 2 ** (k - 1))
    return y
