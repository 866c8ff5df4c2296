"""Many pairs at once: p values that count how often chance alone would show as much anywhere.

If two arms are alike, each seed's difference could as well have had the other sign. So the signs
of whole seeds are flipped, for all pairs together, and the largest |t| of all pairs is kept.
Flips of seeds know nothing of the chance by which the examples were drawn: see `stats.sidak`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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


def adjusted(differences: NDArray[np.float64]) -> list[float]:
    """The p of every pair, adjusted over all of them, for these test examples.

    differences: (rows, pairs), 0 where a pair lacks that row

    >>> adjusted(np.array([[0.01, 0.0], [0.02, -0.01], [0.01, 0.01], [0.02, 0.01]]))
    [0.125, 1.0]
    """
    flipped = scores(differences)
    largest = np.sort(flipped.max(axis=1))
    # sums of the same numbers in another order may differ in the last bit
    below = np.searchsorted(largest, flipped[0] - 1e-9)
    return [float(p) for p in 1 - below / len(largest)]
