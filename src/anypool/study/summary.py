"""What an arm did on one data set, and where two arms differ: the numbers a report shows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .records import Comparison, Outcomes
from .stats import crossed, interval

_SIZED = re.compile(r"accuracy@(\d+)x(\d+)")


@dataclass(frozen=True)
class Arm:
    """One arm on one data set.

    accuracy, sd: mean test accuracy and its standard deviation over the seeds, in shares; nan
        where there are too few seeds
    seeds: those that finished; planned: how many there should be
    diverged: the seeds of them whose loss was not finite; failed: seed -> why it crashed
    means: the mean over the seeds of every number a trial recorded
    """

    data: str
    name: str
    accuracy: float
    sd: float
    seeds: tuple[int, ...]
    planned: int
    diverged: tuple[int, ...]
    failed: Mapping[int, str]
    means: Mapping[str, float]


@dataclass(frozen=True)
class ClassGap:
    """How far arm a is from arm b on the test examples of one class, in shares (a minus b)."""

    name: str
    examples: int
    difference: float
    low: float
    high: float


def summarise(outcome: Outcomes) -> list[Arm]:
    """Every arm of a data set, the most accurate first, those without a finished seed last."""
    arms = [_arm(outcome, name) for name in outcome.arms]
    return sorted(arms, key=lambda arm: (math.isnan(arm.accuracy), -arm.accuracy))


def _arm(outcome: Outcomes, name: str) -> Arm:
    scores = accuracies(outcome, name)
    measures = outcome.measures.get(name, {})
    values = list(scores.values())
    return Arm(
        data=outcome.data,
        name=name,
        accuracy=float(np.mean(values)) if values else math.nan,
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        seeds=tuple(scores),
        planned=len(outcome.seeds),
        diverged=diverged(outcome, name),
        failed=outcome.failed.get(name, {}),
        means=_means(measures.values()),
    )


def accuracies(outcome: Outcomes, arm: str) -> dict[int, float]:
    """Seed -> test accuracy of an arm, in shares, in the order of the study's seeds."""
    correct = outcome.correct.get(arm, {})
    return {seed: float(np.mean(correct[seed])) for seed in outcome.seeds if seed in correct}


def diverged(outcome: Outcomes, arm: str) -> tuple[int, ...]:
    """The seeds of an arm whose loss was not finite."""
    measures = outcome.measures.get(arm, {})
    return tuple(s for s in outcome.seeds if measures.get(s, {}).get("diverged"))


def _means(measures: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Name -> mean of the finite values; a name without one is left out."""
    columns: dict[str, list[float]] = {}
    for row in measures:
        for name, value in row.items():
            if value is not None and math.isfinite(value):
                columns.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in columns.items()}


def sizes(names: Iterable[str]) -> list[str]:
    """The "accuracy@HxW" among the names of measures, small pictures first.

    >>> sizes(["accuracy", "accuracy@56x56", "accuracy@8x8"])
    ['accuracy@8x8', 'accuracy@56x56']
    """
    return sorted({name for name in names if _SIZED.fullmatch(name)}, key=pixels)


def pixels(name: str) -> int:
    """The area of an "accuracy@HxW", in pixels.

    >>> pixels("accuracy@8x10")
    80
    """
    found = _SIZED.fullmatch(name)
    return int(found[1]) * int(found[2]) if found else 0


def base(arms: Sequence[Arm], reference: str | None) -> str:
    """The arm that the others are held against: the reference, or else the most accurate."""
    names = [arm.name for arm in arms if arm.seeds]
    return reference if reference in names and reference else names[0]


def class_gaps(outcome: Outcomes, a: str, b: str) -> list[ClassGap]:
    """Class by class, how far a is from b, with its 95 % interval for new data like this."""
    first, second = outcome.correct.get(a, {}), outcome.correct.get(b, {})
    shared = [seed for seed in outcome.seeds if seed in first and seed in second]
    if not shared:
        return []
    table = np.stack([first[s].astype(np.int8) - second[s].astype(np.int8) for s in shared])
    named = [(name, table[:, outcome.labels == i]) for i, name in enumerate(outcome.classes)]
    return [_gap(name, part) for name, part in named if part.size]


def _gap(name: str, table: NDArray[np.int8]) -> ClassGap:
    """One class of the table of seeds by examples; a lone seed or example has no interval."""
    seeds, examples = table.shape
    if seeds < 2 or examples < 2:
        return ClassGap(name, examples, float(table.mean()), math.nan, math.nan)
    spread = crossed(table)
    ends = interval(spread.mean, spread.error, spread.df, 0.95)
    return ClassGap(name, examples, spread.mean, *ends)


def widest(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """The comparisons, the one most in favour of its first arm first."""
    return sorted(comparisons, key=lambda c: (math.isnan(c.difference), -c.difference))
