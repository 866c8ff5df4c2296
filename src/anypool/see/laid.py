"""The windows of a call in numbers: everything that a picture of windows draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce as fold
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError
from ..ops import vjp
from ..plan import Options, Plan, make
from ..reductions import Reduction, resolve
from ..windows import Boxes, Fractional, Windows
from .rules import Copied, snippet
from .spell import reduction_call, windows_call

Reals = NDArray[np.float64]


class Line(NamedTuple):
    """One output along one axis.

    It reads the inputs ``reads``; ``padding`` are the places outside the input that belong to the
    declared padding, ``beyond`` those that a ceil window hangs over it; a mean divides by
    ``divisor`` (of several axes the product).
    """

    reads: range
    padding: tuple[int, ...]
    beyond: tuple[int, ...]
    divisor: float


@dataclass(frozen=True)
class Laid:
    """Windows laid on a shape.

    ``grids[g][axis][output]`` is a :class:`Line`; only a pyramid has several grids. ``coverage``
    says how many outputs read each input, ``weight`` what each gets of a gradient of ones.
    ``counted``: whether a divisor counts padding. With ``x`` there are its pooled ``values`` too.
    """

    call: str
    shape: tuple[int, ...]
    output: tuple[int, ...]
    reduce: Reduction
    grids: tuple[tuple[tuple[Line, ...], ...], ...]
    counted: bool
    coverage: NDArray[np.int64] = field(compare=False)
    weight: Reals = field(compare=False)
    shares: Callable[[], Reals] = field(compare=False)
    x: Reals | None = field(default=None, compare=False)
    values: Reals | None = field(default=None, compare=False)
    note: str = ""

    @property
    def fixed(self) -> bool:
        """Whether every element of a window gets the same share of its gradient."""
        return self.reduce.name in ("mean", "sum")

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """How far windows reach before and behind the input, along each axis."""
        return tuple(
            _reach([line for grid in self.grids for line in grid[axis]], n)
            for axis, n in enumerate(self.shape)
        )


def lay(
    shape: tuple[int, ...],
    where: Windows,
    reduce: str | Reduction = "mean",
    x: Any = None,
    count_include_pad: bool | None = None,
) -> Laid:
    """Lay windows on every axis of a shape, for a reduction; with `x` for its numbers.

    >>> laid = lay((5,), Fractional(2, 3))
    >>> [line.reads for line in laid.grids[0][0]], laid.coverage
    ([range(0, 2), range(2, 4), range(3, 5)], array([1, 1, 1, 2, 1]))
    """
    where, reduction = _settled(where), resolve(reduce)
    if isinstance(where, Boxes):
        raise PoolError("boxes are drawn on a photograph: anypool.see.images(photo, boxes=...)")
    if reduction.name not in ("mean", "sum") and x is None:
        raise PoolError(
            f"who gets the gradient of {reduction.name} depends on the numbers; give them, "
            f"x= (--values) of shape {shape}, or draw the mean"
        )
    axes, options = tuple(range(len(shape))), Options(count_include_pad=count_include_pad)
    plan = make(shape, np.dtype(np.float64), where, reduction, axes, options)
    grids = _grids(plan, where)
    laid = Laid(
        _call(where, reduction), shape, _output(plan, grids), reduction, grids,
        plan.counts_padding, _coverage(shape, grids),
        _weight(shape, grids, reduction), lambda: _shares(shape, grids, reduction),
        note=_note(shape, where),
    )  # fmt: skip
    return laid if x is None else _with(laid, x, where, count_include_pad)


def _settled(where: Windows) -> Windows:
    """Windows that lie where they lie: those that are drawn at random get a seed to keep."""
    if isinstance(where, Fractional) and isinstance(where.rng, np.random.Generator):
        return replace(where, rng=int(where.rng.integers(2**32)))
    return where


def _call(where: Windows, reduction: Reduction) -> str:
    words = windows_call(where)
    return words if reduction == resolve("mean") else f"{words}, {reduction_call(reduction)}"


def _note(shape: tuple[int, ...], where: Windows) -> str:
    """What the copied formula makes of the sizes."""
    if not isinstance(where, Copied):
        return ""
    sizes = [snippet(n, rule.m) for n, rule in zip(shape, where.rules(len(shape))[0], strict=True)]
    kernels, strides = (" × ".join(map(str, numbers)) for numbers in zip(*sizes, strict=True))
    return f"kernel {kernels}, stride {strides}"


def _grids(plan: Plan, where: Windows) -> tuple[tuple[tuple[Line, ...], ...], ...]:
    rng = np.random.default_rng(getattr(where, "rng", None)) if where.random else None
    layout = plan.layout(None, rng)
    return tuple(
        tuple(
            _lines(rule, n, table, divisor[0])
            for rule, n, table, divisor in zip(
                rules, plan.shape, grid, plan.divisors(grid), strict=True
            )
        )
        for rules, grid in zip(plan.rules, layout.grids, strict=True)
    )


def _lines(rule: Any, n: int, table: Any, divisors: Reals) -> tuple[Line, ...]:
    """One line an output; only sliding windows reach beyond the input."""
    lines = []
    for o, (start, stop) in enumerate(zip(table.start[0], table.stop[0], strict=True)):
        reads, outside, before, after = range(int(start), int(stop), table.step), [], 0, 0
        if hasattr(rule, "padding"):
            before, after = rule.padding(n)
            first = o * rule.stride - before
            places = range(first, first + rule.reach, rule.dilation)
            outside = [place for place in places if not 0 <= place < n]
        padding = tuple(place for place in outside if -before <= place < n + after)
        beyond = tuple(place for place in outside if place >= n + after)
        lines.append(Line(reads, padding, beyond, float(divisors[o])))
    return tuple(lines)


def _reach(lines: Sequence[Line], n: int) -> tuple[int, int]:
    places = [place for line in lines for place in (*line.padding, *line.beyond)]
    return max([0, *(-place for place in places)]), max([0, *(place - n + 1 for place in places)])


def _output(plan: Plan, grids: Any) -> tuple[int, ...]:
    sizes = [tuple(len(lines) for lines in grid) for grid in grids]
    if not plan.windows.keepdims:
        return ()
    return (sum(map(math.prod, sizes)),) if plan.windows.joined else sizes[0]


def _along(n: int, lines: Sequence[Line], share: Callable[[Line], float]) -> Reals:
    """For one axis: what each input gets, `share` of a line that reads it."""
    total = np.zeros(n)
    for line in lines:
        total[line.reads.start : line.reads.stop : line.reads.step] += share(line)
    return total


def _all_axes(shape: tuple[int, ...], grids: Any, share: Callable[[Line], float]) -> Reals:
    """A window over several axes is the product of its lines, and so is what it gives."""
    total = np.zeros(shape)
    for grid in grids:
        axes = [_along(n, lines, share) for n, lines in zip(shape, grid, strict=True)]
        total += fold(np.multiply.outer, axes)
    return total


def _coverage(shape: tuple[int, ...], grids: Any) -> NDArray[np.int64]:
    return _all_axes(shape, grids, lambda _: 1.0).astype(np.int64)


def _share(reduction: Reduction) -> Callable[[Line], float]:
    if reduction.name == "sum":
        return lambda _: 1.0
    return lambda line: 1 / max(line.divisor, 1)


def _weight(shape: tuple[int, ...], grids: Any, reduction: Reduction) -> Reals:
    return _all_axes(shape, grids, _share(reduction))


def _shares(shape: tuple[int, ...], grids: Any, reduction: Reduction) -> Reals:
    """One axis: (outputs, inputs), the derivative of each output by each input."""
    share = _share(reduction)
    return np.array([_along(shape[0], [line], share) for grid in grids for line in grid[0]])


def _with(laid: Laid, x: Any, where: Windows, count_include_pad: bool | None) -> Laid:
    """The same for the numbers of x: values, and who gets which share of the gradient."""
    x = np.asarray(x, dtype=np.float64)
    if x.shape != laid.shape:
        raise PoolError(f"x has shape {x.shape}, the windows are laid on {laid.shape}")
    axes = tuple(range(x.ndim))
    y, pullback = vjp(x, where, laid.reduce, axes=axes, count_include_pad=count_include_pad)

    def shares() -> Reals:
        ones = np.eye(y.size).reshape(y.size, *y.shape)
        return np.array([pullback(one) for one in ones])

    return replace(
        laid, x=x, values=np.atleast_1d(y), weight=pullback(np.ones(y.shape)), shares=shares
    )
