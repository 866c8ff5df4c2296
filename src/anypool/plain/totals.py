"""Sums over windows, one axis after the other, in an order that is always the same.

Elements are added and never multiplied by 0, so an infinity or a NaN stays in its own windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .places import Places, cut, inside
from .space import Array, Space
from .taps import Taps, serve


def total(space: Space, x: Array, places: Sequence[Places]) -> Array:
    """The sum of every window; what is not real must be 0 already."""
    if whole := tuple(p.axis for p in places if p.whole):
        x = space.sum(x, axis=whole, keepdims=True)
    for own in reversed([p for p in places if not p.whole]):
        x = _summed(space, x, own)
    return x


def _summed(space: Space, x: Array, places: Places) -> Array:
    if places.tiled or not serve(places):
        return space.sum(kept(space, cut(space, x, places), inside(space, places), 0), axis=-1)
    taps, y = Taps(space, x, places, 0), None
    for j in range(taps.number):
        there = None if places.slide is not None else taps.there(j)
        part = taps[j] if there is None else kept(space, taps[j], space.asarray(there), 0)
        y = part if y is None else y + part
    return y


def kept(space: Space, v: Array, real: Array | None, other: Any) -> Array:
    """The elements that are real; ``other`` in the place of the rest."""
    return v if real is None else space.where(real, v, other)
