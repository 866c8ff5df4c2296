"""Max and min: their values, where they stand, and a derivative that goes to one element.

One axis after the other, the last first. Each step compares two elements of which one stands before
the other, and keeps the later one only where it is better or NaN: so the first of the equals in
row-major order wins, or the last NaN. Choosing is all that happens to a value, and so the
derivative of the choice is the derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .places import Places, cut, inside
from .space import Array, Space
from .taps import Taps, serve
from .totals import kept


class Found(NamedTuple):
    """Values, whether each is real (None: all are), and where each stands (None: nobody asks)."""

    v: Array
    ok: Array | None
    at: Array | None


def worst(space: Space, dtype: Any, sign: int) -> Any:
    """What no element is better than."""
    if space.isdtype(dtype, "integral"):
        info = space.iinfo(dtype)
        return int(info.min if sign > 0 else info.max)
    return -sign * float("inf")


# -- values alone -------------------------------------------------------------------------------


def best(space: Space, x: Array, real: Array | None, places: Sequence[Places], sign: int) -> Array:
    """The values alone: a derivative of these would be shared among equals."""
    x = kept(space, x, real, worst(space, x.dtype, sign))
    if whole := tuple(p.axis for p in places if p.whole):
        x = _reduced(space, x, whole, sign, True)
    for own in reversed([p for p in places if not p.whole]):
        x = _best(space, x, own, sign)
    return x


def _best(space: Space, x: Array, places: Places, sign: int) -> Array:
    least = worst(space, x.dtype, sign)
    if places.tiled or not serve(places):
        v = kept(space, cut(space, x, places), inside(space, places), least)
        return _reduced(space, v, -1, sign, False)
    taps = Taps(space, x, places, least)
    better, y = (space.maximum if sign > 0 else space.minimum), taps[0]
    for j in range(1, taps.number):
        y = better(y, taps[j])
    return y


def _reduced(space: Space, x: Array, axis: Any, sign: int, keepdims: bool) -> Array:
    reduce = space.max if sign > 0 else space.min
    return reduce(x, axis=axis, keepdims=keepdims)


# -- values, places and derivatives -------------------------------------------------------------


def found(
    space: Space, x: Array, real: Array | None, places: Sequence[Places], sign: int, indices: bool
) -> Found:
    """The extreme of every window. ``real`` must have x's full length along the pooled axes."""
    state, inner = Found(x, real, None), 1
    for own in reversed(places):
        if indices:
            state = state._replace(at=_counted(space, state.at, own, inner))
        inner *= own.n
        state = Found(*(_full(space, a, own) for a in state))
        one_by_one = serve(own) and not own.tiled
        state = (_by_taps if one_by_one else _at_once)(space, state, own, sign)
    if state.at is None:
        return state
    return state._replace(at=space.broadcast_to(state.at, state.v.shape))


def _full(space: Space, a: Array | None, places: Places) -> Array | None:
    """``a`` at its full length along an axis, so that windows can be taken."""
    if a is None or a.shape[places.axis] == places.n:
        return a
    return space.broadcast_to(a, (*a.shape[: places.axis], places.n, *a.shape[places.axis + 1 :]))


def _counted(space: Space, at: Array | None, places: Places, inner: int) -> Array:
    """The flat places over this axis and those inside it, for every element of this axis."""
    stands = space.asarray(places.along(np.arange(places.n) * inner))
    return stands if at is None else at + stands


def _by_taps(space: Space, state: Found, places: Places, sign: int) -> Found:
    taps = [None if a is None else Taps(space, a, places, 0) for a in state]
    number = taps[0].number  # type: ignore[union-attr]
    best = None
    for j in range(number):
        v, ok, at = (None if t is None else t[j] for t in taps)
        there = taps[0].there(j)  # type: ignore[union-attr]
        if there is not None:
            ok = space.asarray(there) if ok is None else ok & space.asarray(there)
        one = Found(v, ok, at)
        best = one if best is None else _later(space, best, one, sign)
    return best  # type: ignore[return-value]


def _later(space: Space, a: Found, b: Found, sign: int) -> Found:
    """Of two, the first unless the second, which stands behind it, is better or NaN."""
    better = b.v > a.v if sign > 0 else b.v < a.v
    better = better | (b.v != b.v)
    if b.ok is not None:
        better = better & b.ok
    if a.ok is not None:
        better = better | (~a.ok if b.ok is None else b.ok & ~a.ok)
    better = space.stop_gradient(better)
    at = None if a.at is None else space.where(better, b.at, a.at)
    ok = None if a.ok is None or b.ok is None else a.ok | b.ok
    return Found(space.where(better, b.v, a.v), ok, at)


def _at_once(space: Space, state: Found, places: Places, sign: int) -> Found:
    """The windows cut out whole, and one element of each kept."""
    v, ok, at = (None if a is None else cut(space, a, places) for a in state)
    there = inside(space, places)
    ok = there if ok is None else ok if there is None else ok & there
    hot = _chosen(space, space.stop_gradient(v), ok, sign)
    y = space.sum(space.where(hot, v, 0), axis=-1)
    at = None if at is None else space.sum(space.where(hot, at, 0), axis=-1)
    return Found(y, None if ok is None else space.any(ok, axis=-1), at)


def _chosen(space: Space, v: Array, ok: Array | None, sign: int) -> Array:
    """Which element of each window along the last axis is its extreme."""
    taps = np.arange(v.shape[-1], dtype=np.int32)
    seen = kept(space, v, ok, worst(space, v.dtype, sign))
    hit, nan = v == _reduced(space, seen, -1, sign, True), v != v
    if ok is not None:
        hit, nan = hit & ok, nan & ok
    early, late = space.asarray(len(taps) - taps), space.asarray(len(taps) + 1 + taps)
    rank = space.where(nan, late, space.where(hit, early, 0))
    first = space.argmax(rank, axis=-1)
    return first[..., None] == space.asarray(taps, first.dtype)


def shared(space: Space, v: Array, w: Array, sign: int) -> Array:
    """The extreme of windows along the last axis; equals share its derivative by their weights."""
    still = space.stop_gradient(v)
    y = _reduced(space, kept(space, still, w > 0, worst(space, v.dtype, sign)), -1, sign, True)
    share = space.where((still == y) & (w > 0), w, 0.0)
    share = share / space.where(y == y, space.sum(share, axis=-1, keepdims=True), 1.0)
    finite = space.abs(y) < float("inf")
    near = space.sum(share * space.where(finite & (share > 0), v, 0.0), axis=-1)
    far = space.sum(share * space.where(~finite & (share > 0), v, 0.0), axis=-1)
    y, finite = y[..., 0], finite[..., 0]
    return space.where(finite, y + (near - space.stop_gradient(near)),
                       space.where(y == y, far, y))  # fmt: skip
