"""When the fast kernels serve a Plan, and how to call them.

``rows`` combines whole rows of memory and then steps along them; ``flat`` takes whole windows from
a contiguous stretch. Both read plain windows of max, min, sum and mean (and any, all of bool).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows import Table
from ..windows.rules import Slide
from .frame import Flat
from .share import kind_of, reads

if TYPE_CHECKING:
    from . import rows

# rows and flat are imported where they are used: a process that reads its kernels from the disk
# should load no more code than its own kernels need (10 ms each)
OPS = {"max": "max", "min": "min", "sum": "sum", "mean": "mean", "any": "max", "all": "min"}
ORDERED = ("median", "quantile", "topk", "mode")  # served by `ordered`
SMOOTH = ("lse", "soft", "lp", "gem", "std", "var")  # served by `smooth`
# elements that windows read in all: below, these and masks take the slow loop, which is done before
# a kernel of their own is read from the disk, let alone compiled (a second or two for each)
LEAST_READ = 1 << 15
MOST_SCRATCH = 1 << 18  # accumulators: a strip of rows holds at least one window's width


class Axis(NamedTuple):
    """One axis in memory: its size, its strides in x and y, and its windows if it is pooled."""

    size: int
    x: int
    y: int
    table: Table | None = None
    span: np.ndarray | None = None
    rule: Any = None

    @property
    def windows(self) -> Table:
        """The table of a pooled axis."""
        if self.table is None:
            raise ValueError("this axis is not pooled")
        return self.table


class Fast(NamedTuple):
    """A kernel with its table, ready to run over ``total`` rows."""

    name: str
    kernel: Callable[..., Any]
    table: np.ndarray
    total: int


def suits(plan: Plan, checked: bool = False) -> str:
    """Why a plan cannot be served here, or "" where it can (as far as shapes tell).

    ``checked``: NaN have been looked for.
    """
    name, options = plan.reduction.name, plan.options
    known = name in OPS or name in ORDERED or name in SMOOTH
    if not known or (name in ("any", "all") and plan.dtype.kind != "b"):
        return f"{name} of {plan.dtype} has no fast kernel"
    if plan.select or options.indices:
        return "masks, weights, skipped NaN and indices have no fast kernel"
    if options.nan == "raise" and not checked and plan.dtype.kind not in "biu":
        return 'nan="raise" has no fast kernel'
    if plan.fixed is None:
        return "windows that differ between samples have no fast kernel"
    if name not in OPS and read_by(plan) < LEAST_READ:
        return "too little to do for a kernel made for these windows"
    if name in SMOOTH:
        from . import smooth

        return smooth.suits(plan)
    return ""


def read_by(plan: Plan) -> int:
    """About how many elements all windows of a plan read; kept with it."""
    if "read" not in plan.kept:
        planes = math.prod(plan.shape[a] for a in plan.outer)
        plan.kept["read"] = sum(reads(grid, planes) for grid in plan.fixed.grids)  # type: ignore[union-attr]
    return plan.kept["read"]


class Laid(NamedTuple):
    """One grid of windows in memory: the pooled axes, as few longer ones if windows are whole,
    how many channels lie below them, and the other axes."""

    pooled: list[Axis]
    few: list[Axis]
    channels: int
    planes: list[Axis]


def laid(plan: Plan, grid: Sequence[Table], rules: Any, x: Flat, y: Flat) -> Laid:
    """How one grid of windows lies in these arrays."""
    spans = plan.divisors(tuple(grid)) if plan.scaled else (None,) * len(grid)
    pooled = [
        Axis(
            plan.shape[a],
            x.strides[a],
            y.strides[a],
            t,
            None if s is None else s[0].astype(np.int64),
            rule,
        )
        for a, t, s, rule in zip(plan.axes, grid, spans, rules, strict=True)
    ]
    outer = merged([Axis(plan.shape[a], x.strides[a], y.strides[a]) for a in plan.outer])
    whole = all(_whole(axis) for axis in pooled)
    few = merged([axis._replace(y=0) for axis in pooled]) if whole else pooled
    return Laid(pooled, few, *channels_of(outer, pooled))


def ready(plan: Plan, grid: Sequence[Table], rules: Any, x: Flat, y: Flat) -> Fast | str:
    """The fast kernel for one grid of windows over these arrays, or why there is none."""
    found = laid(plan, grid, rules, x, y)
    pooled, few, channels, planes = found
    if plan.reduction.name in SMOOTH:
        from . import smooth

        return smooth.ready(plan, found, x, y)
    if plan.reduction.name in ORDERED:
        from . import ordered

        return ordered.ready(plan, pooled, channels, planes, x, y)
    if few is not pooled and len(few) == 1:
        made = _flat(plan, few[0], channels, planes, pooled, x, y)
        if made is not None:
            return made
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    return _rows(plan, pooled, channels, planes, x, y)


def _whole(axis: Axis) -> bool:
    t = axis.table
    return t is not None and t.start.shape[1] == 1 and t.step == 1 and (
        int(t.start[0, 0]) == 0 and int(t.stop[0, 0]) == axis.size
    )  # fmt: skip


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """Axes from the widest stride of x to the narrowest; neighbours that step alike are one."""
    found: list[Axis] = []
    for axis in sorted((a for a in axes if a.size > 1), key=lambda a: -abs(a.x)):
        last = found[-1] if found else None
        if last is not None and last.x == axis.x * axis.size and last.y == axis.y * axis.size:
            found[-1] = Axis(last.size * axis.size, axis.x, axis.y)
        else:
            found.append(Axis(axis.size, axis.x, axis.y))
    return found or [Axis(1, 1, 1)]


def channels_of(outer: list[Axis], pooled: Sequence[Axis]) -> tuple[int, list[Axis]]:
    """How many channels lie next to each other below the pooled axes, and the other axes."""
    inner = outer[-1]
    nearest = min(abs(a.x) for a in pooled if a.size > 1) if any(a.size > 1 for a in pooled) else 2
    if inner.size > 1 and inner.x == 1 and inner.y == 1 and nearest >= inner.size:
        return inner.size, outer[:-1]
    return 1, outer


def triples(planes: Sequence[Axis]) -> list[tuple[int, int, int]]:
    return [(axis.size, axis.x, axis.y) for axis in planes] or [(1, 0, 0)]


def operation_of(plan: Plan) -> tuple[str, str, str]:
    op, kind = OPS[plan.reduction.name], kind_of(plan.dtype)
    return op, kind, kind if op in ("max", "min") else kind_of(plan.work)


def _flat(
    plan: Plan, run: Axis, channels: int, planes: list[Axis], pooled: Sequence[Axis],
    x: Flat, y: Flat,
) -> Fast | None:  # fmt: skip
    from . import flat, numbers

    op, kind, out = operation_of(plan)
    divisor = int(np.prod([a.span[0] for a in pooled if a.span is not None])) if plan.scaled else 1
    total = "f64" if numbers.KINDS[kind].family in ("float", "half") or kind[1:] == "64" else (
        "i64" if numbers.KINDS[kind].family == "int" else "u64")  # fmt: skip
    if op == "sum" and kind in ("i64", "u64"):
        total = kind
    acc = numbers.selecting_accumulator(op, kind) if op in ("max", "min") else total
    places = triples(planes)
    if channels > 1:
        table = flat.pack_channels(x.first, y.first, places, run.size, run.x, channels, divisor)
        kernel = flat.channels_kernel(op, kind, acc, out)
        return Fast("flat", kernel, table, flat.count_units(places, channels))
    if run.x != 1:
        return None
    table = flat.pack(x.first, y.first, places, run.size, divisor)
    return Fast("flat", flat.flat_kernel(op, kind, acc, out), table, flat.count_units(places))


def by_stride(pooled: Sequence[Axis]) -> tuple[Axis, list[Axis]]:
    """The pooled axis along which memory runs, and the others."""
    *outer, inner = sorted(pooled, key=lambda a: (-abs(a.x), -a.size))
    return inner, outer


def sides_of(outer: Sequence[Axis]) -> list[rows.Outer]:
    """The other axes as the row kernels take them."""
    from . import rows

    return [
        rows.Outer(t.start[0], t.stop[0], t.step, a.span, a.x, a.y)
        for a in outer if (t := a.table) is not None
    ]  # fmt: skip


def _rows(
    plan: Plan, pooled: Sequence[Axis], channels: int, planes: list[Axis], x: Flat, y: Flat
) -> Fast | str:
    from . import numbers, rows

    op, kind, out = operation_of(plan)
    inner, outer = by_stride(pooled)
    width = int(inner.table.counts.max()) * channels  # type: ignore[union-attr]
    if width > MOST_SCRATCH:
        return f"a window {width} numbers wide leaves the innermost cache"
    if isinstance(inner.rule, Slide) and inner.rule.stride > 4 * inner.rule.reach:
        return "windows far apart leave most of each row unread"
    made = inner_of(plan, inner, channels)
    sides = sides_of(outer)
    places = triples(planes)
    height = int(np.prod([t.counts.max() for a in outer if (t := a.table) is not None]))
    if op in ("max", "min"):
        acc = numbers.selecting_accumulator(op, kind)
    else:
        acc = rows.accumulator_for(kind, op, height, width // channels, out)
    from . import large

    if large.pays(inner, outer, made):
        return large.ready((op, kind, acc, out), inner, outer, made, planes, x, y)
    kernel = rows.row_kernel(op, kind, acc, out, rows.step_of(made, acc, height))
    table = rows.pack(x.first, y.first, places, sides, made)
    return Fast("rows", kernel, table, rows.count_rows(places, sides))


def inner_of(plan: Plan, axis: Axis, channels: int) -> rows.Inner:
    from . import rows

    t = axis.table
    common = (axis.size, axis.x, axis.y, t.start.shape[1], channels)  # type: ignore[union-attr]
    if not isinstance(axis.rule, Slide):
        return rows.Inner(*common, start=t.start[0], stop=t.stop[0], span_table=axis.span)  # type: ignore[union-attr]
    rule: Slide = axis.rule
    before, after = rule.padding(axis.size)
    span, bounds = 0, (-before, axis.size + after) if plan.counts_padding else (0, axis.size)
    if plan.options.divisor_override is not None and axis.span is not None:
        span = int(axis.span[0])
    return rows.Inner(
        *common, size=rule.kernel, stride=rule.stride, gap=rule.dilation, before=before,
        span=span, span_bounds=bounds,
    )  # fmt: skip
