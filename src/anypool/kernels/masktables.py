"""The tables of the masked kernels: arrays in memory, windows and steps, as integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows import Table
from ..windows.rules import Slide
from .fast import MOST_SCRATCH, OPS
from .frame import Flat, flat
from .share import bits, kind_of, reads, share, stored, workers

# Windows along the row with kernels made to measure: each has to be compiled.
COMMON = ((2, 2), (3, 3), (4, 4), (3, 2), (3, 1))
SLACK = 256  # counts are read by whole vectors
SPREAD = 16  # channels beyond which one number of the mask stands for all of a place


class Count(NamedTuple):
    """The kernel that counts what is real: its table and rows, and room for its numbers."""

    kernel: Any
    table: np.ndarray
    total: int
    size: int
    dtype: Any


class Made(NamedTuple):
    """A kernel with its tables, for arrays that lie in one way."""

    kernel: Any
    table: np.ndarray
    more: np.ndarray
    total: int
    counting: Count
    each: int  # outputs that share a count
    reads: int = 0
    full: int | None = None  # the axis along which a shared mask must be written out
    spread: bool = False  # one number of the mask for all channels of a place
    steps: tuple[int, ...] = ()  # how far apart counts are along the axes of y

    def run(self, x: np.ndarray, m: np.ndarray, y: np.ndarray, threads: int | None) -> int:
        """Pool flat runs of memory; how many windows have nothing real."""
        counts = self.counts(m, threads)
        share(self.kernel, (x, m, y, counts, self.table, self.more), self.total,
              workers(threads, self.reads))  # fmt: skip
        some = np.count_nonzero(counts[: self.counting.size])
        return int(self.counting.size - some) * self.each

    def counts_of(self, m: np.ndarray, shape: tuple[int, ...], threads: int | None) -> np.ndarray:
        """The same, seen as an array of y's shape."""
        counts = self.counts(m, threads)
        strides = [s * counts.itemsize for s in self.steps]
        return np.lib.stride_tricks.as_strided(counts, shape, strides)

    def counts(self, m: np.ndarray, threads: int | None) -> np.ndarray:
        """How many elements (or what weight) of each window are real."""
        kernel, table, total, size, dtype = self.counting
        counts = np.empty(size + SLACK, dtype)
        share(kernel, (m, counts, table), total, workers(threads, self.reads // self.each))
        return counts


class Axis(NamedTuple):
    """One axis in memory: its size, and its strides in x, y and the mask."""

    size: int
    x: int
    y: int
    m: int
    table: Table | None = None
    rule: Any = None
    number: int = 0


def make(plan: Plan, number: int, x: np.ndarray, y: np.ndarray, real: np.ndarray) -> Made | None:
    fx, fy = flat(bits(x)), flat(bits(y))
    channels, outer = _outer(plan, fx, fy)
    spread = channels > SPREAD and real.strides[outer[-1]] == 0
    full = outer[-1] if channels > 1 and not spread else None
    fm = flat(bits(laid(real, x, plan, full)))
    axes = [Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a]) for a in outer]
    planes = _merged(axes[:-1] if channels > 1 else axes)
    grid, rules = plan.fixed.grids[number], plan.rules[number]  # type: ignore[union-attr]
    pooled = [
        Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a], t, rule, a)
        for a, t, rule in zip(plan.axes, grid, rules, strict=True)
    ]
    pooled.sort(key=lambda a: (-abs(a.x), -a.size))
    if int(pooled[-1].table.counts.max(initial=1)) * channels > MOST_SCRATCH:  # type: ignore[union-attr]
        return None
    inner = pooled[-1]
    if channels == 1 and inner.size > 1 and inner.x == 1 != inner.m:
        return None  # x's rows are read by vectors, the mask's then lie otherwise
    source = "mask" if real.dtype == bool else "weights"
    made = _rows(plan, source, pooled, planes, channels, spread, (fx, fy, fm))
    work = reads(grid, max(x.size // max(math.prod(plan.sizes), 1), 1))
    steps = _steps(plan, outer, pooled, made.counting, channels, spread, fm)
    return made._replace(full=full, reads=work, spread=spread, steps=steps)


def _steps(
    plan: Plan, outer: list[int], pooled: list[Axis], count: Count, channels: int, spread: bool,
    m: Flat,
) -> tuple[int, ...]:  # fmt: skip
    """How far apart the counts are along each axis of y."""
    steps = [0] * len(plan.shape)
    size = 1
    if channels > 1 and not spread:
        steps[outer[-1]], size = 1, channels
    for axis in reversed(pooled):
        steps[axis.number] = size
        size *= axis.table.start.shape[1]  # type: ignore[union-attr]
    for a in reversed(outer[:-1] if channels > 1 else outer):
        if m.strides[a] and plan.shape[a] > 1:
            steps[a] = size
            size *= plan.shape[a]
    return tuple(steps)


def _outer(plan: Plan, x: Flat, y: Flat) -> tuple[int, list[int]]:
    """How many channels lie next to each other, and the axes that are not pooled, widest first."""
    long = [a for a in plan.outer if plan.shape[a] > 1]
    order = sorted(long, key=lambda a: -abs(x.strides[a]))
    if not order:
        return 1, list(plan.outer[:1])
    last = order[-1]
    pooled = [a for a in plan.axes if plan.shape[a] > 1]
    nearest = min((abs(x.strides[a]) for a in pooled), default=0)
    inner = max(plan.axes, key=lambda a: (-abs(x.strides[a]), plan.shape[a] == 1))
    n = plan.shape[last]
    if x.strides[last] == y.strides[last] == 1 and nearest >= n and y.strides[inner] == n:
        return n, order
    return 1, order


def laid(mask: np.ndarray, x: np.ndarray, plan: Plan, full: int | None) -> np.ndarray:
    """The mask with its axes in memory as those of x, still one for all where it is shared.

    A mask that lies so already is not copied. ``full``: an axis that must not be shared.
    """
    keep = (*plan.axes, full)
    shared = [a for a in range(x.ndim) if mask.strides[a] == 0 and a not in keep]
    one = mask[tuple(slice(0, 1) if a in shared else slice(None) for a in range(x.ndim))]
    # axes that x only repeats go outside, and of equal steps the pooled ones inside
    order = sorted(range(x.ndim), key=lambda a: (x.strides[a] != 0, -abs(x.strides[a]),
                                                 a in plan.axes, a))  # fmt: skip
    if full is not None and mask.strides[full] == 0 and mask.dtype == bool and order[-1] == full:
        one = one[tuple(slice(0, 1) if a == full else slice(None) for a in range(x.ndim))]
        dense = _repeated(one.transpose(order), x.shape[full]).transpose(np.argsort(order))
        return np.broadcast_to(dense, mask.shape)
    dense = np.ascontiguousarray(one.transpose(order)).transpose(np.argsort(order))
    return np.broadcast_to(dense, mask.shape)


def _repeated(mask: np.ndarray, channels: int) -> np.ndarray:
    """A mask whose last axis has length 1, written out over the channels."""
    from .maskhide import repeater

    one = np.ascontiguousarray(mask)
    out = np.empty(one.size * channels + 16, np.uint8)
    repeater()(flat(bits(one)).data, out, channels, 0, one.size)
    return out[:-16].view(bool).reshape(*one.shape[:-1], channels)


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """Neighbours that every array steps through alike are one."""
    merged: list[Axis] = []
    for axis in axes:
        last = merged[-1] if merged else None
        if last is not None and last[1:4] == tuple(s * axis.size for s in axis[1:4]):
            merged[-1] = axis._replace(size=last.size * axis.size)
        else:
            merged.append(axis)
    return merged or [Axis(1, 0, 0, 0)]


def _rows(
    plan: Plan, source: str, pooled: list[Axis], planes: list[Axis], channels: int, spread: bool,
    arrays: tuple[Flat, Flat, Flat],
) -> Made:  # fmt: skip
    from . import maskrows, rows

    fx, fy, fm = arrays
    inner, sides = pooled[-1], pooled[:-1]
    taps = [int(a.table.counts.max(initial=1)) for a in pooled]  # type: ignore[union-attr]
    outer = [
        rows.Outer(t.start[0], t.stop[0], t.step, None, a.x, a.y)
        for a in sides if (t := a.table) is not None
    ]  # fmt: skip
    made = _inner(inner, channels, channels if channels > 1 else inner.y)
    counting = made._replace(
        x_stride=inner.m, channels=1 if spread else channels, y_stride=1 if spread else channels
    )
    is_flat = rows.flattened(made).channels != made.channels
    triples = [(a.size, a.x, a.y) for a in planes]
    counted = "f64" if source == "weights" else "u8" if math.prod(taps) <= 255 else "i32"
    count, steps = _count(fm, planes, sides, outer, counting, counted)
    form = _form(plan, source, taps, made, counted, spread)
    m_d, m_h = (*[Axis(1, 0, 0, 0)] * (2 - len(sides)), *sides)
    gaps = [1] * (2 - len(sides)) + [o.gap for o in outer]
    more = np.array([
        fm.first, m_d.m, m_h.m, m_d.m * gaps[0], m_h.m * gaps[1], *((1, 1) if is_flat else
        (inner.m, inner.y)), counting.outputs * counting.channels, _bits(plan),
        *(a.m for a in planes), *steps], np.int64)  # fmt: skip
    table = rows.pack(fx.first, fy.first, triples, outer, made)
    total = rows.count_rows(triples, outer)
    results = total * made.outputs * made.channels
    each = results // max(count.size, 1)
    return Made(maskrows.mask_kernel(form), table, more, total, count, max(each, 1))


def _count(
    m: Flat, planes: list[Axis], sides: list[Axis], outer: list[Any], inner: Any, counted: str
) -> tuple[Count, list[int]]:
    """What counts the mask's own planes, and how far apart their counts are for each of x's."""
    from . import rows

    width, lengths = inner.outputs * inner.channels, [len(o.start) for o in outer]
    own, steps, size = [], [], math.prod(lengths) * width
    for axis in reversed(planes):
        steps.insert(0, size if axis.m else 0)
        if axis.m:
            own.insert(0, (axis.size, axis.m, size))
            size *= axis.size
    strides = [math.prod(lengths[i + 1 :]) * width for i in range(len(outer))]
    outer = [
        o._replace(x_stride=a.m, y_stride=s) for o, a, s in zip(outer, sides, strides, strict=True)
    ]
    own = own or [(1, 0, 0)]
    kind = "f64" if counted == "f64" else "u8"
    step = _step(rows.step_of(inner, counted), counted != "f64")
    kernel = rows.row_kernel("sum", kind, counted, counted, step)
    table = rows.pack(m.first, 0, own, outer, inner)
    dtype = {"u8": np.uint8, "i32": np.int32, "f64": np.float64}[counted]
    return Count(kernel, table, rows.count_rows(own, outer), size, dtype), steps


def _step(step: Any, known: bool) -> Any:
    """Made to measure for the windows that are most common; buffered in any case."""
    step = step._replace(direct=False)
    if step.size and not (known and (step.size, step.stride) in COMMON):
        return step._replace(size=0, stride=0)
    return step


def _bits(plan: Plan) -> int:
    """The bits of fill, as a whole number."""
    one = np.array([stored(plan.options.fill or 0, plan.work)])
    return int(one.view(f"u{one.itemsize}").astype(np.uint64).view(np.int64)[0])


def _inner(axis: Axis, channels: int, y_stride: int) -> Any:
    from . import rows

    t, rule = axis.table, axis.rule
    common = (axis.size, axis.x, y_stride, t.start.shape[1], channels)  # type: ignore[union-attr]
    if not isinstance(rule, Slide):
        return rows.Inner(*common, start=t.start[0], stop=t.stop[0])  # type: ignore[union-attr]
    before = rule.padding(axis.size)[0]
    return rows.Inner(
        *common, size=rule.kernel, stride=rule.stride, gap=rule.dilation, before=before,
        span=rule.kernel,
    )  # fmt: skip


def _form(plan: Plan, source: str, taps: list[int], inner: Any, counted: str, spread: bool) -> Any:
    from . import maskrows, numbers, rows

    op, kind, height = OPS[plan.reduction.name], kind_of(plan.dtype), math.prod(taps[:-1])
    out = kind if op in ("max", "min") else kind_of(plan.work)
    if op in ("max", "min"):
        acc = numbers.selecting_accumulator(op, kind)
    elif source == "weights":
        acc = "f64"
    else:
        acc = rows.accumulator_for(kind, op, height, taps[-1], out)
    step = _step(rows.step_of(inner, acc, height), source != "weights")
    return maskrows.Form(op, kind, acc, out, source, counted, step, spread)
