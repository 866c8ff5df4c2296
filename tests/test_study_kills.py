"""Drivers and workers that are killed at random moments: the store tells whether it mattered.

The moments are drawn anew in every run; a failure prints the seed that draws them again, by
ANYPOOL_KILLS=SEED.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

import toy_trials as toy
from anypool.study.store import open_store

if sys.platform == "win32":
    pytest.skip("these signals are those of POSIX", allow_module_level=True)

pytest_plugins = ["postgres"]

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src"
# seconds: a busy machine may take its time
PATIENCE = 200


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests were started with it ignored, as a shell's & does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def luck():
    seed = int(os.environ.get("ANYPOOL_KILLS", random.SystemRandom().randrange(10**6)))
    sys.stdout.write(f"ANYPOOL_KILLS={seed}\n")
    return random.Random(seed)


class Study:
    """A store, a scratch folder, and the drivers that were started on them."""

    def __init__(self, folder, where=None, **settings):
        self.where = where or str(folder / "study.db")
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        seeds = settings.get("seeds", 6)
        # the last seed waits for `release`, so that no study ends before the test had its way
        waiting = {"mishap": "wait", "wait": seeds - 1}
        self.settings = {"seeds": seeds, "epochs": 6, "pause": 0.05, **waiting, **settings}
        self.trials = toy.trials(**self.settings)
        self.drivers = []

    def start(self):
        command = [sys.executable, "-W", "error", str(TESTS / "toy_driver.py")]
        path = os.pathsep.join([str(SRC), str(TESTS)])
        driver = subprocess.Popen(
            [*command, self.where, str(self.scratch), json.dumps(self.settings)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.drivers.append(driver)
        return driver

    def start_working(self):
        """A driver whose workers have begun with a trial, or that has nothing to do."""
        before = len(list(self.scratch.glob("*.started")))
        driver = self.start()
        until(
            lambda: len(list(self.scratch.glob("*.started"))) > before or driver.poll() is not None
        )
        return driver

    def release(self):
        (self.scratch / "go").touch()

    def end(self):
        """Let one more driver run to its end."""
        self.release()
        assert leave(self.start()) == (0, "")

    def finished(self):
        keys = {trial.key for trial in self.trials}
        if not self.where.startswith("postgresql") and not Path(self.where).exists():
            return set()
        with open_store(self.where, readonly=True) as store:
            return keys - set(store.missing(keys))

    def workers(self):
        """The processes that have begun a trial and still live: pid -> key of the last trial."""
        marks = sorted(self.scratch.glob("*.started"), key=lambda file: file.stat().st_mtime_ns)
        begun = {int(file.read_text() or 0): file.name.partition(".")[0] for file in marks}
        return {pid: key for pid, key in begun.items() if pid and is_alive(pid)}

    def check(self):
        """Every row is there, with the very result of an undisturbed run."""
        with open_store(self.where, readonly=True) as store:
            for trial in self.trials:
                kept, told = store.result(trial.key), toy.told(trial)
                assert np.array_equal(kept.correct, told.correct)
                assert np.array_equal(kept.losses, told.losses)
                assert kept.measures == told.measures
                assert kept.weights == told.weights

    def starts(self, key):
        return len(list(self.scratch.glob(f"{key}.*.started")))

    def count(self, what):
        return sum(toy.runs(self.scratch, trial, what) for trial in self.trials)


@pytest.fixture
def study(tmp_path, request):
    made = Study(tmp_path, **getattr(request, "param", {}))
    yield made
    bury(made)


def bury(study):
    for driver in study.drivers:
        with suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()


def leave(driver):
    """The driver's exit status and what it said on stderr."""
    _, said = driver.communicate(timeout=PATIENCE)
    return driver.returncode, said


def is_alive(pid):
    """Whether the process runs; one that has ended and was not reaped by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.01)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="no /proc here to see which processes live"
)


SIZES = [
    pytest.param({"seeds": 12}, 4, marks=pytest.mark.slow, id="4"),
    pytest.param({"seeds": 100}, 60, marks=pytest.mark.nightly, id="60"),
]


@needs_proc
@pytest.mark.parametrize(("study", "most"), SIZES, indirect=["study"])
def test_a_driver_killed_at_random_moments_loses_nothing_and_runs_nothing_twice(study, most, luck):
    for _ in range(most):
        finished = study.finished()
        before = {key: study.starts(key) for key in finished}
        driver = study.start_working()
        time.sleep(luck.uniform(0, 0.7))
        driver.kill()
        assert driver.wait() == -signal.SIGKILL
        until(lambda: not study.workers())  # they notice, each for itself
        assert finished <= study.finished()
        assert {key: study.starts(key) for key in finished} == before
    study.end()
    study.check()


@needs_proc
@pytest.mark.parametrize(("study", "most"), SIZES, indirect=["study"])
def test_workers_killed_at_random_moments_are_replaced(study, most, luck):
    study.release()
    driver = study.start_working()
    killed = []
    while driver.poll() is None and len(killed) < most:
        time.sleep(luck.uniform(0.05, 0.3))
        victims = [pid for pid, key in study.workers().items() if key not in killed]
        if victims and driver.poll() is None:
            pid = luck.choice(victims)
            killed.append(study.workers().get(pid))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert leave(driver) == (0, "")
    assert killed
    study.check()


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("SIGINT", True),
        ("SIGTERM", False),
        pytest.param("SIGTERM", True, marks=pytest.mark.nightly),
        pytest.param("SIGINT", False, marks=pytest.mark.nightly),
        pytest.param("SIGHUP", False, marks=pytest.mark.nightly),
        pytest.param("SIGHUP", True, marks=pytest.mark.nightly),
    ],
)
def test_a_signal_at_a_random_moment_keeps_all_work(study, luck, name, group):
    number = signal.Signals[name]
    driver = study.start_working()
    time.sleep(luck.uniform(0, 0.6))
    (os.killpg if group else os.kill)(driver.pid, number)
    code, said = leave(driver)
    assert code == 128 + number, said
    assert "the same command goes on from there" in said
    assert said.count("\n") == 1, said
    assert study.workers() == {}
    interrupted = {file.stem for file in study.scratch.glob("*.pt")}
    assert interrupted.isdisjoint(study.finished())

    study.end()
    study.check()
    assert study.count("epoch") <= len(study.trials) * study.settings["epochs"]
    assert list(study.scratch.glob("*.pt")) == []


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_anyone(tmp_path):
    study = Study(tmp_path, mishap="deaf")
    try:
        driver = study.start_working()
        time.sleep(0.5)
        os.kill(driver.pid, signal.SIGINT)
        time.sleep(0.5)
        assert driver.poll() is None
        os.kill(driver.pid, signal.SIGINT)
        assert leave(driver)[0] == 130
    finally:
        bury(study)


@pytest.mark.slow
def test_the_second_of_two_drivers_gets_one_sentence(study):
    first = study.start_working()
    code, said = leave(study.start())
    assert code == 1
    assert f"is being run by process {first.pid}" in said
    assert said.count("\n") == 1
    study.release()
    assert leave(first) == (0, "")
    study.check()
    assert study.count("started") == len(study.trials)


@pytest.mark.slow
def test_a_driver_whose_study_is_taken_over_writes_no_more(study):
    driver = study.start_working()
    with open_store(study.where) as store, store.lease("toy", force=True):
        code, said = leave(driver)
        kept = study.finished()
    assert code == 1
    assert "was taken over by" in said
    assert said.count("\n") == 1
    assert study.finished() == kept
    study.end()
    study.check()


@pytest.mark.slow
def test_a_database_that_restarts_meanwhile_is_waited_for(tmp_path, postgres):
    study = Study(tmp_path, postgres.fresh(), epochs=10)
    try:
        driver = study.start_working()
        until(lambda: study.count("ended") >= 2)
        postgres.stop(signal.SIGQUIT)
        time.sleep(1)
        assert driver.poll() is None
        postgres.start()
        study.release()
        assert leave(driver) == (0, "")
        study.check()
        assert study.count("started") == len(study.trials)
    finally:
        bury(study)
