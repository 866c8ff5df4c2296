"""When the smooth kernels serve a plan (lse, soft, lp, gem, std, var), and how to call them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..plan import Plan
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
    plan: Plan, pooled: Sequence[Axis], channels: int, planes: list[Axis], x: Flat, y: Flat
) -> Fast | str:
    """The kernel for one grid of windows over these arrays, or why there is none."""
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    by_stride = sorted(pooled, key=lambda a: (-abs(a.x), -a.size))
    inner, outer = by_stride[-1], by_stride[:-1]
    if not isinstance(inner.rule, Slide):
        return "windows that do not slide have no fast kernel"
    return _slide(plan, inner, outer, channels, planes, x, y)


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
    kernel = _kernel(smoothslide, form, kind_of(plan.dtype), acc, kind_of(plan.work), way)
    return Fast("smooth", kernel, table, rows.count_rows(places, sides))


_kernels: dict[tuple, Callable] = {}


def _kernel(room: Any, *key: str) -> Callable:
    if (room.__name__, *key) not in _kernels:
        _kernels[room.__name__, *key] = room.make_kernel(*key)
    return _kernels[room.__name__, *key]


def _taps(axes: Sequence[Axis]) -> int:
    """The most taps that a window has."""
    return math.prod(int(a.windows.counts.max(initial=0)) for a in axes)


def _table(
    inner: Axis, outer: Sequence[Axis], planes: list[Axis], x: Flat, y: Flat, channels: int
) -> tuple[np.ndarray, list[tuple[int, int, int]], list[Any]]:
    from . import rows

    windows, rule, more = inner.windows, inner.rule, {}
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
