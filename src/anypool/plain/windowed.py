"""Reductions that need every window's elements side by side: the recipes' own ``batch``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import PoolError
from .places import Places, cut, inside, long
from .space import Array, Space

if TYPE_CHECKING:
    from .pooling import Call


class Gathered(NamedTuple):
    """The elements of every window along a last axis, what each counts for, which are empty."""

    v: Array
    w: Array
    nothing: Array | None


MOST = 1 << 26  # elements of all windows at once; more are taken sample by sample
MOST_STEPS = 1024  # elements of a window that functions of the user are put through one by one


def reduce(call: Call, places: list[Places]) -> tuple[Array, Array | None]:
    """Every window by the recipe; and whether there is nothing real."""
    shape = [n or 1 for n in call.x.shape]  # None: known only at run time
    outputs = [own.outputs * own.most for own in places]
    gathered = math.prod([*outputs, *(shape[a] for a in call.plan.outer)])
    apart = 0 in call.plan.outer and not any(own.own for own in places)
    if gathered <= MOST or not apart or shape[0] < 2:
        return _reduce(call, places)
    return _by_samples(call, places)


def _by_samples(call: Call, places: list[Places]) -> tuple[Array, Array | None]:
    """The same in the memory of one sample."""
    beside = {name: getattr(call, name) for name in ("x", "real", "weights", "picks")}
    split = {n: a for n, a in beside.items() if a is not None and a.shape[0] > 1}

    def one(*samples: Array) -> list[Array]:
        y, nothing = _reduce(call._replace(**dict(zip(split, samples, strict=True))), places)
        return [y] if nothing is None else [y, nothing]

    y, *nothing = call.space.by_samples(one, *split.values())
    return y, nothing[0] if nothing else None


def _reduce(call: Call, places: list[Places]) -> tuple[Array, Array | None]:
    space, plan = call.space, call.plan
    recipe = plan.recipe
    picks = recipe.family == "pick"
    exact = picks and call.weights is not None  # they are added up and compared with a share
    v, w, nothing = gather(call, places, space.float64 if exact else call.x.dtype)
    if recipe.user:
        return _by_functions(call, v, space.broadcast_to(w, v.shape)), nothing
    p = _parameters(call, v.dtype)
    if picks:  # they take weights by their places
        w = space.broadcast_to(w, v.shape)
        return recipe.batch(space, v, w, p, _lifted(call, v))[0], nothing
    return recipe.batch(space, v, w, p)[0], nothing


def _by_functions(call: Call, v: Array, w: Array) -> Array:
    """Functions of the user, which here are given arrays: one number for each window."""
    space, (start, step, finish) = call.space, call.plan.recipe.user
    if v.shape[-1] > MOST_STEPS:
        raise PoolError(
            f"{call.plan.reduction} would be put through windows of {v.shape[-1]} elements one by "
            f"one; in a program give it at most {MOST_STEPS}"
        )
    first = space.argsort(w <= 0, axis=-1, stable=True)  # the real ones, in their order
    v, n = space.take_along_axis(v, first, axis=-1), space.sum(w > 0, axis=-1)
    try:
        state = start(v[..., 0])
        for i in range(1, v.shape[-1]):
            state = _kept(space, i < n, step(state, v[..., i]), state)
        return finish(state, n)
    except Exception as error:
        raise PoolError(
            f"the functions of {call.plan.reduction} are given arrays here, one number for each "
            f"window, and fail: {str(error).splitlines()[0]}; use arithmetic and where, no if"
        ) from error


def _kept(space: Space, more: Array, new: Any, old: Any) -> Any:
    if isinstance(new, tuple):
        return tuple(space.where(more, a, b) for a, b in zip(new, old, strict=True))
    return space.where(more, new, old)


def _lifted(call: Call, v: Array) -> Array | None:
    return None if call.picks is None else call.space.astype(call.picks, v.dtype)


def _parameters(call: Call, dtype: Any) -> tuple[Any, float]:
    first, second = call.plan.numbers
    if call.parameter is None:
        return first, second
    own = call.space.astype(call.space.asarray(call.parameter), dtype)
    return (own[..., None] if len(own.shape) else own), second


def gather(call: Call, places: list[Places], dtype: Any) -> Gathered:
    """Cut all windows out, their elements in row-major order along one new last axis.

    The weights broadcast. What is not real is 0 and weighs 0; but an empty window's elements weigh
    1, so that no recipe divides by 0 there: what it gives is replaced.
    """
    space = call.space
    v = side_by_side(space, call.x, places)
    whole = space.isdtype(v.dtype, "integral")
    v, kind = (v, space.float64) if whole else (space.astype(v, dtype), dtype)
    real = _geometry(space, places, len(call.x.shape))
    if call.real is not None:
        own = side_by_side(space, long(space, call.real, call.x.shape, places), places)
        real = own if real is None else own & real
    if real is None:
        ones = np.ones((*(1,) * (len(v.shape) - 1), v.shape[-1]))
        return Gathered(v, space.astype(space.asarray(ones), kind), None)
    v = space.where(real, v, 0)
    w = space.astype(real, kind)
    if call.weights is not None:
        own = side_by_side(space, long(space, call.weights, call.x.shape, places), places)
        w = space.where(real, space.astype(own, kind), 0)
    if call.real is None and all(p.full for p in places):
        return Gathered(v, w, None)
    nothing = ~space.any(real, axis=-1)
    return Gathered(v, space.where(nothing[..., None], 1, w), nothing)


def side_by_side(space: Space, x: Array, places: Sequence[Places]) -> Array:
    """All windows of ``x`` cut out."""
    rank = len(x.shape)
    for own in places:
        x = cut(space, x, own)
    if len(x.shape) == rank + 1:
        return x
    return space.reshape(x, (*x.shape[:rank], int(np.prod(x.shape[rank:]))))


def _geometry(space: Space, places: Sequence[Places], rank: int) -> Array | None:
    """What of the gathered windows lies inside the array; None where everything does."""
    if all(p.counts is None for p in places):
        return None
    found, more = None, len(places) - 1
    for i, own in enumerate(places):
        real = inside(space, own)
        if real is None:
            real = space.asarray(np.ones((*(1,) * rank, own.most), bool))
        shaped = space.reshape(
            real, (*real.shape[:rank], *(1,) * i, real.shape[-1], *(1,) * (more - i))
        )
        found = shaped if found is None else found & shaped
    shape = found.shape  # type: ignore[union-attr]
    return space.reshape(found, (*shape[:rank], int(np.prod(shape[rank:]))))
