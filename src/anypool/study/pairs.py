"""Two arms side by side: their shared seeds, their differences, and the word for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from . import flips, words
from .forecast import growth_of_test_set, seeds_to_decide
from .records import Comparison, Outcomes
from .stats import SEEDS_NEEDED, Spread, crossed, interval, sidak, wilson, won


@dataclass(frozen=True)
class Pair:
    """The measured difference a minus b.

    place, drawn: how a sentence begins, "On digits", and what it rests on, "10 seeds"
    unit: what would have to be added to know more, "seed" or "data set"
    differences: one for each seed both arms finished, or one for each data set
    rows: the names of these: pairs that share a row flip its sign together
    enough: whether the seeds suffice for a verdict
    """

    data: str
    place: str
    drawn: str
    unit: str
    a: str
    b: str
    seeds: tuple[int, ...]
    differences: NDArray[np.float64]
    rows: tuple[str | int, ...]
    spread: Spread
    enough: bool


def names(arms: Sequence[str], reference: str | None) -> list[tuple[str, str]]:
    """All pairs of arms in their order, or every arm against the reference."""
    if reference is None:
        return list(combinations(arms, 2))
    return [(arm, reference) for arm in arms if arm != reference]


def measured(outcomes: Outcomes, reference: str | None) -> list[Pair]:
    """The pairs of one data set that share a finished seed."""
    pairs = (_pair(outcomes, a, b) for a, b in names(outcomes.arms, reference))
    return [pair for pair in pairs if pair is not None]


def _pair(outcomes: Outcomes, a: str, b: str) -> Pair | None:
    ours, theirs = outcomes.correct.get(a, {}), outcomes.correct.get(b, {})
    seeds = tuple(sorted(set(ours) & set(theirs)))
    if not seeds:
        return None
    table = np.stack([np.asarray(ours[s], np.int8) - np.asarray(theirs[s], np.int8) for s in seeds])
    return Pair(
        data=outcomes.data,
        place=f"On {outcomes.data}",
        drawn=words.counted(len(seeds), "seed"),
        unit="seed",
        a=a,
        b=b,
        seeds=seeds,
        differences=table.mean(axis=1),
        rows=seeds,
        spread=crossed(table),
        enough=len(seeds) >= SEEDS_NEEDED,
    )


def compared(
    pairs: Sequence[Pair], margin: float, test: Callable[[Sequence[Pair]], list[float]]
) -> list[Comparison]:
    """Every pair with its numbers, its word and its sentence.

    test: gives the p of every pair, adjusted over all it is given
    """
    family = sum(pair.enough for pair in pairs)
    numbers = [
        _numbers(pair, p, margin) for pair, p in zip(pairs, _p_values(pairs, test), strict=True)
    ]
    return [
        _in_words(pair, number, margin, family) for pair, number in zip(pairs, numbers, strict=True)
    ]


def _p_values(pairs: Sequence[Pair], test: Callable[[Sequence[Pair]], list[float]]) -> list[float]:
    """Adjusted over the pairs with enough seeds; any other pair stands alone."""
    family = [pair for pair in pairs if pair.enough]
    judged = iter(test(family))
    return [next(judged) if pair.enough else test([pair])[0] for pair in pairs]


def by_flips_and_t(pairs: Sequence[Pair]) -> list[float]:
    """The larger p of two: joint sign flips for these examples, the t for new ones.

    With flips alone ten arms that differ only by the draw of the examples had a winner in up to
    65 % of made-up studies.
    """
    if not pairs:
        return []
    names = sorted({row for pair in pairs for row in pair.rows})
    own = [dict(zip(pair.rows, pair.differences, strict=True)) for pair in pairs]
    table = np.array([[values.get(name, 0.0) for values in own] for name in names])
    new = sidak([pair.spread for pair in pairs])
    return [max(both) for both in zip(flips.adjusted(table), new, strict=True)]


def _numbers(pair: Pair, p: float, margin: float) -> Comparison:
    spread, share = pair.spread, won(pair.differences)
    low, high = interval(spread.mean, spread.error, spread.df, 0.95)
    low_90, high_90 = interval(spread.mean, spread.error, spread.df, 0.90)
    low_here, high_here = interval(spread.mean, spread.error_here, spread.df_here, 0.95)
    share_low, share_high = wilson(share, len(pair.differences))
    return Comparison(
        data=pair.data,
        a=pair.a,
        b=pair.b,
        seeds=pair.seeds,
        per_seed=tuple(float(value) for value in pair.differences),
        difference=spread.mean,
        low=low,
        high=high,
        low_here=low_here,
        high_here=high_here,
        low_90=low_90,
        high_90=high_90,
        p=p,
        share=share,
        share_low=share_low,
        share_high=share_high,
        word=word_for(low, high, low_90, high_90, p, margin) if pair.enough else "too few seeds",
        more=None,
        sentence="",
    )


def _in_words(pair: Pair, numbers: Comparison, margin: float, family: int) -> Comparison:
    """The comparison with its sentence and, where it is open, what would settle it."""
    if numbers.word != "undecided":
        return replace(numbers, sentence=words.sentence(numbers, pair.place, pair.drawn, margin))
    more = seeds_to_decide(pair.spread, margin, family)
    hope = words.hope(more, growth_of_test_set(pair.spread, margin, family), pair.unit)
    text = words.sentence(numbers, pair.place, pair.drawn, margin)
    # another data set is not another seed: only the sentence can say so
    return replace(
        numbers, more=more if pair.unit == "seed" else None, sentence=f"{text[:-1]}; {hope}."
    )


def word_for(
    low: float, high: float, low_90: float, high_90: float, p: float, margin: float
) -> str:
    """The word that the numbers allow: a proven difference first, the margin after it.

    >>> word_for(0.012, 0.022, 0.013, 0.021, 0.002, margin=0.003)
    'better'
    >>> word_for(-0.002, 0.002, -0.001, 0.001, 0.9, margin=0.003)
    'equivalent'
    """
    if p < 0.05 and low > 0:
        return "better"
    if p < 0.05 and high < 0:
        return "worse"
    return "equivalent" if -margin < low_90 and high_90 < margin else "undecided"
