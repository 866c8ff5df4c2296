"""Driving toy trials inside the test's own process, and judging what came of it."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

import toy_trials as toy
from anypool.study import drive


class Memory:
    """A store that forgets with the process, and notes what was asked of it."""

    def __init__(self, done=()):
        self.rows = dict(done)
        self.log = []
        self.beats = 0

    @contextmanager
    def lease(self, name, *, force=False):
        self.log.append(("lease", name, force))
        try:
            yield SimpleNamespace(notes=("took over",) if force else ())
        finally:
            self.log.append(("give back", name))

    def beat(self):
        self.beats += 1

    def enlist(self, name, trials, /):
        self.log.append(("enlist", name, len(trials)))

    def missing(self, keys):
        return {key for key in keys if key not in self.rows}

    def start(self, trial, attempt, host):
        self.log.append(("start", trial.key, attempt))

    def finish(self, trial, result):
        self.rows[trial.key] = result

    def fail(self, trial, attempt, error, final):
        self.log.append(("fail", trial.key, attempt, error, final))

    def failures(self, key):
        return [(row[2], row[4]) for row in self.log if row[:2] == ("fail", key)]


def run(trials, folder, executor, store=None, work=toy.work, **more):
    store = store or Memory()
    summary = drive.run_all(
        trials, store, name="s", jobs=toy.jobs(folder), executor=executor, work=work, **more
    )
    return store, summary


def same(one, other):
    assert np.array_equal(one.correct, other.correct)
    assert np.array_equal(one.losses, other.losses)
    assert (one.measures, one.epochs, one.weights) == (other.measures, other.epochs, other.weights)
