"""User-made reductions: three plain Python functions, compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..errors import ReductionError
from .base import Recipe, Reduction


def custom(
    start: Callable[[Any], Any],
    step: Callable[[Any, Any], Any],
    finish: Callable[[Any, int], Any] | None = None,
    name: str = "custom",
) -> Reduction:
    """A reduction of your own.

    ``start(x)`` makes the state from a window's first real element, ``step(state, x)`` adds the
    next one, ``finish(state, n)`` gives the value (None: the state is the value). The state is a
    number or a tuple of numbers; elements come as float64, in row-major order. The functions are
    compiled by Numba where they can be, and run as they are where not.

    >>> import numpy as np, anypool as ap
    >>> product = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
    >>> ap.pool(np.arange(1.0, 7.0), ap.windows.sliding(3), product)
    array([  6., 120.])
    """
    for what, function in (("start", start), ("step", step), ("finish", finish)):
        if not callable(function) and not (what == "finish" and function is None):
            raise ReductionError(f"{what} must be a function, not {function!r}")
    return Reduction(name, recipe=_recipe(start, step, finish, name))


@lru_cache(maxsize=256)  # the same functions are the same recipe, so that plans are found again
def _recipe(start: Any, step: Any, finish: Any, name: str) -> Recipe:
    end = finish or _itself

    def meaning(v: Any, w: Any, p: Any) -> Any:
        state = start(v[0])
        for x in v[1:]:
            state = step(state, x)
        return end(state, len(v))

    return Recipe(
        name, "stream", "mean", meaning=meaning, batch=_one_by_one(meaning), plain=False,
        user=(start, step, end),
    )  # fmt: skip


def _itself(state: Any, n: int) -> Any:
    return state


def _one_by_one(meaning: Callable[..., Any]) -> Callable[..., Any]:
    def batch(xp: Any, v: Any, w: Any, p: Any) -> tuple[Any, float, float]:
        y = xp.zeros(v.shape[:-1])
        for place in xp.ndindex(*y.shape):
            real = v[place][w[place] > 0]
            y[place] = meaning(real, None, p) if real.size else 0.0
        return y, 0.0, 0.0

    return batch
