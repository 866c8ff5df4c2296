"""What the rooms of a study hand to each other: a trial's settings, its result, its outcomes.

Everything here is plain data: it pickles, it goes to JSON, and it knows nothing of how a trial is
run or kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, float | int | None]


@dataclass(frozen=True)
class Trial:
    """Everything that decides how one training ends: two trials with one key end alike.

    data: the name of the data set, as `load` takes it; digest: the sha256 of what it holds
    network: "tutorial", "plain", "small", "classical", or "module:function" of the user's own
    place: "head" or "inner", where the pooling under study stands; arm: which pooling stands there
    recipe: every setting of the training, "name" among them
    seed: decides split, initial tensors, order and augmentation, alike for every arm
    precision: "float32" or "bfloat16"; versions: of anypool and torch
    purpose: "measure", or "tune" for a trial of settings, which never sees the test examples
    """

    data: str
    digest: str
    network: str
    place: str
    arm: str
    recipe: Mapping[str, Any]
    seed: int
    precision: str = "float32"
    versions: Mapping[str, str] = field(default_factory=dict)
    purpose: str = "measure"

    def document(self) -> dict[str, Any]:
        """The trial as JSON holds it."""
        return asdict(self) | {"recipe": dict(self.recipe), "versions": dict(self.versions)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Trial:
        """The trial that `document` describes."""
        return cls(**document)

    @cached_property
    def key(self) -> str:
        """The sha256 of the canonical JSON: a trial's name in the store.

        >>> Trial("digits", "", "small", "head", "avg", {"name": "fast"}, 0).key[:8]
        '16142106'
        """
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Result:
    """What one finished trial leaves.

    epochs: a row each: "epoch" from 1, "loss", "train_accuracy", "accuracy" (validation), "seconds"
    losses: float32, one for each batch
    correct: bool, one for each test example, in the data set's order; empty where purpose is "tune"
    measures: numbers about the whole trial. Always "accuracy" (test; validation when tuning),
        "validation_accuracy", "parameters", "seconds", "cpu_seconds", "peak_bytes", "diverged"
        (1 where a loss was not finite); where they make sense "shift_consistency" and
        "accuracy@HxW" at other test resolutions. Accuracies are shares from 0 to 1.
    weights: the final parameters and what images they expect, as `torch.save` writes them
    host: the machine it ran on
    """

    epochs: list[Row]
    losses: NDArray[np.float32]
    correct: NDArray[np.bool_]
    measures: dict[str, float]
    weights: bytes
    host: str


@dataclass(frozen=True)
class Outcomes:
    """All that a verdict reads of one data set.

    correct[arm][seed] holds a bool for each test example; a diverged training is in it, at chance.
    A trial that crashed is missing there and named in failed[arm][seed] with its reason.
    measures[arm][seed] are the numbers of `Result.measures`; curves[arm][seed] its epochs.
    """

    data: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    correct: Mapping[str, Mapping[int, NDArray[np.bool_]]]
    measures: Mapping[str, Mapping[int, Mapping[str, float]]] = field(default_factory=dict)
    curves: Mapping[str, Mapping[int, list[Row]]] = field(default_factory=dict)
    failed: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One pair of arms on one data set. Differences are a minus b, in shares (0.01 is one point).

    low, high: 95 % for new data like this (seeds and examples crossed)
    low_here, high_here: 95 % for this test set (paired t over the seeds)
    low_90, high_90: 90 % for new data, against which the margin is held
    p: adjusted over all pairs of the data set: the larger of joint sign flips (max |t|, for these
        examples) and Šidák's t (for new ones)
    share: how often a beat b (a tie counts half), with its Wilson interval
    word: "better" (a), "worse" (a), "equivalent", "undecided" or "too few seeds"
    more: about how many seeds more would decide, where undecided; None if none within reach
    """

    data: str
    a: str
    b: str
    seeds: tuple[int, ...]
    per_seed: tuple[float, ...]
    difference: float
    low: float
    high: float
    low_here: float
    high_here: float
    low_90: float
    high_90: float
    p: float
    share: float
    share_low: float
    share_high: float
    word: str
    more: int | None
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The answer: one plain sentence, then the numbers it stands on.

    across: the pairs over several data sets: "these data sets" with all seeds one after another,
        "new data sets" without seeds and with the data sets' means in per_seed
    notes: what the reader must know: few seeds, crashed trials, arms not tuned, few data sets
    """

    sentence: str
    comparisons: tuple[Comparison, ...]
    across: tuple[Comparison, ...]
    notes: tuple[str, ...]
    margin: float
    tuned: bool

    def document(self) -> dict[str, Any]:
        """The verdict as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """What a study is to find out: every arm on every data set with every seed.

    margin: the difference, in shares, below which nobody would mind (0.003 is 0.3 points)
    tune: how many learning rates every arm may try on the validation split; 0 for none
    tuned: "data arm" -> settings that replace the recipe's, as tuning found them
    """

    name: str
    data: tuple[str, ...]
    network: str
    place: str
    arms: tuple[str, ...]
    recipe: Mapping[str, Any]
    seeds: tuple[int, ...]
    precision: str = "float32"
    margin: float = 0.003
    reference: str | None = None
    tune: int = 0
    tuned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The plan as JSON holds it."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Plan:
        """The plan that `document` describes."""
        lists = {name: tuple(document[name]) for name in ("data", "arms", "seeds")}
        return cls(**{**document, **lists})
