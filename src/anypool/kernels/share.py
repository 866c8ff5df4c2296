"""What every kernel call needs: the names of dtypes, and the work shared among threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..windows import Grid
from . import threads

KIND = {"f": "f", "i": "i", "u": "u", "b": "u"}
SERIAL_WORK = 1 << 18  # elements read per thread below which threads cost more than they give
# In a step of training torch's own threads spin on the cores for a while after each of its
# operations; whoever meets them does less, and the others take over what it has not started.
PARTS = 4  # for each thread: a convnet's step at 0.97x torch, with 1 part 0.94x (bench.spinning)


def kind_of(dtype: np.dtype) -> str:
    """The storage kind of a dtype, as kernels name it."""
    if dtype.name == "bfloat16":
        return "bf16"
    return f"{KIND[dtype.kind]}{8 * dtype.itemsize}"


def bits(a: np.ndarray) -> np.ndarray:
    """The array as kernels read it: halves and bfloat16 as uint16, bool as uint8."""
    if a.dtype.kind == "b":
        return a.view(np.uint8)
    return a.view(np.uint16) if a.dtype.itemsize == 2 and a.dtype.kind in "fV" else a


def stored(value: Any, dtype: np.dtype) -> Any:
    """A fill value as the scalar that kernels write into an array of ``dtype``."""
    return bits(np.array([value], dtype))[0]


def share(kernel: Any, arguments: tuple[Any, ...], total: int, count: int) -> list[Any]:
    """Run ``kernel(*arguments, first, last)`` over ``total`` rows on ``count`` threads."""
    if count <= 1 or total <= 1:
        return [kernel(*arguments, 0, total)]
    found: list[Any] = []

    def part(first: int, last: int) -> None:
        found.append(kernel(*arguments, first, last))

    threads.run(part, total, count, PARTS * count)
    return found


def workers(asked: int | None, work: int) -> int:
    """How many threads ``work`` element reads deserve."""
    return 1 if work < 2 * SERIAL_WORK else min(threads.count(asked), work // SERIAL_WORK)


def reads(grid: Grid, planes: int) -> int:
    """About how many elements all windows of a grid read."""
    return planes * math.prod(max(int(t.counts.sum(axis=1).max(initial=0)), 1) for t in grid)
