"""Which reduction of anypool's gives what was seen: hypotheses tried on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import engine, reductions
from ..errors import PoolError
from .fitting import Fit

Ints = tuple[int, ...]
Pool = Callable[[np.ndarray], np.ndarray]


class Guess(NamedTuple):
    """A reduction that gives what was seen, and how to say so."""

    name: str
    divides: str  # for a mean: what it divides by
    pool: Callable[[np.ndarray, Fit, Ints], np.ndarray]

    @property
    def words(self) -> str:
        return f"{self.name} pooling"

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.divides


def plain(reduce: Any, **common: Any) -> Callable[[np.ndarray, Fit, Ints], np.ndarray]:
    def run(x: np.ndarray, fit: Fit, axes: Ints) -> np.ndarray:
        windows = fit.windows(tuple(x.shape[a] for a in axes))
        call = engine.prepare(x, windows, reduce, axes=axes, **common)
        return engine.run(call._replace(path="portable")).y  # no kernel is compiled for a guess

    return run


def _full(x: np.ndarray, fit: Fit, axes: Ints) -> np.ndarray:
    """A mean that divides by the whole kernel, padding and overhang with it."""
    return plain("sum")(x, fit, axes) / math.prod(fit.kernel)


def _scaled_lp(p: float) -> Callable[[np.ndarray, Fit, Ints], np.ndarray]:
    """PyTorch's Lp: the mean of powers times the kernel, as if every window were full."""

    def run(x: np.ndarray, fit: Fit, axes: Ints) -> np.ndarray:
        share = plain("mean", count_include_pad=False)(x**p, fit, axes)
        with np.errstate(invalid="ignore"):
            return (share * math.prod(fit.kernel)) ** (1 / p)

    return run


def _signed_lp(p: float) -> Callable[[np.ndarray, Fit, Ints], np.ndarray]:
    """PyTorch's Lp of whole windows: no |x|."""

    def run(x: np.ndarray, fit: Fit, axes: Ints) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return plain("sum")(x**p, fit, axes) ** (1 / p)

    return run


FULL = "the whole kernel, what hangs over counted too"
PADDED = "its elements and the padding"
REAL = "its real elements"
MEANS = {
    REAL: plain("mean", count_include_pad=False),
    PADDED: plain("mean", count_include_pad=True),
    FULL: _full,
}


def guesses() -> Iterator[Guess]:
    """Every hypothesis, the most usual first."""
    yield Guess("max", "", plain("max"))
    for divides, run in MEANS.items():
        yield Guess("average", divides, run)
    for name in ("min", "sum"):
        yield Guess(name, "", plain(name))
    for p in (2.0, 1.0, 3.0):
        yield Guess(f"L{p:g}", "", plain(reductions.lp(p)))
        yield Guess(f"L{p:g} (without |x|)", "", _signed_lp(p))
        yield Guess(f"L{p:g} (partial windows scaled as if full)", "", _scaled_lp(p))
    yield from (Guess(name, "", plain(name)) for name in reductions.CATALOGUE
                if name not in ("max", "min", "mean", "sum", "lp"))  # fmt: skip


def guess(fit: Fit, axes: Ints, seen: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Guess]:
    """The hypotheses that give every y of these (x, y), within rounding: one reduction's."""
    found: list[Guess] = []
    for one in guesses():
        if found and one.name != found[0].name:
            break
        if all(_gives(one, fit, axes, x, y) for x, y in seen):
            found.append(one)
    return found or [one for one in _scaled(fit, axes, seen)
                     if all(_gives(one, fit, axes, x, y) for x, y in seen)]  # fmt: skip


def _scaled(fit: Fit, axes: Ints, seen: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[Guess]:
    """A sum divided by one number, such as PyTorch's divisor_override."""
    x, y = seen[0]
    total = plain("sum")(x.astype(np.float64), fit, axes)
    if total.shape != y.shape:
        return
    with np.errstate(all="ignore"):
        divisor = round(float(np.median((total / y)[np.abs(y) > 1e-3])), 4)
    if divisor == divisor and divisor != 0:
        yield Guess("average", f"{divisor:g} everywhere",
                    lambda x, fit, axes: plain("sum")(x, fit, axes) / divisor)  # fmt: skip


def _gives(one: Guess, fit: Fit, axes: Ints, x: np.ndarray, y: np.ndarray) -> bool:
    try:
        with np.errstate(all="ignore"):
            own = one.pool(x.astype(np.float64), fit, axes)
    except PoolError:
        return False
    return own.shape == y.shape and close(own, y, x)


def close(a: np.ndarray, b: np.ndarray, x: np.ndarray, room: float = 64.0) -> bool:
    """Whether two results agree within rounding of float32 at the size of what was pooled."""
    return bool((apart(a, b, x) <= room).all())


def apart(a: np.ndarray, b: np.ndarray, x: np.ndarray, eps: float = 2.0**-23) -> np.ndarray:
    """How far results stand apart, in units in the last place at the size of the numbers."""
    size = float(np.abs(x[np.isfinite(x)]).max(initial=0.0))
    with np.errstate(all="ignore"):
        scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), size)
        gap = np.abs(a - b) / (scale * eps)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(alike, 0.0, np.where(np.isnan(gap), np.inf, gap))
