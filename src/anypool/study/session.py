"""A study from its plan to its end: what is missing is run, what is there stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PoolError
from . import arms as poolings
from . import device, drive, plans, recipes, tune
from .data import Data, keep, load
from .data.fetch import cache_folder
from .networks import NETWORKS, check, named
from .pools import Processes
from .progress import Progress
from .provenance import command, machine, versions
from .records import Plan, Trial
from .speed import faster
from .store import open_store
from .study import HERE, Study, packed
from .trial import Job, smallest
from .trial import run as work


def plan(
    data: str | Data | Sequence[str | Data] = "digits",
    arms: Iterable[str] = ("avg", "max"),
    *,
    name: str = "study",
    network: str = "small",
    place: str = "head",
    recipe: str = "fast",
    seeds: int | Iterable[int] = 10,
    precision: str = "float32",
    margin: float = 0.003,
    reference: str | None = None,
    tune: int = 0,
    **settings: Any,
) -> Plan:
    """What a study is to find out, checked as far as it can be without the data.

    Args:
        data: names that `study.data.load` knows, or sets of `study.data.from_arrays` and the like
        arms: the poolings to compare, such as "avg", "gem:p=4", "avg+max"
        network: "tutorial", "plain", "small", "classical", or "module:function" of your own
        place: "head" (maps to scores) or "inner" (between the stages)
        recipe: "fast" or "tutorial"
        seeds: how many, counted from 0, or which ones
        margin: the difference in shares that nobody would mind (0.003 is 0.3 points)
        tune: learning rates that every arm may try on the validation split first
        settings: replace the recipe's, such as epochs=20

    >>> plan("digits", ["avg", "max"], seeds=6).seeds
    (0, 1, 2, 3, 4, 5)
    """
    sets = [data] if isinstance(data, str | Data) else list(data)
    chosen = tuple(arms)
    poolings.check(place, chosen)
    counted = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if any(seed < 0 for seed in counted) or not counted:
        raise PoolError(f"seeds is {seeds}; give a number of seeds from 1, or seeds from 0")
    if not 0 < margin < 1:
        raise PoolError(f"margin is {margin}; give a share such as 0.003 for 0.3 points")
    if precision not in ("float32", "bfloat16", "auto"):
        raise PoolError(f"precision is {precision!r}; it may be float32, bfloat16 or auto")
    if tune < 0:
        raise PoolError(f"tune is {tune}; give a number of learning rates to try, or 0")
    if reference is not None and reference not in chosen:
        raise PoolError(f"the reference {reference!r} is no arm; {_known(reference, chosen)}")
    return Plan(
        name, tuple(_name(d) for d in sets), network, place, chosen,
        recipes.recipe(recipe, **settings), counted, precision, margin, reference, tune,
    )  # fmt: skip


def _known(word: str, names: Iterable[str]) -> str:
    return poolings.nearest(word, names)


def _name(data: str | Data) -> str:
    return data if isinstance(data, str) else data.name


def run(
    asked: Plan,
    store: str | os.PathLike[str] = HERE,
    *,
    data: Iterable[Data] = (),
    network: Callable[..., Any] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    scratch: str | os.PathLike[str] | None = None,
    cache: Path | None = None,
    every: float = 60.0,
    force: bool = False,
    skip_corrupt: bool = False,
    longest: int | None = None,
    tell: Callable[[str], None] = lambda words: None,
) -> Study:
    """Run every trial of the plan that the store has not finished; the same call goes on later.

    Args:
        store: a path for SQLite, or postgresql://...
        data: sets given as objects, which the plan names
        network: a factory given as an object; the plan's network is then its name
        executor: any `concurrent.futures.Executor`; processes on this machine by default
        scratch: the folder of checkpoints, beside the store by default
        every: seconds between checkpoints; force: take the study from another driver

    Raises PoolError in one sentence where something cannot be; what was finished stays.
    """
    given = {d.name: d for d in data}
    sets = {n: given.get(n) or _loaded(n, cache, skip_corrupt, longest, tell) for n in asked.data}
    for found in sets.values():
        tell(_counted(found))
    there = device.choose(executor)
    tell(there.words)
    asked = _settled(asked, sets, network, store, there.device, tell)
    folders = {n: str(keep(d, (cache or cache_folder()) / "kept")) for n, d in sets.items()}
    place = Path(scratch) if scratch else _scratch(store)
    factory = None if network is None else packed(network)
    made = versions(_own(asked.network, network)) | there.facts

    def job(trial: Trial) -> Job:
        return Job(trial, folders[trial.data], str(place), factory, every=every,
                   device=there.device)  # fmt: skip

    with open_store(store) as opened, _pool(executor) as pool:
        opened.begin(asked, command=command(), machine=machine())
        for found in sets.values():
            opened.remember(
                found.digest, found.name, found.classes, found.test_labels.tolist(), found.note
            )
        digests = {n: d.digest for n, d in sets.items()}

        def through(trials: Sequence[Trial]) -> dict[str, float]:
            drive.run_all(
                trials, opened, name=asked.name, jobs=job, executor=pool, work=work,
                progress=progress, force=force,
            )  # fmt: skip
            found = opened.finished([trial.key for trial in trials])
            return {key: measures["accuracy"] for key, measures in found.items()}

        ready = tune.tuned(asked, digests, made, through)
        if ready.tuned:
            opened.begin(ready, command=command(), machine=machine())
        through(plans.trials(ready, digests, made))
    with suppress(OSError):  # trials that crashed have left their checkpoints
        place.rmdir()
    return Study(store, asked.name)


def _own(name: str, network: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The user's own network, however it was given."""
    if network is not None or name in NETWORKS:
        return network
    return named(name)


def _loaded(
    name: str, cache: Path | None, skip_corrupt: bool, longest: int | None,
    tell: Callable[[str], None],
) -> Data:  # fmt: skip
    more = {} if longest is None else {"longest": longest}
    return load(name, cache=cache, skip_corrupt=skip_corrupt, tell=tell, **more)


def _counted(data: Data) -> str:
    """One line about a data set."""
    counts = f"{len(data.train_labels)} to learn from, {len(data.test_labels)} to test"
    note = f"; {data.note}" if data.note else ""
    return f"{data.name}: {counts}, {len(data.classes)} classes{note}"


def _settled(
    asked: Plan, sets: Mapping[str, Data], network: Callable[..., Any] | None,
    store: str | os.PathLike[str], on: str, tell: Callable[[str], None],
) -> Plan:  # fmt: skip
    """The plan with every arm built once, and with the precision that the machine is faster at."""
    for data in sets.values():
        channels, classes = data.train_images[0].shape[0], len(data.classes)
        sized = [arm for arm in asked.arms if asked.place == "head" and not poolings.any_size(arm)]
        if data.ragged and sized:
            raise PoolError(
                f"the head {sized[0]} takes images of one size, and those of {data.name} differ; "
                "leave it out, or scale the images"
            )
        kind: Any = asked.network if network is None else network
        counts = check(kind, asked.place, asked.arms, channels, classes, smallest(data))
        tell(_sizes(counts))
    if asked.precision != "auto":
        return asked
    known = _stored(store, asked.name)
    chosen = known.precision if known else faster(asked, next(iter(sets.values())), on)
    tell(f"precision {chosen}: {'as the study began' if known else 'the faster one here'}")
    return replace(asked, precision=chosen)


def _stored(store: str | os.PathLike[str], name: str) -> Plan | None:
    """The plan of a study that was begun before."""
    try:
        with open_store(store, create=False, readonly=True) as opened:
            return opened.plan(name)
    except PoolError:
        return None


def _sizes(counts: Mapping[str, int]) -> str:
    """One sentence about how many parameters each arm has."""
    if len(set(counts.values())) == 1:
        return f"every arm has {next(iter(counts.values())):,} parameters".replace(",", " ")
    told = ", ".join(f"{arm} {count:,}".replace(",", " ") for arm, count in counts.items())
    return f"the arms differ in parameters: {told}"


def _scratch(store: str | os.PathLike[str]) -> Path:
    """Beside a file; in the cache folder for a database elsewhere."""
    text = os.fspath(store)
    if "://" in text:
        return cache_folder() / "checkpoints"
    return Path(f"{text}.work")


@contextmanager
def _pool(executor: Executor | None) -> Iterator[Executor]:
    """The caller's executor, which stays open, or one of our own for the time being."""
    if executor is not None:
        yield executor
        return
    with Processes() as pool:
        yield pool
