"""From a Plan and arrays to kernels: pack, pick the compiled loop, share the rows among threads."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..plan import Layout, Plan
from ..reductions import Recipe
from ..windows import Grid
from . import backward, frame, generic, walk
from .share import bits, kind_of, reads, share, stored, workers


class Weights(NamedTuple):
    """What makes elements unreal or count: an array broadcast to x's shape, and its nature."""

    array: np.ndarray
    kind: str  # walk.MASK or walk.WEIGHTS


class Seen(NamedTuple):
    """What a kernel met on its way."""

    empty: int
    nans: int


def forward(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, y: np.ndarray, w: Weights | None,
    draws: np.ndarray | None = None, places: np.ndarray | None = None,
    taps: np.ndarray | None = None, asked: int | None = None,
) -> Seen:  # fmt: skip
    """Pool one grid by the generic loops into ``y``, and say what was met."""
    recipe, options = plan.recipe, plan.options
    kind, out = kind_of(x.dtype), kind_of(y.dtype)
    weighting = w.kind if w else walk.MASK
    packed = _pack(plan, layout, grid, x, y, w)
    f, (xd, yd, wd) = packed.frame, packed.data
    fill = stored(0 if options.fill is None else options.fill, y.dtype)
    skip = options.nan == "skip"
    numbers = np.array(plan.numbers)
    head = (xd, yd, wd, f.outer, f.pooled, f.starts, f.stops)
    nothing = np.empty(0, np.int64)
    if recipe.family == "extreme":
        kernel = generic.extreme(1 if recipe.name == "max" else -1, kind, weighting)
        rest = (f.source, f.numbers, fill, skip, nothing if places is None else places,
                nothing if taps is None else taps)  # fmt: skip
    elif recipe.family == "pick":
        kernel = generic.pick(recipe, kind, out, weighting)
        rest = (f.source, f.numbers, numbers, fill, skip, _draws(draws))
    else:
        written = "bool" if recipe.result == "bool" else out
        kernel = generic.stream(recipe, kind, written, weighting, plan.scaled)
        rest = (f.divisors, f.source, f.numbers, numbers, fill, skip)
    total = f.planes * f.rows
    found = share(kernel, head + rest, total, workers(asked, reads(grid, f.planes)))
    return Seen(*(sum(side) for side in zip(*found, strict=True)))


def _draws(draws: np.ndarray | None) -> np.ndarray:
    return np.empty(0) if draws is None else draws.reshape(-1)


class _Packed(NamedTuple):
    frame: frame.Frame
    data: tuple[np.ndarray, np.ndarray, np.ndarray]


def _pack(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, y: np.ndarray, w: Weights | None,
    merge: bool = True,
) -> _Packed:  # fmt: skip
    fx, fy = frame.flat(bits(x)), frame.flat(bits(y))
    fw = frame.flat(bits(w.array)) if w else None
    f = frame.frame(plan, layout, grid, y.shape[0], fx, fy, fw, merge)
    return _Packed(f, (fx.data, fy.data, fw.data if fw else np.empty(0, np.uint8)))


# -- the derivative -----------------------------------------------------------------------------


class Cover(NamedTuple):
    """The inverse of the windows: which outputs may read each input position, and which groups
    read each sample."""

    lows: np.ndarray
    highs: np.ndarray
    pointers: np.ndarray
    members: np.ndarray
    rest: int
    cap: int


def cover(plan: Plan, layout: Layout, grid: Grid) -> Cover:
    """Outputs ``lows <= o < highs`` hold all that read a position (and maybe some that do not)."""
    lows, highs = zip(
        *(_inverse(t.start, t.stop, n) for t, n in zip(grid, plan.sizes, strict=True)), strict=True
    )
    cap = math.prod(
        int((h - lo).max(initial=1)) for lo, h in zip(lows[:-1], highs[:-1], strict=True)
    )
    planes = math.prod(plan.shape[a] for a in plan.outer)
    samples = {"one": 1, "plane": planes}.get(layout.groups) or plan.shape[0]
    source = layout.source if layout.source is not None else np.arange(samples)
    members = np.argsort(source, kind="stable")
    pointers = np.searchsorted(source[members], np.arange(samples + 1))
    return Cover(
        np.ascontiguousarray(np.concatenate(lows, axis=1)),
        np.ascontiguousarray(np.concatenate(highs, axis=1)),
        pointers.astype(np.int64), members.astype(np.int64), planes // max(samples, 1), cap,
    )  # fmt: skip


def _inverse(start: np.ndarray, stop: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that hold for any windows, also where dilation and clipping disturb their order."""
    first = np.minimum.accumulate(start[:, ::-1], axis=1)[:, ::-1]
    last = np.maximum.accumulate(stop, axis=1)
    i = np.arange(n)
    lows = [np.searchsorted(row, i, side="right") for row in last]
    highs = [np.searchsorted(row, i, side="right") for row in first]
    return np.array(lows, np.int64).reshape(-1, n), np.array(highs, np.int64).reshape(-1, n)


class Slopes(NamedTuple):
    """Derivatives in plane order: (planes, elements of the pooled axes), or one for each output."""

    x: np.ndarray | None
    w: np.ndarray | None
    params: tuple[float, ...]


def slopes(
    plan: Plan, layout: Layout, grid: Grid, x: np.ndarray, g: np.ndarray, w: Weights | None,
    taps: np.ndarray | None, draws: np.ndarray | None, wanted: tuple[str, ...], by_weight: bool,
    asked: int | None = None, by_x: bool = True,
) -> Slopes:  # fmt: skip
    """The derivative of one grid for the incoming ``g``, flat in plane order."""
    out_batch = plan.out_shape(grid, None if layout.source is None else len(layout.source))
    y = np.lib.stride_tricks.as_strided(np.empty(1, x.dtype), out_batch, (0,) * len(out_batch))
    packed = _pack(plan, layout, grid, x, y, w, merge=False)
    f, inverse = packed.frame, cover(plan, layout, grid)
    size, samples = math.prod(plan.sizes), len(inverse.pointers) - 1
    planes = samples * inverse.rest
    count = workers(asked, reads(grid, max(f.planes, 1)))
    call = _Call(plan, packed, inverse, g, draws, x, w, count, planes, size)
    if plan.recipe.family == "pick":
        return Slopes(call.spread(), None, ())
    if taps is not None:
        return Slopes(call.extreme(taps), None, ())
    kept = call.keep()
    return Slopes(
        call.gather(kept, False) if by_x else None,
        call.gather(kept, True) if by_weight else None,
        tuple(call.along(kept, name) for name in wanted),
    )


class _Call(NamedTuple):
    """The arguments that the backward kernels share."""

    plan: Plan
    packed: _Packed
    inverse: Cover
    g: np.ndarray
    draws: np.ndarray | None
    x: np.ndarray
    w: Weights | None
    workers: int
    planes: int
    size: int

    @property
    def recipe(self) -> Recipe:
        return self.plan.recipe.shared or self.plan.recipe

    @property
    def weighting(self) -> str:
        return self.w.kind if self.w else walk.MASK

    @property
    def ints(self) -> np.ndarray:
        more = [self.inverse.rest, self.inverse.cap]
        return np.append(self.packed.frame.numbers, more).astype(np.int64)

    @property
    def p(self) -> np.ndarray:
        return np.array(self.plan.numbers)

    @property
    def skip(self) -> bool:
        return self.plan.options.nan == "skip"

    @property
    def kind(self) -> str:
        return kind_of(self.x.dtype)

    def result(self) -> np.ndarray:
        """Where the derivative goes: x's own width, float32 for halves."""
        return np.empty(self.planes * self.size, np.promote_types(self.x.dtype, np.float32)
                        if self.x.dtype.itemsize > 2 else np.float32)  # fmt: skip

    def keep(self) -> np.ndarray:
        recipe, f = self.recipe, self.packed.frame
        if recipe.name == "sum":  # its slopes need nothing but x and w
            return np.zeros((1, 3))
        kept = np.empty((self.g.size, 3))
        kernel = backward.keep(recipe, self.kind, self.weighting)
        share(kernel, (self.packed.data[0], self.packed.data[2], f.outer, f.pooled, f.starts,
                       f.stops, f.source, f.numbers, self.p, self.skip, kept),
              f.planes * f.rows, self.workers)  # fmt: skip
        return kept

    def gather(self, kept: np.ndarray, by_weight: bool) -> np.ndarray:
        f, inv = self.packed.frame, self.inverse
        gx = np.empty(self.planes * self.size) if by_weight else self.result()
        kernel = backward.gather(
            self.recipe, self.kind, kind_of(gx.dtype), self.weighting, by_weight
        )
        x, _, w = self.packed.data
        share(kernel, (x, w, self.g, f.outer, f.pooled, f.starts, f.stops, inv.lows, inv.highs,
                       inv.pointers, inv.members, np.empty(0, np.int64), self.ints, self.p,
                       self.skip, kept, gx), self._rows(), self.workers)  # fmt: skip
        return gx

    def extreme(self, taps: np.ndarray) -> np.ndarray:
        f, inv, gx = self.packed.frame, self.inverse, self.result()
        none = 255 if taps.dtype == np.uint8 else -1
        share(backward.gather_extreme(kind_of(gx.dtype)),
              (self.g, taps, none, f.pooled, f.starts, f.stops, inv.lows, inv.highs, inv.pointers,
               inv.members, self.ints, gx), self._rows(), self.workers)  # fmt: skip
        return gx

    def spread(self) -> np.ndarray:
        f, inv = self.packed.frame, self.inverse
        gx = np.empty(self.planes * self.size)
        kernel = backward.spread(self.plan.recipe, self.kind, self.weighting)
        x, _, w = self.packed.data
        share(kernel, (x, w, self.g, f.outer, f.pooled, f.starts, f.stops, inv.pointers,
                       inv.members, f.source, self.ints, self.p, self.skip, _draws(self.draws), gx),
              self.planes, self.workers)  # fmt: skip
        return gx

    def along(self, kept: np.ndarray, name: str) -> float:
        f = self.packed.frame
        total = np.empty(self.g.size)
        x, _, w = self.packed.data
        share(backward.along(self.plan.recipe, name, self.kind, self.weighting),
              (x, w, f.outer, f.pooled, f.starts, f.stops, f.source, f.numbers, self.p, self.skip,
               kept, total), f.planes * f.rows, self.workers)  # fmt: skip
        return float((total * self.g).sum())

    def _rows(self) -> int:
        return self.planes * math.prod(self.plan.sizes[:-1])
