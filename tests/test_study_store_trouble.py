"""What the world does to a store: kills, locks, restarts, full disks, many readers."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from sqlalchemy import func, select

from anypool.errors import PoolError
from anypool.study.store import open_store, patience
from anypool.study.store.tables import artifact, epoch, prediction
from stored import assert_same, begun, big, grid, result, trial

pytest_plugins = ["postgres"]


def writer(where, first=0, last=1000):
    """Another process that finishes trial after trial and names each."""
    program = [sys.executable, str(Path(__file__).with_name("stored.py")), "write", where]
    words = [*program, str(first), str(last)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "open\n"
    return process


def parts(store):
    """How many rows the parts of results have, that belong to a finished trial or to none."""
    with store._place.reader.begin() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table))
            for table in (epoch, prediction, artifact)
        ]


def check_whole(where, last, named):
    """Every trial is there with all its parts or not at all, and those named as kept are there."""
    trials = [big(number) for number in range(last)]
    with open_store(where) as store:
        done = store.finished(one.key for one in trials)
        kept = [one for one in trials if one.key in done]
        assert {trials[number].key for number in named} <= done.keys()
        assert parts(store) == [2 * len(kept), len(kept), 2 * len(kept)]
        for one in kept:
            assert_same(store.result(one.key), result(one, 1_000_000))
    return len(kept)


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_results(where):
    open_store(where).close()
    seed = random.SystemRandom().randrange(10**6)
    moments = random.Random(seed)
    first = 0
    for _ in range(4):
        process = writer(where, first)
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        said, _ = process.communicate()
        named = [int(line.split()[1]) for line in said.splitlines() if line.startswith("kept ")]
        there = check_whole(where, first + len(named) + 1, [*range(first), *named])
        assert there in (first + len(named), first + len(named) + 1), f"seed {seed}"
        first = there


def test_a_store_locked_for_a_while_is_waited_for(tmp_path):
    path = tmp_path / "s.db"
    with begun(path) as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(1.5, lambda: other.execute("COMMIT"))
        timer.start()
        assert store.finish(trial(), result(trial()))
        timer.join()
        other.close()
        assert_same(store.result(trial().key), result(trial()))


def test_a_store_locked_for_too_long_is_one_sentence(tmp_path):
    path = tmp_path / "s.db"
    with begun(path, patience=0.1) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(PoolError, match=r"has been locked by another program .*run the same"):
            store.finish(trial(), result(trial()))
        with pytest.raises(PoolError, match="has been locked by another program"):
            open_store(path, patience=0.1)
        assert store.studies()[0].missing == 6  # reading goes on
        other.close()
        assert store.finish(trial(), result(trial()))


def test_rows_locked_for_too_long_are_one_sentence(postgres):
    from sqlalchemy import text

    where = postgres.fresh()
    with begun(where) as holder, open_store(where, patience=0.1) as store:
        with holder._place.writer.begin() as connection:
            connection.execute(text("LOCK TABLE trial"))
            with pytest.raises(PoolError, match="has been locked by another program"):
                store.finish(trial(), result(trial()))
        assert store.finish(trial(), result(trial()))


def test_a_lock_shows_in_pauses_that_grow(monkeypatch):
    slept = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    clock = iter(range(100))
    monkeypatch.setattr(patience.time, "monotonic", lambda: next(clock))

    def locked():
        from sqlalchemy.exc import OperationalError

        fault = sqlite3.OperationalError("database is locked")
        fault.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
        raise OperationalError("", {}, fault)

    with pytest.raises(PoolError, match="x has been locked"):
        patience.patiently(locked, 8, "x")
    assert slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_a_server_that_restarts_is_waited_for(postgres, how):
    where = postgres.fresh()
    with begun(where) as store, store.lease("pilot"):
        trials = grid()
        store.finish(trials[0], result(trials[0]))
        postgres.stop(how)
        kept = []
        rest = [lambda one=one: kept.append(store.finish(one, result(one))) for one in trials[1:]]
        driver = threading.Thread(target=lambda: [each() for each in rest])
        driver.start()
        time.sleep(0.7)  # long enough to be refused several times
        postgres.start()
        driver.join()
        assert kept == [True] * 5
        store.beat()
        for one in trials:
            assert_same(store.result(one.key), result(one))
        assert parts(store) == [12, 6, 12]


@pytest.mark.slow
def test_a_server_that_restarts_in_the_middle_of_much_writing(postgres):
    where = postgres.fresh()
    open_store(where).close()
    process = writer(where, 0, 40)
    for _ in range(3):
        process.stdout.readline()
        postgres.restart()
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "kept 39"
    assert check_whole(where, 41, range(40)) == 40


def test_a_server_that_stays_away_is_one_sentence(postgres):
    where = postgres.fresh()
    with begun(where, patience=0.3) as store:
        postgres.stop()
        try:
            with pytest.raises(PoolError, match=r"(cannot be reached|has stopped) .*run the same"):
                store.finish(trial(), result(trial()))
        finally:
            postgres.start()
        assert store.finish(trial(), result(trial()))


def test_a_lease_ends_quietly_while_the_server_is_away(postgres):
    where = postgres.fresh()
    with begun(where) as store:
        lease = store.lease("pilot")
        lease.__enter__()
        postgres.stop()
        lease.__exit__(None, None, None)
        postgres.start()
        with open_store(where) as other, pytest.raises(PoolError, match="is being run by"):
            other.lease("pilot").__enter__()  # it runs out by itself


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    make = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    if os.name != "posix" or os.geteuid() or subprocess.run(make, check=False).returncode:
        pytest.skip("no disk can be mounted here: run as root, with the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(store, size):
    """Finish trials until the disk is full; those kept, and the sentence."""
    kept = []
    for seed in range(1000):
        one = trial(seed, digest="x")
        try:
            store.finish(one, result(one, size))
        except PoolError as error:
            return kept, str(error)
        kept.append(one)
    raise AssertionError("the disk took it all")


def check_readable(where, kept, size, readonly):
    with open_store(where, readonly=readonly) as store:
        assert parts(store) == [2 * len(kept), len(kept), 2 * len(kept)]
        for one in kept:
            assert_same(store.result(one.key), result(one, size))


def test_a_full_disk(small_disk):
    path, size = small_disk / "s.db", 100_000
    with begun(path) as store, store.lease("pilot"):
        kept, said = fill(store, size)
        assert "no space is left" in said
        assert "run the same command again to go on" in said
        assert len(kept) > 5
        assert parts(store) == [2 * len(kept), len(kept), 2 * len(kept)]
    for readonly in (True, False):
        check_readable(path, kept, size, readonly)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    with open_store(path) as store:
        one = trial(len(kept), digest="x")
        assert store.finish(one, result(one, size))
    check_readable(path, [*kept, one], size, readonly=False)


def test_a_file_that_may_not_grow(tmp_path):
    """What a quota does, where no disk can be mounted: the limit of the process on its files."""
    resource = pytest.importorskip("resource", reason="this system has no limits on files")
    path, size = tmp_path / "s.db", 100_000
    store = begun(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
        try:
            kept, said = fill(store, size)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "reports an error or is full" in said
        assert len(kept) > 2
        one = trial(len(kept), digest="x")
        assert store.finish(one, result(one, size))
    check_readable(path, [*kept, one], size, readonly=True)


def test_readers_see_whole_results_while_a_driver_writes(where):
    begun(where).close()
    seen, wrong, over = [], [], threading.Event()

    def look():
        with open_store(where, readonly=True) as store:
            while not over.is_set():
                found = store.outcomes("pilot")
                cells = [(a, s) for each in found for a in each.correct for s in each.correct[a]]
                seen.append(len(cells))
                for arm, at in cells:
                    want = result(trial(at, arm))
                    same = found[0].correct[arm][at].tolist() == want.correct.tolist()
                    if not same or found[0].curves[arm][at] != want.epochs:
                        wrong.append((arm, at))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for each in readers:
        each.start()
    with open_store(where) as store:
        for one in grid():
            store.start(one, 1, "here")
            store.finish(one, result(one))
            before = len(seen)
            until = time.monotonic() + 30
            while len(seen) < before + 2 and time.monotonic() < until:
                time.sleep(0.005)
    over.set()
    for each in readers:
        each.join()
    assert wrong == []
    assert max(seen) == 6


@pytest.mark.nightly
def test_two_drivers_of_two_studies_share_a_store(where):
    """Both finish the same trials at the same time; each result is kept once."""
    open_store(where).close()
    both = [writer(where, 0, 12) for _ in range(2)]
    said = [each.communicate(timeout=240)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert all(words.splitlines()[-1] == "kept 11" for words in said)
    assert check_whole(where, 12, range(12)) == 12
