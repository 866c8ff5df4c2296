"""The row kernel: max, min, sum and mean over sliding and ragged windows, at the speed of memory.

For every output row the input rows of its windows are first combined element by element into a buffer in
the innermost cache, whose ends hold the identity (that is the padding). Then the windows along the row
are combined from shifted or strided reads of the buffer. Both steps are vectors over the width, whatever
the layout: with channels last a row is width x channels long and a step along it is `channels` long.
This file is longer than others because each kernel is one function with its few helpers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import numbers as nm
from . import vectors as vc
from .cache import compile, helper

# Where a number stands in the kernel's table of integers; the tables of the axes follow.
_HEADER = (
    "axes depth height x0 y0 d_x d_y h_x h_y d_step h_step length w_x channels w_y outputs size stride "
    "gap before span span_low span_high strips most widest at_planes at_d at_h at_w at_strips"
).split()
(
    _AXES, _DEPTH, _HEIGHT, _X0, _Y0, _D_X, _D_Y, _H_X, _H_Y, _D_STEP, _H_STEP, _LENGTH, _W_X, _CHANNELS, _W_Y,
    _OUTPUTS, _SIZE, _STRIDE, _GAP, _BEFORE, _SPAN, _SPAN_LOW, _SPAN_HIGH, _STRIPS, _MOST, _WIDEST,
    _AT_PLANES, _AT_D, _AT_H, _AT_W, _AT_STRIPS,
) = range(len(_HEADER))  # fmt: skip

# Kernels made to measure for these windows (size, stride) along the row; all others share one each.
COMMON = ((2, 2), (3, 2), (3, 1), (2, 1), (3, 3), (4, 4))
_STRIP = 4096  # accumulators in the buffer; wider rows are cut into strips that overlap
_RUN = 8  # rows summed one after the other before they join the total: keeps f32 sums accurate


class Outer(NamedTuple):
    """One pooled axis besides the innermost: real taps are start, start + gap, ... below stop."""

    start: np.ndarray
    stop: np.ndarray
    gap: int
    span: np.ndarray | None  # the divisor's share of this axis, for mean only
    x_stride: int
    y_stride: int


class Inner(NamedTuple):
    """The innermost pooled axis. Either size, stride, gap, before or start, stop say its windows."""

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
    x0: int, y0: int, planes: Sequence[tuple[int, int, int]], outer: Sequence[Outer], inner: Inner
) -> np.ndarray:
    """All numbers a row kernel needs, in one array of int64. planes: (size, x stride, y stride)."""
    d, h = (*[_NONE] * (2 - len(outer)), *outer)
    inner = flattened(inner)
    strips = _strips(inner)
    tables = [np.asarray(planes, np.int64).reshape(-1, 3).T.ravel()]
    tables += [_outer_tables(d), _outer_tables(h), _inner_tables(inner), strips.ravel()]
    places = np.cumsum([len(_HEADER), *map(len, tables)])[:5]
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


def flattened(inner: Inner) -> Inner:
    """Stride 1, few channels: the same windows on a row of length x channels, taps `channels` apart."""
    c = inner.channels
    contiguous = inner.x_stride == c and inner.y_stride == c
    if c == 1 or c > 16 or inner.start is not None or inner.stride != 1 or not contiguous:
        return inner
    low, high = inner.span_bounds
    return inner._replace(
        length=inner.length * c, outputs=inner.outputs * c, channels=1, x_stride=1, y_stride=1,
        gap=inner.gap * c, before=inner.before * c, span_bounds=(low * c, high * c),
    )  # fmt: skip


def _outer_tables(axis: Outer) -> np.ndarray:
    """For every output of the axis: its first tap, how many there are, its share of the divisor."""
    start, stop = np.asarray(axis.start, np.int64), np.asarray(axis.stop, np.int64)
    span = np.ones(len(start), np.int64) if axis.span is None else axis.span
    return np.concatenate([start, np.maximum(0, -((start - stop) // axis.gap)), span])


def _inner_tables(inner: Inner) -> np.ndarray:
    if inner.start is None:
        return np.zeros(0, np.int64)
    span = np.ones(inner.outputs, np.int64) if inner.span_table is None else inner.span_table
    return np.concatenate([inner.start, inner.stop, span]).astype(np.int64)


def _strips(inner: Inner) -> np.ndarray:
    """(first output, last, first place, last) of each strip: as many outputs as the buffer holds, or one."""
    room = max(1, _STRIP // inner.channels)
    if inner.start is not None:
        return _ragged_strips(inner.start, inner.stop, room)
    reach = (inner.size - 1) * inner.gap + 1
    outputs = max(1, (room - reach) // inner.stride + 1)
    if inner.channels == 1:
        outputs = max(
            outputs, 64
        )  # a window as wide as the buffer: better a larger buffer than single outputs
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


class Step(NamedTuple):
    """What of the windows along the row is compiled in. size 0: read from the table."""

    ragged: bool
    size: int
    stride: int
    lanes: int  # 0: rows of single numbers; else vectors over the channels, this long


def step_of(inner: Inner, accumulator: str) -> Step:
    """The specialisation that serves these windows."""
    inner = flattened(inner)
    ragged = inner.start is not None
    if inner.channels > 1:
        full, lanes = nm.lanes_of(accumulator), max(2, 16 // nm.KINDS[accumulator].size)
        while lanes < min(inner.channels, full):
            lanes *= 2
        return Step(ragged, 0, 0, lanes)
    known = (inner.size, inner.stride) in COMMON and (inner.gap == 1 or inner.stride == 1)
    return (
        Step(ragged, inner.size, inner.stride, 0) if known and not ragged else Step(ragged, 0, 0, 0)
    )


def accumulator_for(kind: str, op: str, rows: int, size: int) -> str:
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
    depth = min(rows, _RUN) + -(-rows // _RUN) + size
    return "f64" if kind == "f64" or depth > 24 else "f32"


_kernels: dict[tuple, Callable] = {}


def row_kernel(op: str, kind: str, accumulator: str, out: str, step: Step) -> Callable:
    """kernel(x, y, table, first, last) for one reduction; x and y are 1-D views of the memory.

    op: max, min, sum or mean. kind and out: storage kinds of x and y. accumulator: for max and min
    `numbers.selecting_accumulator(op, kind)`; for sums f32, f64, i32, i64 or u64.
    """
    key = (op, kind, accumulator, out, step)
    if key not in _kernels:
        _kernels[key] = _make_kernel(*key)
    return _kernels[key]


def _name(op: str, kind: str, accumulator: str, out: str, step: Step) -> str:
    form = "ragged" if step.ragged else f"k{step.size}s{step.stride}"
    return f"rows_{op}_{kind}_{accumulator}_{out}_{form}_c{step.lanes}"


# ---------------------------------------------------------------- from the input to the buffer
def make_vertical(op: str, kind: str, accumulator: str, name: str) -> Callable:
    """vertical(x, base, nd, dx, nh, hx, wx, buffer, at, n): nd x nh rows of n numbers become one."""
    lanes = nm.lanes_of(accumulator)
    load, put = vc.load(kind, accumulator, lanes), vc.store(accumulator, lanes)
    part = vc.load_part(op, kind, accumulator, lanes)
    load1, put1 = vc.load(kind, accumulator, 1), vc.store(accumulator, 1)
    nothing, nothing1 = vc.identity(op, accumulator, lanes), vc.identity(op, accumulator, 1)
    combine = vc.combine(op, accumulator)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def vertical(x, base, nd, dx, nh, hx, wx, buffer, at, n):
        j = 0
        if wx != 1:  # not contiguous: one by one
            while j < n:
                total = nothing1()
                for d in range(nd):
                    row = base + d * dx + j * wx
                    for h in range(0, nh, _RUN):
                        run = nothing1()
                        for i in range(h, min(h + _RUN, nh)):
                            run = combine(run, load1(x, row + i * hx))
                        total = combine(total, run)
                put1(buffer, at + j, total)
                j += 1
        elif n < lanes:  # the lanes beyond n become the identity: there is padding or slack
            while j < n:
                a = nothing()
                for d in range(nd):
                    for h in range(nh):
                        a = combine(a, part(x, base + d * dx + h * hx, n))
                put(buffer, at, a)
                j = n
        elif nd == 1 and nh == 2:
            # Here and below the last vector overlaps the one before: no remainder one by one.
            while j < n:
                i = min(j, n - lanes)
                put(buffer, at + i, combine(load(x, base + i), load(x, base + hx + i)))
                j += lanes
        elif nd == 1 and nh == 3:
            while j < n:
                i = min(j, n - lanes)
                a = combine(load(x, base + i), load(x, base + hx + i))
                put(buffer, at + i, combine(a, load(x, base + 2 * hx + i)))
                j += lanes
        else:
            while j + four <= n:
                a = b = c = e = nothing()
                for d in range(nd):
                    row = base + d * dx + j
                    for h in range(0, nh, _RUN):
                        i = row + h * hx
                        p, q, r, s = (
                            load(x, i),
                            load(x, i + lanes),
                            load(x, i + two),
                            load(x, i + three),
                        )
                        for _ in range(h + 1, min(h + _RUN, nh)):
                            i += hx
                            p, q = combine(p, load(x, i)), combine(q, load(x, i + lanes))
                            r, s = combine(r, load(x, i + two)), combine(s, load(x, i + three))
                        a, b, c, e = combine(a, p), combine(b, q), combine(c, r), combine(e, s)
                put(buffer, at + j, a)
                put(buffer, at + j + lanes, b)
                put(buffer, at + j + two, c)
                put(buffer, at + j + three, e)
                j += four
            while j < n:
                k = min(j, n - lanes)
                a = nothing()
                for d in range(nd):
                    row = base + d * dx + k
                    for h in range(0, nh, _RUN):
                        i = row + h * hx
                        p = load(x, i)
                        for _ in range(h + 1, min(h + _RUN, nh)):
                            i += hx
                            p = combine(p, load(x, i))
                        a = combine(a, p)
                put(buffer, at + k, a)
                j += lanes

    return helper(vertical, f"{name}_vertical")


# ---------------------------------------------------------------- along the buffer, single numbers
def _make_segment(op: str, accumulator: str, name: str) -> Callable:
    """segment(buffer, i, n): n neighbours become one number."""
    lanes = nm.lanes_of(accumulator)
    half = max(2, lanes // 2)
    get, get_half = (
        vc.load(accumulator, accumulator, lanes),
        vc.load(accumulator, accumulator, half),
    )
    keep, keep_half = vc.keep_first(op, accumulator, lanes), vc.keep_first(op, accumulator, half)
    reduce, reduce_half = vc.reduce(op, accumulator, lanes), vc.reduce(op, accumulator, half)
    nothing, combine = vc.identity(op, accumulator, lanes), vc.combine(op, accumulator)

    def segment(buffer, i, n):
        if n <= half:  # the usual length in adaptive pooling: one shuffle less
            return reduce_half(keep_half(get_half(buffer, i), n))
        a = b = nothing()
        j = 0
        while j + 2 * lanes <= n:
            a = combine(a, get(buffer, i + j))
            b = combine(b, get(buffer, i + j + lanes))
            j += 2 * lanes
        if j + lanes <= n:
            a = combine(a, get(buffer, i + j))
            j += lanes
        if j < n:
            b = combine(b, keep(get(buffer, i + j), n - j))
        return reduce(combine(a, b))

    return helper(segment, f"{name}_segment")


def _make_spans(accumulator: str, ragged: bool, name: str) -> Callable:
    """fill(g, spans, o0, o1): the share of the divisor of the outputs o0 .. o1 - 1."""
    write, read = vc.write_int(nm.result_kind(accumulator)), vc.read

    def from_table(g, spans, o0, o1):
        at = read(g, _AT_W) + 2 * read(g, _OUTPUTS)
        for o in range(o0, o1):
            write(spans, o - o0, read(g, at + o))

    def counted(g, spans, o0, o1):
        gap, size = read(g, _GAP), read(g, _SIZE)
        stride, before = read(g, _STRIDE), read(g, _BEFORE)
        for o in range(o0, o1):
            place = o * stride - before
            low = max(0, -((place - read(g, _SPAN_LOW)) // gap))
            high = min(size, -((place - read(g, _SPAN_HIGH)) // gap))
            write(spans, o - o0, max(0, high - low))

    return helper(from_table if ragged else counted, f"{name}_spans")


def _make_along(op: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """along(g, buffer, work, y, at, o0, n, low, spans, area): n outputs from the buffer to y."""
    lanes = nm.lanes_of(accumulator)
    get, put = vc.load(accumulator, accumulator, lanes), vc.store(accumulator, lanes)
    get1, put1 = vc.load(accumulator, accumulator, 1), vc.store(accumulator, 1)
    write, write1 = vc.writer(op, accumulator, out, lanes), vc.writer(op, accumulator, out, 1)
    taps = vc.taps(op, accumulator, lanes, max(step.size, 1), max(step.stride, 1))
    combine, read, stride = vc.combine(op, accumulator), vc.read, step.stride

    def known(g, buffer, work, y, at, o0, n, low, spans, area):
        # Shuffles compiled for this size and stride; the last vector overlaps the one before.
        gap, wy, o, stop = read(g, _GAP), read(g, _W_Y), 0, max(n - lanes, 0)
        while o < n:
            p = min(o, stop)
            value = taps(buffer, p * stride, gap)
            if wy == 1:
                write(y, at + p, value, n, spans, p, area)
            else:
                put(work, p, value)
            o += lanes
        if wy != 1:
            for o in range(n):
                write1(y, at + o * wy, get1(work, o), 1, spans, o, area)

    if step.size:
        return helper(known, f"{name}_along")
    segment = _make_segment(op, accumulator, name)

    def ragged(g, buffer, work, o0, n, low):
        at, outputs = read(g, _AT_W) + o0, read(g, _OUTPUTS)
        for o in range(n):
            start = read(g, at + o)
            put1(work, o, segment(buffer, start - low, max(0, read(g, at + outputs + o) - start)))

    def regular(g, buffer, work, o0, n, low):
        size, stride, gap = read(g, _SIZE), read(g, _STRIDE), read(g, _GAP)
        if stride > 8 and gap == 1:
            for o in range(n):
                put1(work, o, segment(buffer, o * stride, size))
            return
        # Every place is computed, then every stride-th is kept: still far fewer steps than one by one.
        for i in range(0, (n - 1) * stride + 1, lanes):
            value = get(buffer, i)
            for k in range(1, size):
                value = combine(value, get(buffer, i + k * gap))
            put(work, i, value)
        if stride > 1:
            for o in range(1, n):
                put1(work, o, get1(work, o * stride))

    fill = helper(ragged if step.ragged else regular, f"{name}_fill")

    def along(g, buffer, work, y, at, o0, n, low, spans, area):
        fill(g, buffer, work, o0, n, low)
        wy = read(g, _W_Y)
        if wy != 1:
            for o in range(n):
                write1(y, at + o * wy, get1(work, o), 1, spans, o, area)
            return
        o, stop = 0, max(n - lanes, 0)
        while o < n:
            p = min(o, stop)
            write(y, at + p, get(work, p), n, spans, p, area)
            o += lanes

    return helper(along, f"{name}_along")


def _make_channels_along(op: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """The same where every place holds many channels: vectors of step.lanes over the channels.

    The place of `work` takes an array of one number.
    """
    lanes, ragged, mean, read = step.lanes, step.ragged, op == "mean", vc.read
    get, nothing = vc.load(accumulator, accumulator, lanes), vc.identity(op, accumulator, lanes)
    combine, write = vc.combine(op, accumulator), vc.writer(op, accumulator, out, lanes)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def along(g, buffer, none, y, at, o0, n, low, spans, area):
        channels, outputs, wy = read(g, _CHANNELS), read(g, _OUTPUTS), read(g, _W_Y)
        stride, count, gap = read(g, _STRIDE), read(g, _SIZE), read(g, _GAP) * channels
        tables, each = read(g, _AT_W), mean and read(g, _SPAN) == 0
        if wy == channels:
            together = outputs * channels
        else:
            together = 0
        for o in range(o0, o0 + n):
            start = o * stride - read(g, _BEFORE)
            if ragged:
                start = read(g, tables + o)
                count, gap = max(0, read(g, tables + outputs + o) - start), channels
            i, to = (start - low) * channels, at + (o - o0) * wy
            # Vectors past the last channel hold what the next place overwrites, if there is a next.
            room = max(channels, together - o * channels)
            divisor = area * read(spans, o - o0) if each else area
            c = 0
            while c + four <= channels:
                p = q = r = t = nothing()
                j = i + c
                for _ in range(count):
                    p, q = combine(p, get(buffer, j)), combine(q, get(buffer, j + lanes))
                    r, t = combine(r, get(buffer, j + two)), combine(t, get(buffer, j + three))
                    j += gap
                write(y, to + c, p, lanes, none, 0, divisor)
                write(y, to + c + lanes, q, lanes, none, 0, divisor)
                write(y, to + c + two, r, lanes, none, 0, divisor)
                write(y, to + c + three, t, lanes, none, 0, divisor)
                c += four
            while c < channels:
                b = max(0, min(c, channels - lanes))
                p = nothing()
                j = i + b
                for _ in range(count):
                    p = combine(p, get(buffer, j))
                    j += gap
                write(y, to + b, p, room, none, 0, divisor)
                c += lanes

    return helper(along, f"{name}_along")


# ---------------------------------------------------------------- the kernel
def _make_kernel(op: str, kind: str, accumulator: str, out: str, step: Step) -> Callable:
    form = "ragged" if step.ragged else f"k{step.size}s{step.stride}"
    name = f"rows_{op}_{kind}_{accumulator}_{out}_{form}_c{step.lanes}"
    lanes = nm.lanes_of(accumulator)
    mean, known, many = op == "mean", step.size > 0, step.lanes > 0
    dtype, span_type = nm.KINDS[accumulator].dtype, nm.KINDS[nm.result_kind(accumulator)].dtype
    vertical = make_vertical(op, kind, accumulator, name)
    along = (_make_channels_along if many else _make_along)(op, accumulator, out, step, name)
    fill_spans = _make_spans(accumulator, step.ragged, name) if mean else _no_spans
    put1, nothing1 = vc.store(accumulator, 1), vc.identity(op, accumulator, 1)
    memory, keep, read = vc.memory, vc.keep, vc.read
    slack = lanes * max(4, step.stride) + max(step.size, 1)

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        axes, depth, height = read(g, _AXES), read(g, _DEPTH), read(g, _HEIGHT)
        wx, wy, length, channels = (
            read(g, _W_X),
            read(g, _W_Y),
            read(g, _LENGTH),
            read(g, _CHANNELS),
        )
        d_step, h_step, strips = read(g, _D_STEP), read(g, _H_STEP), read(g, _STRIPS)
        at_d, at_h, at_planes = read(g, _AT_D), read(g, _AT_H), read(g, _AT_PLANES)
        most, size = read(g, _MOST), read(g, _WIDEST) * channels + slack
        each = mean and read(g, _SPAN) == 0
        spans_array = np.ones(most + lanes if each else 1, span_type)
        buffer_array, work_array = np.empty(size, dtype), np.ones(1 if many else size, dtype)
        spans, buffer, work = memory(spans_array), memory(buffer_array), memory(work_array)
        for i in range(size):
            put1(buffer, i, nothing1())
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            od, oh = (row // height) % depth, row % height
            px, py, left = read(g, _X0), read(g, _Y0), plane
            for axis in range(at_planes + axes - 1, at_planes - 1, -1):
                index = left % read(g, axis)
                left //= read(g, axis)
                px += index * read(g, axis + axes)
                py += index * read(g, axis + 2 * axes)
            while row < end:
                nd, nh = read(g, at_d + depth + od), read(g, at_h + height + oh)
                area = 1.0
                if mean:
                    d_span, h_span = read(g, at_d + 2 * depth + od), read(g, at_h + 2 * height + oh)
                    area = float(d_span) * float(h_span) * float(max(1, read(g, _SPAN)))
                base = px + read(g, at_d + od) * read(g, _D_X) + read(g, at_h + oh) * read(g, _H_X)
                target = py + od * read(g, _D_Y) + oh * read(g, _H_Y)
                at_strip = read(g, _AT_STRIPS)
                for strip in range(strips):
                    o0, o1 = read(g, at_strip), read(g, at_strip + 1)
                    low, high = read(g, at_strip + 2), read(g, at_strip + 3)
                    at_strip += 4
                    begin, stop = max(low, 0), min(high, length)
                    if strips > 1:
                        for i in range((min(begin, high) - low) * channels):
                            put1(buffer, i, nothing1())
                        for i in range((max(stop, low) - low) * channels, (high - low) * channels):
                            put1(buffer, i, nothing1())
                    if mean and each and (strips > 1 or row == first):
                        fill_spans(g, spans, o0, o1)
                    if many and wx == channels:
                        vertical(
                            x, base + begin * wx, nd, d_step, nh, h_step, 1,
                            buffer, (begin - low) * channels, (stop - begin) * channels,
                        )  # fmt: skip
                    elif many:
                        for i in range(begin, stop):
                            vertical(
                                x, base + i * wx, nd, d_step, nh, h_step, 1,
                                buffer, (i - low) * channels, channels,
                            )  # fmt: skip
                    else:
                        vertical(
                            x, base + begin * wx, nd, d_step, nh, h_step, wx,
                            buffer, begin - low, stop - begin,
                        )  # fmt: skip
                    along(g, buffer, work, y, target + o0 * wy, o0, o1 - o0, low, spans, area)
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
                row += 1
        keep(spans_array)
        keep(buffer_array)
        keep(work_array)

    return compile(kernel, name)


_no_spans = helper(lambda g, spans, o0, o1: None, "rows_no_spans")
