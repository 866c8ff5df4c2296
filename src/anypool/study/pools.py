"""Executors on this machine: worker processes, or the driver's own thread."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from functools import partial
from multiprocessing import resource_tracker
from queue import SimpleQueue
from typing import Any

from ..errors import PoolError
from . import child
from .cores import cores
from .environment import environment
from .signals import inherited_later, interrupts_terminate

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerError(RuntimeError):
    """A worker process that ended in the middle of a trial."""


class StartError(PoolError, BrokenExecutor):
    """Worker processes that end before their first trial: no other will fare better."""


class Processes(Executor):
    """Worker processes on this machine, each with one torch thread, each for itself.

    A worker that dies takes only its own trial along, whose future raises `WorkerError`; the next
    trial gets a new worker. workers: how many; by default the cores this process may use.
    threads: for the numerics of each; nice: added to each one's niceness.

    >>> with Processes(1) as pool:
    ...     pool.submit(pow, 2, 5).result()
    32
    """

    def __init__(self, workers: int | None = None, *, threads: int = 1, nice: int = 0) -> None:
        self.workers = cores() if workers is None else workers
        if self.workers < 1:
            raise PoolError(f"{workers} workers were asked for; at least 1 is needed")
        environment: dict[str, str] = dict.fromkeys(THREADS, str(threads))
        self._slots = [_Slot(environment, nice) for _ in range(self.workers)]
        self._free: SimpleQueue[_Slot] = SimpleQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="anypool-slot")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of `fn(*args, **kwargs)` in a worker; all of it must pickle."""
        return self._threads.submit(self._run, pickle.dumps(partial(fn, *args, **kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures` those that run get SIGTERM, and time to save."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        patience = threading.Timer(child.GRACE, self._kill)
        patience.daemon = True
        if cancel_futures:
            self._stop()
            patience.start()
        if not wait:
            return
        try:
            self._threads.shutdown(wait=True)
        except BaseException:  # a second Ctrl-C: no more patience
            self._kill()
            raise
        finally:
            patience.cancel()
        for slot in self._slots:
            slot.close()

    def _run(self, call: bytes) -> Any:
        slot = self._free.get()
        try:
            return slot.run(call)
        finally:
            self._free.put(slot)

    def _stop(self) -> None:
        for slot in self._slots:
            slot.stop()

    def _kill(self) -> None:
        for slot in self._slots:
            slot.kill()


class Here(Executor):
    """Runs every call at once in the caller's own thread: to debug, and for tests.

    >>> Here().submit(pow, 2, 5).result()
    32
    """

    workers = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The finished future; SystemExit and KeyboardInterrupt are the caller's to hear."""
        future: Future[Any] = Future()
        with interrupts_terminate():
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # a future carries whatever was raised
                future.set_exception(error)
        return future


class _Slot:
    """One worker process at a time, replaced after whatever went wrong."""

    def __init__(self, environment: Mapping[str, str], nice: int) -> None:
        self._environment = environment
        self._nice = nice
        self._lock = threading.Lock()
        self._stopped = False
        self._process: Any = None
        self._pipe: Any = None

    def run(self, call: bytes) -> Any:
        """What the pickled call gives in this slot's worker."""
        self._ready()
        outcome = self._answer(call)
        if outcome.error is not None:
            self._drop()  # the next trial begins with a clean worker
        return outcome.get()

    def stop(self) -> None:
        """Let the worker save what it has and end; no other will follow."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.terminate()

    def kill(self) -> None:
        """End the worker whatever it does."""
        self.stop()
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End an idle worker and wait until it is gone."""
        self.stop()
        self._drop()

    def _ready(self) -> None:
        with self._lock:
            if self._stopped:
                raise CancelledError
            if self._process is not None and self._process.is_alive():
                return
            self._drop()
            self._start()
        try:
            self._pipe.recv_bytes()
        except (EOFError, OSError):
            self._drop()
            raise self._failure() from None

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, far = spawn.Pipe()
        self._process = spawn.Process(target=child.serve, args=(far, self._nice), daemon=True)
        resource_tracker.ensure_running()  # its own start would let the signals through
        with environment(self._environment), inherited_later():
            self._process.start()
        far.close()

    def _answer(self, call: bytes) -> child.Outcome:
        try:
            self._pipe.send_bytes(call)
            return pickle.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            self._drop()
            return child.Outcome(error=WorkerError(f"the worker {_fate(self._process.exitcode)}"))

    def _drop(self) -> None:
        if self._process is None:
            return
        self._pipe.close()
        self._process.join(child.GRACE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()

    def _failure(self) -> Exception:
        if self._process.exitcode == 1:
            return StartError(
                "a worker process could not start; a script that runs a study must do so below "
                "`if __name__ == '__main__':`, since each worker reads the script too"
            )
        return WorkerError(f"a worker {_fate(self._process.exitcode)} while it started")


def _fate(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"left with exit code {code}"
    if code == -signal.SIGKILL:
        return "was killed (signal 9), as a system does that runs out of memory"
    return f"was ended by signal {-code} ({signal.strsignal(-code)})"
