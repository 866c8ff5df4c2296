"""Which windows are so large and so close that `tall` serves them, and its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ..windows.rules import Slide
from . import fast, rows, tall
from . import numbers as nm
from .frame import Flat
from .rowtable import RUN, STRIDE, WIDEST

ROOM = 192 << 10  # bytes that a block of rows of a strip may take: the second cache holds it
NEAR = 40 << 10  # bytes that the levels of a row may take: the first cache
MOST_ROUNDINGS = 24  # as in `rows.accumulator_for`: the error stays below 12 ulp of sum|x|
MANY_CHANNELS = 16
WORTH = 16  # windows over strides, both axes together, from where this is the faster way


@lru_cache(maxsize=64)
def kernel_of(op: str, kind: str, accumulator: str, out: str) -> Callable:
    return tall.make_kernel(op, kind, accumulator, out)


def pays(inner: fast.Axis, outer: Sequence[fast.Axis], made: rows.Inner) -> bool:
    """Whether windows share so much that the work they share is done once."""
    if made.start is not None:
        return False
    if _is_down(outer, made):
        return made.size / made.stride >= WORTH
    row = rows.flattened(made, most=1 << 30)
    if row.channels > 1 or row.x_stride != 1 or row.y_stride != 1:
        return False
    across, down = inner.rule, outer[-1].rule if outer else Slide(1, 1, 0, 0, 1, False, "")
    if not isinstance(down, Slide) or (down.stride > 1 and down.dilation > 1):
        return False
    if across.stride > 4 or (across.stride > 1 and across.dilation > 1):
        return False
    return across.kernel / across.stride + down.kernel / down.stride >= WORTH


def _is_down(outer: Sequence[fast.Axis], made: rows.Inner) -> bool:
    """Whether the only pooled axis has many channels below it: they are the row, it goes down."""
    steps = made.stride == 1 or made.gap == 1
    return not outer and made.channels >= MANY_CHANNELS and steps


def ready(
    names: tuple[str, str, str, str], inner: fast.Axis, outer: Sequence[fast.Axis],
    made: rows.Inner, planes: list[fast.Axis], x: Flat, y: Flat,
) -> fast.Fast:  # fmt: skip
    """The kernel and its table."""
    op, kind, acc, out = names
    row = rows.flattened(made, most=1 << 30)
    if _is_down(outer, made):
        c, outer = made.channels, [inner]
        row = rows.Inner(c, 1, 1, c, size=1, span=1)
    if acc == "f64" and "f64" not in (kind, out) and kind[0] in "fb":
        counts = [int(a.table.counts.max(initial=1)) for a in outer]  # type: ignore[union-attr]
        acc = "f32" if roundings(counts, row.size) <= MOST_ROUNDINGS else "f64"
    below = _down(outer[-1]) if outer else down(1, 1, 1, 0, 1, 1)
    places, sides = fast.triples(planes), fast.sides_of(outer)
    table, total = pack(op, acc, x.first, y.first, places, sides, row, below)
    return fast.Fast("tall", kernel_of(op, kind, acc, out), table, total)


def pack(
    op: str, accumulator: str, x0: int, y0: int, places: Sequence[tuple[int, int, int]],
    sides: Sequence[rows.Outer], row: rows.Inner, below: list[int],
    shares: tuple[int, int, int] = (-1, -1, 1),
) -> tuple[np.ndarray, int]:  # fmt: skip
    """The kernel's table, and how many units of work there are."""
    size, reach = nm.KINDS[accumulator].size, (row.size - 1) * row.gap + 1
    room = min(NEAR // size // (row.size.bit_length() + 2), ROOM // size // (below[0] + 2))
    table = rows.pack(x0, y0, places, sides, row, max(3 * reach, room))
    along = _stretches(op, row.size, row.gap, _pitch(table, accumulator))
    total = math.prod(n for n, _, _ in places) * below[6] * below[7]
    total *= len(sides[0].start) if len(sides) > 1 else 1
    return np.concatenate([table, below, shares, along]), total


def roundings(counts: Sequence[int], width: int) -> int:
    """How many roundings a number passes through at most in `tall`, of float32 sums.

    counts: rows of a window along the outer axes.
    """
    height, depth = counts[-1] if counts else 1, math.prod(counts[:-1])
    return min(height, RUN) * depth + -(-height // RUN) + 2 + width.bit_length()


def _pitch(table: np.ndarray, accumulator: str) -> int:
    """How far apart the rows of the kernel's buffer are."""
    lanes = nm.lanes_of(accumulator)
    lanes_in_all = 4 * lanes + table[STRIDE] * lanes
    return int(table[WIDEST] + lanes_in_all)


def _down(axis: fast.Axis) -> list[int]:
    rule: Slide = axis.rule
    outputs = axis.table.start.shape[1]  # type: ignore[union-attr]
    before, _ = rule.padding(axis.size)
    return down(rule.kernel, rule.stride, rule.dilation, before, axis.size, outputs)


def down(size: int, stride: int, gap: int, before: int, length: int, outputs: int) -> list[int]:
    """The windows down the columns, as the kernel takes them."""
    classes = gap if stride == 1 else 1
    blocks = (-(-outputs // classes) - 1) * stride // size + 1
    return [size, stride, gap, before, length, outputs, classes, blocks]


def _stretches(op: str, size: int, gap: int, pitch: int) -> list[int]:
    """Levels, and of each stretch that is joined: its level's place plus its first element."""
    levels = size.bit_length()
    if op in ("max", "min"):
        top = (levels - 1) * pitch
        return [levels, 2, top, top + (size - (1 << (levels - 1))) * gap]
    terms, at = [], 0
    for level in range(levels):  # the shortest first: the longest has gone through most roundings
        if size >> level & 1:
            terms.append(level * pitch + at * gap)
            at += 1 << level
    return [levels, len(terms), *terms]
