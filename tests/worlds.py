"""Made-up studies whose truth is known: seeds by examples, with a probit behind each outcome.

Every example has a hardness, every arm its own view of every example (`taste`: what makes one arm
right and another wrong again and again), every training its own luck (`luck`), and every outcome
some noise of its own. All spreads are in units of that last noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special

from anypool.study.records import Outcomes


@dataclass(frozen=True)
class World:
    levels: tuple[float, ...]
    seeds: int
    examples: int
    hardness: float = 1.5
    taste: float = 0.3
    luck: float = 0.1
    failing: float = 0.0  # the share of trainings that end at chance, 1 in 10

    @property
    def spread(self):
        return (1 + self.hardness**2 + self.taste**2 + self.luck**2) ** 0.5

    @property
    def truth(self):
        """The accuracy of every arm on new data with new seeds."""
        healthy = special.ndtr(np.array(self.levels))
        return (1 - self.failing) * healthy + self.failing * 0.1

    def draw(self, rng):
        """Outcomes of shape (arms, seeds, examples), and the accuracy of every arm on these
        examples with new seeds."""
        arms = len(self.levels)
        easy = rng.standard_normal((1, 1, self.examples), dtype=np.float32) * self.hardness
        view = rng.standard_normal((arms, 1, self.examples), dtype=np.float32) * self.taste
        known = easy + view + np.array(self.levels)[:, None, None] * self.spread
        luck = rng.standard_normal((arms, self.seeds, 1)) * self.luck
        noise = rng.standard_normal((arms, self.seeds, self.examples), dtype=np.float32)
        right = (known + luck + noise) > 0
        failed = rng.random((arms, self.seeds)) < self.failing
        right[failed] = rng.random((int(failed.sum()), self.examples)) < 0.1
        here = special.ndtr(known / (1 + self.luck**2) ** 0.5).mean(axis=(1, 2))
        return right, (1 - self.failing) * here + self.failing * 0.1

    def outcomes(self, rng, data="made up"):
        return outcomes(self.draw(rng)[0], data)


def outcomes(right, data="made up", arms=None, failed=None):
    """`Outcomes` of a bool array (arms, seeds, examples)."""
    arms = arms or tuple(f"arm{number}" for number in range(len(right)))
    return Outcomes(
        data=data,
        classes=("no", "yes"),
        labels=np.zeros(right.shape[2], np.int64),
        arms=tuple(arms),
        seeds=tuple(range(right.shape[1])),
        correct={arm: dict(enumerate(own)) for arm, own in zip(arms, right, strict=True)},
        failed=failed or {},
    )


def tables(right):
    """The difference table of every pair of arms."""
    signed = right.astype(np.int8)
    return [signed[i] - signed[j] for i, j in combinations(range(len(right)), 2)]
