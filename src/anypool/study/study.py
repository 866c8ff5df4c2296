"""A study in its store: the verdict, the report, the trained networks, whoever ran it."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PoolError
from . import report as reports
from .arms import nearest
from .predict import Network, revive
from .records import Comparison, Outcomes, Trial, Verdict
from .store import Store, open_store
from .verdict import judge

HERE = "anypool-study.db"
STATES = ("done", "running", "waiting", "failed")


class Study:
    """A study in a store: what it found, whoever ran it.

    store: a path or postgresql://...; name: of the study in it
    """

    def __init__(self, store: str | os.PathLike[str] = HERE, name: str = "study") -> None:
        self.store, self.name = store, name
        with self._open() as opened:
            self.plan = opened.plan(name)

    def _open(self) -> Store:
        return open_store(self.store, create=False, readonly=True)

    @property
    def outcomes(self) -> list[Outcomes]:
        """What every trial found, a data set each."""
        with self._open() as opened:
            return opened.outcomes(self.name)

    def verdict(self, margin: float | None = None) -> Verdict:
        """The answer, by the plan's margin unless another one is given."""
        share = self.plan.margin if margin is None else margin
        told = {"reference": self.plan.reference, "tuned": bool(self.plan.tuned)}
        return judge(self.outcomes, margin=share, **told)

    def compare(self, a: str, b: str) -> list[Comparison]:
        """Arm a against arm b on every data set, a minus b."""
        for arm in (a, b):
            if arm not in self.plan.arms:
                raise PoolError(
                    f"study {self.name!r} has no arm {arm!r}; {nearest(arm, self.plan.arms)}"
                )
        if a == b:
            raise PoolError(f"{a!r} cannot be compared with itself; name two arms")
        pair = [_only(found, (a, b)) for found in self.outcomes]
        return list(judge(pair, margin=self.plan.margin, tuned=bool(self.plan.tuned)).comparisons)

    def status(self) -> list[str]:
        """Lines that say how far the study is: counts, trials under way, failures."""
        with self._open() as opened:
            entries = opened.trials(self.name)
        counts = Counter(entry.state for entry in entries)
        told = ", ".join(f"{counts[s]} {s}" for s in STATES if counts[s]) or "no trial yet"
        lines = [f"study {self.name} in {self.store}: {told}"]
        for entry in entries:
            if entry.state in ("running", "failed"):
                why = (entry.error or "").strip().splitlines()[-1:] or [f"on {entry.host}"]
                trial = entry.trial
                lines.append(f"  {trial.data}, {trial.arm}, seed {trial.seed} {entry.state}: "
                             f"attempt {entry.attempt}, {why[0]}")  # fmt: skip
        return lines

    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from: commands, machines, versions, data, settings."""
        with self._open() as opened:
            sessions, entries = opened.sessions(self.name), opened.trials(self.name)
        done = [entry.trial for entry in entries]
        return {
            "command": [session.command for session in sessions],
            "machine": sessions[-1].machine if sessions else {},
            "hosts": sorted({entry.host for entry in entries if entry.host}),
            "versions": sorted({str(dict(sorted(t.versions.items()))) for t in done}),
            "data": {trial.data: trial.digest for trial in done},
            "settings": dict(self.plan.recipe) | {"precision": self.plan.precision},
            "tuned": {pair: dict(told) for pair, told in self.plan.tuned.items()},
            "store": str(self.store),
        }

    def report(self, folder: str | os.PathLike[str], *, dpi: int = 150) -> list[Path]:
        """Write the report; see `anypool.study.report.write`."""
        return reports.write(
            Path(folder), self.plan, self.outcomes, self.verdict(), self.provenance(), dpi=dpi
        )

    def export(self, path: str | os.PathLike[str]) -> list[Path]:
        """The trials, epochs and predictions as .json, or tables as .csv or .parquet."""
        with self._open() as opened:
            return opened.export(self.name, path)

    def network(
        self, arm: str | None = None, seed: int | None = None, data: str | None = None,
        factory: Callable[..., Any] | None = None,
    ) -> Network:  # fmt: skip
        """A trained network: of this arm and seed, else the one with the best validation."""
        with self._open() as opened:
            done = [e for e in opened.trials(self.name) if e.state == "done"]
            fits = [e for e in done if _asked(e.trial, arm, seed, data)]
            if not fits:
                raise PoolError(_none(self.name, [e.trial for e in done], arm, seed, data))
            best = max(fits, key=lambda e: e.measures["validation_accuracy"])
            kept = opened.weights(best.trial.key)
        return revive(best.trial, kept, None if factory is None else packed(factory))


def _only(found: Outcomes, pair: tuple[str, str]) -> Outcomes:
    return replace(found, arms=pair)


def _asked(trial: Trial, arm: str | None, seed: int | None, data: str | None) -> bool:
    wanted = {"arm": arm, "seed": seed, "data": data}
    known = {"arm": trial.arm, "seed": trial.seed, "data": trial.data}
    return trial.purpose == "measure" and all(
        value is None or known[name] == value for name, value in wanted.items()
    )


def _none(name: str, done: list[Trial], arm: Any, seed: Any, data: Any) -> str:
    wanted = {"arm": arm, "seed": seed, "data": data}
    told = ", ".join(f"{n} {v}" for n, v in wanted.items() if v is not None) or "any arm"
    arms = sorted({trial.arm for trial in done}) or ["none"]
    seeds = sorted({trial.seed for trial in done})
    return (
        f"study {name!r} has no finished trial of {told}; finished are the arms "
        f"{', '.join(arms)} with the seeds {', '.join(map(str, seeds)) or 'none'}"
    )


def packed(network: Callable[..., Any]) -> bytes:
    try:
        return pickle.dumps(network)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise PoolError(
            f"the network factory cannot travel to the workers ({error}); define it with def at "
            "the top of a module"
        ) from None
