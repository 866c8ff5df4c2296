"""The steps of a plan, forth and back, as functions that XLA calls: see ``xla``.

Arrays lie in C order. A step is "values" (max, min, sum or mean), "found" (max or min, and where
each stands), "spread" (the way back from there) or "back" (that of sum and mean).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from . import fast, for_training, frame, unreal
from .share import bits, reads, workers


class Work(NamedTuple):
    """A kernel, the arrays it takes (numbers, "y" or "x" first, or ours), its rows and reads."""

    kernel: Any
    sides: tuple[Any, ...]
    total: int
    reads: int


def handler(step: str, plan: Plan, threads: int | None) -> int | None:
    """The address of the function that does a step of a plan; None where no kernel does it."""
    work = _work(step, plan)
    if work is None:
        return None
    from . import xla

    return xla.handler(work.kernel, work.sides, work.total, workers(threads, work.reads))


def _work(step: str, plan: Plan) -> Work | None:
    grid = plan.fixed.grids[0]  # type: ignore[union-attr]
    if any((t.counts[0] == 0).any() for t in grid):  # windows with nothing real are filled outside
        return None
    from .xla import Side

    x, y = (bits(unreal(s, plan.dtype)) for s in (plan.shape, plan.out_shape(grid)))
    if step == "values":
        return _values(plan, Side(x, 0), Side(y, 0, True))
    made = for_training(plan, plan.fixed, 0, unreal(plan.shape, plan.dtype))  # type: ignore[arg-type]
    taps = unreal(y.shape, np.dtype(made.tap_dtype))
    if step == "found":
        kernel, total = made.ahead()
        sides = Side(x, 0), Side(y, 0, True), Side(taps, 1, True), Side(made.table)
    else:
        kernel, total = made.way_back(plan.dtype)
        beside = Side(made.shares) if step == "back" else Side(taps, 1)
        table = Side(made.table_back(plan.dtype))
        sides = Side(y, 0), beside, Side(x, 0, True), table
    return Work(kernel, sides, total, made.reads)


def _values(plan: Plan, x: Any, y: Any) -> Work | None:
    from .xla import Side

    grid = plan.fixed.grids[0]  # type: ignore[union-attr]
    made = fast.ready(plan, grid, plan.rules[0], frame.flat(x.like), frame.flat(y.like))
    if fast.suits(plan) or isinstance(made, str):
        return None
    planes = max(math.prod(plan.shape) // math.prod(plan.sizes), 1)
    return Work(made.kernel, (x, y, Side(made.table)), made.total, reads(grid, planes))


# -- a trial ---------------------------------------------------------------------------------------


def trial(shape: tuple[int, int], factor: int, parts: int) -> int:
    """The address of a function that XLA calls with float32 numbers of this shape, and that gives
    them times a factor plus the number of their row: whether all understand each other."""
    from . import xla
    from .cache import compile

    x = np.zeros(shape, np.float32)
    sides = xla.Side(x, 0), xla.Side(x, 0, True), xla.Side(np.array([factor, shape[1]], np.int64))
    return xla.handler(compile(_rows, "xla_trial"), sides, shape[0], parts)


def _rows(x, y, table, first, last):
    for row in range(first, last):
        for i in range(row * table[1], (row + 1) * table[1]):
            y[i] = x[i] * np.float32(table[0]) + np.float32(row)
