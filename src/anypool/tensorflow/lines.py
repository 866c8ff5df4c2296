"""The windows of each pooled axis as tables: what each reads, and who reads each element."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from ..windows import Table

MOST_READERS = 32  # windows that read one element of an axis: beyond, TensorFlow differentiates
MOST_TABLE = 1 << 22  # numbers in a table of windows by elements


class Line(NamedTuple):
    """The windows of one axis as tables: what each reads, and who reads each element."""

    axis: int
    n: int
    reads: np.ndarray  # (outputs, most): places; beyond a window's end its last one again
    real: np.ndarray  # (outputs, most): which of them are there
    readers: np.ndarray  # (number, n): windows that read an element; 0 where there are fewer
    asked: np.ndarray  # (number, n): which of them are there

    @property
    def tiled(self) -> bool:
        """Windows side by side from the start, all of one length."""
        return bool(self.real.all()) and (self.reads.ravel() == np.arange(self.reads.size)).all()


def line(axis: int, n: int, table: Table) -> Line | None:
    """The tables of one axis, unless they would be large."""
    start, counts = table.start[0], table.counts[0]
    most = max(int(counts.max(initial=0)), 1)
    if len(start) * max(most, 1) > MOST_TABLE:
        return None
    taps = np.arange(most)
    real = taps < counts[:, None]
    last = np.maximum(counts - 1, 0)[:, None]
    reads = np.clip(start[:, None] + np.minimum(taps, last) * table.step, 0, n - 1)
    who, tap = np.nonzero(real)
    at = reads[who, tap]
    order = np.argsort(at, kind="stable")
    at, who = at[order], who[order]
    first = np.searchsorted(at, np.arange(n))
    turn = np.arange(len(at)) - first[at]
    number = max(int(turn.max(initial=0)) + 1, 1)
    if number > MOST_READERS:
        return None
    readers, asked = np.zeros((number, n), np.int32), np.zeros((number, n), bool)
    readers[turn, at], asked[turn, at] = who, True
    return Line(axis, n, reads, real, readers, asked)


def lines_of(plan: Plan) -> list[Line] | None:
    """The tables of a plan; kept with it."""
    if "lines" not in plan.kept:
        [grid] = plan.fixed.grids  # type: ignore[union-attr]
        found: Any = [line(a, n, t) for a, n, t in zip(plan.axes, plan.sizes, grid, strict=True)]
        plan.kept["lines"] = None if None in found else found
    return plan.kept["lines"]


def step_of(own: Line) -> int:
    """How far apart a window's elements stand."""
    long = np.flatnonzero(own.real.sum(1) > 1)
    return int(own.reads[long[0], 1] - own.reads[long[0], 0]) if len(long) else 1
