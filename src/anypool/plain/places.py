"""WHERE windows read, axis by axis, as numbers that plain operations can follow.

Where every sample shares its windows they are NumPy constants, from the Plan. Where a sample has
windows of its own (by ``sizes``, boxes, random places) they are arrays of the framework, made here
by the arithmetic of ``windows/rules.py`` in operations of the space: these may be traced.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows.rules import All, Draw, Parts, Slide, Table
from .space import Array, Space


class Places(NamedTuple):
    """The windows of one axis of an array of ``rank`` axes.

    Window i reads ``counts[i]`` elements from ``start[i]``, ``step`` apart; ``most`` is the most
    that any of them reads, and ``counts`` None says that all read as many. ``own`` False: both are
    NumPy's, of shape (outputs,). ``own`` True: both are arrays of ``rank`` axes that broadcast over
    the samples. ``slide`` is the rule of windows that move evenly.
    """

    axis: int
    rank: int
    n: int
    outputs: int
    most: int
    start: Any
    counts: Any = None
    step: int = 1
    own: bool = False
    full: bool = True
    slide: Slide | None = None

    @property
    def tiled(self) -> bool:
        """Windows side by side from the start, of one length."""
        even = not self.own and self.counts is None and self.step == 1
        return even and bool((self.start == np.arange(self.outputs) * self.most).all())

    @property
    def whole(self) -> bool:
        """One window over everything."""
        return self.tiled and self.outputs == 1 and self.most == self.n

    def along(self, a: np.ndarray) -> np.ndarray:
        """Numbers for each output, or each element, of this axis, shaped to broadcast."""
        return a.reshape(*(1,) * self.axis, -1, *(1,) * (self.rank - 1 - self.axis))


def shared(table: Table, rule: Any, axis: int, rank: int, n: int) -> Places:
    """The windows of a table that all samples share."""
    start, counts = table.start[0], table.counts[0]
    most = max(int(counts.max(initial=0)), 1)
    even = bool((counts == most).all())
    slide = rule if isinstance(rule, Slide) else None
    return Places(axis, rank, n, len(start), most, start, None if even else counts, table.step,
                  False, bool(counts.all()), slide)  # fmt: skip


class Extent(NamedTuple):
    """What of an axis is real, sample by sample: arrays of ``rank`` axes that broadcast."""

    low: Array
    high: Array


def own(
    space: Space, rule: Any, axis: int, rank: int, n: int, extent: Extent | None, draw: Array | None
) -> Places:
    """The windows of a rule laid on each sample's own extent, or at places of its own."""
    low = space.asarray(np.zeros((1,) * rank, np.int64)) if extent is None else extent.low
    length = space.asarray(np.full((1,) * rank, n)) if extent is None else extent.high - extent.low
    if isinstance(rule, All):
        return Places(axis, rank, n, 1, n, low, length, 1, True, False)
    if isinstance(rule, Parts):
        return _parts(space, rule, axis, rank, n, low, length)
    return _drawn(space, rule, axis, rank, n, low, length, draw)


def _line(space: Space, axis: int, rank: int, m: int) -> Array:
    shape = (*(1,) * axis, m, *(1,) * (rank - 1 - axis))
    return space.asarray(np.arange(m).reshape(shape))


def _parts(
    space: Space, rule: Parts, axis: int, rank: int, n: int, low: Array, length: Array
) -> Places:
    m = n if rule.m is None else rule.m
    i, each, rest = _line(space, axis, rank, m), length // m, length % m
    if rule.rule == "split":
        start = low + i * each + space.minimum(i + 0 * rest, rest + 0 * i)
        counts = each + space.astype(i < rest, start.dtype)
        return Places(axis, rank, n, m, -(-n // m), start, counts, 1, True, False)
    # i * length would not fit 32 bits on long axes
    start = low + i * each + i * rest // m
    stop = low + (i + 1) * each + ((i + 1) * rest + (m - 1)) // m
    most = min(n, -(-n // m) + 1)
    return Places(axis, rank, n, m, most, start, stop - start, 1, True, False)


def _drawn(
    space: Space, rule: Draw, axis: int, rank: int, n: int, low: Array, length: Array, draw: Any
) -> Places:
    """Graham's places, in PyTorch's sequence."""
    m = int(n * rule.ratio) if rule.m is None else rule.m  # type: ignore[operator]
    i, gap = _line(space, axis, rank, m), length - rule.kernel
    u = 0.5 if draw is None else space.astype(draw, space.float64)
    alpha = space.astype(gap, space.float64) / max(m - 1, 1) * float(m > 1)
    first = space.floor((space.astype(i, space.float64) + u) * alpha)
    start = space.astype(first - space.floor(u * alpha), gap.dtype)
    start = low + space.where(i == m - 1, gap, start)
    return Places(axis, rank, n, m, rule.kernel, start, None, 1, True, True)


def least_extent(rule: Any) -> int:
    """The shortest extent that windows of random places can be laid on."""
    return rule.kernel + (rule.m or 1) - 1 if isinstance(rule, Draw) else 0


# -- cutting ------------------------------------------------------------------------------------


def cut(space: Space, x: Array, places: Places) -> Array:
    """Every window of one axis: the outputs in its place, their elements along a new last axis.

    Axes that x has beyond the rank are elements that were cut before.
    """
    a, m, most = places.axis, places.outputs, places.most
    head, tail = x.shape[:a], x.shape[a + 1 :]
    if places.tiled:
        kept = x if m * most == x.shape[a] else space.part(x, a, slice(0, m * most))
        return _last(space, space.reshape(kept, (*head, m, most, *tail)), a + 1)
    if not places.own:
        taken = space.pick(x, a, positions(places).reshape(-1))
        return _last(space, space.reshape(taken, (*head, m, most, *tail)), a + 1)
    index = positions_of_own(space, places)
    index = _into(space, index, places.rank, a + 1)
    index = space.reshape(index, (*index.shape[:a], m * most, *index.shape[a + 2 :],
                                  *(1,) * (x.ndim - places.rank)))  # fmt: skip
    taken = space.take_along_axis(x, index, a)
    return _last(space, space.reshape(taken, (*taken.shape[:a], m, most, *taken.shape[a + 1 :])),
                 a + 1)  # fmt: skip


def positions(places: Places) -> np.ndarray:
    """(outputs, most): where each element of each shared window stands; what is not there, 0."""
    taps = np.arange(places.most)
    found = places.start[:, None] + taps * places.step
    return found if places.counts is None else np.where(taps < places.counts[:, None], found, 0)


def positions_of_own(space: Space, places: Places) -> Array:
    """The same for windows of the samples' own: one more axis, the last, for the elements."""
    taps = space.asarray(np.arange(places.most))
    found = places.start[..., None] + taps
    return space.minimum(space.maximum(found, 0), places.n - 1)


def inside(space: Space, places: Places) -> Array | None:
    """Which elements of cut windows are there: ``rank + 1`` axes; None where all are."""
    if places.counts is None:
        return None
    taps = np.arange(places.most)
    if places.own:
        return space.asarray(taps) < places.counts[..., None]
    return space.asarray(places.along(places.counts)[..., None] > taps)


def _last(space: Space, x: Array, axis: int) -> Array:
    rank = len(x.shape)
    return space.transpose(x, [*(i for i in range(rank) if i != axis), axis])


def _into(space: Space, x: Array, axis: int, to: int) -> Array:
    order = [i for i in range(len(x.shape)) if i != axis]
    return space.transpose(x, [*order[:to], axis, *order[to:]])


def long(space: Space, a: Array | None, shape: tuple[int, ...], places: list[Places]) -> Any:
    """A mask or weights at full length along the pooled axes, so that windows can be cut;

    along every axis where samples have windows of their own.
    """
    if a is None:
        return None
    every, pooled = any(p.own for p in places), {p.axis for p in places}
    full = tuple(
        n if every or i in pooled else k
        for i, (n, k) in enumerate(zip(shape, a.shape, strict=True))
    )
    return a if full == tuple(a.shape) else space.broadcast_to(a, full)


def lay(space: Space, plan: Plan, number: int, extents: Any, draws: Array | None) -> list[Places]:
    """The windows of one grid of a plan, axis by axis."""
    rank, fixed = len(plan.shape), plan.fixed
    found = []
    for i, (rule, a) in enumerate(zip(plan.rules[number], plan.axes, strict=True)):
        n = plan.shape[a]
        if fixed is not None:
            found.append(shared(fixed.grids[number][i], rule, a, rank, n))
        elif isinstance(rule, Slide):
            full = np.zeros(1, np.int64), np.full(1, n)
            found.append(shared(rule.lay(n, *full, None, a), rule, a, rank, n))
        else:
            draw = None if draws is None else _spots(space, plan, draws[i, ...])
            found.append(own(space, rule, a, rank, n, extents and extents[i], draw))
    return found


def _spots(space: Space, plan: Plan, draw: Array) -> Array:
    """The draws of one axis, one for each plane, as an array of ``rank`` axes."""
    shape = [1 if a in plan.axes else n for a, n in enumerate(plan.shape)]
    return space.reshape(draw, shape)
