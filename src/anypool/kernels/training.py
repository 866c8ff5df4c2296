"""Pooling to train with: max and min that tell where they stand, and the fast ways back.

Served are plain windows (sliding, adaptive, whole, on up to three axes) over dense arrays whose
pooled axes lie side by side in memory, with channels behind them or nothing. A tap is the place
of an element in its window, row by row, padding counted: one byte where windows have at most 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..plan import Layout, Plan
from ..windows import Grid, Table
from ..windows.rules import Slide
from . import traintable as tt
from .dense import Dense, order_of
from .share import kind_of, share, workers

SERVED = ("float16", "bfloat16", "float32", "float64")
MOST_SCRATCH = 1 << 21  # numbers in the rows that a kernel keeps
MOST_ADDED = 32  # float32 derivatives added up in float32: beyond, in float64
MOST_COMPARED = 36  # taps compared with one element before spreading derivatives costs less
ROOM = 2048  # places along a row that are worked on at once


def ready(plan: Plan, layout: Layout, number: int, like_x: np.ndarray) -> Training | None:
    """What trains grid ``number`` of a plan on arrays that lie like this one; None: nothing here.

    It is kept with the plan, so that the next call costs a look in a dictionary.
    """
    key = ("training", number, like_x.strides, like_x.dtype.isnative)
    if layout is not plan.fixed:
        return None
    if key not in plan.kept:
        plan.kept[key] = _make(plan, number, like_x)
    return plan.kept[key]


def _make(plan: Plan, number: int, x: np.ndarray) -> Training | None:
    if not suits(plan) or not x.dtype.isnative or not x.size:
        return None
    grid = plan.fixed.grids[number]  # type: ignore[union-attr]
    order = order_of(x.shape, x.strides, plan.axes)
    if order is None or any(t.start.shape[1] == 0 for t in grid):
        return None
    like_x = Dense(x.shape, order)
    if not like_x.holds(x):
        return None
    lines = _lines(plan, grid, plan.rules[number])
    if lines is None or math.prod(a.size for a in lines[:-1]) * lines[-1].n >= 1 << 31:
        return None
    like_y = Dense(plan.out_shape(grid), order)
    return Training(plan, grid, lines, like_x, like_y)


def suits(plan: Plan) -> bool:
    """Whether these kernels know the reduction, the dtype and the options."""
    name, options = plan.reduction.name, plan.options
    if plan.select or options.nan != "propagate" or plan.work != plan.dtype:
        return False
    if plan.dtype.name not in SERVED or not 1 <= len(plan.axes) <= 3:
        return False
    return options.ties == "first" if name in ("max", "min") else name == "sum" or plan.scaled


def _lines(plan: Plan, grid: Grid, rules: Any) -> tuple[tt.Line, ...] | None:
    """Three axes of windows, the outer ones made up where fewer are pooled."""
    found = [_line(n, t, rule) for n, t, rule in zip(plan.sizes, grid, rules, strict=True)]
    if any(axis is None or axis.size >= 1 << 30 for axis in found):
        return None
    axes = [axis for axis in found if axis is not None]
    whole = math.prod(axis.size for axis in axes)
    return (*[tt.POINT] * (3 - len(axes)), *axes) if whole < 1 << 31 else None


def _line(n: int, table: Table, rule: Any) -> tt.Line | None:
    start, stop, stride = table.start[0], table.stop[0], 0
    if isinstance(rule, Slide):
        stride = rule.stride
        start = np.arange(len(start), dtype=np.int64) * stride - rule.padding(n)[0]
        stop = start + rule.reach
    elif len(start) > 1 and len({*np.diff(start).tolist()}) == 1 == len({*(stop - start).tolist()}):
        stride = int(start[1] - start[0])
    return tt.line(n, start, stop, table.step, stride)


class Training:
    """One grid of windows over arrays that lie in one way: forward, backward, and the places."""

    def __init__(
        self, plan: Plan, grid: Grid, lines: tuple[tt.Line, ...], x: Dense, y: Dense
    ) -> None:
        d, h, w = lines
        self.x, self.y = x, y
        self.op = plan.reduction.name if plan.reduction.name in ("max", "min") else "sum"
        self.kind, self.axes, self.lines = kind_of(plan.dtype), plan.axes, lines
        self.taps = d.size * h.size * w.size
        self.tap_dtype = np.uint8 if self.taps <= tt.MOST_SMALL else np.int32
        self.planes, self.channels = _planes(x, plan)
        self.reads = math.prod(x.shape) // max(d.n * h.n * w.n, 1) * _reads(lines)
        self.shares = _shares(plan, grid)
        self.cover = math.prod(int((a.last - a.first).max(initial=1)) for a in lines)
        self.table = tt.pack(self.channels, lines, _strip(lines, self.channels))
        self._back: dict[np.dtype, tuple[Callable[..., Any], int]] = {}
        self._tables: dict[np.dtype, np.ndarray] = {}
        self._ahead: tuple[Callable[..., Any], int] | None = None
        self._spots: tuple[np.ndarray, np.ndarray | None, bool] | None = None

    def forward(
        self, x: np.ndarray, y: np.ndarray, taps: np.ndarray, threads: int | None = None
    ) -> None:
        """Max or min into ``y``, and where each stands into ``taps``, both laid out like y.

        A window with nothing real gets the tap 255 (or -1), and no value.
        """
        kernel, total = self.ahead()
        data = self.x.flat(x), self.y.flat(y), self.y.flat(taps), self.table
        share(kernel, data, total, workers(threads, self.reads))

    def backward(
        self, g: np.ndarray, taps: np.ndarray | None, gx: np.ndarray, threads: int | None = None
    ) -> None:
        """The derivative by x, all of it, into ``gx`` of g's dtype, laid out like x."""
        kernel, total = self.way_back(g.dtype)
        if (taps is None) != (self.op == "sum"):
            raise ValueError(f"the way back through {self.op} takes {self.op != 'sum':d} taps")
        beside = self.shares if taps is None else self.y.flat(taps)
        data = self.y.flat(g), beside, self.x.flat(gx), self.table_back(g.dtype)
        share(kernel, data, total, workers(threads, self.reads))

    def ahead(self) -> tuple[Callable[..., Any], int]:
        """The kernel that finds max or min, and over how many rows it goes."""
        return self._ahead or self._find_ahead()

    def way_back(self, dtype: np.dtype) -> tuple[Callable[..., Any], int]:
        """The kernel for derivatives of this dtype, and over how many rows it goes."""
        return self._back.get(dtype) or self._find_back(dtype)

    def table_back(self, dtype: np.dtype) -> np.ndarray:
        """The table that `way_back`'s kernel reads."""
        self.way_back(dtype)
        return self._tables.get(dtype, self.table)

    def places(self, taps: np.ndarray) -> np.ndarray:
        """PyTorch's indices: flat over the pooled axes; -1 where a window has nothing real."""
        base, table, hollow = self._spots or self._find_spots()
        d, h, w = self.lines
        if table is not None:
            found = table[taps]
        else:
            row, tap = np.divmod(taps.astype(np.int64), w.size)
            plane, row = np.divmod(row, h.size)
            found = (plane * (d.gap * h.n) + row * h.gap) * w.n + tap * w.gap
        found += base
        if hollow:
            found[taps == self.tap_dtype(-1 if self.tap_dtype is np.int32 else 255)] = -1
        return found

    def empty_taps(self) -> np.ndarray:
        """An array for the taps."""
        return self.y.empty(self.tap_dtype)

    def _find_ahead(self) -> tuple[Callable[..., Any], int]:
        tap, (d, h, w) = kind_of(np.dtype(self.tap_dtype)), self.lines
        total = self.planes * d.outs * h.outs
        if self.channels > 1:
            from .maxchannels import forward as channels

            self._ahead = channels(self.op, self.kind, tap), total
        elif _is_regular(w) and (w.size - 1) * w.gap < 4 * w.n + 64 and _ring(d, h) < MOST_SCRATCH:
            from .maxlanes import forward as lanes

            self._ahead = lanes(self.op, self.kind, tap, w.stride), total
        else:
            from .maxcolumns import forward as columns

            self._ahead = columns(self.op, self.kind, tap), total
        return self._ahead

    def _find_back(self, dtype: np.dtype) -> tuple[Callable[..., Any], int]:
        kind, (d, h, _) = kind_of(dtype), self.lines
        if self.op == "sum":
            from . import largeback

            if largeback.pays(self.lines, self.shares):
                kernel, self._tables[dtype], total = largeback.ready(
                    kind, self.lines, self.planes, self.channels, self.shares
                )
                self._back[dtype] = kernel, total
                return kernel, total
        acc = "f64" if kind == "f64" or (kind == "f32" and self.cover > MOST_ADDED) else "f32"
        find = self._back_sum if self.op == "sum" else self._back_max
        kernel, by_plane = find(kind, acc)
        found = kernel, self.planes if by_plane else self.planes * d.n * h.n
        self._back[dtype] = found
        return found

    def _back_sum(self, kind: str, acc: str) -> tuple[Callable[..., Any], bool]:
        if self.channels == 1 and all(map(_is_whole, self.lines)):
            from .slopewhole import backward as whole

            return whole(kind, acc), True
        from .slopesums import backward

        w = self.lines[-1]
        if self.channels > 1:
            form = "channels"
        else:
            near = _is_regular(w) and (w.size - 1) * w.gap < 4 * w.n + 64
            form = f"s{w.stride}" if near else "ragged"
        return backward(kind, acc, form), False

    def _back_max(self, kind: str, acc: str) -> tuple[Callable[..., Any], bool]:
        tap, w = kind_of(np.dtype(self.tap_dtype)), self.lines[-1]
        if self.channels > 1:
            from .slopechannels import backward as channels

            return channels(kind, acc, tap), False
        if _is_regular(w) and self.taps <= MOST_COMPARED:
            from .slopelanes import backward as lanes

            return lanes(kind, acc, tap, w.stride), False
        from .slopespread import backward as spread

        return spread(kind, acc, tap), True

    def _find_spots(self) -> tuple[np.ndarray, np.ndarray | None, bool]:
        d, h, w = self.lines
        base = (d.start[:, None, None] * h.n + h.start[:, None]) * w.n + w.start
        shape = [1] * len(self.y.shape)
        for axis in self.axes:
            shape[axis] = self.y.shape[axis]
        table = tt.moves(d, h, w)
        if len(table):  # 255 must be found too
            table = np.concatenate([table, np.zeros(256 - len(table), np.int64)])
        hollow = any(bool((axis.low == axis.high).any()) for axis in self.lines)
        self._spots = base.reshape(shape), table if len(table) else None, hollow
        return self._spots


def _is_whole(axis: tt.Line) -> bool:
    return axis.outs == 1 and axis.gap == 1 and axis.high[0] - axis.low[0] == axis.n


def _is_regular(w: tt.Line) -> bool:
    return 1 <= w.stride <= 4


def _ring(d: tt.Line, h: tt.Line) -> int:
    return ((h.size - 1) * h.gap + 1) * d.size * 128


def _strip(lines: tuple[tt.Line, ...], channels: int) -> int:
    if channels > 1:
        return max(ROOM // channels, 1)
    rows = lines[0].size * ((lines[1].size - 1) * lines[1].gap + 1)
    return max(64, min(ROOM, 16 * ROOM // rows))


def _planes(x: Dense, plan: Plan) -> tuple[int, int]:
    at = x.order.index(plan.axes[0])
    behind = x.order[at + len(plan.axes) :]
    return math.prod(x.shape[a] for a in x.order[:at]), math.prod(x.shape[a] for a in behind)


def _reads(lines: tuple[tt.Line, ...]) -> int:
    """About how many elements the windows of one plane read, or the elements there are."""
    read = math.prod(int((axis.high - axis.low).sum()) for axis in lines)
    return max(read, math.prod(axis.n for axis in lines))


def _shares(plan: Plan, grid: Grid) -> np.ndarray:
    """The divisors of a mean along d, h and w; nothing for a sum."""
    if not plan.scaled:
        return np.empty(0)
    ones = [np.ones(1)] * (3 - len(grid))
    return np.concatenate([*ones, *(axis[0] for axis in plan.divisors(grid))])
