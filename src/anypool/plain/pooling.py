"""One plan in plain operations: what is real, each grid by its reduction, the finish.

Nothing here looks at a number in an array (but for ``fill=None`` and ``nan="raise"``, which ask),
writes in place, or needs a derivative of its own: whatever transforms the framework's operations
transforms this.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import PoolError
from ..plan import Plan
from ..windows import Boxes
from . import extremes, windowed
from .finish import assembled, filled, rounded
from .look import look
from .places import Places, lay, long
from .real import boxed, extents, hidden, widened, within
from .space import Array, Space
from .totals import kept, total


class Call(NamedTuple):
    """One call: the array to read in its working dtype, what of it is real, and what is asked."""

    space: Space
    plan: Plan
    x: Array
    real: Array | None
    weights: Array | None
    parameter: Any
    picks: Array | None


class Piece(NamedTuple):
    """One grid pooled: values, where max or min stand, and which windows have nothing real."""

    y: Array
    at: Array | None
    nothing: Array | None


def pool(
    space: Space, plan: Plan, x: Array, *, mask: Any = None, weights: Any = None, sizes: Any = None,
    spots: Array | None = None, picks: Array | None = None, parameter: Any = None,
) -> Any:  # fmt: skip
    """What ``anypool.pool`` gives, in the framework's own operations; a pair with indices.

    Args:
        x: the framework's array of the plan's shape and dtype.
        mask, weights: arrays that broadcast to x; ``sizes`` as ``anypool.pool`` takes it. All
            taken as checked; all may be traced.
        spots: numbers in [0, 1) for windows at random places, of ``spots_shape(plan)``.
        picks: numbers in [0, 1) for a reduction that draws, of ``picks_shape(plan)``.
        parameter: takes the place of the reduction's first parameter: without axes, or one that
            broadcasts against x with the pooled axes of length 1. It has a derivative.
    """
    _refuse(plan, spots, picks)
    real, weights = hidden(space, plan, x, mask, weights)
    wide = widened(space, plan, x)
    laid = extents(space, plan, sizes)
    if isinstance(plan.windows, Boxes):
        wide, real, weights, laid = boxed(space, plan, wide, real, weights)
    elif laid is not None and not plan.windows.own_extent:
        real, laid = within(space, plan, real, laid), None
    call = Call(space, plan, wide, real, weights, parameter, picks)
    pieces: list[Any] = []
    for number in range(len(plan.rules)):
        places = lay(space, plan, number, laid, spots)
        piece = _grid(call._replace(picks=_own(call, places, pieces)), places)
        look(call, piece, places)
        pieces.append(filled(space, plan, piece.y, piece.at, piece.nothing))
    y = rounded(space, plan, assembled(space, plan, [p[0] for p in pieces]))
    if not plan.options.indices:
        return y
    return y, assembled(space, plan, [p[1] for p in pieces])


def _refuse(plan: Plan, spots: Any, picks: Any) -> None:
    """What plain operations cannot say."""
    if (plan.windows.random and spots is None) or (plan.reduction.sampled and picks is None):
        raise PoolError(
            f"{plan.reduction} over {plan.windows} draws numbers; give rng= something to draw from"
        )


# -- one grid -----------------------------------------------------------------------------------


def _grid(call: Call, places: list[Places]) -> Piece:
    name, ties = call.plan.reduction.name, call.plan.options.ties
    if name in ("max", "min") and ties == "split" and not call.plan.options.indices:
        return _shared(call, places, 1 if name == "max" else -1)
    if name in ("max", "min", "any", "all"):
        return _extreme(call, places)
    if name in ("sum", "mean"):
        return _total(call, places)
    if name in ("lp", "gem") and call.parameter is None and call.plan.numbers[0] == math.inf:
        return _endless(call, places)
    y, nothing = windowed.reduce(call, places)
    return Piece(y, None, nothing)


def _extreme(call: Call, places: list[Places]) -> Piece:
    space, x, name = call.space, call.x, call.plan.reduction.name
    sign, indices = (1 if name in ("max", "any") else -1), call.plan.options.indices
    if name in ("any", "all"):
        x = space.astype(x != 0, np.dtype(np.uint8))
    real = long(space, call.real, x.shape, places)
    x = kept(space, x, real, 0)
    if indices:
        y, ok, at = extremes.found(space, x, real, places, sign, True)
        nothing = None if ok is None else ~ok
        return Piece(y, at if nothing is None else space.where(nothing, -1, at), nothing)

    def values(x: Array, real: Array | None) -> Array:
        return extremes.best(space, x, real, places, sign)

    def sloped(x: Array, real: Array | None) -> Array:
        return extremes.found(space, x, real, places, sign, False).v

    plain = name in ("any", "all") or call.plan.dtype.kind not in "fV"
    if plain:
        y = values(x, real)
    elif any(own.own for own in places):  # they may be traced: nothing may close over them
        y = sloped(x, real)
    else:
        y = space.either(values, sloped, x, real)
    return Piece(y, None, _nothing(space, real, places))


def _shared(call: Call, places: list[Places], sign: int) -> Piece:
    v, w, nothing = windowed.gather(call, places, call.x.dtype)
    return Piece(extremes.shared(call.space, v, w, sign), None, nothing)


def _endless(call: Call, places: list[Places]) -> Piece:
    """The norm and the mean of endless power: the largest, whose equals share."""
    space = call.space
    v, w, nothing = windowed.gather(call, places, call.x.dtype)
    if call.plan.reduction.name == "lp":
        v = space.abs(v)
    else:
        eps = call.plan.numbers[1]
        v = space.where(v <= eps, eps, v)
    return Piece(extremes.shared(space, v, w, 1), None, nothing)


def _total(call: Call, places: list[Places]) -> Piece:
    """Sums and means. A mean divides by what it counts, which is known or summed as well."""
    space, plan, x = call.space, call.plan, call.x
    real = long(space, call.real, x.shape, places)
    nothing = _nothing(space, real, places)
    x = kept(space, x, real, 0)
    weights = None
    if call.weights is not None:
        own = space.where(call.real, space.astype(call.weights, _real(x.dtype, space)), 0)
        weights = long(space, own, x.shape, places)
        x = x * own
    y = total(space, x, places)
    if plan.reduction.name == "sum":
        return Piece(y, None, nothing)
    divisor = _divisor(call, places, real, weights)
    if nothing is not None:
        divisor = space.where(divisor == 0, 1, divisor)
    return Piece(y / divisor, None, nothing)


def _real(dtype: Any, space: Space) -> Any:
    """The dtype of weights beside values of ``dtype``."""
    if space.isdtype(dtype, "complex floating"):
        return space.finfo(dtype).dtype
    return dtype if space.isdtype(dtype, "real floating") else space.float64


def _divisor(call: Call, places: list[Places], real: Array | None, weights: Array | None) -> Array:
    space, plan = call.space, call.plan
    kind = _real(call.x.dtype, space)
    if plan.options.divisor_override is not None:
        return space.astype(space.asarray(float(plan.options.divisor_override)), kind)
    if weights is not None:
        return total(space, weights, places)
    if real is not None:
        return total(space, space.astype(real, kind), places)
    found = None
    for i, own in enumerate(places):
        counts = _spans(call, own, i)
        part = counts if own.own else space.asarray(own.along(counts).astype(np.float64))
        part = space.astype(part, kind)
        found = part if found is None else found * part
    return found


def _spans(call: Call, places: Places, i: int) -> Any:
    """What a window of this axis counts for in a mean's divisor."""
    if places.own:
        return places.most if places.counts is None else places.counts
    counts = np.full(places.outputs, places.most) if places.counts is None else places.counts
    if not call.plan.counts_padding or call.plan.fixed is None:
        return counts
    return call.plan.fixed.grids[0][i].span[0] if places.slide is not None else counts


def _nothing(space: Space, real: Array | None, places: list[Places]) -> Array | None:
    """Which windows have nothing real; None where all surely have something."""
    if real is not None:
        count = space.astype(real, np.dtype(np.int32))
        return total(space, count, places) == 0
    found = None
    for own in places:
        if own.full:
            continue
        none = own.counts == 0 if own.own else space.asarray(own.along(own.counts == 0))
        found = none if found is None else found | none
    return found


def _own(call: Call, places: list[Places], before: list[Any]) -> Array | None:
    """The draws of one grid, pooled axes in their places."""
    picks, plan, space = call.picks, call.plan, call.space
    if picks is None:
        return None
    batch = call.x.shape[0]
    shape = [batch if a == 0 else n for a, n in enumerate(plan.shape)]
    for own in places:
        shape[own.axis] = own.outputs
    if not plan.windows.joined:
        return space.reshape(picks, shape)
    at, sizes = plan.axes[0], [own.outputs for own in places]
    first = sum(math.prod(y.shape[a] for a in plan.axes) for y, _ in before)
    part = space.part(picks, at, slice(first, first + math.prod(sizes)))
    behind = [a for a in plan.outer if a > at]
    order = [*(a for a in plan.outer if a < at), *plan.axes, *behind]
    part = space.reshape(part, [shape[a] for a in order])
    return space.transpose(part, list(np.argsort(order)))
