"""When the smooth kernels serve a plan (lse, soft, lp, gem, std, var), and how to call them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..plan import Plan
from ..windows import Table
from ..windows.rules import Slide
from .fast import Axis, Fast, triples
from .frame import Flat
from .share import kind_of

NAMES = ("lse", "soft", "lp", "gem", "std", "var")
MOST_POWER = 500.0  # 2 to this power, times the elements of any window, is far from overflow
EASY_POWER = 6.0  # powers of float32 up to here are sure to fit float64
MOST_SINGLE = 32  # taps that are added up in single precision, one after the other
MOST_SHUFFLED = 4  # strides that vectors are taken apart by
SCRATCH = 8192  # numbers that the staged rows should not exceed by much


def suits(plan: Plan) -> str:
    """Why a plan of one of these reductions cannot be served here, or ""."""
    name, p = plan.reduction.name, plan.numbers[0]
    if name in ("lp", "gem") and not p <= MOST_POWER:
        return f"{plan.reduction} has no fast kernel"
    return ""


def ready(
    plan: Plan, pooled: Sequence[Axis], few: Sequence[Axis], channels: int, planes: list[Axis],
    x: Flat, y: Flat,
) -> Fast | str:  # fmt: skip
    """The kernel for one grid of windows over these arrays, or why there is none.

    `few`: the pooled axes, or as few longer ones if the windows are whole.
    """
    if few is not pooled:
        pooled = [_whole(axis) for axis in few]
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    by_stride = sorted(pooled, key=lambda a: (-abs(a.x), -a.size))
    inner, outer = by_stride[-1], by_stride[:-1]
    if channels == 1 and inner.x == 1 and (_wide(inner) or not isinstance(inner.rule, Slide)):
        return _direct(plan, inner, outer, 1, planes, x, y)
    if isinstance(inner.rule, Slide):
        return _slide(plan, inner, outer, channels, planes, x, y)
    if channels == 1:
        return "ragged windows along an axis with gaps in memory have no fast kernel"
    return _direct(plan, inner, outer, channels, planes, x, y)


def _whole(axis: Axis) -> Axis:
    """An axis that is one window."""
    ends = np.array([[0]]), np.array([[axis.size]])
    return axis._replace(table=Table(*ends, 1, ends[1]), rule=None)


def _wide(inner: Axis) -> bool:
    """Whether windows are long and hardly overlap, or are few."""
    t, rule = inner.windows, inner.rule
    if not isinstance(rule, Slide) or rule.dilation > 1:
        return False
    return t.start.shape[1] < 4 or (rule.stride >= 8 and rule.kernel >= 8)


def _direct(
    plan: Plan, inner: Axis, outer: Sequence[Axis], channels: int, planes: list[Axis],
    x: Flat, y: Flat,
) -> Fast:  # fmt: skip
    from . import numbers, rows, smoothdirect, smoothtable

    table, places, sides = _table(inner, outer, planes, x, y, channels)
    table = smoothtable.widened(table, (0,) * 6, parameters(plan))
    rows_most, long = _taps(outer), _taps([inner])
    kinds = form_of(plan), kind_of(plan.dtype)
    if channels > 1:
        acc = accumulator(plan, rows_most * long)
        full = 2 * numbers.lanes_of(acc)
        lanes = str(min(full, 1 << (channels - 1).bit_length()))
        kernel = _kernel(smoothdirect.make_places, *kinds, acc, kind_of(plan.work), lanes)
    else:
        acc = accumulator(plan, rows_most * -(-long // numbers.lanes_of("f32")))
        kernel = _kernel(smoothdirect.make_runs, *kinds, acc, kind_of(plan.work))
    return Fast("smooth", kernel, table, rows.count_rows(places, sides))


def _slide(
    plan: Plan, inner: Axis, outer: Sequence[Axis], channels: int, planes: list[Axis],
    x: Flat, y: Flat,
) -> Fast:  # fmt: skip
    from . import numbers, rows, smoothslide, smoothtable

    rule: Slide = inner.rule
    form, acc = form_of(plan), accumulator(plan, _taps([*outer, inner]))
    way = "channels" if channels > 1 else "any"
    if channels == 1 and inner.x == 1 and rule.stride <= MOST_SHUFFLED:
        way = str(rule.stride)
    phases = rule.stride if way.isdigit() else min(rule.stride, rule.reach)
    gaps = [a.windows.step for a in outer]
    rings = [int((a.windows.stop - a.windows.start).max(initial=1)) for a in outer]
    outs, lanes = inner.windows.start.shape[1], numbers.lanes_of(acc)
    strip = max(SCRATCH // max(phases * math.prod(rings) * channels, 1), 1)
    strip = min(max(strip, 4 * lanes // channels, 1), outs)
    room = (strip + (rule.reach - 1) // rule.stride) * channels + lanes
    table, places, sides = _table(inner, outer, planes, x, y, channels)
    ones = [1] * (2 - len(outer))
    sizes = (strip, room, *ones, *gaps, *ones, *rings)
    table = smoothtable.widened(table, sizes, parameters(plan))
    kernel = _kernel(smoothslide.make_kernel, form, kind_of(plan.dtype), acc, kind_of(plan.work), way)
    return Fast("smooth", kernel, table, rows.count_rows(places, sides))


_kernels: dict[tuple, Callable] = {}


def _kernel(make: Callable, *key: str) -> Callable:
    if (make, *key) not in _kernels:
        _kernels[make, *key] = make(*key)
    return _kernels[make, *key]


def _taps(axes: Sequence[Axis]) -> int:
    """The most taps that a window has."""
    return math.prod(int(a.windows.counts.max(initial=0)) for a in axes)


def _table(
    inner: Axis, outer: Sequence[Axis], planes: list[Axis], x: Flat, y: Flat, channels: int
) -> tuple[np.ndarray, list[tuple[int, int, int]], list[Any]]:
    from . import rows

    windows, rule, more = inner.windows, inner.rule, {"gap": inner.windows.step}
    if isinstance(rule, Slide):
        more = {"size": rule.kernel, "stride": rule.stride, "gap": rule.dilation,
                "before": rule.padding(inner.size)[0]}  # fmt: skip
    made = rows.Inner(
        inner.size, inner.x, inner.y, windows.start.shape[1], channels,
        start=windows.start[0], stop=windows.stop[0], **more,
    )  # fmt: skip
    sides = [
        rows.Outer(a.windows.start[0], a.windows.stop[0], a.windows.step, None, a.x, a.y)
        for a in outer
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
