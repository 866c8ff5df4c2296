"""Networks of minima and maxima that find wanted ranks, built by code; no numbers pass here.

A network is a list of steps, each "the smaller (larger) of two earlier values"; whoever runs it
does so on vectors, one output in each lane. Its inputs come as sorted runs, for the columns of
neighbouring windows are the same: they are sorted once and every window merges them.

Three savings over sorting: an element that too many others precede or follow cannot have a wanted
rank and is dropped; the last merge only selects; and what no wanted rank needs is left out. A 3x3
median from sorted columns takes 12 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

Run = list[int]  # numbers of values, the smallest first


class Network(NamedTuple):
    """``steps``: (is it the larger, a, b); step i makes value number ``inputs + i``."""

    inputs: int
    steps: tuple[tuple[bool, int, int], ...]
    outputs: tuple[int, ...]


class _Maker:
    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[tuple[bool, int, int]] = []
        self.made: dict[tuple[bool, int, int], int] = {}

    def pick(self, larger: bool, a: int, b: int) -> int:
        key = (larger, min(a, b), max(a, b))
        if a == b:
            return a
        if key not in self.made:
            self.steps.append(key)
            self.made[key] = self.inputs + len(self.steps) - 1
        return self.made[key]

    def merge(self, a: Run, b: Run) -> Run:
        """Batcher's odd-even merge of two runs of any lengths."""
        if not a or not b:
            return a + b
        if len(a) == len(b) == 1:
            return [self.pick(False, a[0], b[0]), self.pick(True, a[0], b[0])]
        first, second = self.merge(a[::2], b[::2]), self.merge(a[1::2], b[1::2])
        merged = [first[0]]
        for low, high in zip(second, first[1:], strict=False):
            merged += [self.pick(False, low, high), self.pick(True, low, high)]
        pairs = min(len(second), len(first) - 1)
        return merged + second[pairs:] + first[1 + pairs :]

    def sort(self, values: Sequence[int]) -> Run:
        runs = [[v] for v in values]
        while len(runs) > 1:
            runs = sorted(runs, key=len)
            runs = [*runs[2:], self.merge(runs[0], runs[1])]
        return runs[0]

    def select(self, a: Run, b: Run, rank: int) -> int:
        """The value of this rank: the least maximum of rank + 1 values taken from both fronts."""
        found = -1
        for i in range(max(0, rank + 1 - len(b)), min(len(a), rank + 1) + 1):
            j = rank + 1 - i
            front = [run[n - 1] for run, n in ((a, i), (b, j)) if n]
            value = front[0] if len(front) == 1 else self.pick(True, *front)
            found = value if found < 0 else self.pick(False, found, value)
        return found

    def ranks(self, runs: Sequence[Run], wanted: Sequence[int]) -> list[int]:
        """The values of the wanted ranks among those of all runs."""
        wanted = list(wanted)
        low, high, total = min(wanted), max(wanted), sum(map(len, runs))
        below = 0
        runs = [run for run in runs if run]
        while len(runs) > 1:
            kept = []
            for run in runs:  # what too many precede or follow goes
                start = max(0, len(run) - (total - low))
                kept.append(run[start : high + 1])
            below += sum(max(0, len(run) - (total - low)) for run in runs)
            total = sum(map(len, kept))
            low, high = min(wanted) - below, max(wanted) - below
            runs = sorted((run for run in kept if run), key=len)
            if len(runs) == 2 and high - low < 2:
                return [self.select(runs[0], runs[1], rank - below) for rank in wanted]
            if len(runs) > 1:
                runs = [*runs[2:], self.merge(runs[0], runs[1])]
        return [runs[0][rank - below] for rank in wanted]


def _across(maker: _Maker, columns: Sequence[Run], wanted: Sequence[int]) -> list[int]:
    """Sort the rows of sorted columns too: then value (i, j) has (i + 1)(j + 1) - 1 below it."""
    height, width = len(columns[0]), len(columns)
    total, low, high = height * width, min(wanted), max(wanted)
    rows, below = [], 0
    for i in range(height):
        small = sum((height - i) * (width - j) > total - low for j in range(width))
        large = sum((i + 1) * (j + 1) - 1 > high for j in range(width))
        below += small
        row = [[column[i]] for column in columns]
        rows.append(maker.ranks(row, range(small, width - large)) if small + large < width else [])
    return maker.ranks(rows, [rank - below for rank in wanted])


def _pruned(maker: _Maker, outputs: Sequence[int]) -> Network:
    """Only the steps that the outputs need."""
    inputs, needed = maker.inputs, set(outputs)
    for i in range(len(maker.steps) - 1, -1, -1):
        if inputs + i in needed:
            needed.update(maker.steps[i][1:])
    number = {i: i for i in range(inputs)}
    steps = []
    for i, (larger, a, b) in enumerate(maker.steps):
        if inputs + i in needed:
            number[inputs + i] = inputs + len(steps)
            steps.append((larger, number[a], number[b]))
    return Network(inputs, tuple(steps), tuple(number[o] for o in outputs))


def runs_of(height: int, width: int) -> list[Run]:
    """Columns side by side: value number ``j * height + i`` is row i of column j."""
    return [list(range(j * height, (j + 1) * height)) for j in range(width)]


@lru_cache(maxsize=256)
def sorter(n: int) -> Network:
    """All of n values in ascending order."""
    maker = _Maker(n)
    return _pruned(maker, maker.sort(range(n)))


@lru_cache(maxsize=256)
def selector(height: int, width: int, wanted: tuple[int, ...], ordered: bool) -> Network:
    """The values of the wanted ranks in ``width`` columns of ``height`` values.

    ``ordered``: the columns come sorted.
    """
    found = []
    for way in (_Maker.ranks, _across):
        maker = _Maker(height * width)
        columns = runs_of(height, width)
        if not ordered:
            columns = [maker.sort(column) for column in columns]
        found.append(_pruned(maker, way(maker, columns, wanted)))
    return min(found, key=lambda network: len(network.steps))


def apply(network: Network, values: Sequence, smaller, larger) -> list:
    """Run a network on anything that has a smaller and a larger."""
    values = list(values)
    for top, a, b in network.steps:
        values.append((larger if top else smaller)(values[a], values[b]))
    return [values[o] for o in network.outputs]
