"""The same number of learning rates tried for every arm, judged on the validation split only."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import PoolError
from .records import Plan, Trial

SEED = 999_983  # a split that no measured seed has
SPREAD = 8.0  # rates from an eighth of the recipe's to eight times it
Scores = Mapping[str, float]


def tuned(
    plan: Plan, digests: Mapping[str, str], versions: Mapping[str, str],
    measure: Callable[[Sequence[Trial]], Scores],
) -> Plan:  # fmt: skip
    """The plan with the best of ``plan.tune`` learning rates for every arm on every data set.

    measure: runs trials and gives each key its validation accuracy; what the store has already is
        not run again, so that a tuning goes on where it was stopped: the rates asked for depend on
        nothing but the answers so far.
    """
    if not plan.tune:
        return plan
    if plan.recipe["split"] != "validation":
        raise PoolError(
            "tuning needs a validation split, but this recipe validates on the test examples; take "
            "the recipe fast, or leave --tune out"
        )
    searches = {(d, a): _search() for d in plan.data for a in plan.arms}
    tried: dict[tuple[str, str], list[float]] = {pair: [] for pair in searches}
    for _ in range(plan.tune):
        asked = {pair: search.ask() for pair, search in searches.items()}
        for pair, trial in asked.items():
            tried[pair].append(_rate(plan, trial))
        trials = {pair: _trial(plan, *pair, tried[pair][-1], digests, versions) for pair in tried}
        found = measure(list(trials.values()))
        for pair, search in searches.items():
            search.tell(
                asked[pair], found.get(trials[pair].key, 0.0)
            )  # crashed: the worst there is
    best = {
        f"{data} {arm}": {"rate": tried[data, arm][search.best_trial.number]}
        for (data, arm), search in searches.items()
    }
    return Plan.of(plan.document() | {"tuned": best})


def _search() -> Any:
    """A search over the rates that gives the same questions for the same answers."""
    try:
        import optuna
    except ImportError:
        raise PoolError("--tune needs Optuna: pip install 'anypool[study]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that multivariate sampling is an experiment
        sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=4)
    return optuna.create_study(direction="maximize", sampler=sampler)


def _rate(plan: Plan, asked: Any) -> float:
    """A learning rate with two digits, so that its trial can be named again."""
    middle = plan.recipe["rate"]
    found = asked.suggest_float("rate", middle / SPREAD, middle * SPREAD, log=True)
    return float(f"{found:.2g}")


def _trial(
    plan: Plan, data: str, arm: str, rate: float, digests: Mapping[str, str],
    versions: Mapping[str, str],
) -> Trial:  # fmt: skip
    recipe = {**plan.recipe, "rate": rate}
    return Trial(
        data, digests[data], plan.network, plan.place, arm, recipe, SEED, plan.precision, versions,
        "tune",
    )  # fmt: skip
