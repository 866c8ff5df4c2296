"""Masks, weights and skipped NaN in fast kernels: when they serve a Plan, and how to call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows import Grid, Table
from ..windows.rules import Slide
from .frame import Flat, flat
from .share import bits, kind_of, stored

OPS = {"max": "max", "min": "min", "sum": "sum", "mean": "mean", "any": "max", "all": "min"}
MOST_SCRATCH = 1 << 18  # accumulators: a strip of rows holds at least one window's width
ROOM = 1 << 12  # counts kept at once where planes do not share a mask
SPREAD = 16  # channels beyond which one number of the mask stands for all of a place


class Made(NamedTuple):
    """A kernel, the arrays it takes and its rows."""

    kernel: Any
    data: tuple[Any, ...]
    total: int


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


def ready(plan: Plan, grid: Grid, rules: Any, x: np.ndarray, y: np.ndarray, w: Any) -> Made | None:
    """The kernel for one grid over these arrays, or None where there is none."""
    source = _source(plan, x, w)
    if source is None:
        return None
    nan = source == "nan"
    own = x if nan else w.array
    fx, fy = flat(bits(x)), flat(bits(y))
    channels, outer = _outer(plan, fx, fy)
    spread = channels > SPREAD and not nan and _is_shared(own, outer[-1])
    laid = own if nan else _laid(own, x, plan, outer[-1] if channels > 1 and not spread else None)
    fm = flat(bits(laid))
    axes = [Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a]) for a in outer]
    planes = _merged(axes[:-1] if channels > 1 else axes)
    pooled = [
        Axis(plan.shape[a], fx.strides[a], fy.strides[a], fm.strides[a], t, rule)
        for a, t, rule in zip(plan.axes, grid, rules, strict=True)
    ]
    pooled.sort(key=lambda a: (-abs(a.x), -a.size))
    if int(pooled[-1].table.counts.max(initial=1)) * channels > MOST_SCRATCH:  # type: ignore[union-attr]
        return None
    return _rows(plan, source, pooled, planes, channels, spread, (fx, fy, fm))


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
    data = (fx.data, fm.data, fy.data, table, count_table, more)
    return Made(maskrows.mask_kernel(form), data, total)


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
