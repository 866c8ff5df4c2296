"""Which tap of a window an element is, for the ways back."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .cache import helper


@lru_cache(maxsize=1)
def make_tap() -> Callable:
    """tap(distance, gap): the number of the tap so far from a window's start; -1 between two.

    Dividing by a gap that only the call knows takes longer than the rest of a short row.
    """

    def tap(distance, gap):
        if gap == 1:
            return distance
        return distance // gap if distance % gap == 0 else -1

    return helper(tap, "tap")
