"""A few threads over kernels that let go of the GIL.

The calling thread does its share and then takes over every part that nobody has started, so a
call never depends on a worker: workers that are late, busy, lost in a fork, or refused by an
interpreter on its way out only make it slower. Numba's own layers abort when called from two
threads at once or after a fork; `ThreadPoolExecutor` hangs after a fork and refuses at exit.
Measured for an empty task in two parts: this 1 us, `ThreadPoolExecutor` 75 us.
"""

from __future__ import annotations

import operator
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from anypool.errors import PoolError
from anypool.kernels import limits

VARIABLE = "ANYPOOL_NUM_THREADS"


def count(threads: int | None = None) -> int:
    """The number of threads to use: as asked, else ANYPOOL_NUM_THREADS, else the free cores.

    >>> count(3)
    3
    """
    if threads is not None:
        return _at_least_one(threads, operator.index, "threads")
    return _default()[0]


def run(
    task: Callable[[int, int], object], total: int, threads: int, parts: int | None = None
) -> None:
    """Call `task(first, last)` on contiguous parts of `range(total)`; wait for all.

    >>> run(lambda first, last: print(first, last), 10, 1)
    0 10

    There are as many parts as threads unless `parts` says more: a thread that the system slows
    down then leaves what it has not started to the others. The first error of any part is raised
    once no part is running any more; parts that have not started by then are left out. A `run`
    inside a part is one plain call.
    """
    if threads <= 1 or total <= 1 or getattr(_here, "inside", False):
        task(0, total)
        return
    threads = min(threads, total)
    job = _Job(task, total, min(max(parts or 0, threads), total))
    _offer(job, min(threads - 1, _MOST_WORKERS))
    _work(job)
    _wait(job)
    if job.error is not None:
        try:
            raise job.error
        finally:
            job.error = None  # the traceback holds this frame, which holds the job


def describe() -> dict[str, object]:
    """How many threads a call gets, who says so, and what the pool is doing: for the doctor."""
    try:
        threads, source = _default()
    except PoolError as error:
        threads, source = None, str(error)
    workers = _pool.workers if _pool.pid == os.getpid() else 0
    return {"threads": threads, "source": source, "started": workers > 0, "workers": workers}


def _default() -> tuple[int, str]:
    """The smallest of what the system, the user's environment and torch allow; who says so."""
    asked = os.environ.get(VARIABLE)
    if asked:
        return _at_least_one(asked, int, VARIABLE), VARIABLE
    allowed = [
        (_cores(), "cpu affinity"),
        (limits.quota(), "cgroup limit"),
        (_openmp(), "OMP_NUM_THREADS"),
        (_torch_threads(), "torch.get_num_threads()"),
    ]
    return min(((n, who) for n, who in allowed if n is not None), key=lambda one: one[0])


def _openmp() -> int | None:
    """What OMP_NUM_THREADS allows (Ray sets it for its tasks); nothing where it makes no sense."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) >= 1 else None


def _at_least_one(value: Any, read: Callable[[Any], int], name: str) -> int:
    try:
        number = read(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise PoolError(f"{name} is {value!r}, but must be a whole number of at least 1")
    return number


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0)) or 1
    except (AttributeError, OSError):  # not on macOS and Windows
        return os.cpu_count() or 1


def _torch_threads() -> int | None:
    """What torch would use, if it is loaded: its data loader's workers set this to 1."""
    try:
        number = sys.modules["torch"].get_num_threads()
    except Exception:  # not loaded, half loaded, or a stand-in: all mean "no opinion"
        return None
    return number if isinstance(number, int) and number >= 1 else None


class _Job:
    """One `run`: the parts nobody has started, those that are over, and the first error."""

    __slots__ = ("count", "error", "over", "parts", "signal", "task")

    def __init__(self, task: Callable[[int, int], object], total: int, count: int) -> None:
        self.task = task
        self.count = count
        self.parts = deque((total * i // count, total * (i + 1) // count) for i in range(count))
        self.over: list[None] = []
        self.signal: SimpleQueue[None] = SimpleQueue()
        self.error: BaseException | None = None


class _Pool:
    """The workers of one process. Its queue dies with the process, so a fork starts anew."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.workers = 0


_here = threading.local()
_pool = _Pool()
# More workers than this help nobody, whatever `threads` asks for: the caller does the rest.
_MOST_WORKERS = 4 * (os.cpu_count() or 1)


def _forget() -> None:
    """In a forked child: the parent's workers do not exist here, its lock may be held forever."""
    global _pool
    _pool = _Pool()
    _here.inside = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _offer(job: _Job, helpers: int) -> None:
    """Invite so many workers to the parts that the caller has not done by then."""
    if _pool.pid != os.getpid():  # a fork made in C, past Python's hooks
        _forget()
    if _pool.workers < helpers and not sys.is_finalizing():  # a start would never return
        _hire(helpers)
    for _ in range(min(helpers, _pool.workers)):
        _pool.jobs.put(job)


def _hire(wanted: int) -> None:
    with _pool.lock:
        while _pool.workers < wanted:
            worker = threading.Thread(
                target=_serve, args=(_pool.jobs,), name="anypool", daemon=True
            )
            try:
                worker.start()
            except RuntimeError:  # the interpreter is leaving, or the system has no more threads
                return
            _pool.workers += 1


def _serve(jobs: SimpleQueue[_Job]) -> None:
    while True:
        job = jobs.get()
        _work(job)
        del job  # or an idle worker would keep the last call's arrays alive


def _work(job: _Job) -> None:
    """Do parts of the job until none is left to start."""
    _here.inside = True
    try:
        while job.parts:
            _do(job, *job.parts.popleft())
    except IndexError:  # another thread took the last part between the two
        pass
    finally:
        _here.inside = False


def _do(job: _Job, first: int, last: int) -> None:
    try:
        if job.error is None:
            job.task(first, last)
    except BaseException as error:
        job.error = error
    job.over.append(None)
    job.signal.put(None)


def _wait(job: _Job) -> None:
    """Until every part is over; an interrupt waits too, for the parts write to its arrays.

    The list is the truth and the queue only the bell, so an interrupt that swallows a ring
    cannot make this wait for ever: each part is written down before it rings.
    """
    while len(job.over) < job.count:
        try:
            job.signal.get()
        except BaseException as error:
            job.error = error
