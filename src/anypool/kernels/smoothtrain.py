"""The way back through the smooth reductions, from the caller's side."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plan import Layout, Plan
from . import fast, smooth
from .frame import flat, readable
from .rowtable import CHANNELS
from .share import bits, kind_of, reads, share, workers

SINGLE = np.dtype(np.float32)
# their slopes at infinities are what comes of inf - inf, which these kernels step round
INFINITE = ("lse", "soft", "var")


def backward(
    plan: Plan, layout: Layout, number: int, x: np.ndarray, g: np.ndarray, threads: int | None,
    into: np.ndarray | None = None,
) -> np.ndarray | None:  # fmt: skip
    """The derivative by x of grid ``number`` for the incoming ``g``, laid out like x; or None.

    It is written ``into`` an array that lies like x, if there is one.
    """
    if plan.reduction.name not in fast.SMOOTH or fast.suits(plan) or layout is not plan.fixed:
        return None
    if not g.size or readable(x) is not x or not g.dtype.isnative:
        return None
    if plan.reduction.name in INFINITE and not _finite(x):
        return None
    narrow = g.dtype == SINGLE or (g.dtype.itemsize == 2 and g.dtype.kind in "fV")
    g = _laid(x, g, SINGLE if narrow else np.dtype(np.float64))
    gx = np.empty_like(x) if into is None else into
    if gx.strides != x.strides:
        return None
    fx, fg = flat(bits(x)), flat(g)
    laid = fast.laid(plan, layout.grids[number], plan.rules[number], fx, fg)
    way = smooth.way_of(plan, laid, fx, fg, back=True)
    if isinstance(way, str):
        return None
    return _run(plan, layout.grids[number], way, fx.data, g, fg.data, gx, threads)


def _finite(x: np.ndarray) -> bool:
    """Whether there is neither an infinity nor a NaN."""
    if x.dtype.itemsize == 2:
        exponent = 0x7C00 if x.dtype == np.float16 else 0x7F80
        return not bool(((bits(x) & exponent) == exponent).any())
    return bool(np.isfinite(x.max()) and np.isfinite(x.min()))


def _laid(x: np.ndarray, g: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``g``, or a copy of this dtype with its axes in memory as those of x."""
    like = np.empty_like(x, dtype=dtype, shape=g.shape)
    if g.dtype == dtype and g.strides == like.strides and g.flags.aligned:
        return g
    like[...] = g
    return like


def _run(
    plan: Plan, grid: Any, way: smooth.Way, x: np.ndarray, g: np.ndarray, g_data: np.ndarray,
    gx: np.ndarray, threads: int | None,
) -> np.ndarray:  # fmt: skip
    direct = way.way in ("runs", "places")
    fresh = all(t.step == 1 and _once(t, n) for t, n in zip(grid, plan.sizes, strict=True))
    result = gx
    if direct and not fresh and gx.dtype.itemsize == 2:  # added up in memory
        result = np.empty_like(gx, dtype=SINGLE)
    if not (fresh if direct else all(map(_covered, grid, plan.sizes))):
        result.fill(0)
    kinds = smooth.form_of(plan), kind_of(plan.dtype), kind_of(g.dtype), way.acc
    kernel = _kernel(*kinds, kind_of(result.dtype), way.way, way.lanes)
    work = reads(grid, way.planes * int(way.table[CHANNELS]))
    data = (x, g_data, flat(bits(result)).data, way.table)
    share(kernel, data, way.planes, workers(threads, work))
    return result if result is gx else result.astype(gx.dtype)


def _kernel(form: str, kind: str, g: str, acc: str, out: str, way: str, lanes: int) -> Any:
    if way in ("runs", "places"):
        from . import smoothdirectback

        return smoothdirectback.make_kernel(form, kind, g, acc, out, way, lanes)
    from . import smoothback

    return smoothback.make_kernel(form, kind, g, acc, out, way)


def _once(t: Any, n: int) -> bool:
    """Whether every one of n elements has one window."""
    return bool(
        t.start[0, 0] == 0 and t.stop[0, -1] == n and (t.start[0, 1:] == t.stop[0, :-1]).all()
    )


def _covered(t: Any, n: int) -> bool:
    """Whether every one of n elements has a window."""
    seen = np.zeros(n, bool)
    for start, stop in zip(t.start[0].tolist(), t.stop[0].tolist(), strict=True):
        seen[start : stop : t.step] = True
    return bool(seen.all())
