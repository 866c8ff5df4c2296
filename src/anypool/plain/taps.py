"""Windows of one axis taken element by element: tap j holds the j-th element of every window."""

from __future__ import annotations

from typing import Any

import numpy as np

from .places import Places
from .space import Array, Space

MOST = 32  # longer windows are cut out whole: every tap is an operation of its own


def serve(places: Places) -> bool:
    """Whether windows are worth taking tap by tap."""
    return not places.own and places.most <= MOST


class Taps:
    """The taps of ``a`` under windows that all samples share; ``fill`` stands outside the array."""

    def __init__(self, space: Space, a: Array, places: Places, fill: Any) -> None:
        self.space, self.places = space, places
        self.a = a
        if places.slide is not None:
            before = places.slide.padding(places.n)[0]
            after = max(self._reach - before - places.n, 0)
            self.a = space.pad(a, places.axis, before, after, fill)

    @property
    def _reach(self) -> int:
        """From the first window's first position to behind the last window's last."""
        rule = self.places.slide
        assert rule is not None  # noqa: S101 - only asked of windows that slide
        return (self.places.outputs - 1) * rule.stride + rule.reach

    def __getitem__(self, j: int) -> Array:
        """Tap j; where a window has no such element, ``fill`` or the window's first element."""
        places, rule = self.places, self.places.slide
        if rule is None:
            there = True if places.counts is None else j < places.counts
            spots = np.where(there, places.start + j * places.step, places.start)
            return self.space.pick(self.a, places.axis, np.minimum(spots, places.n - 1))
        first = j * rule.dilation
        spots = slice(first, first + (places.outputs - 1) * rule.stride + 1, rule.stride)
        return self.space.part(self.a, places.axis, spots)

    @property
    def number(self) -> int:
        """How many taps there are."""
        return self.places.most if self.places.slide is None else self.places.slide.kernel

    def there(self, j: int) -> np.ndarray | None:
        """Which windows have an element j, shaped to broadcast; None where all have."""
        found = self._there(j)
        return None if found.all() else self.places.along(found)

    def _there(self, j: int) -> np.ndarray:
        places, rule = self.places, self.places.slide
        if rule is None:
            return np.ones(1, bool) if places.counts is None else j < places.counts
        before = rule.padding(places.n)[0]
        spots = np.arange(places.outputs) * rule.stride - before + j * rule.dilation
        return (spots >= 0) & (spots < places.n)
