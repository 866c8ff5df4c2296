"""Row kernels, from the caller's side: windows packed into integers, and the kernel chosen.

What the kernels do is in `rowcode`; here are only plain Python and a few small tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from . import numbers as nm
from .rowcode import make_kernel
from .rowtable import HEADER, RUN, Step

# Kernels made to measure for these windows (size, stride) along the row are faster in the cache
# than the one that all others share. Each has to be compiled: no longer list.
COMMON = (
    (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (2, 1), (3, 1), (5, 1), (7, 1),
    (3, 2), (4, 2), (5, 2),
)  # fmt: skip
_STRIP = 4096  # accumulators in the buffer; wider rows are cut into strips that overlap


class Outer(NamedTuple):
    """One pooled axis besides the innermost: real taps are start, start + gap, ... below stop."""

    start: np.ndarray
    stop: np.ndarray
    gap: int
    span: np.ndarray | None  # the divisor's share of this axis, for mean only
    x_stride: int
    y_stride: int


class Inner(NamedTuple):
    """The innermost pooled axis; its windows are given by size, stride, ... or by start, stop."""

    length: int
    x_stride: int
    y_stride: int
    outputs: int
    channels: int = 1  # numbers next to each other in every place along this axis
    size: int = 0
    stride: int = 1
    gap: int = 1  # the dilation
    before: int = 0  # padding before the first element
    span: int = 0  # mean: the same share of the divisor for every window; or 0 and
    span_bounds: tuple[int, int] = (0, 0)  # taps at positions low <= p < high count
    start: np.ndarray | None = None  # ragged windows: start <= p < stop, real elements
    stop: np.ndarray | None = None
    span_table: np.ndarray | None = None


_NONE = Outer(np.zeros(1, np.int64), np.ones(1, np.int64), 1, None, 0, 0)


def pack(
    x0: int, y0: int, planes: Sequence[tuple[int, int, int]], outer: Sequence[Outer], inner: Inner,
    room: int = _STRIP,
) -> np.ndarray:  # fmt: skip
    """All numbers a row kernel needs, in one array of int64. planes: (size, x stride, y stride).

    room: accumulators that a strip of a row may take.
    """
    d, h = (*[_NONE] * (2 - len(outer)), *outer)
    inner = flattened(_with_equal_span(inner))
    strips = _strips(inner, room)
    tables = [np.asarray(planes, np.int64).reshape(-1, 3).T.ravel()]
    tables += [_outer_tables(d), _outer_tables(h), _inner_tables(inner), strips.ravel()]
    places = np.cumsum([len(HEADER), *map(len, tables)])[:5]
    head = [len(planes), len(d.start), len(h.start), x0, y0]
    head += [d.x_stride, d.y_stride, h.x_stride, h.y_stride]
    head += [d.x_stride * d.gap, h.x_stride * h.gap]
    head += [inner.length, inner.x_stride, inner.channels, inner.y_stride, inner.outputs]
    head += [inner.size, inner.stride, inner.gap, inner.before, inner.span, *inner.span_bounds]
    head += [len(strips), _longest(strips[:, :2]), _longest(strips[:, 2:]), *places]
    return np.concatenate([np.array(head, np.int64), *tables])


def _longest(ranges: np.ndarray) -> int:
    return int((ranges[:, 1] - ranges[:, 0]).max(initial=1))


def count_rows(planes: Sequence[tuple[int, int, int]], outer: Sequence[Outer]) -> int:
    """How many output rows there are: the range that `first` and `last` cut up."""
    total = 1
    for size, _, _ in planes:
        total *= size
    for axis in outer:
        total *= len(axis.start)
    return total


def flattened(inner: Inner, most: int = 16) -> Inner:
    """Stride 1, few channels: the same windows on one long row, their taps `channels` apart."""
    c = inner.channels
    contiguous = inner.x_stride == c and inner.y_stride == c
    if c == 1 or c > most or inner.start is not None or inner.stride != 1 or not contiguous:
        return inner
    low, high = inner.span_bounds
    return inner._replace(
        length=inner.length * c, outputs=inner.outputs * c, channels=1, x_stride=1, y_stride=1,
        gap=inner.gap * c, before=inner.before * c, span_bounds=(low * c, high * c),
    )  # fmt: skip


def _with_equal_span(inner: Inner) -> Inner:
    """One span for all windows where none leaves the bounds: no table of divisors is needed."""
    if inner.span or inner.start is not None:
        return inner
    low, high = inner.span_bounds
    last = (inner.outputs - 1) * inner.stride - inner.before + (inner.size - 1) * inner.gap
    return inner._replace(span=inner.size) if low <= -inner.before and last < high else inner


def _outer_tables(axis: Outer) -> np.ndarray:
    """For every output of the axis: its first tap, how many there are, its share of the divisor."""
    start, stop = np.asarray(axis.start, np.int64), np.asarray(axis.stop, np.int64)
    span = np.ones(len(start), np.int64) if axis.span is None else axis.span
    return np.concatenate([start, np.maximum(0, -((start - stop) // axis.gap)), span])


def _inner_tables(inner: Inner) -> np.ndarray:
    if inner.start is None or inner.stop is None:
        return np.zeros(0, np.int64)
    span = np.ones(inner.outputs, np.int64) if inner.span_table is None else inner.span_table
    return np.concatenate([inner.start, inner.stop, span]).astype(np.int64)


def _strips(inner: Inner, room: int) -> np.ndarray:
    """(first output, last, first place, last) of each strip: what the buffer holds, or one."""
    room = max(1, room // inner.channels)
    if inner.start is not None and inner.stop is not None:
        return _ragged_strips(inner.start, inner.stop, room)
    reach = (inner.size - 1) * inner.gap + 1
    outputs = max(1, (room - reach) // inner.stride + 1)
    if inner.channels == 1:
        outputs = max(outputs, 64)  # very wide windows: rather a larger buffer than single outputs
    first = np.arange(0, inner.outputs, outputs)
    last = np.minimum(first + outputs, inner.outputs)
    low = first * inner.stride - inner.before
    return np.stack([first, last, low, low + (last - 1 - first) * inner.stride + reach], 1)


def _ragged_strips(start: np.ndarray, stop: np.ndarray, room: int) -> np.ndarray:
    strips: list[list[int]] = []
    for o, (low, high) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)):
        last = strips[-1] if strips else [0, 0, low, low]
        joined = [last[0], o + 1, min(last[2], low), max(last[3], high)]
        if strips and joined[3] - joined[2] <= room:
            strips[-1] = joined
        else:
            strips.append([o, o + 1, low, max(low, high)])
    return np.array(strips, np.int64).reshape(-1, 4)


def step_of(inner: Inner, accumulator: str, rows: int = 0) -> Step:
    """The specialisation that serves these windows; rows: taps along the outer axes, if known."""
    inner = flattened(inner)
    ragged, full = inner.start is not None, nm.lanes_of(accumulator)
    if inner.channels > 1:
        lanes = min(full, 1 << (inner.channels - 1).bit_length())
        return Step(ragged, 0, 0, lanes, inner.channels >= full and _is_direct(inner, rows))
    known = (inner.size, inner.stride) in COMMON and (inner.gap == 1 or inner.stride == 1)
    if ragged or not known:
        return Step(ragged, 0, 0, 1, False)
    return Step(False, inner.size, inner.stride, 1, False)


def _is_direct(inner: Inner, rows: int) -> bool:
    """Whether reading every tap moves fewer vectors than sharing columns through the buffer."""
    if inner.start is not None:
        return True
    rows = rows or inner.size
    return rows * inner.size <= (rows + 1) * min(inner.stride, inner.size) + inner.size


def accumulator_for(kind: str, op: str, rows: int, size: int, out: str = "") -> str:
    """What sums of windows of at most rows x size taps should be computed in.

    f32 while no number passes through more than 24 roundings, which bounds the error by 12 ulp of
    sum|x| (seen: below 2); integers in 32 bits while they cannot overflow.
    """
    family, bytes_each = nm.KINDS[kind].family, nm.KINDS[kind].size
    if family in ("int", "uint"):
        if bytes_each == 8 and op == "mean":
            return "f64"
        if bytes_each <= 2 and rows * size << 8 * bytes_each < 1 << 31:
            return "i32"
        return "u64" if family == "uint" else "i64"
    depth = max(min(rows, RUN) + -(-rows // RUN) + size, min(size, RUN) + -(-size // RUN) * rows)
    return "f64" if kind == "f64" or out == "f64" or depth > 24 else "f32"


_kernels: dict[tuple, Callable] = {}


def row_kernel(op: str, kind: str, accumulator: str, out: str, step: Step) -> Callable:
    """kernel(x, y, table, first, last) for one reduction; x and y are 1-D views of the memory.

    op: max, min, sum or mean. kind and out: storage kinds of x and y. accumulator: for max and min
    `numbers.selecting_accumulator(op, kind)`; for sums f32, f64, i32, i64 or u64.
    """
    key = (op, kind, accumulator, out, step)
    if key not in _kernels:
        _kernels[key] = make_kernel(*key)
    return _kernels[key]


def _name(op: str, kind: str, accumulator: str, out: str, step: Step) -> str:
    form = "ragged" if step.ragged else f"k{step.size}s{step.stride}"
    return f"rows_{op}_{kind}_{accumulator}_{out}_{form}_c{step.lanes}"
