"""Trials that take moments and misbehave on demand: what the driver's tests give to workers.

A trial's recipe says what it does. Each start and each end leaves a file beside its checkpoint, so
that a test can count what really ran, whoever was killed meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anypool.errors import PoolError
from anypool.study.records import Result, Trial


@dataclass(frozen=True)
class Job:
    trial: Trial
    scratch: str
    data: str = ""


def trials(seeds=3, arms=("avg", "max"), **recipe):
    """A grid of toy trials: `epochs` epochs of `pause` seconds each, and perhaps a `mishap`."""
    recipe = {"epochs": 3, "pause": 0.01, **recipe}
    return [
        Trial("toy", "", "small", "head", arm, recipe, seed)
        for seed in range(seeds)
        for arm in arms
    ]


def jobs(scratch, **more):
    return lambda trial: Job(trial, str(scratch), **more)


def work(job):
    """A deterministic result, reached in epochs; SIGTERM leaves a checkpoint of the last one."""
    trial, scratch = job.trial, Path(job.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    _mark(scratch, trial, "started")
    mishap(trial.recipe.get("mishap", ""), job)
    saved = scratch / f"{trial.key}.pt"
    state = json.loads(saved.read_text()) if saved.exists() else {"epoch": 0, "value": trial.seed}
    with _saving(saved, state):
        while state["epoch"] < trial.recipe["epochs"]:
            time.sleep(trial.recipe["pause"])
            state.update(epoch=state["epoch"] + 1, value=_step(state["value"], trial.arm))
            _mark(scratch, trial, "epoch")
            _write(scratch / f"{trial.key}.json", _note(state, trial))
    _mark(scratch, trial, "ended")
    return result(trial, state["value"])


def result(trial, value):
    """What a toy trial leaves when its last value is `value`."""
    rng = np.random.default_rng(value)
    measures = {"accuracy": value % 1000 / 1000, "seconds": 0.1, "diverged": 0.0}
    if trial.recipe.get("mishap") == "nan":
        measures |= {"diverged": 1.0}
    epochs = [{"epoch": k + 1, "loss": 1.0} for k in range(trial.recipe["epochs"])]
    losses = rng.random(4).astype(np.float32)
    return Result(epochs, losses, rng.random(10) < 0.5, measures, b"weights", "toy")


def told(trial):
    """The result that the trial must have, however often it was interrupted."""
    value = trial.seed
    for _ in range(trial.recipe["epochs"]):
        value = _step(value, trial.arm)
    return result(trial, value)


def runs(scratch, trial, what):
    """How often the trial has `started`, `ended`, or come to the end of an `epoch`."""
    return len(list(Path(scratch).glob(f"{trial.key}.*.{what}")))


def mishap(kind, job):
    """Do what the recipe asks for; "once ..." only in the first attempt."""
    again = runs(job.scratch, job.trial, "started") > 1
    if kind.startswith("once ") and again:
        return
    MISHAPS.get(kind.removeprefix("once "), lambda job: None)(job)


def _wait(job):
    """From the seed on that the recipe names, wait for the file "go"."""
    while job.trial.seed >= job.trial.recipe["wait"] and not (Path(job.scratch) / "go").exists():
        time.sleep(0.01)


def _raise(job):
    raise RuntimeError("the toy broke")


def _bad_input(job):
    raise PoolError("the toy cannot be played with")


def _die(job):
    os.kill(os.getpid(), signal.SIGKILL)


def _memory(job):
    raise MemoryError


def _eat(job):
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.RLIM_INFINITY))
    np.ones((2**32,), np.float64)


class StubbornError(Exception):
    """An error that does not survive a pickle."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def _stubborn(job):
    raise StubbornError("this", "that")


def _deaf(job):
    sleep_through_sigterm(600)


MISHAPS = {
    "wait": _wait,
    "deaf": _deaf,
    "raise": _raise,
    "bad input": _bad_input,
    "die": _die,
    "memory": _memory,
    "eat": _eat,
    "stubborn": _stubborn,
}


def unpicklable(job):
    """A result that cannot be sent back."""
    return lambda: job


def look(job):
    """What the job's data folder holds: file below it -> bytes."""
    files = (file for file in Path(job.data).rglob("*") if file.is_file())
    return {file.relative_to(job.data).as_posix(): file.read_bytes() for file in files}


def environment(name):
    return os.environ.get(name)


def identity():
    return os.getpid()


def sleep_through_sigterm(seconds):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(seconds)


@contextmanager
def _saving(path, state):
    def leave(*_):
        _write(path, state)
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _step(value, arm):
    return (value * 1103515245 + len(arm) * 12345 + 7) % 2**31


def _note(state, trial):
    return {
        "pid": os.getpid(),
        "epoch": state["epoch"],
        "epochs": trial.recipe["epochs"],
        "loss": 1.0,
        "accuracy": 0.5,
        "seconds": 0.1,
    }


def _mark(scratch, trial, what):
    (scratch / f"{trial.key}.{uuid.uuid4().hex}.{what}").write_text(str(os.getpid()))


def _write(path, document):
    stage = path.with_name(f"{path.name}.{os.getpid()}")
    stage.write_text(json.dumps(document))
    os.replace(stage, path)
