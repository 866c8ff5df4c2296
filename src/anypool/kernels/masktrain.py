"""Training with a mask: the kernels of `training`, on planes where what is unreal is hidden.

Forward max: a few planes at a time are copied with the identity in place of what is not real, and
go through the kernel that finds max and its place; the copy stays in the cache. The way back from
there is the same as without a mask. A mean's derivative is that of a sum, of g divided by the
counts; what is not real gets 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..plan import Layout, Options, Plan, make
from ..reductions import resolve
from . import fast, masks, training
from .frame import flat
from .masktables import Made, laid
from .share import bits, kind_of, share, workers

AT_ONCE = 1 << 16  # numbers copied at once


def ready(plan: Plan, layout: Layout, number: int, x: np.ndarray, w: Any) -> MaskTraining | None:
    """What trains grid ``number`` with this mask, or None where nothing here does."""
    if layout is not plan.fixed or plan.reduction.name not in ("max", "min", "mean", "sum"):
        return None
    if (
        plan.options.divisor_override is not None
        or plan.options.nan == "raise"
        or plan.options.ties != "first"
        or (w is not None and (w.kind != "mask" or w.weights is not None))
    ):
        return None
    if fast.read_by(plan) < fast.LEAST_READ:
        return None
    inner = _inner(plan, number, x)
    if inner is None or not inner.y.shape or not math.prod(inner.y.shape):
        return None
    real = masks.real_of(plan, x, w)
    like = np.lib.stride_tricks.as_strided(
        np.empty(1, plan.dtype), inner.y.shape, [s * x.itemsize for s in inner.y.steps]
    )
    made = masks.ready(plan, number, x, like, real)
    if made is None or not _covers(plan, inner, made, real):
        return None
    return MaskTraining(plan, inner, made, x, real)


def _covers(plan: Plan, inner: training.Training, made: Made, real: np.ndarray) -> bool:
    """Whether the mask is there for every channel of `training`, or is one for all of them."""
    order = inner.x.order
    behind = [a for a in order[order.index(plan.axes[-1]) + 1 :] if plan.shape[a] > 1]
    shared = [real.strides[a] == 0 and a != made.full for a in behind]
    return all(shared) if made.spread else not any(shared)


def _inner(plan: Plan, number: int, x: np.ndarray) -> Any:
    """The training kernels for the same windows without a mask: of max, of min, or of a sum."""
    key = ("unmasked", number)
    if key not in plan.kept:
        name = plan.reduction.name
        reduction = resolve("sum" if name == "mean" else name)
        plain = make(plan.shape, plan.dtype, plan.windows, reduction, plan.given, Options())
        plan.kept[key] = plain
    plain = plan.kept[key]
    if plan.work != plan.dtype:
        return None
    return training.ready(plain, plain.fixed, number, x)


class MaskTraining:
    """As `training.Training`, with a mask."""

    def __init__(
        self, plan: Plan, inner: training.Training, made: Made, x: np.ndarray,
        real: np.ndarray,
    ) -> None:  # fmt: skip
        self.plan, self.inner, self.made = plan, inner, made
        self.x, self.y, self.tap_dtype = inner.x, inner.y, inner.tap_dtype
        own = laid(real, x, plan, made.full)
        self.m = flat(bits(own)).data
        order, axes = inner.x.order, plan.axes
        self.size = math.prod(plan.shape) // max(inner.planes, 1)
        self.spread = made.spread
        before = order[: order.index(axes[0])]
        at = np.zeros((), np.int64)
        for a in before:
            step = own.strides[a] // own.itemsize
            at = at[..., None] + np.arange(plan.shape[a]) * step
        self.at = np.ascontiguousarray(at.reshape(-1), np.int64)

    def forward(
        self, x: np.ndarray, y: np.ndarray, taps: np.ndarray, threads: int | None = None
    ) -> int:
        """Max or min into ``y``, its place into ``taps``; how many windows have nothing real."""
        counts = self._counts(threads)
        self._find(self.inner.x.flat(x), y, taps, threads)
        self._mend(y, taps, counts, threads)
        some = np.count_nonzero(counts)
        none = int(counts.size - some)
        if none:
            fill = 0 if self.plan.options.fill is None else self.plan.options.fill
            np.copyto(y, np.array(fill, y.dtype), where=counts == 0)
            np.copyto(taps, taps.dtype.type(self._none), where=counts == 0)
        return none

    @property
    def _none(self) -> int:
        return 255 if self.tap_dtype is np.uint8 else -1

    def _counts(self, threads: int | None) -> np.ndarray:
        return self.made.counts_of(self.m, self.y.shape, threads)

    def _find(self, x: np.ndarray, y: np.ndarray, taps: np.ndarray, threads: int | None) -> None:
        kernel, total = self.inner.ahead()
        self._chunks(x, kernel, total, self.inner.op, (self.y.flat(y), self.y.flat(taps)), threads)

    def _chunks(
        self, x: np.ndarray, kernel: Any, total: int, op: str, out: tuple[np.ndarray, np.ndarray],
        threads: int | None,
    ) -> None:  # fmt: skip
        from .maskhide import hider

        hide = hider(op, self.inner.kind, self.spread)
        planes, table, size = self.inner.planes, self.inner.table, self.size
        rows, each, many = total // planes, out[0].size // planes, max(1, AT_ONCE // size)
        y, taps = out

        def some(first: int, last: int) -> None:
            held = np.empty(min(many, last - first) * size + 64, x.dtype)
            for p in range(first, last, many):
                q = min(p + many, last)
                hide(x, self.m, held, self.at, size, self.inner.channels, p, q)
                kernel(held, y[p * each : q * each], taps[p * each : q * each], table, 0,
                       (q - p) * rows)  # fmt: skip

        share(some, (), planes, workers(threads, self.inner.reads))

    def _mend(
        self, y: np.ndarray, taps: np.ndarray, counts: np.ndarray, threads: int | None
    ) -> None:
        """Where the best is infinite, what is unreal looks the same: the first real one is taken.

        Of ones, with what is unreal hidden, the best is the first real one.
        """
        worst = np.array(-np.inf if self.inner.op == "max" else np.inf, y.dtype)
        same = (y == worst) & (counts > 0)
        if not same.any():
            return
        ones = self.x.empty(y.dtype)
        ones[...] = 1
        found, spots = self.y.empty(y.dtype), self.y.empty(self.tap_dtype)
        self._find(self.inner.x.flat(ones), found, spots, threads)
        np.copyto(taps, spots, where=same)

    def backward(
        self, g: np.ndarray, taps: np.ndarray | None, gx: np.ndarray, threads: int | None = None
    ) -> None:
        """The derivative by x into ``gx`` of g's dtype, laid out like x."""
        if taps is not None:
            self.inner.backward(g, taps, gx, threads)
            return
        wide = np.dtype(np.float32) if g.dtype.itemsize == 2 else g.dtype
        own = gx if gx.dtype == wide else self.x.empty(wide)
        share_of = self.y.laid(g, wide)
        if self.plan.reduction.name == "mean":
            made = self.y.empty(wide)
            with np.errstate(all="ignore"):
                np.divide(share_of, self._counts(threads), out=made, dtype=wide, casting="unsafe")
            share_of = made
        self._spread(share_of, own, threads)
        if own is not gx:
            with np.errstate(over="ignore"):
                gx[...] = own

    def _spread(self, g: np.ndarray, gx: np.ndarray, threads: int | None) -> None:
        from .maskhide import hider

        kernel, total = self.inner.way_back(g.dtype)
        hide = hider("sum", kind_of(g.dtype), self.spread)
        planes, table, size = self.inner.planes, self.inner.table, self.size
        if self.inner.table_back(g.dtype) is not table:  # of large windows: all planes at once
            self.inner.backward(g, None, gx, threads)
            flat_gx = self.x.flat(gx)
            hide(flat_gx, self.m, flat_gx, self.at, size, self.inner.channels, 0, planes)
            return
        g, gx = self.y.flat(g), self.x.flat(gx)
        rows, each, many = total // planes, g.size // planes, max(1, AT_ONCE // size)

        def some(first: int, last: int) -> None:
            for p in range(first, last, many):
                q = min(p + many, last)
                part = gx[p * size : q * size]
                kernel(g[p * each : q * each], self.inner.shares, part, table, 0, (q - p) * rows)
                hide(part, self.m, part, self.at[p:q], size, self.inner.channels, 0, q - p)

        share(some, (), planes, workers(threads, self.inner.reads))

    def places(self, taps: np.ndarray) -> np.ndarray:
        """PyTorch's indices; -1 where a window has nothing real."""
        found = self.inner.places(taps)
        found[taps == self.tap_dtype(self._none)] = -1
        return found

    def empty_taps(self) -> np.ndarray:
        """An array for the taps."""
        return self.inner.empty_taps()
