"""Many pairs at once: p values that count how often chance alone would show as much anywhere.

If two arms are alike, each seed's difference could as well have had the other sign. So the signs
of whole seeds are flipped, for all pairs together, and the largest |t| of all pairs is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .stats import Spread

EXACT = 12
DRAWS = 10_000


@lru_cache(maxsize=8)
def signs(rows: int) -> NDArray[np.float64]:
    """+1 and -1, shape (flips, rows); the first flip changes nothing.

    All of them up to 12 rows, else 10 000 drawn alike in every run. The first row keeps its sign
    when all are listed, since |t| does not see a flip of everything.
    """
    if rows <= EXACT:
        bits = np.arange(2 ** (rows - 1))[:, None] >> np.arange(rows - 1) & 1
        table = np.hstack([np.zeros((len(bits), 1), np.int64), bits])
    else:
        draws = np.random.default_rng(rows).integers(0, 2, (DRAWS, rows))
        table = np.vstack([np.zeros((1, rows), np.int64), draws])
    flipped = np.where(table, -1.0, 1.0)
    flipped.flags.writeable = False
    return flipped


def scores(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """|sum| / sqrt(sum of squares) after every flip, shape (flips, pairs).

    differences: (rows, pairs), 0 where a pair lacks that row. For n rows the score is
    |t| * sqrt(n / (n - 1 + t * t)): it orders flips as |t| does, stays finite where nothing varies,
    and lets pairs of more and of fewer rows stand in one maximum.
    """
    norms = np.sqrt((differences**2).sum(axis=0))
    return np.abs(signs(len(differences)) @ differences) / np.where(norms, norms, 1.0)


def score(t: float, rows: int) -> float:
    """The score of a paired t over so many rows.

    >>> round(score(-2.0, 10), 3)
    1.754
    """
    return rows**0.5 * abs(t) / np.hypot(t, (rows - 1) ** 0.5)


def adjusted(
    differences: NDArray[np.float64], spreads: Sequence[Spread], counts: Sequence[int]
) -> list[float]:
    """The p of every pair, adjusted over all of them.

    differences: (rows, pairs), 0 where a pair lacks that row; counts: how many rows a pair has.
    What is held against the flips is the smaller of a pair's score on this test set and its score
    for new data: flips of seeds know nothing of the chance by which these examples were drawn.
    """
    flipped = scores(differences)
    largest = np.sort(flipped.max(axis=1))
    ours = np.minimum(flipped[0], _scores_for_new_data(spreads, counts))
    # sums of the same numbers in another order may differ in the last bit
    below = np.searchsorted(largest, ours - 1e-9)
    return [float(p) for p in 1 - below / len(largest)]


def _scores_for_new_data(spreads: Sequence[Spread], counts: Sequence[int]) -> list[float]:
    """For every pair the score that is as rare for its rows as its t for new data is.

    Among many pairs some look calm by luck, with a small error and many degrees of freedom at
    once. So none is granted more of these than all pairs together: without that the family-wise
    error rose to .08.
    """
    here = sum(spread.error_here**2 for spread in spreads)
    gain = (1 + sum(spread.examples for spread in spreads) / here) ** 2 if here else np.inf
    return [
        _as_rare(_t(spread), min(spread.df, spread.df_here * gain), rows)
        for spread, rows in zip(spreads, counts, strict=True)
    ]


def _t(spread: Spread) -> float:
    """|t|, kept finite: beyond 1000 nothing changes any more."""
    return min(abs(spread.mean) / spread.error, 1e3) if spread.error else 1e3 * bool(spread.mean)


def _as_rare(t: float, df: float, rows: int) -> float:
    """The score of the t which is as rare with rows - 1 degrees of freedom as `t` is with `df`."""
    if rows < 2:
        return 0.0
    tail = max(float(special.stdtr(df, -t)), 1e-300)
    return score(float(special.stdtrit(rows - 1, tail)), rows)
