"""Peers in processes of their own that take turns: while one works, all others sleep."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import peers
from .job import Job
from .timing import Clock, spread, times_faster
from .worker import environment


class Effort(NamedTuple):
    """Turns, seconds of a burst, seconds that one call may last, and how many we wait at most."""

    turns: int
    least: float
    patience: float
    wait: float


FULL = Effort(7, 0.01, 0.25, 90.0)
QUICK = Effort(2, 0.001, 0.05, 60.0)
# after a burst everyone rests: some pools (JAX's, OpenVINO's) look for work a while longer
REST = 0.004
NAIVE = 2_000_000_000  # taps that a peer which reads every window anew is asked for at most


class Lost(Exception):  # noqa: N818
    """The process ended, or gave no answer in time."""


class Process:
    """A worker, by its pipes."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        self.child: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start it; what it says first is read when it is first asked."""
        command = [sys.executable, "-P", "-m", "anypool.bench.worker", self.name, str(self.threads)]
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env={**os.environ, **environment(self.threads)},
        )  # fmt: skip
        self.fresh = True

    def ask(self, order: dict[str, Any], wait: float) -> dict[str, Any]:
        """Its answer; a process that is lost is started anew when it is next asked."""
        if self.child is None:
            self.begin()
        if self.fresh:
            self.fresh = False
            first = self._answer(120.0)
            if "cannot" in first:
                self.end()
                return first
        child = self.child
        if child is None or child.stdin is None:
            raise Lost(f"{self.name} has ended")
        try:
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
        except OSError:
            self.end()
            raise Lost("its process has ended") from None
        return self._answer(wait)

    def _answer(self, wait: float) -> dict[str, Any]:
        child = self.child
        if child is None or child.stdout is None:
            raise Lost("its process has ended")
        if not select.select([child.stdout], [], [], wait)[0]:
            self.end()
            raise Lost(f"no answer within {wait:g} s")
        line = child.stdout.readline()
        if not line:
            self.end()
            raise Lost("its process has ended")
        return json.loads(line)

    def end(self) -> None:
        """Stop it."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            for pipe in (self.child.stdin, self.child.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None
        self.child = None


@contextlib.contextmanager
def workers(names: Sequence[str], threads: int) -> Iterator[dict[str, Process]]:
    """Their processes, started side by side, ended whatever happens."""
    made = {name: Process(name, threads) for name in names}
    try:
        for process in made.values():
            process.begin()
        yield made
    finally:
        for process in made.values():
            process.end()


def measure(
    job: Job, asked: dict[str, Any], effort: Effort, clock: Clock = time.perf_counter
) -> dict[str, Any]:
    """Seconds, ratios and why the others take no part, as plain data.

    ``asked`` are workers by name, ours among them: anything with ``ask(order, wait)``.
    """
    began = clock()
    plain: dict[str, Any] = {"job": job.plain(), "name": job.name}
    with tempfile.TemporaryDirectory(prefix="anypool-bench-") as folder:
        numbers = str(Path(folder) / "numbers.npz")
        answers = {name: _made(name, worker, job, numbers, effort) for name, worker in asked.items()
                   if name == peers.OURS}  # fmt: skip
        ours = answers.get(peers.OURS, {})
        if "once" not in ours:
            return plain | {"error": ours.get("cannot", "anypool was not asked")}
        answers |= {name: _made(name, worker, job, numbers, effort)
                    for name, worker in asked.items() if name != peers.OURS}  # fmt: skip
    there = {name: asked[name] for name, answer in answers.items() if "once" in answer}
    seconds = _in_turns(there, {name: answers[name]["once"] for name in there}, effort)
    for name in there:
        _ask(asked[name], {"do": "drop"}, effort.wait)
    if not seconds.get(peers.OURS):
        return plain | {"error": "anypool gave no answer in time"}
    return (
        plain
        | _told(seconds)
        | {
            "absent": {
                name: next(iter(a.values())) for name, a in answers.items() if "once" not in a
            },
            "took": round(clock() - began, 2),
        }
    )


def _made(name: str, worker: Any, job: Job, numbers: str, effort: Effort) -> dict[str, Any]:
    known = peers.PEERS.get(name)
    if known is not None and known.naive and job.taps > NAIVE:
        return {"skipped": f"its windows hold {job.taps / 1e9:.1f} billion numbers"}
    return _ask(worker, {"do": "make", "job": job.plain(), "numbers": numbers}, effort.wait)


def _ask(worker: Any, order: dict[str, Any], wait: float) -> dict[str, Any]:
    try:
        return worker.ask(dict(order), wait)
    except Lost as lost:
        return {"cannot": str(lost)}


def _in_turns(
    there: dict[str, Any], once: dict[str, float], effort: Effort
) -> dict[str, list[float]]:
    """A burst of each, then again."""
    filled = {name: _ask(w, {"do": "fill", "least": effort.least}, effort.wait)
              for name, w in there.items()}  # fmt: skip
    counts = {name: answer["count"] for name, answer in filled.items() if "count" in answer}
    seconds: dict[str, list[float]] = {name: [] for name in counts}
    for turn in range(effort.turns):
        for name, count in counts.items():
            if turn >= _turns(once[name], effort):
                continue
            answer = _ask(there[name], {"do": "burst", "count": count}, effort.wait)
            time.sleep(REST)
            if "seconds" in answer:
                seconds[name].append(answer["seconds"])
    return {name: taken for name, taken in seconds.items() if taken}


def _turns(once: float, effort: Effort) -> int:
    """How many turns one has: two if a call takes longer than `patience`, one if much longer."""
    if once <= effort.patience:
        return effort.turns
    return 1 if once > 8 * effort.patience else min(2, effort.turns)


def _told(seconds: dict[str, list[float]]) -> dict[str, Any]:
    ours = seconds[peers.OURS]
    return {
        "seconds": seconds,
        "median": {name: spread(taken).median for name, taken in seconds.items()},
        "ratio": {
            name: times_faster(ours[: len(taken)], taken[: len(ours)])._asdict()
            for name, taken in seconds.items()
            if name != peers.OURS
        },
    }
