"""Any order of begin, enlist, start, fail, finish and reopening, against a model in plain dicts."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from anypool.study.store import open_store
from stored import LABELS, PLAN, assert_same, result, trial

pytest_plugins = ["postgres"]

TRIALS = st.builds(
    trial,
    st.integers(0, 2),
    st.sampled_from(["avg", "max"]),
    versions=st.sampled_from([{}, {"torch": "9"}]),
)
NAMES = st.sampled_from(["pilot", "second"])


class Life(RuleBasedStateMachine):
    """The store beside what it should hold; `fresh` says where a new store can stand."""

    fresh = staticmethod(lambda: "")

    def __init__(self):
        super().__init__()
        self.where = self.fresh()
        self.store = open_store(self.where)
        self.seeds = {}  # study -> its seeds
        self.listed = {}  # study -> (arm, seed) -> trial
        self.states = {}  # key -> state
        self.kept = {}  # key -> what was finished first
        self.store.remember("d1", "digits", ["a", "b", "c"], LABELS)

    @rule(name=NAMES, seeds=st.sets(st.integers(0, 2), min_size=1))
    def begin(self, name, seeds):
        self.store.begin(replace(PLAN, name=name, seeds=tuple(seeds)), command="", machine={})
        self.seeds[name] = self.seeds.get(name, set()) | seeds
        self.listed.setdefault(name, {})

    @rule(name=NAMES, trials=st.lists(TRIALS, max_size=4))
    def enlist(self, name, trials):
        if name not in self.seeds:
            return
        slots = {(one.arm, one.seed): one for one in trials}
        before = self.listed[name]
        pushed = sum(at in before and before[at].key != one.key for at, one in slots.items())
        assert self.store.enlist(name, slots.values()) == pushed
        before.update(slots)
        for one in slots.values():
            self.states.setdefault(one.key, "waiting")

    @rule(one=TRIALS, attempt=st.integers(1, 3))
    def start(self, one, attempt):
        told = self.store.start(one, attempt, "here")
        assert told is (one.key not in self.kept)
        if told:
            self.states[one.key] = "running"

    @rule(one=TRIALS, attempt=st.integers(1, 3), final=st.booleans())
    def fail(self, one, attempt, final):
        told = self.store.fail(one, attempt, f"crash {attempt}", final)
        assert told is (one.key not in self.kept)
        if told:
            self.states[one.key] = "failed" if final else "waiting"

    @rule(one=TRIALS, accuracy=st.floats(0, 1))
    def finish(self, one, accuracy):
        left = result(one, accuracy=accuracy)
        assert self.store.finish(one, left) is (one.key not in self.kept)
        self.kept.setdefault(one.key, left)
        self.states[one.key] = "done"

    @rule(force=st.booleans(), name=NAMES, one=TRIALS)
    def finish_under_a_lease(self, force, name, one):
        if name not in self.seeds:
            return
        with self.store.lease(name, force=force):
            self.finish(one, 0.5)
            self.store.beat()

    @rule()
    def reopen(self):
        self.store.close()
        self.store = open_store(self.where)

    @invariant()
    def the_states_are_those_of_the_model(self):
        assert self.store.states(self.states) == self.states
        asked = {*self.states, "never seen"}
        assert self.store.missing(asked) == asked - self.kept.keys()
        wanted = {key: left.measures for key, left in self.kept.items()}
        assert self.store.finished(asked) == wanted

    @invariant()
    def the_studies_are_those_of_the_model(self):
        assert {each.name for each in self.store.studies()} == self.seeds.keys()
        for each in self.store.studies():
            assert self.store.plan(each.name).seeds == tuple(sorted(self.seeds[each.name]))
            states = [self.states[one.key] for one in self.listed[each.name].values()]
            done, failed = states.count("done"), states.count("failed")
            assert (each.done, each.failed) == (done, failed)
            assert each.missing == len(states) - done - failed

    @invariant()
    def the_outcomes_are_those_of_the_model(self):
        for name, slots in self.listed.items():
            found = self.store.outcomes(name)
            cells = {
                (a, s): bits for o in found for a, r in o.correct.items() for s, bits in r.items()
            }
            lost = {(a, s) for o in found for a, r in o.failed.items() for s in r}
            done = {at: one.key for at, one in slots.items() if self.states[one.key] == "done"}
            assert {at: bits.tolist() for at, bits in cells.items()} == {
                at: self.kept[key].correct.tolist() for at, key in done.items()
            }
            assert lost == {at for at, one in slots.items() if self.states[one.key] == "failed"}

    def teardown(self):
        for key, left in self.kept.items():
            assert_same(self.store.result(key), left)
        self.store.close()


def live(fresh, examples):
    """Run the machine on stores made by `fresh`."""
    kind = type("Life", (Life,), {"fresh": staticmethod(fresh)})
    common = settings(max_examples=examples, stateful_step_count=20)
    run_state_machine_as_test(kind, settings=common)


def test_lives_in_a_file(tmp_path):
    live(lambda: str(Path(tempfile.mkdtemp(dir=tmp_path)) / "s.db"), 20)


def test_lives_on_a_server(postgres):
    live(postgres.fresh, 8)


@pytest.mark.nightly
def test_many_lives_in_a_file(tmp_path):
    live(lambda: str(Path(tempfile.mkdtemp(dir=tmp_path)) / "s.db"), 400)


@pytest.mark.nightly
def test_many_lives_on_a_server(postgres):
    live(postgres.fresh, 150)
