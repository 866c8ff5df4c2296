"""Row kernels, the compiled part: max, min, sum and mean over sliding and ragged windows.

For every output row the input rows of its windows are first combined element by element into a
buffer in the innermost cache, whose ends hold the identity (that is the padding). Then the windows
along the row are combined from shifted or strided reads of the buffer. Both steps are vectors over
the width, whatever the layout: with channels last a row is width x channels long and a step along
it is `channels` long. Where channels fill vectors and windows overlap little there is no buffer:
every tap is read from x.

The file is longer than others because a kernel is made of loops that must be compiled together;
each `make_` function holds one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import numbers as nm
from . import vectors as vc
from .cache import compile, helper

# Where a number stands in the kernel's table of integers; the tables of the axes follow.
HEADER = (
    "axes", "depth", "height", "x0", "y0", "d_x", "d_y", "h_x", "h_y", "d_step", "h_step", "length",
    "w_x", "channels", "w_y", "outputs", "size", "stride", "gap", "before", "span", "span_low",
    "span_high", "strips", "most", "widest", "at_planes", "at_d", "at_h", "at_w", "at_strips",
)  # fmt: skip
(
    _AXES, _DEPTH, _HEIGHT, _X0, _Y0, _D_X, _D_Y, _H_X, _H_Y, _D_STEP, _H_STEP, _LENGTH,
    _W_X, _CHANNELS, _W_Y, _OUTPUTS, _SIZE, _STRIDE, _GAP, _BEFORE, _SPAN, _SPAN_LOW,
    _SPAN_HIGH, _STRIPS, _MOST, _WIDEST, _AT_PLANES, _AT_D, _AT_H, _AT_W, _AT_STRIPS,
) = range(len(HEADER))  # fmt: skip

RUN = 8  # numbers summed one after the other before they join the total: keeps f32 sums accurate
_WIDE_RUN = 16  # the same where the total is of double width


class Step(NamedTuple):
    """What of the windows along the row is compiled in."""

    ragged: bool
    size: int  # 0: size and stride are read from the table
    stride: int
    lanes: int  # vectors over the channels are this long; 1: there is one channel
    direct: bool  # channels fill whole vectors: straight from x, without a buffer


# ---------------------------------------------------------------- from the input to the buffer
def make_vertical(op: str, kind: str, lane: str, accumulator: str, name: str) -> Callable:
    """vertical(x, base, nd, dx, nh, hx, wx, buffer, at, n): nd x nh rows of n numbers to one."""
    lanes, run_length = nm.lanes_of(lane), RUN if lane == accumulator else _WIDE_RUN
    load, add, widen = (
        vc.load(kind, lane, lanes),
        vc.combine(op, lane),
        vc.cast(lane, accumulator, lanes),
    )
    part, put = vc.load_part(op, kind, accumulator, lanes), vc.store(accumulator, lanes)
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
                    for h in range(0, nh, run_length):
                        run = nothing1()
                        for i in range(h, min(h + run_length, nh)):
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
                put(buffer, at + i, widen(add(load(x, base + i), load(x, base + hx + i))))
                j += lanes
        elif nd == 1 and nh == 3:
            while j < n:
                i = min(j, n - lanes)
                p = add(load(x, base + i), load(x, base + hx + i))
                put(buffer, at + i, widen(add(p, load(x, base + 2 * hx + i))))
                j += lanes
        else:
            # Four vectors of every row in turn, so that short rows are read in the order of memory.
            while j < n:
                ja, jb = min(j, n - lanes), min(j + lanes, n - lanes)
                jc, je = min(j + two, n - lanes), min(j + three, n - lanes)
                a = b = c = e = nothing()
                for d in range(nd):
                    for h in range(0, nh, run_length):
                        i = base + d * dx + h * hx
                        p, q, r, s = (
                            load(x, i + ja),
                            load(x, i + jb),
                            load(x, i + jc),
                            load(x, i + je),
                        )
                        for _ in range(h + 1, min(h + run_length, nh)):
                            i += hx
                            p, q = add(p, load(x, i + ja)), add(q, load(x, i + jb))
                            r, s = add(r, load(x, i + jc)), add(s, load(x, i + je))
                        a, b = combine(a, widen(p)), combine(b, widen(q))
                        c, e = combine(c, widen(r)), combine(e, widen(s))
                put(buffer, at + ja, a)
                put(buffer, at + jb, b)
                put(buffer, at + jc, c)
                put(buffer, at + je, e)
                j += four

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
    """fill(g, spans, o0, o1, repeat): the divisor's share of the outputs o0 .. o1 - 1.

    Each is written `repeat` times, once for every channel.
    """
    write, read = vc.write_int(nm.result_kind(accumulator)), vc.read

    def from_table(g, spans, o0, o1, repeat):
        at = read(g, _AT_W) + 2 * read(g, _OUTPUTS)
        for o in range(o0, o1):
            for i in range((o - o0) * repeat, (o - o0 + 1) * repeat):
                write(spans, i, read(g, at + o))

    def counted(g, spans, o0, o1, repeat):
        gap, size = read(g, _GAP), read(g, _SIZE)
        stride, before = read(g, _STRIDE), read(g, _BEFORE)
        for o in range(o0, o1):
            place = o * stride - before
            low = max(0, -((place - read(g, _SPAN_LOW)) // gap))
            high = min(size, -((place - read(g, _SPAN_HIGH)) // gap))
            for i in range((o - o0) * repeat, (o - o0 + 1) * repeat):
                write(spans, i, max(0, high - low))

    return helper(from_table if ragged else counted, f"{name}_spans")


def _make_along(op: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """along(g, buffer, work, y, at, o0, n, low, spans, area): n outputs from the buffer to y.

    Serves one channel and few channels; with few, `work` holds them flat.
    """
    lanes, few = nm.lanes_of(accumulator), step.lanes
    get, put = vc.load(accumulator, accumulator, lanes), vc.store(accumulator, lanes)
    get_few, put_few = vc.load(accumulator, accumulator, few), vc.store(accumulator, few)
    write, write_few = vc.writer(op, accumulator, out, lanes), vc.writer(op, accumulator, out, few)
    taps = vc.taps(op, accumulator, lanes, max(step.size, 1), max(step.stride, 1))
    combine, read, stride = vc.combine(op, accumulator), vc.read, step.stride
    pick, two = vc.pick(accumulator, lanes), 2 * lanes

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
                write_few(y, at + o * wy, get_few(work, o), 1, spans, o, area)

    if step.size:
        return helper(known, f"{name}_along")
    segment = _make_segment(op, accumulator, name)

    def ragged(g, buffer, work, o0, n, low):
        at, outputs = read(g, _AT_W) + o0, read(g, _OUTPUTS)
        for o in range(n):
            start = read(g, at + o)
            put_few(
                work, o, segment(buffer, start - low, max(0, read(g, at + outputs + o) - start))
            )
        return 1

    def regular(g, buffer, work, o0, n, low):
        channels, stride = read(g, _CHANNELS), read(g, _STRIDE)
        size, gap = read(g, _SIZE), read(g, _GAP) * channels
        if few == 1 and stride > 8 and gap == 1:
            for o in range(n):
                put_one(work, o, segment(buffer, o * stride, size))
            return 1
        # Every place is computed, every stride-th kept: still far fewer steps than one by one.
        for i in range(0, ((n - 1) * stride + 1) * channels, two):
            p, q, j = get(buffer, i), get(buffer, i + lanes), i
            for _ in range(1, size):
                j += gap
                p, q = combine(p, get(buffer, j)), combine(q, get(buffer, j + lanes))
            put(work, i, p)
            put(work, i + lanes, q)
        if few == 1:
            return stride
        if stride > 1:
            # few < 2 x channels: what is written past the last channel has been read already.
            for o in range(1, n):
                put_few(work, o * channels, get_few(work, o * stride * channels))
        return 1

    put_one = vc.store(accumulator, 1)
    fill = helper(ragged if step.ragged else regular, f"{name}_fill")

    def along(g, buffer, work, y, at, o0, n, low, spans, area):
        step = fill(g, buffer, work, o0, n, low)
        wy, channels = read(g, _W_Y), read(g, _CHANNELS)
        if wy != channels:
            for o in range(n):
                value = get_few(work, o * channels * step)
                write_few(y, at + o * wy, value, channels, spans, o * channels, area)
            return
        o, n = 0, n * channels
        stop = max(n - lanes, 0)
        if step == 1:
            while o < n:
                p = min(o, stop)
                write(y, at + p, get(work, p), n, spans, p, area)
                o += lanes
        else:
            while o < n:
                p = min(o, stop)
                write(y, at + p, pick(work, p * step, step), n, spans, p, area)
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
        together = outputs * channels if wy == channels else 0
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


def _make_direct(op: str, kind: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """row(g, x, base, nd, dx, nh, hx, y, at, none, spans, area): one row, straight from x to y."""
    lane, read = nm.lane_accumulator(op, kind, accumulator, out), vc.read
    lanes, run = nm.lanes_of(lane), RUN if lane == accumulator else _WIDE_RUN
    load, add, widen = (
        vc.load(kind, lane, lanes),
        vc.combine(op, lane),
        vc.cast(lane, accumulator, lanes),
    )
    part, nothing = vc.load_part(op, kind, accumulator, lanes), vc.identity(op, accumulator, lanes)
    combine, write = vc.combine(op, accumulator), vc.writer(op, accumulator, out, lanes)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def direct(g, x, base, nd, dx, nh, hx, y, at, count, none, area):
        channels, wx = read(g, _CHANNELS), read(g, _W_X) * read(g, _GAP)
        c = 0
        while c + four <= channels:
            a = b = f = e = nothing()
            for d in range(nd):
                for h in range(nh):
                    for w in range(0, count, run):
                        i = base + d * dx + h * hx + w * wx + c
                        p, q = load(x, i), load(x, i + lanes)
                        r, s = load(x, i + two), load(x, i + three)
                        for _ in range(w + 1, min(w + run, count)):
                            i += wx
                            p, q = add(p, load(x, i)), add(q, load(x, i + lanes))
                            r, s = add(r, load(x, i + two)), add(s, load(x, i + three))
                        a, b = combine(a, widen(p)), combine(b, widen(q))
                        f, e = combine(f, widen(r)), combine(e, widen(s))
            write(y, at + c, a, lanes, none, 0, area)
            write(y, at + c + lanes, b, lanes, none, 0, area)
            write(y, at + c + two, f, lanes, none, 0, area)
            write(y, at + c + three, e, lanes, none, 0, area)
            c += four
        while c < channels:
            k = max(0, min(c, channels - lanes))
            a = nothing()
            for d in range(nd):
                for h in range(nh):
                    i = base + d * dx + h * hx + k
                    if channels < lanes:
                        for w in range(count):
                            a = combine(a, part(x, i + w * wx, channels))
                    else:
                        for w in range(0, count, run):
                            j = i + w * wx
                            p = load(x, j)
                            for _ in range(w + 1, min(w + run, count)):
                                j += wx
                                p = add(p, load(x, j))
                            a = combine(a, widen(p))
            write(y, at + k, a, channels, none, 0, area)
            c += lanes

    direct = helper(direct, f"{name}_direct")
    ragged, mean = step.ragged, op == "mean"

    def row(g, x, base, nd, dx, nh, hx, y, at, none, spans, area):
        length, size, gap, tables = read(g, _LENGTH), read(g, _SIZE), read(g, _GAP), read(g, _AT_W)
        outputs, stride, before = read(g, _OUTPUTS), read(g, _STRIDE), read(g, _BEFORE)
        each = mean and read(g, _SPAN) == 0
        for o in range(outputs):
            if ragged:
                start = read(g, tables + o)
                stop = read(g, tables + outputs + o)
            else:
                start = o * stride - before
                stop = min(length, start + (size - 1) * gap + 1)
                if start < 0:
                    start += (gap - 1 - start) // gap * gap
            count = max(0, stop - start)
            if gap > 1:
                count = (count + gap - 1) // gap
            divisor = area * read(spans, o) if each else area
            place = base + start * read(g, _W_X)
            direct(g, x, place, nd, dx, nh, hx, y, at + o * read(g, _W_Y), count, none, divisor)

    return helper(row, f"{name}_row")


# ---------------------------------------------------------------- the kernels
def _make_locate(name: str) -> Callable:
    """locate(g, plane): where a plane begins in x and in y."""
    read = vc.read

    def locate(g, plane):
        axes, at = read(g, _AXES), read(g, _AT_PLANES)
        px, py, left = read(g, _X0), read(g, _Y0), plane
        for axis in range(at + axes - 1, at - 1, -1):
            index = left % read(g, axis)
            left //= read(g, axis)
            px += index * read(g, axis + axes)
            py += index * read(g, axis + 2 * axes)
        return px, py

    return helper(locate, f"{name}_locate")


def _make_lines(name: str, mean: bool) -> Callable:
    """line(g, od, oh, px, py): a row's first tap, its taps, its place in y, its divisor's part."""
    read = vc.read

    def line(g, od, oh, px, py):
        depth, height, at_d, at_h = (
            read(g, _DEPTH),
            read(g, _HEIGHT),
            read(g, _AT_D),
            read(g, _AT_H),
        )
        base = px + read(g, at_d + od) * read(g, _D_X) + read(g, at_h + oh) * read(g, _H_X)
        target = py + od * read(g, _D_Y) + oh * read(g, _H_Y)
        area = 1.0
        if mean:
            d_span, h_span = read(g, at_d + 2 * depth + od), read(g, at_h + 2 * height + oh)
            area = float(d_span) * float(h_span) * float(max(1, read(g, _SPAN)))
        return base, read(g, at_d + depth + od), read(g, at_h + height + oh), target, area

    return helper(line, f"{name}_line")


def make_kernel(op: str, kind: str, accumulator: str, out: str, step: Step) -> Callable:
    form = "ragged" if step.ragged else f"k{step.size}s{step.stride}"
    form += "_direct" if step.direct else ""
    name = f"rows_{op}_{kind}_{accumulator}_{out}_{form}_c{step.lanes}"
    make = _make_direct_kernel if step.direct else _make_buffered_kernel
    return make(op, kind, accumulator, out, step, name)


def _make_direct_kernel(
    op: str, kind: str, accumulator: str, out: str, step: Step, name: str
) -> Callable:
    row_of = _make_direct(op, kind, accumulator, out, step, name)
    locate, line, mean = _make_locate(name), _make_lines(name, op == "mean"), op == "mean"
    fill_spans = _make_spans(accumulator, step.ragged, name) if mean else _no_spans
    span_type = nm.KINDS[nm.result_kind(accumulator)].dtype
    memory, keep, read = vc.memory, vc.keep, vc.read

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        depth, height, outputs = read(g, _DEPTH), read(g, _HEIGHT), read(g, _OUTPUTS)
        each = mean and read(g, _SPAN) == 0
        none_array, spans_array = np.ones(1, span_type), np.ones(outputs if each else 1, span_type)
        none, spans = memory(none_array), memory(spans_array)
        if each:
            fill_spans(g, spans, 0, outputs, 1)
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            px, py = locate(g, plane)
            od, oh = (row // height) % depth, row % height
            while row < end:
                base, nd, nh, target, area = line(g, od, oh, px, py)
                row_of(
                    g, x, base, nd, read(g, _D_STEP), nh, read(g, _H_STEP),
                    y, target, none, spans, area,
                )  # fmt: skip
                row += 1
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
        keep(none_array)
        keep(spans_array)

    return compile(kernel, name)


def _make_buffered_kernel(
    op: str, kind: str, accumulator: str, out: str, step: Step, name: str
) -> Callable:
    lanes, mean = nm.lanes_of(accumulator), op == "mean"
    many = step.lanes > 1
    grouped = many and not step.ragged and step.lanes < lanes
    dtype, span_type = nm.KINDS[accumulator].dtype, nm.KINDS[nm.result_kind(accumulator)].dtype
    lane = nm.lane_accumulator(op, kind, accumulator, out)
    vertical = make_vertical(op, kind, lane, accumulator, name)
    make_along = _make_channels_along if many and not grouped else _make_along
    along = make_along(op, accumulator, out, step, name)
    fill_spans = _make_spans(accumulator, step.ragged, name) if mean else _no_spans
    locate, line = _make_locate(name), _make_lines(name, mean)
    put1, nothing1 = vc.store(accumulator, 1), vc.identity(op, accumulator, 1)
    memory, keep, read = vc.memory, vc.keep, vc.read
    slack = 2 * lanes * max(4, step.stride) + max(step.size, 1)

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        depth, height = read(g, _DEPTH), read(g, _HEIGHT)
        wx, wy, length, channels = (
            read(g, _W_X),
            read(g, _W_Y),
            read(g, _LENGTH),
            read(g, _CHANNELS),
        )
        d_step, h_step, strips = read(g, _D_STEP), read(g, _H_STEP), read(g, _STRIPS)
        each, repeat = mean and read(g, _SPAN) == 0, channels if grouped else 1
        size = read(g, _WIDEST) * channels + slack + lanes * read(g, _STRIDE)
        spans_array = np.ones(read(g, _MOST) * repeat + lanes if each else 1, span_type)
        buffer_array = np.empty(size, dtype)
        work_array = np.ones(1 if many and not grouped else size, dtype)
        spans, buffer, work = memory(spans_array), memory(buffer_array), memory(work_array)
        for i in range(size):
            put1(buffer, i, nothing1())
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            px, py = locate(g, plane)
            od, oh = (row // height) % depth, row % height
            while row < end:
                base, nd, nh, target, area = line(g, od, oh, px, py)
                at_strip = read(g, _AT_STRIPS)
                for _ in range(strips):
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
                        fill_spans(g, spans, o0, o1, repeat)
                    # One run of numbers; or one for each place, where there are gaps between.
                    runs, run, walk = 1, (stop - begin) * channels, wx
                    if many:
                        walk = 1
                        if wx != channels:
                            runs, run = stop - begin, channels
                    for i in range(begin, begin + runs):
                        vertical(
                            x, base + i * wx, nd, d_step, nh, h_step, walk,
                            buffer, (i - low) * channels, run,
                        )  # fmt: skip
                    along(g, buffer, work, y, target + o0 * wy, o0, o1 - o0, low, spans, area)
                row += 1
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
        keep(spans_array)
        keep(buffer_array)
        keep(work_array)

    return compile(kernel, name)


_no_spans = helper(lambda g, spans, o0, o1, repeat: None, "rows_no_spans")
