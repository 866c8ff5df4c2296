"""What of an array is real, where each sample lies in it, and the dtype to compute in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plan import Plan
from ..windows.rules import All, Draw, Slide
from .places import Extent
from .space import Array, Space


def working(plan: Plan) -> np.dtype:
    """What plain operations compute in: halves as float32, integers as their result asks."""
    dtype, result = plan.dtype, plan.reduction.recipe.result
    if dtype.kind in "fVc":
        return np.dtype(np.float32) if dtype.itemsize == 2 else dtype
    if result == "bool" or dtype.kind == "b":
        dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype
    return dtype if result in ("same", "bool") else plan.natural


def widened(space: Space, plan: Plan, x: Array) -> Array:
    """x in the dtype to compute in."""
    return space.astype(x, working(plan))


def _aligned(space: Space, a: Any, rank: int) -> Array:
    a = space.asarray(a)
    return space.reshape(a, (*(1,) * (rank - len(a.shape)), *a.shape))


def hidden(
    space: Space, plan: Plan, x: Array, mask: Any, weights: Any
) -> tuple[Array | None, Array | None]:
    """Which elements are real, and the weights where they mean more than that."""
    rank = len(plan.shape)
    found = None if mask is None else _aligned(space, mask, rank)
    if weights is not None:
        weights = _aligned(space, weights, rank)
        found = weights > 0 if found is None else found & (weights > 0)
    if plan.options.nan == "skip" and plan.dtype.kind in "fV":
        found = x == x if found is None else found & (x == x)
    return found, weights if plan.reduction.recipe.weighs else None


def extents(space: Space, plan: Plan, sizes: Any) -> list[Extent] | None:
    """The real extent of each sample, axis by axis in the array's order."""
    if sizes is None:
        return None
    a = space.asarray(sizes)
    shape, found = (a.shape[0], *(1,) * (len(plan.shape) - 1)), []
    for own, axis in zip(plan.order, plan.axes, strict=True):
        both = [a[:, own] * 0, a[:, own]] if len(a.shape) == 2 else [a[:, own, i] for i in (0, 1)]
        found.append(Extent(*(space.reshape(_bounded(space, side, plan.shape[axis]), shape)
                              for side in both)))  # fmt: skip
    return found


def _bounded(space: Space, side: Array, n: int) -> Array:
    """A size that is only traced cannot be refused: it never reaches beyond the array."""
    return space.minimum(space.maximum(space.astype(side, space.int64), 0), n)


def within(space: Space, plan: Plan, real: Array | None, extents: list[Extent]) -> Array:
    """What is real by the extents too: under sliding windows they are a mask."""
    rank = len(plan.shape)
    for axis, own in zip(plan.axes, extents, strict=True):
        line = np.arange(plan.shape[axis])
        place = space.asarray(line.reshape(*(1,) * axis, -1, *(1,) * (rank - 1 - axis)))
        inside = (place >= own.low) & (place < own.high)
        real = inside if real is None else real & inside
    return real  # type: ignore[return-value]


def boxed(
    space: Space, plan: Plan, x: Array, real: Array | None, weights: Array | None
) -> tuple[Array, Array | None, Array | None, list[Extent]]:
    """The samples that boxes read, one for each box, and the extents of the boxes."""
    half, rank = len(plan.axes), len(plan.shape)
    rows = np.array(plan.windows.boxes, np.int64).reshape(-1, 1 + 2 * half)  # type: ignore[attr-defined]
    plan.layout()  # raises for boxes that leave the array
    sides = [space.asarray(column.reshape(-1, *(1,) * (rank - 1))) for column in rows.T]

    def taken(a: Array | None) -> Array | None:
        return a if a is None or a.shape[0] == 1 else space.pick(a, 0, rows[:, 0])

    extents = [Extent(sides[1 + i], sides[1 + half + i]) for i in plan.order]
    return space.pick(x, 0, rows[:, 0]), taken(real), taken(weights), extents


def extents_after(space: Space, plan: Plan, sizes: Any) -> Array:
    """The sizes of the pooled samples, in the form in which ``sizes`` came."""
    laid = extents(space, plan, sizes)
    found: list[Any] = [None] * len(plan.axes)
    for own, axis, rule, extent in zip(plan.order, plan.axes, plan.rules[0], laid, strict=True):  # type: ignore[arg-type]
        low, high = (space.reshape(side, (-1,)) for side in extent)
        found[own] = _after(space, rule, plan.shape[axis], low, high)
    sides = [_columns(space, [pair[i] for pair in found]) for i in (0, 1)]
    if plan.options.sized == "2":
        return sides[1]
    return space.concat([space.reshape(s, (*s.shape, 1)) for s in sides], 2)


def _columns(space: Space, columns: list[Array]) -> Array:
    return space.concat([space.reshape(c, (-1, 1)) for c in columns], 1)


def _after(space: Space, rule: Any, n: int, low: Array, high: Array) -> tuple[Array, Array]:
    """The outputs of one axis that belong to each sample's own extent: ``Slide.extent`` here."""
    if not isinstance(rule, Slide):
        m = 1 if isinstance(rule, All) else _outputs(rule, n)
        return low * 0, low * 0 + m
    before, after = rule.padding(n)
    stride, most = rule.stride, rule.outputs(n)
    first, free = -(-low // stride), high + (after + before - rule.reach)
    last = (-(-free // stride) if rule.ceil else free // stride) + 1
    if rule.ceil:
        last = space.where((last - 1) * stride >= high + before, last - 1, last)
    last = space.minimum(space.maximum(space.where(high > low, last, first), first), most)
    return space.minimum(first, last), last


def _outputs(rule: Any, n: int) -> int:
    if rule.m is not None:
        return rule.m
    return int(n * rule.ratio) if isinstance(rule, Draw) else n  # type: ignore[operator]
