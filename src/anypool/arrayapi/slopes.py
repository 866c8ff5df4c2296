"""Derivatives in plain operations of a namespace that has none of its own.

The windows of every group are tables of integers, known beforehand. Each element gathers what the
windows that read it send back: the array API has nothing that scatters.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import engine, portable
from ..errors import PoolError
from ..plain.real import working
from ..windows import Grid
from .space import ArraySpace
from .ufuncs import Spoken

Array = Any


class Group(NamedTuple):
    """The windows of some planes that share them, as flat places, and who reads each element."""

    places: np.ndarray  # (outputs, elements): where in a plane
    real: np.ndarray  # the same: which of them are there
    readers: np.ndarray  # (elements of a plane, most readers): flat places in (outputs, elements)
    reads: np.ndarray  # the same: which of them are there


def group_of(grid: Grid, group: int, sizes: tuple[int, ...]) -> Group:
    """The windows of one group of a grid, and their inverse."""
    index, real = portable.index_table(grid, group, sizes)
    spots = index[real]
    taps = np.flatnonzero(real.reshape(-1))
    order = np.argsort(spots, kind="stable")
    counts = np.bincount(spots, minlength=math.prod(sizes))
    most = max(int(counts.max(initial=0)), 1)
    ends = np.cumsum(counts)
    own = (ends - counts)[:, None] + np.arange(most)
    reads = np.arange(most) < counts[:, None]
    if not len(taps):
        return Group(index, real, np.zeros_like(own), reads)
    readers = np.where(reads, taps[order][np.minimum(own, len(taps) - 1)], 0)
    return Group(index, real, readers, reads)


class Sent(NamedTuple):
    """Derivatives by x and by the weights, (planes, elements), and by each parameter."""

    x: Array
    w: Array | None
    params: list[float]


def _added(a: Sent, b: Sent) -> Sent:
    w = None if a.w is None else a.w + b.w
    return Sent(a.x + b.x, w, [p + q for p, q in zip(a.params, b.params, strict=True)])


class Pulled:
    """A pullback: takes a derivative of y back to x, to the weights and to parameters."""

    def __init__(
        self, space: ArraySpace, call: engine.Call, x: Array, mask: Array | None,
        weights: Array | None,
    ) -> None:  # fmt: skip
        plan = call.plan
        if not plan.reduction.differentiable:
            raise PoolError(f"{plan.reduction.name} has no gradient")
        if plan.dtype.kind not in "fV":
            raise PoolError(f"x is {plan.dtype}; a gradient needs real floating-point numbers")
        self.space, self.call, self.plan, self.x = space, call, plan, x
        self.mask, self.weights = mask, weights
        self.wide = space.dtype(working(plan))
        self.planes = math.prod(plan.shape[a] for a in plan.outer)
        self.wanted = plan.reduction.given
        self.by_weight = weights is not None and plan.recipe.weight_slope is not None

    def __call__(self, g: Array) -> Any:
        """The derivative by x; a tuple where weights or parameters have one too."""
        made = None
        with np.errstate(all="ignore"):  # namespaces made of NumPy warn as it does
            for number, piece in enumerate(self._pieces(g)):
                own = self._grid(number, piece)
                made = own if made is None else _added(made, own)
        dx = self.space.astype(self._in_place(made.x), self.plan.dtype)  # type: ignore[union-attr]
        more = [] if self.weights is None else [self._as_weights(made.w)]  # type: ignore[union-attr]
        totals = made.params  # type: ignore[union-attr]
        return (dx, *more, *totals) if more or totals else dx

    # -- one grid -------------------------------------------------------------------------------

    def _grid(self, number: int, g: Array) -> Sent:
        """The derivative of one grid, (planes, elements), for g of (output planes, outputs)."""
        layout, grid = self.call.layout, self.call.layout.grids[number]
        groups, draws = grid[0].start.shape[0], self.call.draws[number]
        samples = self.plan.shape[0] if layout.groups == "batch" else groups
        each = self.planes // max(samples, 1)
        found: dict[int, Sent] = {}
        for group in range(groups):
            source = group if layout.source is None else int(layout.source[group])
            mine = slice(group * each, group * each + each)
            u = None if draws is None else self.space.asarray(draws.reshape(g.shape)[mine])
            own = group_of(grid, group, self.plan.sizes)
            made = self._group(own, source * each, each, self.space.part(g, 0, mine), u)
            found[source] = made if source not in found else _added(found[source], made)
        nothing = self.space.zeros((each, math.prod(self.plan.sizes)), self.wide)
        none = Sent(nothing, nothing if self.by_weight else None, [0.0] * len(self.wanted))
        return self._joined([found.get(s, none) for s in range(samples)] or [none])

    def _joined(self, parts: list[Sent]) -> Sent:
        """The samples of a grid, one after the other."""
        w = self.space.concat([p.w for p in parts], 0) if self.by_weight else None
        totals = [math.fsum(column) for column in zip(*(p.params for p in parts), strict=True)]
        return Sent(self.space.concat([p.x for p in parts], 0), w, totals)

    def _group(self, group: Group, first: int, each: int, g: Array, u: Array | None) -> Sent:
        """What the windows of some planes send back."""
        space = self.space
        x = space.astype(self._flat(self.x, first, each), self.wide)
        w = space.astype(self._windows(self._counted(first, each, x), group.places), self.wide)
        w = space.where(space.asarray(group.real), w, 0.0)
        v = space.where(w > 0, self._windows(x, group.places), 0.0)
        g = space.reshape(g, (*g.shape, 1))

        def sent(slope: Array) -> Array:
            return space.where(w > 0, slope * g, 0.0)

        by_x, by_weight, by_params = self._slopes(v, w, u)
        return Sent(
            self._gathered(sent(by_x), group, each),
            self._gathered(sent(by_weight), group, each) if self.by_weight else None,
            [float(space.sum(sent(slope), (0, 1, 2))) for slope in by_params],
        )

    def _gathered(self, a: Array, group: Group, each: int) -> Array:
        """What every element of the planes is sent back: (planes, elements)."""
        space = self.space
        flat = space.reshape(a, (each, math.prod(a.shape[1:])))
        sent = space.pick(flat, 1, group.readers.reshape(-1))
        sent = space.reshape(sent, (each, *group.readers.shape))
        return space.sum(space.where(space.asarray(group.reads), sent, 0.0), -1)

    def _windows(self, a: Array, index: np.ndarray) -> Array:
        taken = self.space.pick(a, 1, index.reshape(-1))
        return self.space.reshape(taken, (a.shape[0], *index.shape))

    def _slopes(self, v: Array, w: Array, u: Array | None) -> tuple[Any, Any, list[Any]]:
        """d window / d element, / d weight, / d parameter: the recipes' own, tap by tap."""
        space, plan, p = self.space, self.plan, self.plan.numbers
        recipe: Any = plan.recipe
        if recipe.family == "pick":
            return recipe.batch(space, v, w, p, u)[1], None, []
        if recipe.family == "extreme":
            y, place = recipe.batch(space, v, w)
            return self._of_extreme(y, place, v, w), None, []
        kept = [Spoken(space, self._last(n)) for n in recipe.batch(space, v, w, p)]
        arguments = (Spoken(space, v), Spoken(space, w), *kept, p)
        named = dict(recipe.param_slopes)
        by_weight = None
        if self.by_weight:
            by_weight = self._told(recipe.weight_slope(*arguments), v)
        by_params = [self._told(named[name](*arguments), v) for name in self.wanted]
        return self._told(recipe.slope(*arguments), v), by_weight, by_params

    def _of_extreme(self, y: Array, place: Array, v: Array, w: Array) -> Array:
        space = self.space
        if self.plan.options.ties == "first":
            return space.astype(place[..., None] == space.arange(v.shape[-1]), v.dtype)
        tied = space.astype((v == y[..., None]) & (w > 0), v.dtype)
        return tied / space.maximum(space.sum(tied, -1, keepdims=True), 1)

    def _last(self, n: Any) -> Any:
        return n if isinstance(n, float) else n[..., None]

    def _told(self, slope: Any, v: Array) -> Array:
        """A slope as an array of the windows' shape."""
        return self.space.xp.zeros_like(v) + (slope.a if isinstance(slope, Spoken) else slope)

    # -- planes ---------------------------------------------------------------------------------

    def _flat(self, a: Array, first: int, each: int) -> Array:
        """Some planes of an array of x's shape: (planes, elements of the pooled axes)."""
        moved = self.space.transpose(a, (*self.plan.outer, *self.plan.axes))
        flat = self.space.reshape(moved, (self.planes, math.prod(self.plan.sizes)))
        return self.space.part(flat, 0, slice(first, first + each))

    def _counted(self, first: int, each: int, x: Array) -> Array:
        """What each element of some planes counts for: 0 where it is not real."""
        space, found = self.space, None
        if self.weights is not None:
            laid = space.broadcast_to(self.weights, self.plan.shape)
            laid = laid if self.plan.recipe.weighs else space.astype(laid > 0, self.wide)
            found = space.astype(self._flat(laid, first, each), self.wide)
        if self.mask is not None:
            real = self._flat(space.broadcast_to(self.mask, self.plan.shape), first, each)
            found = (
                space.astype(real, self.wide) if found is None else space.where(real, found, 0.0)
            )
        found = space.xp.ones_like(x) if found is None else found
        return space.where(x != x, 0.0, found) if self.plan.options.nan == "skip" else found

    def _pieces(self, g: Array) -> list[Array]:
        """The incoming derivative grid by grid: (output planes, outputs), divided for a mean."""
        plan, layout, space = self.plan, self.call.layout, self.space
        batch = engine.batch_of(layout)
        shapes = [plan.out_shape(grid, batch) for grid in layout.grids]
        dummy = [np.broadcast_to(np.float64(0), s) for s in shapes]
        wanted = engine.squeezed(plan, engine.joined(plan, dummy)).shape
        if tuple(g.shape) != wanted:
            raise PoolError(f"the incoming gradient has shape {tuple(g.shape)}; the output has "
                            f"shape {wanted}")  # fmt: skip
        g = space.astype(g, self.wide)
        found, at = [], 0
        for shape, grid in zip(shapes, layout.grids, strict=True):
            size = math.prod(shape[a] for a in plan.axes)
            outer = math.prod(shape[a] for a in plan.outer)
            part = g
            if plan.windows.joined:
                part = space.part(g, plan.axes[0], slice(at, at + size))
                part = _last(space, part, plan.axes[0])
            elif plan.windows.keepdims:
                part = space.transpose(g, (*plan.outer, *plan.axes))
            at += size
            part = space.reshape(part, (outer, size))
            found.append(self._divided(part, grid, outer) if plan.scaled else part)
        return found

    def _divided(self, g: Array, grid: Grid, planes: int) -> Array:
        table = portable.divisor_table(self.plan, grid)
        table = np.repeat(table, planes // max(len(table), 1), axis=0)
        return g / self.space.asarray(np.where(table == 0, 1.0, table), self.wide)

    def _in_place(self, a: Array) -> Array:
        """(planes, elements) as an array of x's shape."""
        order = (*self.plan.outer, *self.plan.axes)
        a = self.space.reshape(a, tuple(self.plan.shape[i] for i in order))
        return self.space.transpose(a, tuple(int(i) for i in np.argsort(order)))

    def _as_weights(self, gw: Array | None) -> Array:
        """Summed over what the weights were repeated for; 0 where they only say what is real."""
        space, weights = self.space, self.weights
        if gw is None:
            return space.astype(weights, self.wide) * 0
        full = self._in_place(gw)
        given = (1,) * (len(full.shape) - len(weights.shape)) + tuple(weights.shape)  # type: ignore[union-attr]
        rows = enumerate(zip(given, full.shape, strict=True))
        repeated = tuple(a for a, (n, m) in rows if n < m)
        summed = space.sum(full, repeated, keepdims=True) if repeated else full
        return space.reshape(summed, tuple(weights.shape))  # type: ignore[union-attr]


def _last(space: ArraySpace, a: Array, axis: int) -> Array:
    order = [i for i in range(len(a.shape)) if i != axis]
    return space.transpose(a, (*order, axis))
