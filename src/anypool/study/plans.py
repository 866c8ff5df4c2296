"""From a plan to its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping

from ..errors import PoolError
from .records import Plan, Trial


def trials(plan: Plan, digests: Mapping[str, str], versions: Mapping[str, str]) -> list[Trial]:
    """Every trial of the plan, seed by seed, so that a study stopped early holds whole pairs.

    digests: data set -> sha256 of what it holds; versions: of anypool and torch. The settings
    that tuning found for an arm on a data set replace the recipe's.

    >>> plan = Plan("s", ("digits",), "small", "head", ("avg", "max"), {"name": "fast"}, (0, 1))
    >>> [(trial.seed, trial.arm) for trial in trials(plan, {"digits": ""}, {})]
    [(0, 'avg'), (0, 'max'), (1, 'avg'), (1, 'max')]
    """
    _check(plan, digests)
    return list(_grid(plan, digests, versions))


def _grid(plan: Plan, digests: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[Trial]:
    for seed in plan.seeds:
        for data in plan.data:
            for arm in plan.arms:
                yield Trial(
                    data=data,
                    digest=digests[data],
                    network=plan.network,
                    place=plan.place,
                    arm=arm,
                    recipe={**plan.recipe, **plan.tuned.get(f"{data} {arm}", {})},
                    seed=seed,
                    precision=plan.precision,
                    versions=dict(versions),
                )


def _check(plan: Plan, digests: Mapping[str, str]) -> None:
    for kind, values in (("data set", plan.data), ("arm", plan.arms), ("seed", plan.seeds)):
        if not values:
            raise PoolError(f"the study {plan.name!r} has no {kind}; give it at least one")
        for value in _repeated(values):
            raise PoolError(
                f"the study {plan.name!r} lists the {kind} {value!r} twice; once will do"
            )
    for data in plan.data:
        if data not in digests:
            raise PoolError(f"the data set {data!r} was not loaded: its digest is not known")


def _repeated(values: Iterable[Hashable]) -> list[Hashable]:
    return [value for value, times in Counter(values).items() if times > 1]
