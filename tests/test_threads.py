"""The thread pool: every part once, errors, nesting, forks, and an interpreter on its way out."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

from anypool.errors import PoolError
from anypool.kernels import limits, threads

SRC = Path(__file__).resolve().parents[1] / "src"


def fresh(code: str, **env: str) -> str:
    """What `code` prints in a new process; it must end well and keep stderr empty."""
    env = {**os.environ, "PYTHONPATH": str(SRC), **env}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def parts_of(total: int, number: int) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    threads.run(lambda first, last: seen.append((first, last)), total, number)
    return sorted(seen)


@pytest.fixture
def no_opinions(monkeypatch, tmp_path):
    for name in (threads.VARIABLE, "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(limits, "OWN", tmp_path / "none")
    limits.quota.cache_clear()
    yield
    limits.quota.cache_clear()


@pytest.mark.parametrize("total", [2, 3, 7, 100, 10_001])
@pytest.mark.parametrize("number", [2, 3, 8, 10_050])
def test_parts_are_contiguous_and_complete(total, number):
    parts = parts_of(total, number)
    assert len(parts) == min(total, number)
    assert [first for first, _ in parts] == [0, *(last for _, last in parts[:-1])]
    assert parts[-1][1] == total
    sizes = [last - first for first, last in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("total", "number"), [(0, 4), (1, 4), (9, 1), (9, 0)])
def test_one_part_is_one_plain_call(total, number):
    assert parts_of(total, number) == [(0, total)]


def test_parts_run_side_by_side():
    both = threading.Barrier(2)
    threads.run(lambda *_: both.wait(timeout=30), 2, 2)


def test_caller_does_the_parts_of_busy_workers():
    release = threading.Event()
    busy = [
        threading.Thread(target=threads.run, args=(lambda *_: release.wait(60), 64, 64))
        for _ in range(2)
    ]
    for one in busy:
        one.start()
    time.sleep(0.05)
    try:
        assert len(parts_of(4, 4)) == 4  # every worker waits for us, and yet this ends
    finally:
        release.set()
    for one in busy:
        one.join(timeout=60)
        assert not one.is_alive()


def test_the_error_comes_out_when_nothing_runs_any_more():
    running, met = set(), threading.Barrier(2)

    def task(first, _):
        running.add(first)
        met.wait(timeout=30)
        if first == 0:
            raise KeyError("part 0")
        time.sleep(0.05)
        running.discard(first)

    with pytest.raises(KeyError, match="part 0"):
        threads.run(task, 2, 2)
    assert running == {0}


def test_an_error_of_a_worker_comes_out_and_the_pool_lives_on():
    caller, met = threading.get_ident(), threading.Barrier(2)

    def task(*_):
        met.wait(timeout=30)
        if threading.get_ident() != caller:
            raise OSError("in the worker")

    with pytest.raises(OSError, match="in the worker"):
        threads.run(task, 2, 2)
    assert parts_of(2, 2) == [(0, 1), (1, 2)]


def test_an_interrupt_waits_for_the_parts_in_flight():
    over, met, caller = [], threading.Barrier(2), threading.get_ident()

    def task(first, _):
        met.wait(timeout=30)
        if threading.get_ident() == caller:
            raise KeyboardInterrupt("enough")
        time.sleep(0.05)
        over.append(first)

    with pytest.raises(KeyboardInterrupt, match="enough"):
        threads.run(task, 2, 2)
    assert len(over) == 1
    assert parts_of(2, 2) == [(0, 1), (1, 2)]


def test_nested_runs_are_plain_calls():
    inner: list[tuple[int, int]] = []

    def task(*_):
        threads.run(lambda a, b: inner.append((a, b)), 10, 4)

    threads.run(task, 4, 4)
    assert inner == [(0, 10)] * 4
    assert len(parts_of(10, 4)) == 4


def test_32_threads_at_once():
    sums = [0] * 32

    def call(me):
        for _ in range(50):
            sums[me] += sum(
                last * (last - 1) - first * (first - 1) for first, last in parts_of(100, 4)
            )

    callers = [threading.Thread(target=call, args=(me,)) for me in range(32)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(timeout=60)
    assert sums == [2 * 50 * 4950] * 32


def test_arrays_are_let_go_after_the_call():
    class Held:
        """Stands for an array."""

    held = Held()
    gone = weakref.ref(held)
    threads.run(lambda *_, held=held: held, 8, 8)
    del held
    for _ in range(100):
        gc.collect()
        if gone() is None:
            return
        time.sleep(0.01)
    raise AssertionError("an idle worker keeps the last call's arguments alive")


def test_no_new_threads_means_the_caller_does_it_all(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_pool", threads._Pool())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert len(parts_of(8, 4)) == 4
    assert threads.describe()["started"] is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_its_own_workers():
    code = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: forking beside threads
from anypool.kernels import limits, threads
def both():
    met = threading.Barrier(2)
    threads.run(lambda a, b: met.wait(timeout=30), 2, 2)
both()
child = os.fork()
if child == 0:
    before = threads.describe()["workers"]
    both()
    os._exit(10 + before if threads.describe()["workers"] == 1 else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
both()
print(code)
"""
    assert fresh(code) == "10"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_past_pythons_hooks_is_noticed(monkeypatch):
    parts_of(4, 4)
    monkeypatch.setattr(threads._pool, "pid", -1)
    assert threads.describe()["workers"] == 0
    assert len(parts_of(4, 4)) == 4
    assert threads.describe()["workers"] == 3


LEAVING = """
import atexit, sys, threading, time
from anypool.kernels import limits, threads
def work(rounds=10**9):
    for _ in range(rounds):
        threads.run(lambda a, b: time.sleep(0.0005), 8, 4)
class Late:
    def __del__(self, threads=threads):
        threads.run(lambda a, b: None, 8, 8)
late = Late()
"""


@pytest.mark.parametrize(
    "end",
    [
        "for _ in range(4): threading.Thread(target=work, daemon=True).start()\ntime.sleep(0.2)",
        "threading.Thread(target=work, args=(200,)).start()",
        "atexit.register(work, 5)",
        "work(2); atexit.register(work, 5); threading.Thread(target=work, daemon=True).start()",
        "work(2); sys.exit(0)",
    ],
    ids=["daemons", "thread", "atexit", "atexit-and-daemon", "exit"],
)
def test_leaving_with_work_in_flight_is_quiet(end):
    assert fresh(LEAVING + end) == ""


@pytest.mark.usefixtures("no_opinions")
def test_count_as_asked():
    assert threads.count(5) == 5
    assert threads.count() == threads._cores()
    assert threads.describe()["source"] == "cpu affinity"


@pytest.mark.parametrize("bad", [0, -1, 1.5, "two", "3", [2]])
def test_count_refuses(bad):
    with pytest.raises(PoolError, match=r"threads is .*, but must be a whole number of at least 1"):
        threads.count(bad)


@pytest.mark.usefixtures("no_opinions")
def test_count_from_the_environment(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "7")
    assert threads.count() == 7
    assert threads.count(2) == 2
    assert threads.describe()["source"] == "ANYPOOL_NUM_THREADS"


@pytest.mark.usefixtures("no_opinions")
@pytest.mark.parametrize("bad", ["0", "-2", "many", "1.5"])
def test_count_refuses_a_bad_environment(monkeypatch, bad):
    monkeypatch.setenv(threads.VARIABLE, bad)
    with pytest.raises(PoolError, match=f"ANYPOOL_NUM_THREADS is '{bad}', but must be"):
        threads.count()
    assert "ANYPOOL_NUM_THREADS" in threads.describe()["source"]


@pytest.mark.usefixtures("no_opinions")
@pytest.mark.parametrize("torch", [None, SimpleNamespace(), SimpleNamespace(get_num_threads=str)])
def test_count_beside_a_torch_that_is_not_ready(monkeypatch, torch):
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert threads.count() == threads._cores()


@pytest.mark.usefixtures("no_opinions")
def test_count_follows_torch(monkeypatch):
    monkeypatch.setattr(threads, "_cores", lambda: 4)
    for said, used in ((1, 1), (64, 4)):
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(get_num_threads=lambda n=said: n))
        assert threads.count() == used


def test_importing_the_cache_and_the_threads_does_not_import_numba():
    code = (
        "import sys, anypool.kernels.cache, anypool.kernels.threads; print('numba' in sys.modules)"
    )
    assert fresh(code) == "False"


# --- how much of the machine there is ---------------------------------------------------------


@pytest.mark.parametrize("parts", [2, 5, 16, 100])
def test_more_parts_than_threads(parts):
    seen: list[tuple[int, int]] = []
    threads.run(lambda first, last: seen.append((first, last)), 50, 2, parts)
    assert len(seen) == min(parts, 50)
    assert sorted(i for first, last in seen for i in range(first, last)) == [*range(50)]


def test_no_more_threads_than_asked_for_whatever_the_parts():
    here: set[int] = set()

    def task(*_):
        here.add(threading.get_ident())
        time.sleep(0.002)

    threads.run(task, 64, 2, 64)
    assert 1 <= len(here) <= 2


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Write files of control groups: their folder, and what /proc/self/cgroup says."""

    def write(own: str, **files: str) -> int | None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("cpu_max", "cpu.max").replace(
                "cfs", "cpu.cfs"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "own").write_text(own)
        monkeypatch.setattr(limits, "CGROUPS", tmp_path)
        monkeypatch.setattr(limits, "OWN", tmp_path / "own")
        limits.quota.cache_clear()
        return limits.quota()

    yield write
    limits.quota.cache_clear()


def test_groups_that_limit_nothing(groups):
    assert groups("0::/\n", cpu_max="max 100000\n") is None
    assert groups("0::/\n", cpu_max="nonsense") is None
    assert groups("", cpu_max="100000 100000") is None
    assert groups("1:cpu:/\n", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000") is None
    assert groups("1:cpu:/\n", cpu__cfs_quota_us="5", cpu__cfs_period_us="0") is None


def test_groups_that_do(groups):
    assert groups("0::/\n", cpu_max="250000 100000\n") == 3
    assert groups("0::/a/b\n", a__cpu_max="150000 100000", a__b__cpu_max="max 100000") == 2
    assert groups("0::/of/the/machine\n", cpu_max="20000 100000") == 1


def test_groups_of_version_1(groups):
    files = {"cpu__a__cfs_quota_us": "400000", "cpu__a__cfs_period_us": "100000"}
    assert groups("4:memory:/a\n2:cpu,cpuacct:/a\n0::/\n", **files) == 4


def test_the_smallest_limit_counts(no_opinions, groups, monkeypatch):
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    groups("0::/\n", cpu_max="500000 100000\n")
    assert threads.describe()["threads"] == 5
    assert threads.describe()["source"] == "cgroup limit"
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert (threads.count(), threads.describe()["source"]) == (3, "OMP_NUM_THREADS")
    for bad in ("", "many", "0", "-2"):
        monkeypatch.setenv("OMP_NUM_THREADS", bad)
        assert threads.count() == 5
    monkeypatch.setenv(threads.VARIABLE, "7")
    assert threads.count() == 7
