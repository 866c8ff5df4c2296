"""The answer to a study: who is better, who is alike, and what nobody can say yet."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from ..errors import PoolError
from .across import SETS_NEEDED, by_t, on_new, on_these, shared
from .headline import depends, headline
from .notes import notes
from .pairs import Pair, by_flips_and_t, compared, measured
from .records import Comparison, Outcomes, Verdict
from .words import counted, listed, spanned


def judge(
    outcomes: Sequence[Outcomes],
    *,
    margin: float = 0.003,
    reference: str | None = None,
    tuned: bool = False,
) -> Verdict:
    """Compare all pairs of arms, or every arm with `reference`, on every data set and over all.

    outcomes: one for each data set
    margin: the difference, in shares, below which nobody would mind
    reference: an arm that every data set has
    tuned: whether every arm was tuned beforehand; it is said in the notes

    An arm is "better" where the 95 % interval for new data lies above zero and p, adjusted over
    all pairs of the data set, is below .05; "equivalent" where the 90 % interval lies within the
    margin. Below 6 seeds neither is said. `PoolError` where the outcomes do not fit together.
    """
    _check(outcomes, margin, reference)
    margin = float(margin)  # a NumPy number would not go to JSON
    tables = [measured(one, reference) for one in outcomes]
    single = [compared(pairs, margin, by_flips_and_t) for pairs in tables]
    these, new = _over_all(tables, margin)
    return Verdict(
        sentence=_first_sentence(outcomes, single, these, margin, reference),
        comparisons=tuple(c for comparisons in single for c in comparisons),
        across=(*these, *new),
        notes=notes(outcomes, tuned),
        margin=margin,
        tuned=tuned,
    )


def _over_all(
    tables: Sequence[Sequence[Pair]], margin: float
) -> tuple[list[Comparison], list[Comparison]]:
    """The shared pairs on these data sets, and on new ones where there are enough of these."""
    if len(tables) < 2:
        return [], []
    pairs = shared(tables)
    ready = [own for own in pairs if all(pair.enough for pair in own)]
    new = ready if len(tables) >= SETS_NEEDED else []
    return (
        compared([on_these(own) for own in pairs], margin, by_t),
        compared([on_new(own) for own in new], margin, by_flips_and_t),
    )


def _first_sentence(
    outcomes: Sequence[Outcomes],
    single: Sequence[Sequence[Comparison]],
    these: Sequence[Comparison],
    margin: float,
    reference: str | None,
) -> str:
    everything = [c for comparisons in single for c in comparisons]
    if not everything:
        return _nothing_to_compare(outcomes)
    if these:
        turned = depends(everything)
        if turned and len(these) == 1:
            return f"It{turned}."
        place = f"Over these {len(outcomes)} data sets"
        text = headline(these, place, _drawn(everything) + " each", margin, reference)
        return f"{text[:-1]}; but it{turned}." if turned else text
    return " ".join(
        headline(comparisons, f"On {comparisons[0].data}", _drawn(comparisons), margin, reference)
        for comparisons in single
        if comparisons
    )


def _drawn(comparisons: Sequence[Comparison]) -> str:
    return spanned([len(c.seeds) for c in comparisons], "seed")


def _nothing_to_compare(outcomes: Sequence[Outcomes]) -> str:
    done = {arm: one for one in outcomes for arm in one.arms if one.correct.get(arm)}
    if not done:
        return "No trial has finished: there is nothing to judge yet."
    if len(done) > 1:
        return f"{listed(list(done))} share no finished seed: there is nothing to compare yet."
    ((arm, one),) = done.items()
    right = [float(correct.mean()) for correct in one.correct[arm].values()]
    seeds = counted(len(right), "seed")
    return (
        f"On {one.data} only {arm} has finished trials ({100 * np.mean(right):.1f} % right,"
        f" {seeds}): there is nothing to compare it with."
    )


def _check(outcomes: Sequence[Outcomes], margin: float, reference: str | None) -> None:
    if not outcomes:
        raise PoolError("a verdict needs the outcomes of at least one data set; there are none")
    if not 0 < margin < 1:
        raise PoolError(f"margin is {margin}; it is a share between 0 and 1: 0.003 is 0.3 points")
    names = [one.data for one in outcomes]
    if len(set(names)) < len(names):
        raise PoolError(f"each data set comes once into a verdict, not as {listed(names)}")
    for one in outcomes:
        _check_sizes(one)
        if reference is not None and reference not in one.arms:
            raise PoolError(_unknown(reference, one))


def _check_sizes(one: Outcomes) -> None:
    for arm, by_seed in one.correct.items():
        for seed, right in by_seed.items():
            if np.shape(right) != np.shape(one.labels):
                raise PoolError(
                    f"on {one.data} {arm} with seed {seed} has outcomes of shape {np.shape(right)};"
                    f" all trials are judged on the same test examples, here {np.shape(one.labels)}"
                )


def _unknown(reference: str, one: Outcomes) -> str:
    near = get_close_matches(reference, one.arms, n=3, cutoff=0.4)
    fits = f"did you mean {' or '.join(near)}?" if near else f"there are {listed(one.arms)}"
    return f"the reference {reference!r} is not an arm on {one.data}; {fits}"
