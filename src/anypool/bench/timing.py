"""How long calls take, side by side: short bursts in turns, so that all meet the same machine.

A busy neighbour, a warmer core or a lower clock then slows all candidates of a turn alike, and the
ratio taken inside each turn stays fair where two long measurements, one after the other, do not.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

Call = Callable[[], Any]
Clock = Callable[[], float]

MOST_CALLS = 1 << 20


class Effort(NamedTuple):
    """How many turns, and how many seconds each burst lasts at least."""

    turns: int
    least: float


FULL, QUICK = Effort(9, 0.03), Effort(3, 0.002)


class Spread(NamedTuple):
    """The middle of several figures, the least and the largest."""

    median: float
    low: float
    high: float


def burst(call: Call, count: int, clock: Clock = time.perf_counter) -> float:
    """Seconds for one call, over `count` of them."""
    began = clock()
    for _ in range(count):
        call()
    return (clock() - began) / count


def calls_in(least: float, call: Call, clock: Clock = time.perf_counter) -> int:
    """How many calls fill a burst of `least` seconds, once what happens only once is over."""
    call()
    count, each = 1, burst(call, 1, clock)
    while count * each < least and count < MOST_CALLS:
        wanted = math.ceil(least / each) if each > 0 else MOST_CALLS
        count = min(max(2 * count, min(wanted, 64 * count)), MOST_CALLS)
        each = burst(call, count, clock)
    return count


def side_by_side(
    calls: Mapping[str, Call], effort: Effort, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds for one call of each, in each turn: A B C, A B C, ..."""
    counts = {name: calls_in(effort.least, call, clock) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    with _no_collection():
        for _ in range(effort.turns):
            for name, call in calls.items():
                seconds[name].append(burst(call, counts[name], clock))
    return seconds


def spread(figures: Sequence[float]) -> Spread:
    """Median, least and largest."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def times_faster(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """How many times faster we are: their time over ours, turn by turn, then the middle."""
    return spread([them / us for us, them in zip(ours, theirs, strict=True)])


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection inside a burst."""
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
