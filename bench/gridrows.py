"""The rows of the grid: few enough to run, and every pair of what a call can be is in one of them.

A call is told by eight factors. Pairs that no call can have (integers have no derivative) are left
out; the cover is greedy and the same each time. In front of it stand the rows that everybody runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from anypool.bench import Job

MOST = 300


class Kind(NamedTuple):
    """Windows: their kind, size and step; and the sides they need, where they need certain ones."""

    kind: str
    k: int = 0
    s: int = 0
    d: int = 1
    sides: tuple[int, ...] = ()  # from the last axis on; a rank takes as many as it has


WINDOWS = {
    "2/2": Kind("sliding", 2, 2),
    "3/2": Kind("sliding", 3, 2),
    "3/1": Kind("sliding", 3, 1),
    "5/1": Kind("sliding", 5, 1),
    "7/7": Kind("sliding", 7, 7),
    "31/1": Kind("sliding", 31, 1),
    "63/1": Kind("sliding", 63, 1),
    "3/1 dilated": Kind("sliding", 3, 1, 2),
    "4/3": Kind("sliding", 4, 3),
    "224 to 7": Kind("adaptive", 7, sides=(224, 224, 14)),
    "29x41 to 6": Kind("adaptive", 6, sides=(41, 29, 13)),
    "13x17 to 7": Kind("adaptive", 7, sides=(17, 13, 9)),
    "3 to 5": Kind("adaptive", 5, sides=(3, 3, 3)),
    "whole 7": Kind("whole", sides=(7, 7, 7)),
    "whole 112": Kind("whole", sides=(112, 112, 8)),
    "pyramid": Kind("pyramid", sides=(13, 13, 13)),
}
MORE_WINDOWS = {"7/1": Kind("sliding", 7, 1)}  # to hold 63/1 against
LARGE = 31  # from here on windows of three axes are flat: 3 x k x k, as for a film
# the first few of a window's rows are the varied ones: large arrays go to what is cheap
OPERATIONS = ("max", "avg", "min", "max and indices", "lp", "gem", "lse", "soft", "median", "std")
LAYOUTS = ("NCHW", "NHWC1", "NHWC3", "NHWC4", "NHWC16", "NHWC64", "NHWC512")
DTYPES = ("float32", "float64", "float16", "bfloat16", "uint8", "int32")
SIZES = ("tiny", "cache", "memory")
FACTORS: dict[str, tuple[Any, ...]] = {
    "windows": tuple(WINDOWS), "operation": OPERATIONS, "layout": LAYOUTS, "dtype": DTYPES,
    "rank": (1, 2, 3), "size": SIZES, "backward": (False, True), "masked": (False, True),
}  # fmt: skip
NAMES = tuple(FACTORS)
# bytes of the input: half of a small second-level cache; more than a large third-level one here
TARGET, LEAST_MEMORY, MOST_BYTES = {"cache": 1 << 19, "memory": 48 << 20}, 40 << 20, 220 << 20
TINY = 1 << 15  # elements
# taps: what a loop over every window could do in a few seconds
COSTS = {"median": 6e7, "gem": 1.2e8, "lse": 1.2e8, "soft": 1.2e8, "std": 3e8, "lp": 3e8}
COST = 1e9


class Levels(NamedTuple):
    """One level of each factor."""

    windows: str
    operation: str
    layout: str
    dtype: str
    rank: int
    size: str
    backward: bool
    masked: bool


class Row(NamedTuple):
    """A job of the grid; ``common`` if everybody runs such."""

    job: Job
    levels: Levels | None
    common: bool
    size: str


# -- from levels to a job -------------------------------------------------------------------------


def sides_of(windows: str, rank: int, size: str) -> tuple[int, ...]:
    """The pooled axes."""
    kind = (WINDOWS | MORE_WINDOWS)[windows]
    if kind.sides:
        return kind.sides[:rank][::-1]
    if size == "tiny":
        side = max(8, kind.k + 1 if kind.k >= LARGE else 2 * kind.k)
        return (4, side, side) if rank == 3 and kind.k >= LARGE else (side,) * rank
    table = {1: {"cache": (1024,), "memory": (4096,)},
             2: {"cache": (56, 56), "memory": (112, 112)},
             3: {"cache": (14, 28, 28), "memory": (16, 56, 56)}}  # fmt: skip
    if kind.k >= LARGE and rank > 1:
        return (8, 64, 64) if rank == 3 else (112, 112)
    return table[rank][size]


def arguments(windows: str, rank: int, operation: str) -> dict[str, Any]:
    """Of the windows' maker. At stride 1 there are as many outputs as inputs, but for medians."""
    kind = (WINDOWS | MORE_WINDOWS)[windows]
    if kind.kind == "adaptive":
        return {"output_size": (kind.k,) * rank}
    if kind.kind != "sliding":
        return {"bins": (1, 2, 4)} if kind.kind == "pyramid" else {}
    kernel = (3, kind.k, kind.k) if rank == 3 and kind.k >= LARGE else (kind.k,) * rank
    pads = kind.k % 2 and kind.s < kind.k and operation != "median"  # peers' medians have none
    made: dict[str, Any] = {"kernel_size": kernel, "stride": (kind.s,) * rank}
    if pads:
        made["padding"] = tuple(k // 2 for k in kernel)
    return made | ({"dilation": (kind.d,) * rank} if kind.d > 1 else {})


@lru_cache(maxsize=1 << 14)
def shape_of(windows: str, layout: str, rank: int, size: str, itemsize: int) -> tuple[int, ...]:
    """Batch, channels and sides as they lie in memory; empty where there is no such array."""
    sides = sides_of(windows, rank, size)
    plane = math.prod(sides)
    channels = int(layout[4:] or 0) or _first(size, plane)
    sample = plane * channels
    if size == "tiny":
        batch = 1 if sample <= TINY else 0
    else:
        wanted = TARGET[size] / (sample * itemsize)
        batch = max(1, round(wanted) if size == "cache" else math.ceil(wanted))
        total = batch * sample * itemsize
        if total > (4 * TARGET["cache"] if size == "cache" else MOST_BYTES):
            batch = 0
    if not batch:
        return ()
    return (batch, channels, *sides) if layout == "NCHW" else (batch, *sides, channels)


def _first(size: str, plane: int) -> int:
    """Channels of NCHW: a power of two, at most 64, of which one sample has the size."""
    most = {"tiny": TINY // (4 * plane), "cache": TARGET["cache"] // (4 * plane), "memory": 64}
    return 1 << (max(1, min(64 if size != "tiny" else 4, most[size])).bit_length() - 1)


@lru_cache(maxsize=1 << 16)
def _fits(windows: str, operation: str, layout: str, dtype: str, rank: int, size: str,
          backward: bool) -> bool:  # fmt: skip
    """Whether the array is of the size that it should be, and the call not one of minutes."""
    itemsize = _itemsize(dtype)
    shape = shape_of(windows, layout, rank, size, itemsize)
    if not shape:
        return False
    like = "median" if operation == "median" else "max"  # only a median has no padding
    outputs, taps = _counted(windows, like, layout, rank, size, itemsize)
    wide = itemsize if "float" in dtype or operation in ("max", "min", "max and indices") else 8
    if outputs * wide > MOST_BYTES:
        return False
    return taps <= COSTS.get(operation, COST) / (4 if backward else 1)


@lru_cache(maxsize=1 << 14)
def _counted(windows: str, operation: str, layout: str, rank: int, size: str, itemsize: int
             ) -> tuple[int, int]:  # fmt: skip
    levels = Levels(windows, operation, layout, {1: "uint8", 2: "float16", 4: "float32",
                    8: "float64"}[itemsize], rank, size, False, False)  # fmt: skip
    job = _job(levels)
    return job.results, job.taps


def _itemsize(dtype: str) -> int:
    return {"float64": 8, "uint8": 1}.get(dtype, 2 if "16" in dtype else 4)


def valid(levels: Levels) -> bool:
    """Whether there is such a call."""
    windows, operation, layout, dtype, rank, size, backward, _masked = levels
    if backward and ("float" not in dtype or operation == "max and indices"):
        return False
    return _fits(windows, operation, layout, dtype, rank, size, backward)


def _job(levels: Levels) -> Job:
    windows, operation, layout, dtype, rank, size, backward, masked = levels
    kind = (WINDOWS | MORE_WINDOWS)[windows]
    shape = shape_of(windows, layout, rank, size, _itemsize(dtype))
    return Job(operation, kind.kind, shape, arguments(windows, rank, operation),
               "first" if layout == "NCHW" else "last", dtype, backward, masked)  # fmt: skip


# -- every pair -----------------------------------------------------------------------------------


def pairs_of(levels: Levels) -> Iterator[tuple[Any, ...]]:
    """Its pairs of levels, by the numbers of their factors."""
    yield from ((i, levels[i], j, levels[j]) for i, j in combinations(range(len(NAMES)), 2))


@lru_cache(maxsize=1)
def every() -> tuple[Levels, ...]:
    """All valid combinations."""
    return tuple(levels for levels in map(Levels._make, product(*FACTORS.values()))
                 if valid(levels))  # fmt: skip


def coded(all_: Sequence[Levels]) -> np.ndarray:
    """A row of numbers for each: one for every pair of its levels, the same for the same pair."""
    steps = [{level: i for i, level in enumerate(levels)} for levels in FACTORS.values()]
    at = np.array([[steps[f][level] for f, level in enumerate(levels)] for levels in all_])
    columns, first = [], 0
    for i, j in combinations(range(len(NAMES)), 2):
        columns.append(first + at[:, i] * len(steps[j]) + at[:, j])
        first += len(steps[i]) * len(steps[j])
    return np.stack(columns, 1)


def _cost(levels: Levels) -> float:
    """Of arrays of one size: about how long each operation takes a plain loop."""
    plain = levels.operation in ("max", "avg", "min")
    return (1 if plain else 10) * (3 if levels.masked else 1) * (2 if levels.backward else 1)


@lru_cache(maxsize=1)
def cover() -> tuple[Levels, ...]:
    """For the first pair that is still missing, the call that brings most of the missing pairs.

    Of equals the one whose array lies in the cache (tiny calls say little, large ones take long),
    then the cheapest. Windows with operations come first: they are the most pairs.
    """
    all_ = every()
    codes = coded(all_)
    missing = np.zeros(codes.max() + 1, bool)
    missing[codes] = True
    missing[coded([*_common()])] = False
    liked = np.array([("tiny", "memory", "cache").index(levels.size) for levels in all_])
    cheap = 1 / (1 + np.array([_cost(levels) for levels in all_]))  # never more than a pair
    chosen = []
    while missing.any():
        pair = int(missing.argmax())
        holding = np.flatnonzero((codes == pair).any(1))
        gain = 3 * missing[codes[holding]].sum(1) + liked[holding] + cheap[holding]
        best = int(holding[gain.argmax()])
        missing[codes[best]] = False
        chosen.append(all_[best])
    return tuple(chosen)


# -- the rows -------------------------------------------------------------------------------------

BOTH = ("NCHW", "NHWC64")


def _common() -> Iterator[Levels]:
    """What everybody runs: float32, two axes, no mask; then trained, and masked."""
    plain = ("2/2", "3/2", "3/1", "29x41 to 6", "whole 7")
    for operation, windows, layout, size in product(("max", "avg"), plain, BOTH, SIZES[1:]):
        yield Levels(windows, operation, layout, "float32", 2, size, False, False)
    trained = ("2/2", "3/2", "29x41 to 6")
    for operation, windows, layout in product(("max", "avg"), trained, BOTH):
        yield Levels(windows, operation, layout, "float32", 2, "cache", True, False)
    for operation, windows, layout in product(("max", "avg"), ("2/2", "3/2"), BOTH):
        yield Levels(windows, operation, layout, "float32", 2, "cache", False, True)


def _growing() -> Iterator[Row]:
    """The same array under 7/1 and 63/1: the cost must not grow with the window."""
    for operation, layout, windows in product(("max", "min", "avg", "sum"), BOTH, ("7/1", "63/1")):
        shape = (1, 8, 112, 112) if layout == "NCHW" else (1, 112, 112, 8)
        job = Job(operation, "sliding", shape, arguments(windows, 2, operation),
                  "first" if layout == "NCHW" else "last")  # fmt: skip
        yield Row(job, None, True, "cache")


def rows() -> list[Row]:
    """All of them, at most MOST."""
    common = [Row(_job(levels), levels, True, levels.size) for levels in _common()]
    covering = [Row(_job(levels), levels, False, levels.size) for levels in cover()]
    return [*common, *_growing(), *covering]
