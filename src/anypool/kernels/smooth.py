"""When the smooth kernels serve a plan (lse, soft, lp, gem, std, var), and how to call them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..plan import Plan
from ..windows.rules import Slide
from .fast import Axis, Fast, merged, triples
from .frame import Flat
from .share import kind_of

NAMES = ("lse", "soft", "lp", "gem", "std", "var")
MOST_POWER = 500.0  # 2 to this power, times the elements of any window, is far from overflow
EASY_POWER = 6.0  # powers of float32 up to here are sure to fit float64
MOST_SINGLE = 32  # taps that are added up in single precision, one after the other
SCRATCH = 4096  # numbers that the staged rows should not exceed by much


def suits(plan: Plan) -> str:
    """Why a plan of one of these reductions cannot be served here, or ""."""
    name, p = plan.reduction.name, plan.numbers[0]
    if name in ("lp", "gem") and not p <= MOST_POWER:
        return f"{plan.reduction} has no fast kernel"
    return ""


def ready(
    plan: Plan, pooled: Sequence[Axis], channels: int, planes: list[Axis], x: Flat, y: Flat
) -> Fast | str:
    """The kernel for one grid of windows over these arrays, or why there is none."""
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    by_stride = sorted(pooled, key=lambda a: (-abs(a.x), -a.size))
    inner, outer = by_stride[-1], by_stride[:-1]
    if not isinstance(inner.rule, Slide):
        return "windows that do not slide have no fast kernel"
    if channels > 1:
        planes = merged([*planes, Axis(channels, 1, 1)])
    return _lanes(plan, inner, outer, planes, x, y)


def _lanes(
    plan: Plan, inner: Axis, outer: Sequence[Axis], planes: list[Axis], x: Flat, y: Flat
) -> Fast:
    from . import numbers, rows, smoothlanes, smoothtable

    rule: Slide = inner.rule
    form, acc = form_of(plan), accumulator(plan, _taps(inner, outer))
    stride = rule.stride if rule.stride <= 4 and inner.x == 1 else 0
    table, places, sides = _table(inner, outer, planes, x, y, 1)
    deepest = _taps(None, outer)
    lanes = numbers.lanes_of(acc)
    phases = stride or min(rule.stride, rule.reach)
    outs = inner.table.start.shape[1]  # type: ignore[union-attr]
    strip = min(max(SCRATCH // max(deepest * phases, 1), 4 * lanes), outs)
    room = strip + (rule.reach - 1) // rule.stride + lanes
    table = smoothtable.widened(table, (strip, deepest, room), parameters(plan))
    kernel = smoothlanes.make_kernel(form, kind_of(plan.dtype), acc, kind_of(plan.work), stride)
    return Fast("smooth", kernel, table, rows.count_rows(places, sides))


def _taps(inner: Axis | None, outer: Sequence[Axis]) -> int:
    axes = [*outer, *([] if inner is None else [inner])]
    return int(np.prod([t.counts.max(initial=0) for a in axes if (t := a.table) is not None]))


def _table(
    inner: Axis, outer: Sequence[Axis], planes: list[Axis], x: Flat, y: Flat, channels: int
) -> tuple[np.ndarray, list[tuple[int, int, int]], list]:
    from . import rows

    windows, rule = inner.windows, inner.rule
    more = {}
    if isinstance(rule, Slide):
        more = {"size": rule.kernel, "stride": rule.stride, "gap": rule.dilation,
                "before": rule.padding(inner.size)[0]}  # fmt: skip
    made = rows.Inner(
        inner.size, inner.x, inner.y, windows.start.shape[1], channels,
        start=windows.start[0], stop=windows.stop[0], **more,
    )  # fmt: skip
    sides = [
        rows.Outer(t.start[0], t.stop[0], t.step, None, a.x, a.y)
        for a in outer if (t := a.table) is not None
    ]  # fmt: skip
    places = triples(planes)
    return rows.pack(x.first, y.first, places, sides, made), places, sides


def accumulator(plan: Plan, taps: int) -> str:
    """float32 where that is exact enough: exponential means of few taps, led by their largest."""
    short = plan.dtype.name in ("float32", "float16", "bfloat16") and plan.work.itemsize <= 4
    light = plan.reduction.name in ("lse", "soft") and taps <= MOST_SINGLE
    return "f32" if short and light else "f64"


def form_of(plan: Plan) -> str:
    """The name of the arithmetic in `smoothforms.FORMS`."""
    name, p = plan.reduction.name, plan.numbers[0]
    if name in ("lse", "soft"):
        return f"{name}_{'min' if p < 0 else 'max'}"
    if name in ("std", "var"):
        return name
    degree = int(p) if p in (1.0, 2.0, 3.0) else 0
    easy = p <= EASY_POWER and plan.dtype.name != "float64"
    return f"{name}{degree}" + ("" if easy else "_scaled")


def parameters(plan: Plan) -> np.ndarray:
    """The five numbers of a form: a power and its inverse are split as `curves.power` takes them."""
    first, second = plan.numbers
    if plan.reduction.name not in ("lp", "gem"):
        return np.array([first, 0.0, 0.0, 0.0, 0.0])
    return np.array([*_split(Fraction(first)), *_split(1 / Fraction(first)), second])


def _split(exact: Fraction) -> tuple[float, float]:
    high = float(np.float32(float(exact)))
    return high, float(exact - Fraction(high))
