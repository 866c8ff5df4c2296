"""Masks, weights and skipped NaN in fast kernels: when they serve a Plan, and how to call them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..plan import Layout, Plan
from ..windows import Table
from ..windows.rules import Slide
from .frame import Flat, flat, readable
from .share import bits, kind_of, reads, share, stored, workers

OPS = {"max": "max", "min": "min", "sum": "sum", "mean": "mean", "any": "max", "all": "min"}
MOST_SCRATCH = 1 << 18  # accumulators: a strip of rows holds at least one window's width
ROOM = 1 << 12  # counts kept at once where planes do not share a mask
NOTHING = np.zeros(1, np.uint8)
SPREAD = 16  # channels beyond which one number of the mask stands for all of a place


class Made(NamedTuple):
    """A kernel with its tables, for arrays that lie in one way."""

    kernel: Any
    table: np.ndarray
    count_table: np.ndarray
    more: np.ndarray
    total: int
    reads: int
    full: int | None  # the axis along which a shared mask must be written out

    def run(self, x: np.ndarray, m: np.ndarray, y: np.ndarray, threads: int | None) -> int:
        """Pool flat runs of memory; how many windows have nothing real."""
        data = (x, m, y, self.table, self.count_table, self.more)
        return sum(share(self.kernel, data, self.total, workers(threads, self.reads)))


class Axis(NamedTuple):
    """One axis in memory: its size, and its strides in x, y and the mask."""

    size: int
    x: int
    y: int
    m: int
    table: Table | None = None
    rule: Any = None


def suits(plan: Plan, places: Any, taps: Any) -> bool:
    """Whether a plan may be served here (as far as shapes tell)."""
    name, options = plan.reduction.name, plan.options
    if name not in OPS or (name in ("any", "all") and plan.dtype.kind != "b"):
        return False
    if not plan.select or places is not None or taps is not None or len(plan.axes) > 3:
        return False
    if options.divisor_override is not None:
        return False
    return plan.fixed is not None and (options.nan != "raise" or plan.dtype.kind in "biu")


def pool(
    plan: Plan, number: int, x: np.ndarray, y: np.ndarray, w: Any, threads: int | None
) -> int | None:
    """Pool one grid into ``y``; how many windows have nothing real. None: no kernel does it."""
    made = ready(plan, number, x, y, w)
    if made is None:
        return None
    own = NOTHING if w is None else flat(bits(_laid(w.array, x, plan, made.full))).data
    return made.run(flat(bits(x)).data, own, flat(bits(y)).data, threads)


def ready(plan: Plan, number: int, x: np.ndarray, y: np.ndarray, w: Any) -> Made | None:
    """What pools grid ``number`` on arrays that lie like these; it is kept with the plan."""
    lies = None if w is None else (w.kind, w.array.strides)
    key = ("masked", number, x.strides, y.strides, lies)
    if key not in plan.kept:
        plan.kept[key] = _make(plan, number, x, y, w)
    return plan.kept[key]


def quick(
    plan: Plan, layout: Layout, x: np.ndarray, y: np.ndarray, w: Any, mask: Any, threads: int | None
) -> Any:
    """A function of x (and of the mask as given, if there is one) that pools what lies alike."""
    if not suits(plan, None, None) or not x.size or readable(x) is not x:
        return None
    made, shape, work = ready(plan, 0, x, y, w), y.shape, plan.work
    if made is None or (w is not None and type(mask) is not np.ndarray):
        return None
    if w is None:

        def skipping(x: np.ndarray) -> np.ndarray:
            y = np.empty_like(x, dtype=work, shape=shape)
            made.run(flat(bits(x)).data, NOTHING, flat(bits(y)).data, threads)
            return y

        return skipping
    straight = mask.flags.c_contiguous and np.may_share_memory(mask, _laid(w.array, x, plan, made.full))

    def masked(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        y = np.empty_like(x, dtype=work, shape=shape)
        if straight and mask.flags.writeable:
            own = mask.view(np.uint8).reshape(-1)
        else:
            own = flat(bits(_laid(np.broadcast_to(mask, x.shape), x, plan, made.full))).data
        made.run(flat(bits(x)).data, own, flat(bits(y)).data, threads)
        return y

    return masked


def _make(plan: Plan, number: int, x: np.ndarray, y: np.ndarray, w: Any) -> Made | None:
    source = _source(plan, x, w)
    if source is None:
        return None
    nan = source == "nan"
    fx, fy = flat(bits(x)), flat(bits(y))
    channels, outer = _outer(plan, fx, fy)
    spread = channels > SPREAD and not nan and _is_shared(w.array, outer[-1])
    full = outer[-1] if channels > 1 and not spread else None
    fm = fx if nan else flat(bits(_laid(w.array, x, plan, full)))
    axes = [Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a]) for a in outer]
    planes = _merged(axes[:-1] if channels > 1 else axes)
    grid, rules = plan.fixed.grids[number], plan.rules[number]  # type: ignore[union-attr]
    pooled = [
        Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a], t, rule)
        for a, t, rule in zip(plan.axes, grid, rules, strict=True)
    ]
    pooled.sort(key=lambda a: (-abs(a.x), -a.size))
    if int(pooled[-1].table.counts.max(initial=1)) * channels > MOST_SCRATCH:  # type: ignore[union-attr]
        return None
    made = _rows(plan, source, pooled, planes, channels, spread, (fx, fy, fm))
    work = reads(grid, max(x.size // max(math.prod(plan.sizes), 1), 1))
    return made._replace(full=full, reads=work)


def _source(plan: Plan, x: np.ndarray, w: Any) -> str | None:
    """What says what is real; None where kernels do not read it."""
    skip = plan.options.nan == "skip" and x.dtype.kind in "fV"
    if w is None:
        return "nan" if skip else None
    return None if skip else w.kind


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


def _is_shared(mask: np.ndarray, axis: int) -> bool:
    return mask.strides[axis] == 0


def _laid(mask: np.ndarray, x: np.ndarray, plan: Plan, full: int | None) -> np.ndarray:
    """The mask with its axes in memory as those of x, still one for all where it is shared.

    A mask that lies so already is not copied. ``full``: an axis that must not be shared.
    """
    keep = (*plan.axes, full)
    shared = [a for a in range(x.ndim) if mask.strides[a] == 0 and a not in keep]
    one = mask[tuple(slice(0, 1) if a in shared else slice(None) for a in range(x.ndim))]
    order = sorted(range(x.ndim), key=lambda a: (-abs(x.strides[a]), a))
    dense = np.ascontiguousarray(one.transpose(order)).transpose(np.argsort(order))
    return np.broadcast_to(dense, mask.shape)


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
    height = int(np.prod(taps[:-1]))
    outer = [
        rows.Outer(t.start[0], t.stop[0], t.step, None, a.x, a.y)
        for a in sides if (t := a.table) is not None
    ]  # fmt: skip
    in_y = channels if channels > 1 else inner.y
    made = _inner(inner, channels, in_y)
    counting = made._replace(channels=1 if spread else channels, y_stride=1 if spread else channels)
    is_flat = rows.flattened(made).channels != made.channels
    m_w, y_w = (1, 1) if is_flat else (inner.m, inner.y)
    counting = counting._replace(x_stride=inner.x if source == "nan" else inner.m)
    triples = [(a.size, a.x, a.y) for a in planes]
    table = rows.pack(fx.first, fy.first, triples, outer, made)
    count_table = rows.pack(0, 0, [(1, 0, 0)], outer, counting)
    form = _form(plan, source, height, taps, (made, counting), spread)
    each = [1] * (2 - len(sides)) + [len(o.start) for o in outer]
    width = counting.outputs * counting.channels
    shared = len(planes) > 0 and planes[-1].m == 0 and planes[-1].size > 1 and source != "nan"
    chunk = int(np.prod(each)) if shared else max(1, ROOM // width)
    m_d, m_h = (*[Axis(1, 0, 0, 0)] * (2 - len(sides)), *sides)
    gaps = [1] * (2 - len(sides)) + [o.gap for o in outer]
    more = np.array([fm.first, m_d.m, m_h.m, m_d.m * gaps[0], m_h.m * gaps[1], m_w, y_w, chunk,
                     chunk * width, _bits(plan), *(a.m for a in planes)], np.int64)  # fmt: skip
    total = rows.count_rows(triples, outer)
    return Made(maskrows.mask_kernel(form), table, count_table, more, total, 0, None)


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


def _form(
    plan: Plan, source: str, height: int, taps: list[int], inner: tuple[Any, Any], spread: bool
) -> Any:
    from . import maskrows, numbers, rows

    op, kind = OPS[plan.reduction.name], kind_of(plan.dtype)
    out = kind if op in ("max", "min") else kind_of(plan.work)
    if op in ("max", "min"):
        acc = numbers.selecting_accumulator(op, kind)
    elif source == "weights":
        acc = "f64"
    else:
        acc = rows.accumulator_for(kind, op, height, taps[-1], out)
    counted = "f64" if source == "weights" else "u8" if height * taps[-1] <= 255 else "i32"
    made, counting = inner
    step = rows.step_of(made, acc, height)._replace(direct=False)
    count_step = rows.step_of(counting, counted, height)._replace(direct=False)
    return maskrows.Form(op, kind, acc, out, source, counted, step, count_step, spread)
