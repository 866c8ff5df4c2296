"""How arrays lie in memory, as the integers that kernels read. No Numba here.

A kernel sees every array as one flat run of its memory and finds elements by strides, so that any
view (sliced, reversed, broadcast, transposed) is read where it lies. Offsets are 64-bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..plan import Layout, Plan
from ..windows import Grid, Table

Ints = np.ndarray


class Flat(NamedTuple):
    """An array as a flat run of memory: where its first element is, and its element strides."""

    data: np.ndarray
    first: int
    strides: tuple[int, ...]


def flat(a: np.ndarray) -> Flat:
    """The memory of ``a`` as one axis; no copy, whatever the strides."""
    strides = tuple(s // a.itemsize for s in a.strides)
    if a.flags.c_contiguous and a.flags.writeable:
        return Flat(a.reshape(-1), 0, strides)
    ends = [(n - 1) * s for n, s in zip(a.shape, strides, strict=True)]
    low, high = sum(min(e, 0) for e in ends), sum(max(e, 0) for e in ends)
    return Flat(np.asarray(_Run(a, low, high - low + 1)), -low, strides)


class _Run:
    """A run of an array's memory, as NumPy asks for it.

    It calls itself writable even where the array is not: Numba would compile every kernel once
    more for read-only arrays, and no kernel writes to what it reads.
    """

    def __init__(self, a: np.ndarray, first: int, size: int) -> None:
        self.base = a
        self.__array_interface__ = {
            "data": (a.__array_interface__["data"][0] + first * a.itemsize, False),
            "shape": (size,),
            "typestr": a.dtype.str,
            "version": 3,
        }


def readable(a: np.ndarray) -> np.ndarray:
    """``a``, or a native copy where its memory cannot be read by strides of whole elements."""
    if a.dtype.isnative and a.flags.aligned and not any(s % a.itemsize for s in a.strides):
        return a
    return a.astype(a.dtype.newbyteorder("="), order="K")


class Frame(NamedTuple):
    """The integers of one grid of windows over one set of arrays.

    ``outer`` (4, m): size, strides of x, y and w, for the axes that are not pooled.
    ``pooled`` (6, r): elements, outputs, strides of x, y and w, and the step, for those that are.
    ``starts, stops, divisors`` (groups, outputs): one pooled axis after the other.
    ``source``: the sample that each group reads, where that is not its own number, else empty.
    ``numbers``: first elements of x, y and w; planes a group has; window rows and row length at
    most; whether a plane is a group of its own.
    """

    outer: Ints
    pooled: Ints
    starts: Ints
    stops: Ints
    divisors: np.ndarray
    source: Ints
    numbers: Ints

    @property
    def planes(self) -> int:
        return math.prod(self.outer[0].tolist())

    @property
    def rows(self) -> int:
        """Rows of outputs in one plane: every pooled axis but the last."""
        return math.prod(self.pooled[1, :-1].tolist())


def frame(
    plan: Plan, layout: Layout, grid: Grid, batch: int | None, x: Flat, y: Flat, w: Flat | None,
    merge: bool = True,
) -> Frame:  # fmt: skip
    """Pack a call for the kernels. ``y`` lies as ``plan.out_shape``, ``w`` as x.

    ``merge``: whole windows may run over fewer, longer axes (the backward kernels know the axes
    by number, and say no).
    """
    shape = plan.out_shape(grid, batch)
    strides = (x.strides, y.strides, w.strides if w else (0,) * len(shape))
    outer = [(shape[a], *(s[a] for s in strides)) for a in plan.outer]
    pooled = [(plan.shape[a], t.start.shape[1], *(s[a] for s in strides), t.step)
              for a, t in zip(plan.axes, grid, strict=True)]  # fmt: skip
    divisors = plan.divisors(grid) if plan.scaled else (np.empty((1, 0)),)
    tables: Sequence[Table] = grid
    if merge and layout.groups == "one" and len(grid) > 1 and _all_whole(plan, grid):
        pooled, tables, divisors = _as_few(pooled, divisors)
    planes, groups = math.prod(axis[0] for axis in outer), tables[0].start.shape[0]
    counts = [int(t.counts.max(initial=1)) for t in tables]
    numbers = (x.first, y.first, w.first if w else 0, max(planes // max(groups, 1), 1),
               math.prod(counts[:-1]), counts[-1], layout.groups == "plane")  # fmt: skip
    return Frame(
        np.array(_merged(outer, layout.groups == "batch"), np.int64).T.copy(),
        np.array(pooled, np.int64).T.copy(),
        _side_by_side(t.start for t in tables),
        _side_by_side(t.stop for t in tables),
        _side_by_side(divisors),
        np.empty(0, np.int64) if layout.source is None else layout.source,
        np.array(numbers, np.int64),
    )


def _side_by_side(parts: object) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(list(parts), axis=1))  # type: ignore[call-overload]


def _merged(axes: list[tuple[int, ...]], keep_first: bool) -> list[tuple[int, ...]]:
    """Neighbouring axes as one where every array steps through both as through one."""
    merged: list[tuple[int, ...]] = []
    for i, axis in enumerate(axes):
        fixed = not merged or (keep_first and i == 1)
        if not fixed and all(
            a == b * axis[0] for a, b in zip(merged[-1][1:], axis[1:], strict=True)
        ):
            merged[-1] = (merged[-1][0] * axis[0], *axis[1:])
        else:
            merged.append(axis)
    return merged or [(1, 0, 0, 0)]


def _all_whole(plan: Plan, grid: Grid) -> bool:
    return all(
        t.start.shape[1] == 1 and t.start[0, 0] == 0 and t.stop[0, 0] == plan.shape[a]
        for a, t in zip(plan.axes, grid, strict=True)
    ) and all(t.step == 1 for t in grid)


def _as_few(
    pooled: list[tuple[int, ...]], divisors: Sequence[np.ndarray]
) -> tuple[list[tuple[int, ...]], list[Table], list[np.ndarray]]:
    """Whole windows over as few axes as the strides allow; the divisor is their product."""
    axes = _merged([(n, xs, ws) for n, _, xs, _, ws, _ in pooled], keep_first=False)
    zero = np.zeros((1, 1), np.int64)
    tables = [Table(zero, zero + n, 1, zero + n) for n, _, _ in axes]
    product = np.prod(np.stack(divisors), axis=0) if divisors[0].size else None
    parts = [np.ones((1, 1)) for _ in axes]
    parts[0] = parts[0] if product is None else product
    few = [(n, 1, xs, 0, ws, 1) for n, xs, ws in axes]
    return few, tables, parts if product is not None else list(divisors[:1])
