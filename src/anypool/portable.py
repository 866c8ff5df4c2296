"""The same Plan in plain array operations: no kernels, no compiler.

Windows are gathered side by side, so that one more axis holds each window's elements, and the
recipe's ``batch`` reduces it. Memory is bounded by taking planes in portions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .plan import Layout, Plan
from .windows import Grid

PORTION = 1 << 21  # gathered elements at a time: 16 MB of float64


class Portion(NamedTuple):
    """Some planes of output with their windows gathered: arrays of (planes, outputs, elements)."""

    planes: np.ndarray  # which planes of the output
    sources: np.ndarray  # which planes of the input they read
    places: np.ndarray  # (outputs, elements): where in a plane
    values: Any
    weights: Any


def index_table(grid: Grid, group: int, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For each output of a plane the flat places that its window reads, and which are real."""
    index, real = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    for table, n in zip(grid, sizes, strict=True):
        start, stop = table.start[group], table.stop[group]
        most = max(int(table.counts[group].max(initial=0)), 1)
        own = start[:, None] + np.arange(most) * table.step
        inside = own < stop[:, None]
        own = np.where(inside, own, 0)
        joined = index[:, None, :, None] * n + own[None, :, None, :]
        both = real[:, None, :, None] & inside[None, :, None, :]
        index = joined.reshape(joined.shape[0] * joined.shape[1], -1)
        real = both.reshape(index.shape)
    return index, real


def planes_of(plan: Plan, a: np.ndarray) -> np.ndarray:
    """(planes, elements of the pooled axes), in the array's axis order."""
    moved = a.transpose(*plan.outer, *plan.axes)
    return moved.reshape(math.prod(a.shape[i] for i in plan.outer), math.prod(plan.sizes))


def portions(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, w: np.ndarray | None
) -> Iterator[Portion]:
    """Gather the windows of a grid, some planes at a time."""
    flat, weights = planes_of(plan, x), None if w is None else planes_of(plan, w)
    groups = grid[0].start.shape[0]
    samples = x.shape[0] if layout.groups == "batch" else groups
    each = flat.shape[0] // max(samples, 1)
    for group in range(groups):
        index, real = index_table(grid, group, plan.sizes)
        source = group if layout.source is None else int(layout.source[group])
        step = max(PORTION // max(index.size, 1), 1)
        for first in range(0, each, step):
            rest = np.arange(first, min(first + step, each))
            taken = source * each + rest
            own = slice(source * each + first, source * each + first + len(rest))  # not a copy
            # contiguous along the window, where NumPy sums pairwise
            values = np.ascontiguousarray(flat[own][:, index])
            weighed = None if weights is None else weights[own][:, index]
            yield Portion(group * each + rest, taken, index, values,
                          _weigh(plan, values, real, weighed))  # fmt: skip


def _weigh(
    plan: Plan, values: np.ndarray, real: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """What each gathered element counts for: 0 where it is not real."""
    ones = np.broadcast_to(real, values.shape).astype(np.float64)
    if weights is not None:
        ones *= weights.astype(np.float64) if plan.reduction.recipe.weighs else weights > 0
    return np.where(values != values, 0.0, ones) if plan.options.nan == "skip" else ones


class Result(NamedTuple):
    """What a grid became, in plane order, and what was met."""

    y: np.ndarray
    places: np.ndarray | None
    empty: int
    nans: int


def forward(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, w: np.ndarray | None, draws: Any
) -> Result:
    """Pool one grid: (output planes, outputs) of the plan's natural meaning, before ``dtype``."""
    planes, outputs = _out_planes(plan, layout, grid), math.prod(t.start.shape[1] for t in grid)
    y = np.empty((planes, outputs), wide(plan))
    places = np.empty((planes, outputs), np.int64) if plan.options.indices else None
    empty = nans = 0
    divisors = divisor_table(plan, grid)
    for part in portions(plan, layout, grid, x, w):
        nothing = ~(part.weights > 0).any(-1)
        nans += int(((part.values != part.values) & (part.weights > 0)).any())
        u = None if draws is None else draws.reshape(planes, outputs)[part.planes]
        value, place = reduce_batch(plan, part, u)
        if plan.scaled:
            with np.errstate(all="ignore"):  # windows with nothing real are filled below
                value = value / divisors[_group_of(layout, grid, part, planes)]
        y[part.planes] = np.where(nothing, plan.options.fill or 0, value)
        if places is not None:
            flat = np.take_along_axis(np.broadcast_to(part.places, part.values.shape),
                                      np.maximum(place, 0)[..., None], -1)[..., 0]  # fmt: skip
            places[part.planes] = np.where(nothing, -1, flat)
        empty += int(nothing.sum())
    return Result(y, places, empty, nans)


def wide(plan: Plan) -> np.dtype:
    """What plain operations compute in: float64, or integers where integers stay integers."""
    if plan.dtype.kind in "fc":
        return np.promote_types(np.float64, plan.natural)
    exact = plan.recipe.result in ("same", "sum", "bool") and plan.dtype.kind in "biu"
    return plan.natural if exact and not plan.scaled else np.dtype(np.float64)


def reduce_batch(plan: Plan, part: Portion, u: Any) -> tuple[Any, Any]:
    """The value of every window, and the element it stands at where the recipe knows."""
    recipe, values = plan.recipe, _clean(plan, part)
    with np.errstate(all="ignore"):
        if recipe.family == "extreme":
            return recipe.batch(np, values, part.weights)
        if recipe.family == "pick":
            return recipe.batch(np, values, part.weights, plan.numbers, u)[0], None
        weights = _like(values, part.weights)
        return recipe.batch(np, values, weights, plan.numbers)[0], None


def _clean(plan: Plan, part: Portion) -> Any:
    """The values in the type to compute with; what is not real becomes an ordinary 0."""
    target = part.values.dtype if plan.recipe.result == "bool" else wide(plan)
    values = part.values.astype(target)
    return np.where(part.weights > 0, values, values.dtype.type(0))


def _like(values: Any, weights: Any) -> Any:
    """Weights of 0 and 1 as integers beside integers, so that sums stay exact."""
    return weights.astype(values.dtype) if values.dtype.kind in "iu" else weights


def _out_planes(plan: Plan, layout: Layout, grid: Grid) -> int:
    planes = math.prod(plan.shape[a] for a in plan.outer)
    if layout.source is None:
        return planes
    return planes // max(plan.shape[0], 1) * len(layout.source)


def divisor_table(plan: Plan, grid: Grid) -> np.ndarray:
    """(groups, outputs): the divisor of every window of a scaled mean."""
    total = np.ones((1, 1))
    for own in plan.divisors(grid) if plan.scaled else ():
        product = total[:, :, None] * own[:, None, :]
        total = product.reshape(len(product), total.shape[1] * own.shape[1])
    return total


def _group_of(layout: Layout, grid: Grid, part: Portion, planes: int) -> Any:
    groups = grid[0].start.shape[0]
    return part.planes // max(planes // max(groups, 1), 1) if groups > 1 else 0


# -- the derivative -----------------------------------------------------------------------------


class Slopes(NamedTuple):
    """Derivatives in plane order: (planes, elements of the pooled axes); and by parameters."""

    x: np.ndarray
    w: np.ndarray | None
    params: tuple[float, ...]


def slopes(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, g: np.ndarray, w: np.ndarray | None,
    draws: Any, wanted: tuple[str, ...], by_weight: bool,
) -> Slopes:  # fmt: skip
    """The derivative of one grid for the incoming ``g`` of (output planes, outputs)."""
    planes = math.prod(plan.shape[a] for a in plan.outer)
    gx = np.zeros((planes, math.prod(plan.sizes)))
    gw = np.zeros_like(gx) if by_weight else None
    totals = [0.0] * len(wanted)
    for part in portions(plan, layout, grid, x, w):
        u = None if draws is None else draws.reshape(g.shape)[part.planes]
        with np.errstate(all="ignore"):
            own = _window_slopes(plan, part, u, wanted, by_weight)
        incoming = g[part.planes].astype(np.float64)[..., None]
        spot = (part.sources[:, None, None], part.places[None])
        real = part.weights > 0
        np.add.at(gx, spot, np.where(real, own[0] * incoming, 0.0))
        if gw is not None:
            np.add.at(gw, spot, np.where(real, own[1] * incoming, 0.0))
        for i, slope in enumerate(own[2]):
            totals[i] += float(np.where(real, slope * incoming, 0.0).sum())
    return Slopes(gx, gw, tuple(totals))


def _window_slopes(
    plan: Plan, part: Portion, u: Any, wanted: tuple[str, ...], by_weight: bool
) -> tuple[Any, Any, list[Any]]:
    """d window / d element, d window / d weight and d window / d parameter, element by element."""
    recipe, p = plan.recipe, plan.numbers
    v = np.where(part.weights > 0, part.values.astype(np.float64), 0.0)
    w = part.weights
    if recipe.family == "pick":
        return recipe.batch(np, v, w, p, u)[1], None, []
    if recipe.family == "extreme":
        y, place = recipe.batch(np, v, w)
        if plan.options.ties == "first":
            return (place[..., None] == np.arange(v.shape[-1])) * 1.0, None, []
        tied = (v == y[..., None]) & (w > 0)
        return tied / np.maximum(tied.sum(-1, keepdims=True), 1), None, []
    y, a, b = (np.asarray(n)[..., None] for n in recipe.batch(np, v, w, p))
    named = dict(recipe.param_slopes)
    return (
        recipe.slope(v, w, y, a, b, p),  # type: ignore[misc]
        recipe.weight_slope(v, w, y, a, b, p) if by_weight else None,  # type: ignore[misc]
        [named[name](v, w, y, a, b, p) for name in wanted],
    )
