"""Windows that differ between samples (true sizes, boxes, fractions): one row table for each.

The kernels are those of the rows; a group (a sample, a box or a plane) is a call of its own, whose
table differs from the others' in a few columns. All tables are made at once.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..plan import Layout, Plan
from ..windows import Grid, Table
from ..windows.rules import Slide
from . import rowtable as rt
from .fast import MOST_SCRATCH, OPS, Axis, channels_of, merged, operation_of, triples
from .frame import Flat, flat
from .share import bits, reads, share, workers

MOST_PLACES = 4096  # a row is one strip: what the buffer of the rows holds


class Made(NamedTuple):
    """A kernel, a table for each group, and the rows of one group."""

    kernel: Any
    tables: np.ndarray
    total: int


def suits(plan: Plan, places: Any, taps: Any) -> bool:
    """Whether windows differ and nothing else stands in the way."""
    name, options = plan.reduction.name, plan.options
    if name not in OPS or (name in ("any", "all") and plan.dtype.kind != "b"):
        return False
    if plan.select or options.indices or places is not None or taps is not None:
        return False
    if options.divisor_override is not None or plan.counts_padding:
        return False
    if options.nan == "raise" and plan.dtype.kind not in "biu":
        return False
    return plan.fixed is None and len(plan.axes) <= 3 and 0 not in plan.axes


def pool(
    plan: Plan, layout: Layout, number: int, x: np.ndarray, y: np.ndarray, threads: int | None
) -> int | None:
    """Pool one grid into ``y``; how many windows have nothing real. None: no kernel does it."""
    if not x.size:
        return None
    grid, fx, fy = layout.grids[number], flat(bits(x)), flat(bits(y))
    made = _make(plan, layout, number, fx, fy)
    if made is None:
        return None
    kernel, tables, total = made

    def groups(first: int, last: int) -> None:
        for table in tables[first:last]:
            kernel(fx.data, fy.data, table, 0, total)

    work = reads(grid, max(y.size // max(math.prod(t.start.shape[1] for t in grid), 1), 1))
    share(groups, (), len(tables), workers(threads, work))
    return _fill(plan, layout, grid, y)


def _fill(plan: Plan, layout: Layout, grid: Grid, y: np.ndarray) -> int:
    """Write ``fill`` where windows have nothing real; how many groups and places there are."""
    empty, outer = 0, y if layout.groups == "batch" else None
    for axis, table in zip(plan.axes, grid, strict=True):
        nothing = table.counts == 0
        if not nothing.any():
            continue
        fill = 0 if plan.options.fill is None else plan.options.fill
        if outer is None:  # planes: the groups run over all axes that are not pooled
            nothing = nothing.reshape(*(y.shape[a] for a in plan.outer), -1)
        else:
            nothing = nothing.reshape(len(y), *[1] * (len(plan.outer) - 1), -1)
        order = [*plan.outer, axis, *(a for a in plan.axes if a != axis)]
        turned = y.transpose(order)
        hollow = nothing.reshape(*nothing.shape, *[1] * (len(plan.axes) - 1))
        np.copyto(turned, np.array(fill, y.dtype), where=np.broadcast_to(hollow, turned.shape))
        empty += int(nothing.sum())
    return empty


def _make(plan: Plan, layout: Layout, number: int, x: Flat, y: Flat) -> Made | None:
    from . import numbers, rows

    grid, rules = layout.grids[number], plan.rules[number]
    groups = grid[0].start.shape[0]
    if not groups:
        return None
    free = [a for a in plan.outer if a != 0] if layout.groups == "batch" else []
    order = sorted(range(len(plan.axes)), key=lambda i: -abs(x.strides[plan.axes[i]]))
    pooled = [Axis(plan.shape[a], x.strides[a], y.strides[a], grid[i], None, rules[i])
              for i in order for a in (plan.axes[i],)]  # fmt: skip
    outer = merged([Axis(plan.shape[a], x.strides[a], y.strides[a]) for a in free])
    channels, planes = channels_of(outer, pooled)
    inner, sides = pooled[-1], pooled[:-1]
    low, high = _reach(inner, plan, layout, order[-1])
    if (int((high - low).max(initial=1)) + 1) * channels > min(MOST_PLACES, MOST_SCRATCH):
        return None
    op, kind, out = operation_of(plan)
    made = _inner(plan, inner, channels, low, high)
    taps = [int(a.table.counts.max(initial=1)) for a in pooled]  # type: ignore[union-attr]
    height = math.prod(taps[:-1])
    if op in ("max", "min"):
        acc = numbers.selecting_accumulator(op, kind)
    else:
        acc = rows.accumulator_for(kind, op, height, taps[-1], out)
    kernel = rows.row_kernel(op, kind, acc, out, rows.step_of(made, acc, height))
    sides_0 = [rows.Outer(t.start[0], t.stop[0], t.step, None, a.x, a.y)
               for a in sides if (t := a.table) is not None]  # fmt: skip
    one = rows.pack(x.first, y.first, triples(planes), sides_0, made)
    if one[rt.STRIPS] != 1:
        return None
    tables = np.tile(one, (groups, 1))
    tables[:, rt.X0] += _offsets(plan, layout, x.strides, True)
    tables[:, rt.Y0] += _offsets(plan, layout, y.strides, False)
    mean = op == "mean"
    for at, axis in zip((rt.AT_H, rt.AT_D), reversed(sides), strict=False):
        _set_outer(tables, int(one[at]), axis.table, mean)  # type: ignore[arg-type]
    _set_inner(tables, one, inner, made, plan, low, high)
    return Made(kernel, tables, rows.count_rows(triples(planes), sides_0))


def _reach(axis: Axis, plan: Plan, layout: Layout, number: int) -> tuple[np.ndarray, np.ndarray]:
    """What of the innermost axis the windows of each group may read: low <= i < high."""
    table: Table = axis.table  # type: ignore[assignment]
    if isinstance(axis.rule, Slide) and layout.extents is not None:
        return layout.extents[:, number, 0], layout.extents[:, number, 1]
    return table.start.min(axis=1, initial=axis.size), table.stop.max(axis=1, initial=0)


def _inner(plan: Plan, axis: Axis, channels: int, low: np.ndarray, high: np.ndarray) -> Any:
    from . import rows

    table, rule = axis.table, axis.rule
    common = (axis.size, axis.x, axis.y, table.start.shape[1], channels)  # type: ignore[union-attr]
    if isinstance(rule, Slide):
        return rows.Inner(
            *common, size=rule.kernel, stride=rule.stride, gap=rule.dilation,
            before=rule.padding(axis.size)[0], span_bounds=(0, 1),
        )  # fmt: skip
    widest = int((high - low).argmax())
    return rows.Inner(*common, start=table.start[widest], stop=table.stop[widest])  # type: ignore[union-attr]


def _set_outer(tables: np.ndarray, at: int, table: Table, mean: bool) -> None:
    n = table.start.shape[1]
    tables[:, at : at + n] = table.start
    tables[:, at + n : at + 2 * n] = table.counts
    tables[:, at + 2 * n : at + 3 * n] = table.counts if mean else 1


def _set_inner(
    tables: np.ndarray, one: np.ndarray, axis: Axis, made: Any, plan: Plan, low: np.ndarray,
    high: np.ndarray,
) -> None:  # fmt: skip
    at_w, strips, n = int(one[rt.AT_W]), int(one[rt.AT_STRIPS]), made.outputs
    if made.start is not None:
        table: Table = axis.table  # type: ignore[assignment]
        tables[:, at_w : at_w + n] = table.start
        tables[:, at_w + n : at_w + 2 * n] = table.stop
        tables[:, at_w + 2 * n : at_w + 3 * n] = table.counts
        tables[:, strips + 2], tables[:, strips + 3] = low, np.maximum(high, low)
        return
    # A sliding row begins where its sample does: what lies before and behind is padding.
    scale = made.channels // int(one[rt.CHANNELS])
    low, length = low * scale, (high - low) * scale
    tables[:, rt.X0] += low // scale * axis.x
    tables[:, rt.BEFORE] += low
    tables[:, rt.LENGTH] = length
    tables[:, rt.SPAN], tables[:, rt.SPAN_LOW], tables[:, rt.SPAN_HIGH] = 0, 0, length
    tables[:, strips + 2] -= low
    tables[:, strips + 3] -= low


def _offsets(plan: Plan, layout: Layout, strides: tuple[int, ...], source: bool) -> np.ndarray:
    """Where each group begins in an array."""
    if layout.groups == "batch":
        rows = layout.grids[0][0].start.shape[0]
        own = np.arange(rows) if layout.source is None or not source else layout.source
        return own * strides[0]
    places = np.indices([plan.shape[a] for a in plan.outer]).reshape(len(plan.outer), -1)
    return np.array([strides[a] for a in plan.outer], np.int64) @ places
