"""How sure is a difference between two arms? Its errors, intervals and shares.

A difference is a table of seeds by test examples: +1 where only `a` was right, -1 where only `b`
was, 0 where both did alike. Seeds are a sample of all trainings and examples a sample of all data,
so both count as chance; radiologists judge readers by cases in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import PoolError

# no sign-flip test of fewer seeds can reach p < .05
SEEDS_NEEDED = 6


@dataclass(frozen=True)
class Spread:
    """A mean difference and what is known of its error. All in shares (0.01 is one point).

    error, df: for new data like this; error_here, df_here: for this test set
    examples: the part of error ** 2 that stays however many seeds are run
    floor: the least that error ** 2 can be with a test set of this size
    seeds: how many trainings of each arm; fewer than two leave the errors infinite
    """

    mean: float
    error: float
    df: float
    error_here: float
    df_here: float
    examples: float
    floor: float
    seeds: int


def crossed(table: NDArray[np.int8]) -> Spread:
    """The spread of a table of differences in {-1, 0, 1}, shape (seeds, examples).

    >>> table = np.zeros((3, 100), dtype=np.int8)
    >>> table[:, :10], table[1, 10:14], table[2, 14] = 1, -1, -1
    >>> spread = crossed(table)
    >>> round(spread.mean, 4), round(spread.error, 4), round(spread.error_here, 4)
    (0.0833, 0.033, 0.012)
    """
    seeds, examples = table.shape
    if examples < 2:
        raise PoolError(f"a verdict needs at least 2 test examples, not {examples}")
    mean, floor = float(table.mean()), _floor(examples)
    if seeds < 2:
        return Spread(mean, np.inf, 1.0, np.inf, 1.0, 0.0, floor, seeds)
    by_seed, by_example, rest = _mean_squares(table)
    # never narrower than the seeds alone make it, though the estimate of the rest may fall below 0
    lasting = max(by_example - rest, 0.0)
    square = (by_seed + lasting) / table.size
    dfs = (seeds - 1, examples - 1, (seeds - 1) * (examples - 1))
    parts = (by_seed, by_example, rest) if lasting else (by_seed, 0.0, 0.0)
    return Spread(
        mean=mean,
        error=max(square, floor) ** 0.5,
        df=_satterthwaite(by_seed + lasting, parts, dfs),
        error_here=(by_seed / table.size) ** 0.5,
        df_here=seeds - 1.0,
        examples=lasting / table.size,
        floor=floor,
        seeds=seeds,
    )


def over_sets(spreads: Sequence[Spread]) -> Spread:
    """The spread of the mean over several data sets, for these data sets as they are."""
    sets = len(spreads)
    return Spread(
        mean=sum(each.mean for each in spreads) / sets,
        error=_root([each.error**2 for each in spreads]),
        df=_welch([each.error**2 for each in spreads], [each.df for each in spreads]),
        error_here=_root([each.error_here**2 for each in spreads]),
        df_here=_welch([each.error_here**2 for each in spreads], [s.df_here for s in spreads]),
        examples=sum(each.examples for each in spreads) / sets**2,
        floor=sum(each.floor for each in spreads) / sets**2,
        seeds=min(each.seeds for each in spreads),
    )


def sample(values: NDArray[np.float64]) -> Spread:
    """The spread of plain values, shape (n,), each of them one draw: the means of n data sets."""
    count = values.size
    error = float(values.std(ddof=1)) / count**0.5 if count > 1 else np.inf
    df = max(count - 1.0, 1.0)
    return Spread(float(values.mean()), error, df, error, df, 0.0, 0.0, count)


def interval(mean: float, error: float, df: float, level: float) -> tuple[float, float]:
    """The t interval, cut to what a difference of shares can be, -1 to 1.

    >>> [round(end, 4) for end in interval(0.01, 0.002, 9, 0.95)]
    [0.0055, 0.0145]
    """
    reach = quantile((1 + level) / 2, df) * error if error else 0.0
    return max(mean - reach, -1.0), min(mean + reach, 1.0)


def quantile(share: float, df: float) -> float:
    """The t quantile. `scipy.stats` gives the same, a hundred times slower."""
    return float(special.stdtrit(df, share))


def sidak(spreads: Sequence[Spread]) -> list[float]:
    """The p of every difference for new data, adjusted for their number.

    Among many pairs some look calm by luck, with a small error and many degrees of freedom at
    once. So none is granted more of these than all pairs together: without that the family-wise
    error of ten arms rose to .08.
    """
    here = sum(spread.error_here**2 for spread in spreads)
    gain = (1 + sum(spread.examples for spread in spreads) / here) ** 2 if here else np.inf
    each = [two_sided(replace(s, df=min(s.df, s.df_here * gain))) for s in spreads]
    with np.errstate(divide="ignore"):  # a p of 1 stays 1
        return [float(p) for p in -np.expm1(len(spreads) * np.log1p(-np.array(each)))]


def two_sided(spread: Spread) -> float:
    """The p of the t for new data; 1 where nothing differs or nothing is known."""
    if not spread.mean or not np.isfinite(spread.error):
        return 1.0
    t = abs(spread.mean) / spread.error if spread.error else np.inf
    return 2 * float(special.stdtr(spread.df, -t))


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share seen in `count` draws.

    >>> [round(end, 3) for end in wilson(0.9, 10)]
    [0.596, 0.982]
    """
    z2 = float(special.ndtri(0.975)) ** 2
    middle = share + z2 / (2 * count)
    reach = (z2 * (share * (1 - share) / count + z2 / (4 * count**2))) ** 0.5
    scale = 1 + z2 / count
    return max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


def won(values: NDArray[np.float64]) -> float:
    """The share of values above zero; a zero counts half."""
    return float((np.sign(values) + 1).mean() / 2)


def _floor(examples: int) -> float:
    """The square of the error as if two examples told the arms apart.

    Arms that never disagreed on n examples may still disagree on 3 in n of new ones.
    """
    return 2 / examples**2


def _mean_squares(table: NDArray[np.int8]) -> tuple[float, float, float]:
    """Of seeds, of examples and of the rest: the analysis of variance of a crossed table."""
    seeds, examples = table.shape
    rows = table.sum(axis=1, dtype=np.int64)
    columns = table.sum(axis=0, dtype=np.int64)
    # whole numbers as long as possible: a table without spread gives exactly 0
    square = int(rows.sum()) ** 2
    by_seed = (int(rows @ rows) * seeds - square) / table.size
    by_example = (int(columns @ columns) * examples - square) / table.size
    everything = (int(np.count_nonzero(table)) * table.size - square) / table.size
    rest = max(everything - by_seed - by_example, 0.0)
    return (
        by_seed / (seeds - 1),
        by_example / (examples - 1),
        rest / ((seeds - 1) * (examples - 1)),
    )


def _satterthwaite(total: float, parts: Sequence[float], dfs: Sequence[float]) -> float:
    """The degrees of freedom of a sum of mean squares; of the seeds where nothing varies."""
    below = sum(part**2 / df for part, df in zip(parts, dfs, strict=True))
    return max(total**2 / below, dfs[0]) if below else float(dfs[0])


def _root(squares: Sequence[float]) -> float:
    return sum(squares) ** 0.5 / len(squares)


def _welch(squares: Sequence[float], dfs: Sequence[float]) -> float:
    known = all(np.isfinite(squares)) and sum(squares) > 0
    return _satterthwaite(sum(squares), squares, dfs) if known else min(dfs)
