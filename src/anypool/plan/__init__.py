"""Arguments made canonical, exactly once: shape, dtype, windows and options become a Plan.

A Plan is frozen and cached. Everything that depends only on shapes is decided here; what depends
on data (sizes, boxes, random places) is laid out by :meth:`Plan.layout`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..axes import Axes, find_axes
from ..errors import PoolError, WindowError
from ..reductions import Recipe, Reduction, sums
from ..windows import Boxes, Grid, Windows, lay
from ..windows.rules import Slide
from .checks import check, check_boxes


@dataclass(frozen=True)
class Options:
    """The common arguments that a Plan depends on, as given."""

    fill: Any = 0
    nan: str = "propagate"
    ties: str = "first"
    dtype: Any = None
    count_include_pad: bool | None = None
    divisor_override: Any = None
    masked: bool = False
    weighted: bool = False
    sized: str = ""
    indices: bool = False


class Layout(NamedTuple):
    """The windows of a call: one grid of tables for each part of the output.

    ``groups`` says what the tables' first axis runs over: "one", "batch" (axis 0) or "plane".
    ``source`` maps a group to the sample it reads, where that is not its own number.
    ``extents`` are the true sizes of the samples (batch, axes, start and stop), where given.
    """

    grids: tuple[Grid, ...]
    groups: str = "one"
    source: np.ndarray | None = None
    extents: np.ndarray | None = None


@dataclass(frozen=True)
class Plan:
    """A pooling that is known to make sense: what to do, and the shape of what comes out."""

    shape: tuple[int, ...]
    dtype: np.dtype
    axes: Axes
    windows: Windows
    reduction: Reduction
    options: Options
    order: Axes  # where each pooled axis stood in the user's own order

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.shape[a] for a in self.axes)

    @property
    def outer(self) -> Axes:
        return tuple(a for a in range(len(self.shape)) if a not in self.axes)

    @property
    def given(self) -> Axes:
        """The pooled axes in the user's own order, as the windows have them."""
        return tuple(self.axes[self.order.index(i)] for i in range(len(self.axes)))

    @cached_property
    def rules(self) -> tuple[tuple[Any, ...], ...]:
        """One rule for each pooled axis, in the array's axis order, for each grid."""
        grids = self.windows.rules(len(self.axes))
        return tuple(tuple(grid[i] for i in self.order) for grid in grids)

    @cached_property
    def fixed(self) -> Layout | None:
        """The layout where it depends on shapes alone."""
        if self.options.sized or self.windows.random or isinstance(self.windows, Boxes):
            return None
        return Layout(tuple(self._lay(rules, *_full(self.sizes)) for rules in self.rules))

    def _lay(self, rules: Any, low: Any, high: Any, draws: Any = None) -> Grid:
        extents = tuple(zip(low, high, strict=True))
        return lay(rules, self.sizes, extents, self.axes, draws)

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """Room for what others work out for this plan, once."""
        return {}

    @cached_property
    def select(self) -> bool:
        """Whether elements can be unreal inside a window: by mask, weights or skipped NaN."""
        given = self.options.masked or self.options.weighted
        return given or (self.options.nan == "skip" and self.dtype.kind in "fcV")

    @cached_property
    def scaled(self) -> bool:
        """A mean whose divisor is known beforehand: it is a sum, divided by ``divisors``."""
        fixed = self.options.divisor_override is not None
        return self.reduction.name == "mean" and (fixed or not self.select)

    @property
    def recipe(self) -> Recipe:
        return sums.SUM if self.scaled else self.reduction.recipe

    @cached_property
    def numbers(self) -> tuple[float, float]:
        """The parameters for the kernels; a quantile is told whether weights cumulate."""
        first, second = self.reduction.numbers
        if self.reduction.name == "quantile":
            second = float(self.options.weighted)
        return first, second

    def divisors(self, grid: Grid) -> tuple[np.ndarray, ...]:
        """For each pooled axis (groups, outputs) floats; a window is divided by their product."""
        if self.options.divisor_override is not None:
            ones = [np.ones(t.start.shape) for t in grid]
            ones[0] *= float(self.options.divisor_override)
            return tuple(ones)
        padded = self.counts_padding
        return tuple((t.span if padded else t.counts).astype(np.float64) for t in grid)

    @cached_property
    def counts_padding(self) -> bool:
        asked = self.options.count_include_pad
        real = self.select or bool(self.options.sized)
        return self.windows.pads and not real if asked is None else asked

    @cached_property
    def natural(self) -> np.dtype:
        """The dtype of the result before ``dtype=`` has its say."""
        result, dtype = self.reduction.recipe.result, self.dtype
        if result == "bool":
            return np.dtype(bool)
        if result == "same" or dtype.kind not in "biu":
            return dtype
        if result == "sum" and not (self.options.weighted and self.reduction.recipe.weighs):
            return np.dtype(np.uint64 if dtype.kind == "u" else np.int64)
        return np.dtype(np.float64)

    @cached_property
    def result(self) -> np.dtype:
        return self.natural if self.options.dtype is None else np.dtype(self.options.dtype)

    @cached_property
    def work(self) -> np.dtype:
        """The dtype that kernels write; ``result`` is rounded from it where they differ."""
        wide = self.natural.kind == "f" or self.natural.kind == "V"
        return np.dtype(np.float64) if wide and self.result != self.natural else self.natural

    def out_shape(self, grid: Grid, batch: int | None = None) -> tuple[int, ...]:
        """The shape of one grid's output, every pooled axis in its place."""
        shape = list(self.shape)
        for axis, table in zip(self.axes, grid, strict=True):
            shape[axis] = table.start.shape[1]
        if batch is not None:
            shape[0] = batch
        return tuple(shape)

    def layout(
        self, sizes: np.ndarray | None = None, rng: np.random.Generator | None = None
    ) -> Layout:
        """The windows of this call, for data-dependent ``sizes`` (batch, axes, 2) and draws.

        ``rng`` comes from the call: equal plans are one plan, whatever generator asked for them.
        """
        if self.fixed is not None:
            return self.fixed
        if isinstance(self.windows, Boxes):
            return self._boxed(self.windows)
        groups = "plane" if self.windows.random else "batch"
        planes = math.prod(self.shape[a] for a in self.outer)
        if sizes is None:
            low, high = _full(self.sizes, planes)
        else:
            repeat = planes // max(self.shape[0], 1) if groups == "plane" else 1
            low, high = (np.repeat(sizes[..., side], repeat, axis=0).T for side in (0, 1))
        draws = None
        if self.windows.random:
            draws = (rng or np.random.default_rng()).random((len(self.axes), planes))
        grids = tuple(self._lay(rules, low, high, draws) for rules in self.rules)
        return Layout(grids, groups, None, sizes)

    def _boxed(self, windows: Boxes) -> Layout:
        rows = np.array(windows.boxes, np.int64).reshape(-1, 1 + 2 * len(self.axes))
        half = len(self.axes)
        low = [rows[:, 1 + i] for i in self.order]
        high = [rows[:, 1 + half + i] for i in self.order]
        check_boxes(rows[:, 0], low, high, self)
        grids = tuple(self._lay(rules, low, high) for rules in self.rules)
        return Layout(grids, "batch", np.ascontiguousarray(rows[:, 0]))

    def extents(self, sizes: np.ndarray, layout: Layout) -> np.ndarray:
        """The outputs (batch, axes, 2) that belong to each sample's own extent."""
        found = np.zeros(sizes.shape, np.int64)
        for i, (rule, n) in enumerate(zip(self.rules[0], self.sizes, strict=True)):
            if isinstance(rule, Slide):
                low, high = rule.extent(n, sizes[:, i, 0], sizes[:, i, 1])
                found[:, i, 0], found[:, i, 1] = low, high
            else:
                found[:, i, 1] = layout.grids[0][i].start.shape[1]
        return found


def _full(sizes: Sequence[int], groups: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return (
        [np.zeros(groups, np.int64) for _ in sizes],
        [np.full(groups, n, np.int64) for n in sizes],
    )


@lru_cache(maxsize=4096)
def make(
    shape: tuple[int, ...], dtype: np.dtype, windows: Windows, reduction: Reduction,
    axes: Any, options: Options,
) -> Plan:  # fmt: skip
    """The Plan for these arguments, or a PoolError that says which rule they break."""
    if not storable(dtype):
        raise PoolError(f"x has dtype {dtype}; pooling needs bool, integers, floats or complex")
    pooled = find_axes(len(shape), windows, axes)
    order = tuple(sorted(range(len(pooled)), key=pooled.__getitem__))
    plan = Plan(shape, dtype, tuple(sorted(pooled)), windows, reduction, options, order)
    check(plan)
    if not plan.rules:  # made here, so that windows that make no sense are found now
        raise WindowError(f"{windows} lays no windows")
    return plan


def storable(dtype: np.dtype) -> bool:
    """Whether numbers of this dtype can be pooled: bool, integers, floats, complex, bfloat16."""
    return dtype.kind in "biufc" or dtype.name == "bfloat16"
