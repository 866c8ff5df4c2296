"""Made-up studies whose truth is known, for the tests of the report."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import stats

from anypool.study.records import Comparison, Outcomes, Plan, Verdict

CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker")


def outcomes(
    arms: Sequence[str] = ("avg", "max"),
    *,
    data: str = "digits",
    seeds: int = 10,
    epochs: int = 12,
    examples: int = 600,
    classes: Sequence[str] = CLASSES,
    diverged: Sequence[tuple[str, int]] = (),
    failed: Sequence[tuple[str, int, str]] = (),
    generator: int = 0,
) -> Outcomes:
    """Arm i is right on 93 % minus half a point times i; hard examples are hard for every arm."""
    rng = np.random.default_rng(generator)
    labels = rng.integers(0, len(classes), examples)
    hard = rng.normal(size=examples)
    lost = {(arm, seed) for arm, seed, _ in failed}
    correct: dict = {arm: {} for arm in arms}
    measures: dict = {arm: {} for arm in arms}
    curves: dict = {arm: {} for arm in arms}
    for i, arm in enumerate(arms):
        for seed in range(seeds):
            if (arm, seed) in lost:
                continue
            end = 0.93 - 0.005 * i if (arm, seed) not in diverged else 1 / len(classes)
            shift = rng.normal(scale=0.02)
            luck = 0.8 * hard + 0.6 * rng.normal(size=examples)
            right = luck < stats.norm.ppf(end) + shift
            correct[arm][seed] = right
            stray = float((arm, seed) in diverged)
            measures[arm][seed] = _measures(float(right.mean()), i, stray, rng)
            curves[arm][seed] = _curve(float(right.mean()), epochs, stray, rng)
    reasons: dict = {arm: {} for arm in arms}
    for arm, seed, reason in failed:
        reasons[arm][seed] = reason
    return Outcomes(
        data, tuple(classes), labels, tuple(arms), tuple(range(seeds)), correct, measures, curves,
        {arm: found for arm, found in reasons.items() if found},
    )  # fmt: skip


def _measures(accuracy: float, i: int, diverged: float, rng: np.random.Generator) -> dict:
    return {
        "accuracy": accuracy,
        "validation_accuracy": accuracy + rng.normal(scale=0.004),
        "parameters": 139658.0 + 640 * (i % 3),
        "seconds": 300 + 10 * i + rng.normal(scale=8),
        "cpu_seconds": 280 + 14 * ((5 * i) % 7) + rng.normal(scale=4),
        "peak_bytes": 4.1e8 + 2e7 * ((3 * i) % 5) + rng.normal(scale=1e6),
        "diverged": diverged,
        "shift_consistency": min(1.0, 0.9 + 0.004 * i + rng.normal(scale=0.006)),
        "accuracy@20x20": accuracy - 0.1 - 0.01 * (i % 4),
        "accuracy@28x28": accuracy,
        "accuracy@40x40": accuracy - 0.04 - 0.008 * ((i + 2) % 4),
    }


def _curve(end: float, epochs: int, diverged: float, rng: np.random.Generator) -> list:
    rows = []
    for epoch in range(1, epochs + 1):
        part = 1 - math.exp(-4 * epoch / epochs)
        accuracy = end * (0.45 + 0.55 * part) + rng.normal(scale=0.006)
        loss = 2.3 * math.exp(-3.2 * epoch / epochs) + 0.1 + abs(rng.normal(scale=0.02))
        broken = bool(diverged) and epoch > epochs / 2
        rows.append(
            {
                "epoch": epoch,
                "loss": math.nan if broken else loss,
                "train_accuracy": min(1.0, accuracy + 0.03 * part),
                "accuracy": end if broken else accuracy,
                "seconds": 3.0,
            }
        )
    return rows


def plan(outcomes: Sequence[Outcomes], **more) -> Plan:
    first = outcomes[0]
    settings = {
        "name": "small study",
        "data": tuple(o.data for o in outcomes),
        "network": "small",
        "place": "head",
        "arms": first.arms,
        "recipe": {"name": "fast", "epochs": 12, "lr": 0.005, "augment": ["flip", "shift"]},
        "seeds": first.seeds,
    }
    return Plan(**(settings | more))


def verdict(outcomes: Sequence[Outcomes], *, margin: float = 0.003, notes=()) -> Verdict:
    pairs = [
        compared(outcome, a, b, margin)
        for outcome in outcomes
        for a, b in combinations(outcome.arms, 2)
    ]
    best = max(pairs, key=lambda c: c.difference, default=None)
    sentence = best.sentence if best else "Nothing can be said: no two poolings have finished."
    return Verdict(sentence, tuple(pairs), (), tuple(notes), margin, False)


def compared(outcome: Outcomes, a: str, b: str, margin: float) -> Comparison:
    """A comparison with intervals by t over the seeds: plain, but enough to draw and to print."""
    seeds = [s for s in outcome.seeds if s in outcome.correct[a] and s in outcome.correct[b]]
    gaps = [float(outcome.correct[a][s].mean() - outcome.correct[b][s].mean()) for s in seeds]
    mean = float(np.mean(gaps)) if gaps else math.nan
    se = float(np.std(gaps, ddof=1) / math.sqrt(len(gaps))) if len(gaps) > 1 else math.nan
    t = float(stats.t.ppf(0.975, max(len(gaps) - 1, 1)))
    word = word_of(mean, 1.3 * t * se, margin, len(seeds))
    won = float(np.mean([(g > 0) + 0.5 * (g == 0) for g in gaps])) if gaps else math.nan
    return Comparison(
        data=outcome.data, a=a, b=b, seeds=tuple(seeds), per_seed=tuple(gaps), difference=mean,
        low=mean - 1.3 * t * se, high=mean + 1.3 * t * se,
        low_here=mean - t * se, high_here=mean + t * se,
        low_90=mean - t * se, high_90=mean + t * se,
        p=0.0004 if word in ("better", "worse") else 0.31,
        share=won, share_low=max(0, won - 0.2), share_high=min(1, won + 0.1),
        word=word, more=14 if word == "undecided" else None,
        sentence=f"On {outcome.data} {a} is {word} against {b} ({len(seeds)} seeds).",
    )  # fmt: skip


def word_of(mean: float, half: float, margin: float, seeds: int) -> str:
    if seeds < 6:
        return "too few seeds"
    if abs(mean) > half:
        return "better" if mean > 0 else "worse"
    return "equivalent" if abs(mean) + half < margin else "undecided"


PROVENANCE = {
    "versions": {"anypool": "0.1.0", "python": "3.11.7", "torch": "2.13.0"},
    "machine": {"cpu": "Xeon", "cores": 2, "system": "Linux"},
    "command": "anypool study run digits --arms avg,max --seeds 10",
    "data": {"digits": "sha256:" + "ab" * 32},
}
