"""When the smooth kernels serve a plan (lse, soft, lp, gem, std, var), and how to call them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows import Table
from ..windows.rules import Slide
from .fast import Axis, Fast, Laid, triples
from .frame import Flat
from .share import kind_of

MOST_POWER = 500.0  # 2 to this power, times the elements of any window, is far from overflow
EASY_POWER = 6.0  # powers of float32 up to here are sure to fit float64
MOST_SINGLE = 32  # taps that are added up in single precision, one after the other
MOST_SHUFFLED = 4  # strides that vectors are taken apart by
SCRATCH = 8192  # numbers that the staged rows should not exceed by much
MOST_HELD = 1 << 16  # numbers of staged rows on the way back through three axes


def suits(plan: Plan) -> str:
    """Why a plan of one of these reductions cannot be served here, or ""."""
    name, p = plan.reduction.name, plan.numbers[0]
    if name in ("lp", "gem") and not 1 / MOST_POWER <= p <= MOST_POWER:
        return f"{plan.reduction} has no fast kernel"
    return ""


class Way(NamedTuple):
    """How windows are gone through: the kernel's way, its table, and over how many rows it goes."""

    way: str  # see `smoothstage`; or "runs" or "places", see `smoothdirect`
    lanes: int  # of "places"
    acc: str
    table: np.ndarray
    rows: int
    planes: int


def ready(plan: Plan, laid: Laid, x: Flat, y: Flat) -> Fast | str:
    """The kernel for one grid of windows over these arrays, or why there is none."""
    found = suits(plan) or way_of(plan, laid, x, y)
    if isinstance(found, str):
        return found
    kinds = form_of(plan), kind_of(plan.dtype), found.acc, kind_of(plan.work)
    kernel = _kernel(*kinds, found.way, found.lanes)
    return Fast("smooth", kernel, found.table, found.rows)


@lru_cache(maxsize=256)
def _kernel(form: str, kind: str, acc: str, out: str, way: str, lanes: int) -> Any:
    if way in ("runs", "places"):
        from . import smoothdirect

        return smoothdirect.make_kernel(form, kind, acc, out, way, lanes)
    from . import smoothslide

    return smoothslide.make_kernel(form, kind, acc, out, way)


def way_of(plan: Plan, laid: Laid, x: Flat, y: Flat, back: bool = False) -> Way | str:
    """How to go through one grid of windows. ``back``: every row is to be written once."""
    pooled = laid.pooled if laid.few is laid.pooled else [_whole(axis) for axis in laid.few]
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    by_stride = sorted(pooled, key=lambda a: (-abs(a.x), -a.size))
    inner, outer = by_stride[-1], by_stride[:-1]
    lies = _Lies(inner, outer, laid.channels, laid.planes, x, y)
    if laid.channels == 1 and inner.x == 1 and (_wide(inner) or not isinstance(inner.rule, Slide)):
        return _direct(plan, lies)
    if isinstance(inner.rule, Slide):
        return _slide(plan, lies, back)
    if laid.channels == 1:
        return "ragged windows along an axis with gaps in memory have no fast kernel"
    return _direct(plan, lies)


class _Lies(NamedTuple):
    """How windows lie in memory."""

    inner: Axis
    outer: Sequence[Axis]
    channels: int
    planes: list[Axis]
    x: Flat
    y: Flat

    def table(self) -> np.ndarray:
        """What `rows` and these kernels share."""
        from . import rows

        inner, windows = self.inner, self.inner.windows
        more: dict[str, Any] = {"gap": windows.step}
        if isinstance(rule := inner.rule, Slide):
            more = {"size": rule.kernel, "stride": rule.stride, "gap": rule.dilation,
                    "before": rule.padding(inner.size)[0]}  # fmt: skip
        made = rows.Inner(
            inner.size, inner.x, inner.y, windows.start.shape[1], self.channels,
            start=windows.start[0], stop=windows.stop[0], **more,
        )  # fmt: skip
        sides = [
            rows.Outer(t.start[0], t.stop[0], t.step, None, a.x, a.y)
            for a in self.outer if (t := a.windows)
        ]  # fmt: skip
        return rows.pack(self.x.first, self.y.first, triples(self.planes), sides, made)

    def way(self, way: str, lanes: int, acc: str, sizes: tuple[int, ...], plan: Plan) -> Way:
        from . import smoothtable

        planes = math.prod(axis.size for axis in self.planes)
        rows = planes * math.prod(a.windows.start.shape[1] for a in self.outer)
        table = smoothtable.widened(self.table(), sizes, parameters(plan))
        return Way(way, lanes, acc, table, rows, planes)


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


def _direct(plan: Plan, lies: _Lies) -> Way:
    from . import numbers

    high, long = _taps(lies.outer), _taps([lies.inner])
    sizes = (0, 0, 0, 0, 0, 0, int(_is_split([*lies.outer, lies.inner])))
    if lies.channels == 1:
        acc = accumulator(plan, high * -(-long // numbers.lanes_of("f32")))
        return lies.way("runs", numbers.lanes_of(acc), acc, sizes, plan)
    acc = accumulator(plan, high * long)
    lanes = min(2 * numbers.lanes_of(acc), 1 << (lies.channels - 1).bit_length())
    return lies.way("places", lanes, acc, sizes, plan)


def _overlap(axis: Axis) -> bool:
    """Whether some element lies in two windows."""
    t = axis.windows
    return bool((t.start[0, 1:] < t.stop[0, :-1]).any())


def _slide(plan: Plan, lies: _Lies, back: bool) -> Way | str:
    from . import numbers

    inner, outer, channels = lies.inner, lies.outer, lies.channels
    rule: Slide = inner.rule
    acc = accumulator(plan, _taps([*outer, inner]))
    way = "channels" if channels > 1 else "any"
    if channels == 1 and inner.x == 1 and rule.stride <= MOST_SHUFFLED:
        way = str(rule.stride)
    phases = rule.stride if way.isdigit() else min(rule.stride, rule.reach)
    gaps = [a.windows.step for a in outer]
    rings = [int((a.windows.stop - a.windows.start).max(initial=1)) for a in outer]
    outs, lanes = inner.windows.start.shape[1], numbers.lanes_of(acc)
    strip = max(SCRATCH // max(phases * math.prod(rings) * channels, 1), 1)
    strip = min(max(strip, 4 * lanes // channels, 1), outs)
    if back and rule.reach > rule.stride:
        strip = outs
    if back and len(outer) == 2 and _overlap(outer[0]):  # the next windows come back to every row
        rings[1] = outer[1].size
        if math.prod(rings) * phases * inner.size * channels > MOST_HELD:
            return "windows that overlap along three axes leave the cache on the way back"
    room = (strip + (rule.reach - 1) // rule.stride) * channels + lanes
    ones = [1] * (2 - len(outer))
    return lies.way(way, lanes, acc, (strip, room, *ones, *gaps, *ones, *rings, 0), plan)


def _is_split(axes: Sequence[Axis]) -> bool:
    """Whether every element lies in one window."""
    return all(
        np.array_equal(t.start[0, 1:], t.stop[0, :-1])
        and t.step == 1 and t.start[0, 0] == 0 and t.stop[0, -1] == a.size
        for a in axes if (t := a.windows)
    )  # fmt: skip


def _taps(axes: Sequence[Axis]) -> int:
    """The most taps that a window has."""
    return math.prod(int(a.windows.counts.max(initial=0)) for a in axes)


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
    return f"{name}{degree}" + ("" if easy and plan.work.itemsize <= 4 else
                                "_long" if easy else "_scaled")  # fmt: skip


def parameters(plan: Plan) -> np.ndarray:
    """A form's five numbers: a power and its inverse are split as `curves.power` takes them."""
    first, second = plan.numbers
    if plan.reduction.name not in ("lp", "gem"):
        return np.array([first, 0.0, 0.0, 0.0, 0.0])
    return np.array([*_split(Fraction(first)), *_split(1 / Fraction(first)), second])


def _split(exact: Fraction) -> tuple[float, float]:
    high = float(np.float32(float(exact)))
    return high, float(exact - Fraction(high))
