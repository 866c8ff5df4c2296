"""Which examples are learnt from and which are kept aside, alike on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from .draws import Draws

Indices = NDArray[np.int64]


def split(labels: NDArray[Any], seed: int, share: float = 0.1) -> tuple[Indices, Indices]:
    """Indices to learn from and to validate on, stratified: sorted, disjoint, complete, int64.

    Of every class ``share`` goes to validation, rounded to whole examples, but at least one and
    never all. The same labels, seed and share give the same split on every machine and under every
    NumPy. A class of a single example cannot be split: PoolError.

    >>> learn, validate = split(np.array([0, 0, 0, 1, 1, 1]), seed=0, share=0.3)
    >>> len(learn), len(validate)
    (4, 2)
    """
    if not 0 < share < 1:
        raise PoolError(f"the share for validation is {share}; it must lie between 0 and 1")
    labels = np.asarray(labels)
    if len(labels) == 0:
        raise PoolError("there are no examples to split")
    order = np.argsort(Draws(seed).uniform(len(labels)), kind="stable")
    aside = [_some(order[labels[order] == label], label, share) for label in np.unique(labels)]
    validation = np.zeros(len(labels), bool)
    validation[np.concatenate(aside)] = True
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def _some(examples: Indices, label: Any, share: float) -> Indices:
    """The share of a class that is kept aside."""
    if len(examples) < 2:
        raise PoolError(
            f"class {label} has a single example, so it cannot be both learnt and validated; "
            "every class needs two or more"
        )
    return examples[: min(max(int(len(examples) * share + 0.5), 1), len(examples) - 1)]
