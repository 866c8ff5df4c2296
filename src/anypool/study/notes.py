"""What the reader of a verdict must know beside it: nothing here changes a number."""

from __future__ import annotations

from collections.abc import Sequence

from .across import SETS_NEEDED, SETS_TO_RANK, accuracies, friedman
from .records import Outcomes
from .words import counted, listed

_TUNED = "Every arm tried the same number of learning rates on the validation split beforehand."
_UNTUNED = "The arms were not tuned: a setting that suits one of them better may favour it."


def notes(outcomes: Sequence[Outcomes], tuned: bool) -> tuple[str, ...]:
    """All notes, the ones about single data sets first."""
    single = [note for one in outcomes for note in _about(one)]
    return (*single, *_about_many(outcomes), _TUNED if tuned else _UNTUNED)


def _about(one: Outcomes) -> list[str]:
    return [*_crashed(one), *_absent(one), *_diverged(one), *_uneven(one)]


def _crashed(one: Outcomes) -> list[str]:
    return [
        f"On {one.data} the trial of {arm} with seed {seed} crashed and is not counted:"
        f" {_first_line(reason)}"
        for arm in one.arms
        for seed, reason in sorted(one.failed.get(arm, {}).items())
    ]


def _absent(one: Outcomes) -> list[str]:
    arms = [arm for arm in one.arms if not one.correct.get(arm)]
    if not arms:
        return []
    trials = "no finished trial and" + (" is" if len(arms) == 1 else " are")
    return [
        f"On {one.data} {listed(arms)} {'has' if len(arms) == 1 else 'have'} {trials} left out."
    ]


def _diverged(one: Outcomes) -> list[str]:
    """A diverged training is a result: to leave it out would flatter the arm."""
    counts = {
        arm: sum(bool(m.get("diverged")) for m in one.measures.get(arm, {}).values())
        for arm in one.arms
    }
    return [
        f"On {one.data} {count} of {counted(len(one.correct.get(arm, {})), 'training')} of {arm}"
        " diverged; it counts as it ended."
        for arm, count in counts.items()
        if count
    ]


def _uneven(one: Outcomes) -> list[str]:
    counts = {arm: len(one.correct[arm]) for arm in one.arms if one.correct.get(arm)}
    if len(set(counts.values())) < 2:
        return []
    each = listed([f"{arm} {count}" for arm, count in counts.items()])
    return [f"On {one.data} the arms finished different numbers of seeds: {each}."]


def _about_many(outcomes: Sequence[Outcomes]) -> list[str]:
    count = len(outcomes)
    if count == 1:
        return [f"One data set: the verdict speaks of data like {outcomes[0].data} only."]
    if count < SETS_NEEDED:
        return [
            f"Too few data sets for a general claim: there are {count}, {SETS_NEEDED} are needed."
        ]
    return _ranking(outcomes) if count >= SETS_TO_RANK else []


def _ranking(outcomes: Sequence[Outcomes]) -> list[str]:
    table, arms = accuracies(outcomes)
    if len(arms) < 3:
        return []
    found = friedman(table, arms)
    order = sorted(zip(found.ranks, found.arms, strict=True))
    each = listed([f"{arm} {rank:.2f}" for rank, arm in order])
    text = (
        f"Average ranks over {len(outcomes)} data sets (1 is best): {each}; two arms differ where"
        f" they lie more than {found.critical:.2f} apart (Friedman p = {found.p:.2g})."
    )
    return [text]


def _first_line(reason: str) -> str:
    """The last line of a traceback says what happened; any other reason is its own first."""
    lines = [line.strip() for line in reason.strip().splitlines()] or ["no reason was kept"]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
