"""Two drivers never write one study: the lease, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from sqlalchemy import select, update

from anypool.errors import PoolError
from anypool.study.store import lease as leases
from anypool.study.store import open_store
from anypool.study.store.tables import lease
from stored import begun, result, trial

pytest_plugins = ["postgres"]


class Driver:
    """Another process that asks for the lease when told, and holds it until told."""

    def __init__(self, where):
        program = [sys.executable, str(Path(__file__).with_name("stored.py")), "lease", where]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True)
        assert self.hear() == "ready"

    def hear(self):
        return self.process.stdout.readline().strip()

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        self.process.communicate(timeout=240)


@pytest.fixture
def drivers(where):
    """Call it for one more driver of the same store."""
    begun(where).close()
    started = []

    def start():
        started.append(Driver(where))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def change(store, **values):
    with store._place.writer.begin() as connection:
        connection.execute(update(lease).values(**values))


def rows(store):
    with store._place.reader.begin() as connection:
        return connection.execute(select(lease)).all()


def test_a_lease_is_taken_beaten_and_given_back(where):
    with begun(where) as store:
        with store.lease("pilot") as held:
            assert held.notes == ()
            (row,) = rows(store)
            assert (row.pid, row.study) == (os.getpid(), "pilot")
            change(store, heartbeat=0.0)
            store.beat()
            assert rows(store)[0].heartbeat > 1.7e9
            assert rows(store)[0].since == row.since
        assert rows(store) == []
        with pytest.raises(KeyError, match="mine"), store.lease("pilot"):
            raise KeyError("mine")
        assert rows(store) == []


def test_a_second_driver_is_told_who_drives(where):
    with begun(where) as one, open_store(where) as two, one.lease("pilot"):
        words = rf"'pilot' is being run by process {os.getpid()} on .* since \d{{4}}-.*--force"
        with pytest.raises(PoolError, match=words), two.lease("pilot"):
            pass
        one.beat()
        with pytest.raises(PoolError, match="this store is driving study 'pilot'"):
            one.lease("pilot").__enter__()
        with pytest.raises(PoolError, match="has no study 'pilo'; it has 'pilot'"):
            two.lease("pilo").__enter__()


def test_who_was_robbed_notices_and_writes_no_more(where):
    one, two = begun(where), open_store(where)
    with one, two, one.lease("pilot"):
        one.finish(trial(0), result(trial(0)))
        with two.lease("pilot", force=True) as held:
            assert f"took study 'pilot' over from process {os.getpid()}" in held.notes[0]
            for write in (
                one.beat,
                lambda: one.finish(trial(1), result(trial(1))),
                lambda: one.start(trial(1), 1, "here"),
                lambda: one.fail(trial(1), 1, "x", final=True),
            ):
                with pytest.raises(PoolError, match=r"taken over by .*writes no more"):
                    write()
            assert two.finished([trial(0).key, trial(1).key]).keys() == {trial(0).key}
            assert two.finish(trial(1), result(trial(1)))
        with pytest.raises(PoolError, match="taken over by another driver, which has ended"):
            one.beat()


def test_the_robbed_one_does_not_give_back_what_is_not_his(where):
    one, two = begun(where), open_store(where)
    with one, two:
        robbed = one.lease("pilot")
        robbed.__enter__()
        with two.lease("pilot", force=True):
            robbed.__exit__(None, None, None)
            two.beat()
            assert len(rows(two)) == 1


def test_a_driver_that_was_silent_for_a_minute_has_lost(where):
    one, two = begun(where), open_store(where)
    with one, two, one.lease("pilot"):
        change(one, home="another machine", pid=1, heartbeat=leases.NOW - 55)
        with pytest.raises(PoolError, match=r"last sign of life 5\d s ago"):
            two.lease("pilot").__enter__()
        change(one, heartbeat=leases.NOW - 62)
        with two.lease("pilot") as held:
            assert len(held.notes) == 1
            with pytest.raises(PoolError, match="taken over"):
                one.beat()


def test_process_numbers_mean_nothing_on_another_machine(where):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    one, two = begun(where), open_store(where)
    with one, two, one.lease("pilot"):
        change(one, pid=dead.pid, home="another machine")
        with pytest.raises(PoolError, match=f"process {dead.pid}"):
            two.lease("pilot").__enter__()
        change(one, home=leases._home())
        with two.lease("pilot"):
            two.beat()


def test_a_driver_that_was_killed_leaves_its_lease_to_the_next(where, drivers):
    first = drivers()
    first.go()
    assert first.hear() == "won"
    with open_store(where) as store:
        with pytest.raises(PoolError, match=f"process {first.process.pid} "):
            store.lease("pilot").__enter__()
        first.kill()
        with store.lease("pilot") as held:
            assert f"process {first.process.pid} " in held.notes[0]


def test_of_drivers_that_start_at_the_same_moment_exactly_one_wins(drivers):
    started = [drivers() for _ in range(3)]
    for each in started:
        each.go()
    heard = [each.hear() for each in started]
    assert sorted(word.split(":")[0] for word in heard) == ["lost", "lost", "won"]
    winner = started[heard.index("won")].process.pid
    losers = [word for word in heard if word != "won"]
    assert all(f"is being run by process {winner} on" in word for word in losers)
    for each in started:
        each.end()
        assert each.process.returncode == 0


def test_a_stale_lease_is_taken_over_by_exactly_one(where, drivers):
    first = drivers()
    first.go()
    assert first.hear() == "won"
    first.kill()
    started = [drivers() for _ in range(2)]
    for each in started:
        each.go()
    heard = [each.hear().split(":")[0] for each in started]
    assert sorted(heard) == ["lost", "won"]


def test_homes_of_the_same_machine_are_equal():
    program = "from anypool.study.store.lease import _home; print(_home())"
    if not Path("/proc/self/ns/pid").exists():
        pytest.skip("this system does not tell containers apart: no /proc/self/ns")
    other = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert other.strip() == leases._home()
