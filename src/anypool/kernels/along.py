"""Row kernels, the second step: from the combined row to the windows along it."""

from __future__ import annotations

from collections.abc import Callable

from . import numbers as nm
from . import vectors as vc
from .cache import helper
from .rowtable import (
    AT_W,
    BEFORE,
    CHANNELS,
    GAP,
    OUTPUTS,
    SIZE,
    SPAN,
    SPAN_HIGH,
    SPAN_LOW,
    STRIDE,
    W_Y,
    Step,
)
from .writing import writer


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


def make_spans(accumulator: str, ragged: bool, name: str) -> Callable:
    """fill(g, spans, o0, o1, repeat): the divisor's share of the outputs o0 .. o1 - 1.

    Each is written `repeat` times, once for every channel.
    """
    write, read = vc.write_int(nm.result_kind(accumulator)), vc.read

    def from_table(g, spans, o0, o1, repeat):
        at = read(g, AT_W) + 2 * read(g, OUTPUTS)
        for o in range(o0, o1):
            for i in range((o - o0) * repeat, (o - o0 + 1) * repeat):
                write(spans, i, read(g, at + o))

    def counted(g, spans, o0, o1, repeat):
        gap, size = read(g, GAP), read(g, SIZE)
        stride, before = read(g, STRIDE), read(g, BEFORE)
        for o in range(o0, o1):
            place = o * stride - before
            low = max(0, -((place - read(g, SPAN_LOW)) // gap))
            high = min(size, -((place - read(g, SPAN_HIGH)) // gap))
            for i in range((o - o0) * repeat, (o - o0 + 1) * repeat):
                write(spans, i, max(0, high - low))

    return helper(from_table if ragged else counted, f"{name}_spans")


def make_along(
    op: str, accumulator: str, out: str, step: Step, name: str, writer: Callable = writer
) -> Callable:
    """along(g, buffer, work, y, at, o0, n, low, spans, area): n outputs from the buffer to y.

    Serves one channel and few channels; with few, `work` holds them flat.
    """
    lanes, few = nm.lanes_of(accumulator), step.lanes
    get, put = vc.load(accumulator, accumulator, lanes), vc.store(accumulator, lanes)
    get_few, put_few = vc.load(accumulator, accumulator, few), vc.store(accumulator, few)
    write, write_few = writer(op, accumulator, out, lanes), writer(op, accumulator, out, few)
    taps = vc.taps(op, accumulator, lanes, max(step.size, 1), max(step.stride, 1))
    combine, read, stride = vc.combine(op, accumulator), vc.read, step.stride
    pick, two = vc.pick(accumulator, lanes), 2 * lanes

    def known(g, buffer, work, y, at, o0, n, low, spans, area):
        # Shuffles compiled for this size and stride; the last vector overlaps the one before.
        gap, wy, o, stop = read(g, GAP), read(g, W_Y), 0, max(n - lanes, 0)
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
        at, outputs = read(g, AT_W) + o0, read(g, OUTPUTS)
        for o in range(n):
            start = read(g, at + o)
            put_few(
                work, o, segment(buffer, start - low, max(0, read(g, at + outputs + o) - start))
            )
        return 1

    def regular(g, buffer, work, o0, n, low):
        channels, stride = read(g, CHANNELS), read(g, STRIDE)
        size, gap = read(g, SIZE), read(g, GAP) * channels
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
        wy, channels = read(g, W_Y), read(g, CHANNELS)
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


def make_channels_along(op: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """The same where every place holds many channels: vectors of step.lanes over the channels.

    The place of `work` takes an array of one number.
    """
    lanes, ragged, mean, read = step.lanes, step.ragged, op == "mean", vc.read
    get, nothing = vc.load(accumulator, accumulator, lanes), vc.identity(op, accumulator, lanes)
    combine, write = vc.combine(op, accumulator), writer(op, accumulator, out, lanes)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def along(g, buffer, none, y, at, o0, n, low, spans, area):
        channels, outputs, wy = read(g, CHANNELS), read(g, OUTPUTS), read(g, W_Y)
        stride, count, gap = read(g, STRIDE), read(g, SIZE), read(g, GAP) * channels
        tables, each = read(g, AT_W), mean and read(g, SPAN) == 0
        together = outputs * channels if wy == channels else 0
        for o in range(o0, o0 + n):
            start = o * stride - read(g, BEFORE)
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
