"""What would settle an open question: more seeds, or a larger test set?

Everything is reckoned as if the difference and its spread were exactly as measured, and so that
the answer would then come in four of five studies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .stats import Spread

REACH = 1000
POWER = 0.8


def seeds_to_decide(spread: Spread, margin: float, pairs: int) -> int | None:
    """How many seeds more would show "better" or "equivalent", whichever comes first.

    None where that takes more than 1000 seeds in all, or where no number of seeds can do it since
    the choice of the test examples alone blurs the answer.
    """
    totals = np.arange(spread.seeds + 1, REACH + 1)
    by_seeds = spread.error_here**2 * spread.seeds / totals
    error = np.sqrt(np.maximum(by_seeds + spread.examples, spread.floor))
    df = (totals - 1) * (1 + spread.examples / np.maximum(by_seeds, 1e-30)) ** 2
    decided = totals[_clear(spread.mean, error, df, margin, pairs)]
    return int(decided[0]) - spread.seeds if decided.size else None


def growth_of_test_set(spread: Spread, margin: float, pairs: int) -> float:
    """How many times as large the test set must be before seeds without end could decide.

    1 or less where the test set is large enough already.
    """
    endless = np.array([np.inf])
    better, same = (float(need[0]) for need in _reach(endless, pairs))
    gaps = (abs(spread.mean) / better, (margin - abs(spread.mean)) / same)
    # the floor falls with the square of the size, the rest in proportion
    return min(
        max(spread.examples / gap**2, spread.floor**0.5 / gap) if gap > 0 else np.inf
        for gap in gaps
    )


def _clear(
    mean: float, error: NDArray[np.float64], df: NDArray[np.float64], margin: float, pairs: int
) -> NDArray[np.bool_]:
    better, same = _reach(df, pairs)
    return (abs(mean) >= better * error) | (abs(mean) + same * error <= margin)


def _reach(df: NDArray[np.float64], pairs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many errors the mean must lie from zero to be better; and from the margin to be equal."""
    df = np.minimum(df, 1e9)
    each = 1 - 0.95 ** (1 / pairs)  # as strict as the verdict is
    power = special.stdtrit(df, POWER)
    return special.stdtrit(df, 1 - each / 2) + power, special.stdtrit(df, 0.95) + power
