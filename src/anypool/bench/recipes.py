"""Every operation out of means and maxima of windows: what people write where one is not shipped.

A peer gives a :class:`Space`: its own max and mean over a job's windows, and its own arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .job import Job

P, EPS, R = 3, 1e-6, 10  # of GeM and LSE, as anypool has them unless told otherwise


class CannotError(Exception):
    """The peer has no such operation, or not with the same numbers."""


class Space:
    """What a peer must know to take part: windows' max and mean, and a little arithmetic.

    ``m`` is the module of the peer's functions where it has them under NumPy's names.
    """

    m: Any

    def __init__(self, job: Job) -> None:
        self.job = job

    def top(self, t: Any) -> Any:
        """The max of every window."""
        raise NotImplementedError

    def mean(self, t: Any, padded: bool) -> Any:
        """The mean of every window; ``padded`` if zeros of the padding count."""
        raise NotImplementedError

    def total(self, t: Any) -> Any:
        """The sum of every window."""
        return self.mean(t, True) * self.constant(self.job.laid(self.job.counts(padded=True)), t)

    def exp(self, t: Any) -> Any:
        return self.m.exp(t)

    def log(self, t: Any) -> Any:
        return self.m.log(t)

    def where(self, condition: Any, t: Any, other: Any) -> Any:
        return self.m.where(condition, t, other)

    def least(self, t: Any, number: float) -> Any:
        """No smaller than the number."""
        return self.m.maximum(t, self.number(number, t))

    def wide(self, t: Any) -> Any:
        """Integers and masks as floating-point numbers."""
        raise NotImplementedError

    def constant(self, a: np.ndarray, like: Any) -> Any:
        """An array of the peer's, of the dtype of another."""
        raise NotImplementedError

    def number(self, value: float, like: Any) -> Any:
        """A number beside an array: of its dtype."""
        return self.constant(np.asarray(value), like)

    def turned(self, t: Any) -> Any:
        return -t

    def power(self, t: Any, p: float) -> Any:
        return t**p

    def equal(self, t: Any, number: float) -> Any:
        return t == number


def recipe(space: Space) -> Callable[..., Any]:
    """A function of x (and of the mask) that gives the job's result."""
    operation = space.job.operation
    if operation not in RECIPES:
        raise CannotError(f"there is no {operation}")
    function = RECIPES[operation]
    return lambda x, mask=None: function(space, x, mask)


def lowest(job: Job) -> float:
    """What loses against everything."""
    return -np.inf if job.floating else float(np.iinfo(job.dtype).min)


def _max(s: Space, x: Any, mask: Any) -> Any:
    if mask is None:
        return s.top(x)
    if not s.job.floating:  # the lowest integer may be real: count what is
        y = s.top(s.where(mask, x, s.number(lowest(s.job), x)))
        none = s.equal(s.mean(s.wide(mask), True), 0.0)
        return s.where(none, s.number(0, y), y)
    y = s.top(s.where(mask, x, s.number(-np.inf, x)))
    return s.where(s.equal(y, -np.inf), s.number(0, y), y)


def _min(s: Space, x: Any, mask: Any) -> Any:
    """The max of everything turned round; unsigned numbers have no minus."""
    if s.job.dtype != "uint8":
        return s.turned(_max(s, s.turned(x), mask))
    if mask is not None:
        raise CannotError("a masked min of uint8 is not written by hand here")
    top = s.number(255, x)
    return top - _max(s, top - x, None)


def _floats(s: Space, x: Any) -> Any:
    return x if s.job.floating else s.wide(x)


def _share(s: Space, mask: Any) -> Any:
    """The share of real elements in each window."""
    return s.mean(s.wide(mask), True)


def _means(s: Space, x: Any, mask: Any, finish: Callable[..., Any], *parts: Any) -> Any:
    """`finish` of the means of some functions of x over what is real."""
    if mask is None:
        return finish(*(s.mean(part(x), False) for part in parts))
    real = _share(s, mask)
    apart = s.least(real, 1e-6)
    means = [s.mean(s.where(mask, part(x), s.number(0, x)), True) / apart for part in parts]
    y = finish(*means)
    return s.where(s.equal(real, 0.0), s.number(0, y), y)


def _avg(s: Space, x: Any, mask: Any) -> Any:
    x = _floats(s, x)
    if mask is None:
        return s.mean(x, True)
    return _means(s, x, mask, lambda m: m, lambda t: t)


def _sum(s: Space, x: Any, mask: Any) -> Any:
    x = _floats(s, x)
    return s.total(x if mask is None else s.where(mask, x, s.number(0, x)))


def _lp(s: Space, x: Any, mask: Any) -> Any:
    x = _floats(s, x)
    return s.power(_sum(s, x * x, mask), 0.5)


def _gem(s: Space, x: Any, mask: Any) -> Any:
    x = s.least(_floats(s, x), EPS)
    return _means(s, x, mask, lambda m: s.power(m, 1 / P), lambda t: t * t * t)


def _lse(s: Space, x: Any, mask: Any) -> Any:
    x = _floats(s, x)
    if not s.job.floating:
        raise CannotError("exp of 10 times such integers overflows")
    r = s.number(R, x)
    return _means(s, x, mask, lambda m: s.log(m) / r, lambda t: s.exp(t * r))


def _soft(s: Space, x: Any, mask: Any) -> Any:
    x = _floats(s, x)
    e = s.exp(x)
    return _means(s, x, mask, lambda a, b: a / b, lambda t: e * t, lambda _: e)


def _std(s: Space, x: Any, mask: Any) -> Any:
    return _means(s, _floats(s, x), mask,
                  lambda m, squares: s.power(s.least(squares - m * m, 0.0), 0.5),
                  lambda t: t, lambda t: t * t)  # fmt: skip


RECIPES: dict[str, Callable[[Space, Any, Any], Any]] = {
    "max": _max, "min": _min, "avg": _avg, "sum": _sum, "lp": _lp, "gem": _gem, "lse": _lse,
    "soft": _soft, "std": _std,
}  # fmt: skip
