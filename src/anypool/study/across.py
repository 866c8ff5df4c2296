"""Several data sets: what holds on these, and what may hold on new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from . import words
from .pairs import Pair
from .records import Outcomes
from .stats import over_sets, sample, sidak

SETS_NEEDED = 6
SETS_TO_RANK = 10
THESE, NEW = "these data sets", "new data sets"


@dataclass(frozen=True)
class Ranks:
    """Average ranks over data sets (1 is best), and how far two must lie apart to differ.

    p: of Friedman's test that all arms rank alike; critical: Nemenyi's difference at 5 %
    """

    arms: tuple[str, ...]
    ranks: tuple[float, ...]
    p: float
    critical: float


def shared(tables: Sequence[Sequence[Pair]]) -> list[list[Pair]]:
    """The pairs that every data set has, each with its data sets in order."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for table in tables:
        for pair in table:
            found.setdefault((pair.a, pair.b), []).append(pair)
    return [own for own in found.values() if len(own) == len(tables)]


def on_these(own: Sequence[Pair]) -> Pair:
    """One pair over several data sets, which count alike whatever their size; only these."""
    return Pair(
        data=THESE,
        place=f"Over these {len(own)} data sets",
        drawn=words.spanned([len(pair.seeds) for pair in own], "seed") + " each",
        unit="seed",
        a=own[0].a,
        b=own[0].b,
        seeds=tuple(seed for pair in own for seed in pair.seeds),
        differences=np.concatenate([pair.differences for pair in own]),
        rows=(),
        spread=over_sets([pair.spread for pair in own]),
        enough=all(pair.enough for pair in own),
    )


def on_new(own: Sequence[Pair]) -> Pair:
    """One pair over several data sets, each of them one draw from all data there might be."""
    means = np.array([pair.spread.mean for pair in own])
    return Pair(
        data=NEW,
        place=f"For new data sets like these {len(own)}",
        drawn=words.counted(len(own), "data set"),
        unit="data set",
        a=own[0].a,
        b=own[0].b,
        seeds=(),
        differences=means,
        rows=tuple(pair.data for pair in own),
        spread=sample(means),
        enough=len(own) >= SETS_NEEDED,
    )


def by_t(pairs: Sequence[Pair]) -> list[float]:
    """The p of every pair on these data sets, by the t alone.

    Sign flips would not do: where the arms change places between data sets, the mean may be
    nought and no single difference is.
    """
    return sidak([pair.spread for pair in pairs])


def friedman(scores: NDArray[np.float64], arms: Sequence[str]) -> Ranks:
    """Rank three or more arms by their accuracies, shape (data sets, arms).

    >>> ranks = friedman(np.array([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4], [0.8, 0.9, 0.1]]), "abc")
    >>> [round(rank, 2) for rank in ranks.ranks], round(ranks.p, 3)
    ([1.33, 1.67, 3.0], 0.097)
    """
    sets, count = scores.shape
    ranks = stats.rankdata(-scores, axis=1)
    means = ranks.mean(axis=0)
    # ties make ranks vary less than 1 to n do, and the statistic is in units of that spread
    spread = ((ranks - (count + 1) / 2) ** 2).sum() / (count - 1)
    square = sets**2 * ((means - (count + 1) / 2) ** 2).sum() / spread if spread else 0.0
    span = stats.studentized_range.ppf(0.95, count, np.inf) / 2**0.5
    return Ranks(
        arms=tuple(arms),
        ranks=tuple(float(mean) for mean in means),
        p=float(special.chdtrc(count - 1, square)),
        critical=float(span * (count * (count + 1) / (6 * sets)) ** 0.5),
    )


def accuracies(outcomes: Sequence[Outcomes]) -> tuple[NDArray[np.float64], list[str]]:
    """The mean accuracy of every arm that finished on all data sets: (data sets, arms), arms."""
    arms = [arm for arm in outcomes[0].arms if all(one.correct.get(arm) for one in outcomes)]
    table = [
        [np.mean([right.mean() for right in one.correct[arm].values()]) for arm in arms]
        for one in outcomes
    ]
    return np.array(table, dtype=np.float64).reshape(len(outcomes), len(arms)), arms
