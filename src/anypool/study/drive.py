"""The driver: runs the trials that have no finished row, and is the only one that writes them.

Whatever ends the driver, the store holds every trial that was finished, the workers stop with their
checkpoints, and the same call goes on from there.
"""

from __future__ import annotations

import os
import platform
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import PoolError
from .progress import Progress
from .records import Result, Trial
from .signals import listening, word

# seconds between two looks at the workers, and between two heartbeats of the lease
TICK = 0.25
BEAT = 5.0
# trials handed over beyond the workers, so that none waits for its next
AHEAD = 1


class Job(Protocol):
    """What the driver reads of a job: the folder of its checkpoint and its progress note."""

    @property
    def scratch(self) -> str:
        """The folder that holds <key>.pt and <key>.json."""
        ...


class Ledger(Protocol):
    """What the driver asks of a store."""

    def lease(self, name: str, *, force: bool = False) -> AbstractContextManager[Any]:
        """The right to write this study, for the block; gives something with `notes`."""
        ...

    def beat(self) -> None:
        """Renew the lease; raises where it was taken over."""
        ...

    def enlist(self, name: str, trials: Sequence[Trial], /) -> Any:
        """Note which trials belong to the study."""
        ...

    def missing(self, keys: Collection[str]) -> Collection[str]:
        """Those of the keys that have no finished row."""
        ...

    def start(self, trial: Trial, attempt: int, host: str) -> Any:
        """A trial was handed to a worker."""
        ...

    def finish(self, trial: Trial, result: Result) -> Any:
        """A trial is done: everything it left, in one transaction."""
        ...

    def fail(self, trial: Trial, attempt: int, error: str, final: bool) -> Any:
        """A trial crashed; `final` where it will not be tried again."""
        ...


@dataclass
class Summary:
    """How a run ended: trials finished before it, finished by it, and failed (key -> traceback)."""

    total: int
    before: int
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class StoppedError(PoolError):
    """The user stopped the study; `code` is the exit status that says by which signal."""

    def __init__(self, number: int, summary: Summary) -> None:
        finished = summary.before + summary.done
        super().__init__(
            f"stopped by {word(number)} with {finished} of {summary.total} trials finished and "
            "kept; the same command goes on from there"
        )
        self.code = 128 + number
        self.summary = summary


def run_all(
    trials: Iterable[Trial],
    store: Ledger,
    *,
    name: str,
    jobs: Callable[[Trial], Job],
    executor: Executor,
    work: Callable[[Any], Result],
    progress: Progress | None = None,
    attempts: int = 3,
    force: bool = False,
) -> Summary:
    """Run every trial that has no finished row in `store`, and write each one as it ends.

    name: of the study, whose lease is held all the while; force: take it from another driver
    jobs: what a worker gets of a trial; work: what it does with it
    executor: any `concurrent.futures.Executor`; it is shut down where the study stops early
    attempts: how often a trial may run before a crash of it is recorded as final

    Raises `StoppedError` after Ctrl-C or SIGTERM, and PoolError where the store or the executor
    cannot go on; either way nothing finished is lost.
    """
    if attempts < 1:
        raise PoolError(f"{attempts} attempts were asked for; a trial needs at least 1")
    unique = list({trial.key: trial for trial in trials}.values())
    told = progress or Progress()
    with listening() as ears, store.lease(name, force=force) as held:
        store.enlist(name, unique)
        missing = set(store.missing([trial.key for trial in unique]))
        todo = [trial for trial in unique if trial.key in missing]
        summary = Summary(len(unique), len(unique) - len(todo))
        told.begin(name, len(unique), len(todo), _workers(executor), held.notes)
        drive = _Drive(store, executor, jobs, work, told, attempts, summary)
        try:
            return drive.go(todo, lambda: ears.heard)
        finally:
            told.end(summary)


@dataclass(frozen=True)
class _Try:
    trial: Trial
    attempt: int
    scratch: Path


@dataclass
class _Drive:
    store: Ledger
    executor: Executor
    jobs: Callable[[Trial], Job]
    work: Callable[[Any], Result]
    progress: Progress
    attempts: int
    summary: Summary
    waiting: deque[tuple[Trial, int]] = field(default_factory=deque)
    running: dict[Future[Result], _Try] = field(default_factory=dict)
    beaten: float = 0.0

    def go(self, todo: Iterable[Trial], heard: Callable[[], int | None]) -> Summary:
        """Run `todo` to its end, or until a signal is heard."""
        began = time.monotonic()
        self.waiting.extend((trial, 1) for trial in todo)
        try:
            self._loop(heard)
            if heard():
                self._stop()
        except (KeyboardInterrupt, SystemExit):  # a second Ctrl-C, or a trial in our own thread
            self.executor.shutdown(wait=True, cancel_futures=True)
            raise StoppedError(heard() or signal.SIGTERM, self.summary) from None
        except BaseException:
            self.executor.shutdown(wait=True, cancel_futures=True)
            raise
        finally:
            self.summary.seconds = time.monotonic() - began
        if number := heard():
            raise StoppedError(number, self.summary)
        return self.summary

    def _loop(self, heard: Callable[[], int | None]) -> None:
        while (self.waiting or self.running) and not heard():
            self._fill()
            done, _ = wait(self.running, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                self._settle(future)
            self._tick()

    def _fill(self) -> None:
        while self.waiting and len(self.running) < _workers(self.executor) + AHEAD:
            future = self._submit(*self.waiting.popleft())
            if future.done():  # an executor that runs its calls at once: write this one first
                return

    def _submit(self, trial: Trial, attempt: int) -> Future[Result]:
        job = self.jobs(trial)
        scratch = Path(job.scratch)
        self.store.start(trial, attempt, platform.node())
        self.progress.start(trial, attempt, scratch / f"{trial.key}.json")
        future = self.executor.submit(self.work, job)
        self.running[future] = _Try(trial, attempt, scratch)
        return future

    def _settle(self, future: Future[Result]) -> None:
        """Write what a trial left, or try it again."""
        tried = self.running.pop(future)
        error = future.exception()
        if error is None:
            self._keep(tried, future.result())
        elif isinstance(error, BrokenExecutor):
            raise PoolError(_broken(error)) from error
        elif isinstance(error, PoolError) or tried.attempt >= self.attempts:
            self._give_up(tried, _words(error))
        else:
            self._again(tried, _words(error))

    def _keep(self, tried: _Try, result: Result) -> None:
        self.store.finish(tried.trial, result)
        _clean(tried)
        self.summary.done += 1
        self.progress.done(tried.trial, result)

    def _give_up(self, tried: _Try, reason: str) -> None:
        self.store.fail(tried.trial, tried.attempt, reason, True)
        self.summary.failed[tried.trial.key] = reason
        self.progress.failed(tried.trial, tried.attempt, reason)

    def _again(self, tried: _Try, reason: str) -> None:
        self.store.fail(tried.trial, tried.attempt, reason, False)
        self.progress.retry(tried.trial, tried.attempt, reason)
        self.waiting.appendleft((tried.trial, tried.attempt + 1))

    def _tick(self) -> None:
        self.progress.tick()
        if time.monotonic() - self.beaten >= BEAT:
            self.store.beat()
            self.beaten = time.monotonic()

    def _stop(self) -> None:
        """Let the workers save their checkpoints, and write what came to its end meanwhile."""
        self.progress.stopping(len(self.running))
        self.executor.shutdown(wait=True, cancel_futures=True)
        for future in [future for future in self.running if _good(future)]:
            self._keep(self.running.pop(future), future.result())


def _good(future: Future[Result]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _workers(executor: Executor) -> int:
    """How many calls the executor runs side by side; ours say so, others keep it to themselves."""
    known = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None)
    return int(known or os.cpu_count() or 1)


def _clean(tried: _Try) -> None:
    """Only now is the checkpoint of no more use: the store has the result."""
    for suffix in (".pt", ".json"):
        with suppress(OSError):
            (tried.scratch / f"{tried.trial.key}{suffix}").unlink(missing_ok=True)


def _words(error: BaseException) -> str:
    """The error with its traceback, as it is kept."""
    return "".join(traceback.format_exception(error)).strip()


def _broken(error: BrokenExecutor) -> str:
    if isinstance(error, PoolError):
        return str(error)
    return f"the executor cannot go on ({error}); the same command resumes with a new one"
