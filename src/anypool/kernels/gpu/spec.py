"""A plan in the words of the GPU's kernels, and which plans they serve. Whole numbers only."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...plan import Plan
from ...windows import Adaptive, Sliding, Whole
from ...windows.rules import Parts, Slide
from . import names

SLIDE, ADAPT, SPLIT = names.SLIDE.value, names.ADAPT.value, names.SPLIT.value
PLAIN, FIXED = names.PLAIN.value, names.FIXED.value
COUNTS, SPANS = names.COUNTS.value, names.SPANS.value
ACCS = {"f32": names.F32, "f64": names.F64, "i32": names.I32, "u32": names.U32, "i64": names.I64,
        "u64": names.U64}  # fmt: skip
MOST = 1 << 30  # of a size, a stride of windows or padding: sums of two fit 32 bits


class Line(NamedTuple):
    """The windows of one axis: n elements, m outputs, and how they lie."""

    n: int
    m: int
    kind: int
    size: int  # taps at most
    step: int
    pad: int
    gap: int
    after: int
    cover: int  # outputs at most that read one element

    @property
    def words(self) -> tuple[int, ...]:
        """What the kernels are compiled for."""
        return self.kind, self.size, self.step, self.pad, self.gap, self.after

    @property
    def whole(self) -> bool:
        return self.kind == ADAPT and self.m == 1 and self.size == self.n


POINT = Line(1, 1, ADAPT, 1, 1, 0, 1, 0, 1)


class Spec(NamedTuple):
    """One grid of windows and one reduction, for arrays of one shape; only plain values."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    lines: tuple[Line, Line, Line]
    op: str
    p0: float
    p1: float
    divide: int
    divisor: float
    fill: float
    hollow: bool
    skip: bool
    sized: bool
    weighs: bool
    acc: str
    result: str  # the dtype of what comes out

    @property
    def extreme(self) -> bool:
        return self.op in ("max", "min")

    @property
    def linear(self) -> bool:
        """Whether the derivative needs nothing but where windows lie."""
        return self.op == "sum" and not self.skip

    @property
    def taps(self) -> int:
        return math.prod(line.size for line in self.lines)

    @property
    def out_shape(self) -> tuple[int, ...]:
        shape = list(self.shape)
        for axis, line in zip(self.axes, self.lines[3 - len(self.axes) :], strict=True):
            shape[axis] = line.m
        return tuple(shape)


def spec_of(plan: Plan) -> Spec | str:
    """What a plan of one grid asks of the kernels, or why they do not serve it."""
    if "gpu" not in plan.kept:
        plan.kept["gpu"] = unserved(plan) or _made(plan)
    return plan.kept["gpu"]


def unserved(plan: Plan) -> str:
    """Why the kernels do not serve a plan, or ""."""
    name, options, dtype = plan.reduction.name, plan.options, plan.dtype
    if name not in names.OPS or plan.reduction.recipe.user:
        return f"{name} has no kernel on a GPU"
    if not isinstance(plan.windows, Sliding | Adaptive | Whole):
        return f"{type(plan.windows).__name__.lower()} windows have no kernel on a GPU"
    if not 1 <= len(plan.axes) <= 3 or dtype.kind == "c" or math.prod(plan.shape) == 0:
        return "kernels take one to three axes of real numbers"
    if options.fill is None or options.nan == "raise" or options.dtype is not None:
        return "numbers would have to be looked at"
    if not math.isfinite(options.fill) or not all(map(math.isfinite, plan.numbers)):
        return "a number is infinite"
    if options.ties == "split" and (options.indices or dtype.kind in "biu"):
        return "ties that share have no kernel here"
    return ""


def _made(plan: Plan) -> Spec | str:
    for axis, n, rule in zip(plan.axes, plan.sizes, plan.rules[0], strict=True):
        if isinstance(rule, Slide):  # says so where no window fits
            rule.lay(n, np.zeros(1, np.int64), np.full(1, n), None, axis)
    lines = [_line(n, rule, bool(plan.options.sized))
             for n, rule in zip(plan.sizes, plan.rules[0], strict=True)]  # fmt: skip
    small = all(max(line[:8]) < MOST and line.m * line.step < MOST for line in lines)
    if not small or math.prod(line.size for line in lines) >= MOST:
        return "windows are too large"
    return _spec(plan, (*[POINT] * (3 - len(lines)), *lines))


def _spec(plan: Plan, lines: tuple[Line, ...]) -> Spec:
    options, name = plan.options, plan.reduction.name
    op = "sum" if plan.scaled else name
    if options.ties == "split" and name in ("max", "min"):
        op = f"tied_{name}"
    divide, divisor = _divide(plan, lines)
    hollow = plan.select or bool(options.sized) or not all(map(_full, lines))
    return Spec(
        plan.shape, plan.axes, lines, op, *_parameters(plan), divide, divisor,  # type: ignore[arg-type]
        options.fill, hollow, options.nan == "skip" and plan.dtype.kind in "fV",
        bool(options.sized), plan.reduction.recipe.weighs, _acc(plan, op), plan.work.name,
    )  # fmt: skip


def _parameters(plan: Plan) -> tuple[float, float]:
    return (0.0, 0.0) if plan.reduction.name in ("max", "min", "sum", "mean") else plan.numbers


def _line(n: int, rule: Any, sized: bool) -> Line:
    if isinstance(rule, Slide):
        before, after = rule.padding(n)
        m = rule.outputs(n)
        cover = min((rule.kernel - 1) * rule.dilation // rule.stride + 1, m)
        return Line(n, m, SLIDE, rule.kernel, rule.stride, before, rule.dilation, after, cover)
    m = 1
    if isinstance(rule, Parts):
        m = n if rule.m is None else rule.m
        if rule.rule == "split":
            return Line(n, m, SPLIT, -(-n // m), 1, 0, 1, 0, 1)
    if sized:
        return Line(n, m, ADAPT, min(n, -(-n // m) + (m > 1)), 1, 0, 1, 0, m)
    size = max(-(-(i + 1) * n // m) - i * n // m for i in range(m))
    cover = max(-(-(i + 1) * m // n) - i * m // n for i in range(n))
    return Line(n, m, ADAPT, size, 1, 0, 1, 0, cover)


def _full(line: Line) -> bool:
    """Whether every window of an axis has something to read."""
    if line.kind != SLIDE:
        return line.kind == ADAPT or line.m <= line.n
    return bool((_counts(line) > 0).all())


def _counts(line: Line) -> np.ndarray:
    """How many elements each window reads along an axis."""
    o = np.arange(line.m, dtype=np.int64)
    if line.kind == ADAPT:
        return -(-(o + 1) * line.n // line.m) - o * line.n // line.m
    if line.kind == SPLIT:
        return line.n // line.m + (o < line.n % line.m)
    start = o * line.step - line.pad
    first = np.maximum(-(start // line.gap), 0)
    return np.maximum(np.minimum(-((start - line.n) // line.gap), line.size) - first, 0)


def _divide(plan: Plan, lines: tuple[Line, ...]) -> tuple[int, float]:
    """How a mean divides: by one number where that is the same everywhere."""
    if not plan.scaled:
        return PLAIN, 1.0
    if plan.options.divisor_override is not None:
        return FIXED, float(plan.options.divisor_override)
    if plan.options.sized:
        return COUNTS, 1.0
    padded = plan.counts_padding
    each = [_spans(line) if padded else _counts(line) for line in lines]
    if all((own == own[0]).all() and own[0] > 0 for own in each):
        return FIXED, float(math.prod(int(own[0]) for own in each))
    return (SPANS if padded else COUNTS), 1.0


def _spans(line: Line) -> np.ndarray:
    if line.kind != SLIDE:
        return _counts(line)
    start = np.arange(line.m, dtype=np.int64) * line.step - line.pad
    return np.minimum(line.size, -((start - line.n - line.after) // line.gap))


def _acc(plan: Plan, op: str) -> str:
    """What the kernels compute in."""
    dtype = plan.dtype
    if dtype.kind in "fV":
        return "f64" if dtype.itemsize == 8 else "f32"
    if op in ("max", "min"):
        wide = dtype.itemsize * 8 if dtype.itemsize > 4 else 32
        return f"{'u' if dtype.kind == 'u' and dtype.itemsize >= 4 else 'i'}{wide}"
    return "i64" if plan.work.kind in "iu" else "f64"
