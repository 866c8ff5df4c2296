"""One row of the benchmark: our call, the peers' calls, and whether all give the same numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench import peers
from bench.timing import Call, Clock, Effort, side_by_side, spread, times_faster

Numbers = Callable[[Any], np.ndarray]


@dataclass(frozen=True)
class Contest:
    """Calls without arguments, on data that is made already."""

    ours: Call
    theirs: dict[str, Call]
    numbers: dict[str, Numbers] = field(default_factory=dict)  # a peer's result as an array
    moved: int = 0  # bytes of input; the output is added when it is known
    close: float = 1e-5


@dataclass(frozen=True)
class Row:
    """A named contest, made only when it is measured: the data of all would not fit in memory."""

    group: str
    name: str
    peers: tuple[str, ...]
    make: Callable[[], Contest]
    goal: float | None = None  # how many times faster than the first peer it must be
    as_it_comes: bool = False  # OpenMP's threads as PyTorch leaves them, in a process of its own

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"


class DiffersError(Exception):
    """Two libraries were asked for different things: their times must not be compared."""


def measure(row: Row, effort: Effort, clock: Clock = time.perf_counter) -> dict[str, Any]:
    """The row's seconds and ratios as plain data; what went wrong, where it cannot run."""
    plain = {"group": row.group, "name": row.name, "peers": [*row.peers], "goal": row.goal}
    try:
        with peers.no_gradients():
            return plain | _measure(row, effort, clock)
    except Exception as error:  # one broken row must not hide the others; it is named in the end
        return plain | {"error": f"{type(error).__name__}: {error}"}


def _measure(row: Row, effort: Effort, clock: Clock) -> dict[str, Any]:
    contest = row.make()
    moved = check(contest) + contest.moved
    seconds = side_by_side({"anypool": contest.ours, **contest.theirs}, effort, clock)
    ours = seconds["anypool"]
    return {
        "seconds": seconds,
        "median": {name: spread(taken).median for name, taken in seconds.items()},
        "ratio": {
            peer: times_faster(ours, taken)._asdict()
            for peer, taken in seconds.items()
            if peer != "anypool"
        },
        "missing": [peer for peer in row.peers if peer not in contest.theirs],
        "gigabytes_per_second": moved / spread(ours).median / 1e9,
    }


def check(contest: Contest) -> int:
    """DiffersError, unless every peer gives what we give; the bytes of our result."""
    ours = contest.ours()
    wide = np.asarray(contest.numbers.get("anypool", np.asarray)(ours), np.float64)
    for peer, call in contest.theirs.items():
        theirs = contest.numbers.get(peer, np.asarray)(call())
        if theirs.shape != wide.shape:
            raise DiffersError(f"{peer} gives shape {theirs.shape}, anypool {wide.shape}")
        if not np.allclose(wide, theirs, rtol=contest.close, atol=contest.close):
            apart = np.abs(wide - theirs).max()
            raise DiffersError(f"{peer} gives other numbers, up to {apart:.3g} apart")
    return ours.nbytes
