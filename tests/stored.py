"""Plans, trials and results for the tests of the store; run as a program, a driver that writes."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from anypool.study.records import Plan, Result, Trial
from anypool.study.store import Store, open_store

LABELS = np.arange(21) % 3
RECIPE = {"name": "fast", "lr": 0.01, "epochs": 2}
PLAN = Plan(
    name="pilot",
    data=("digits",),
    network="small",
    place="head",
    arms=("avg", "max"),
    recipe=RECIPE,
    seeds=(0, 1, 2),
)


def trial(seed: int = 0, arm: str = "avg", **changed: Any) -> Trial:
    plain = Trial("digits", "d1", "small", "head", arm, RECIPE, seed)
    return replace(plain, **changed)


def grid(plan: Plan = PLAN, **changed: Any) -> list[Trial]:
    return [trial(seed, arm, **changed) for seed in plan.seeds for arm in plan.arms]


def result(one: Trial, size: int = 400, **measures: float) -> Result:
    """What the trial would leave: decided by its key, as a real training is."""
    rng = np.random.default_rng(int(one.key[:16], 16))
    names = ("loss", "train_accuracy", "accuracy", "seconds")
    epochs = [{"epoch": n, **dict(zip(names, rng.random(4).tolist(), strict=True))} for n in (1, 2)]
    return Result(
        epochs=epochs,
        losses=rng.random(7).astype(np.float32),
        correct=rng.random(0 if one.purpose == "tune" else len(LABELS)) < 0.8,
        measures={"accuracy": float(rng.random()), "parameters": 1234, **measures},
        weights=rng.bytes(size),
        host="here",
    )


def assert_same(got: Result, want: Result) -> None:
    """Equal bit for bit; NaN is NaN."""
    assert repr(got.epochs) == repr(want.epochs)
    assert got.losses.dtype == np.float32
    assert got.losses.tobytes() == want.losses.tobytes()
    assert got.correct.dtype == bool
    assert got.correct.tolist() == want.correct.tolist()
    assert repr(sorted(got.measures.items())) == repr(sorted(want.measures.items()))
    assert (got.weights, got.host) == (want.weights, want.host)


def begun(where: str, **options: Any) -> Store:
    """An open store in which the pilot study has begun."""
    store = open_store(where, **options)
    store.begin(PLAN, command="study run", machine={"cores": 2})
    store.remember("d1", "digits", ["a", "b", "c"], LABELS, "21 test examples")
    store.enlist("pilot", grid())
    return store


def big(number: int) -> Trial:
    """Trials whose results take some time to write."""
    return trial(number, digest=hashlib.sha256(b"big").hexdigest())


def write(where: str, first: int, last: int) -> None:
    """Finish the big trials one after the other, naming each once it is kept."""
    with open_store(where) as store:
        say("open")
        for number in range(first, last):
            one = big(number)
            store.start(one, 1, "here")
            store.finish(one, result(one, 1_000_000))
            say(f"kept {number}")


def lease(where: str) -> None:
    """Take the lease if it is free, and hold it until the standard input ends."""
    from anypool.errors import PoolError

    with open_store(where) as store:
        say("ready")
        sys.stdin.readline()
        try:
            with store.lease("pilot"):
                say("won")
                sys.stdin.readline()
        except PoolError as error:
            say(f"lost: {error}")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    task, where, *numbers = sys.argv[1:]
    {"write": write, "lease": lease}[task](where, *map(int, numbers))
