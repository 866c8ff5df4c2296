"""Row kernels where channels fill vectors: every tap is read from x, without a buffer."""

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
    LENGTH,
    OUTPUTS,
    RUN,
    SIZE,
    SPAN,
    STRIDE,
    W_X,
    W_Y,
    WIDE_RUN,
    Step,
)
from .writing import writer


def make_direct(op: str, kind: str, accumulator: str, out: str, step: Step, name: str) -> Callable:
    """row(g, x, base, nd, dx, nh, hx, y, at, none, spans, area): one row, straight from x to y."""
    lane, read = nm.lane_accumulator(op, kind, accumulator, out), vc.read
    lanes, run = nm.lanes_of(lane), RUN if lane == accumulator else WIDE_RUN
    load, add, widen = (
        vc.load(kind, lane, lanes),
        vc.combine(op, lane),
        vc.cast(lane, accumulator, lanes),
    )
    part, nothing = vc.load_part(op, kind, accumulator, lanes), vc.identity(op, accumulator, lanes)
    combine, write = vc.combine(op, accumulator), writer(op, accumulator, out, lanes)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def direct(g, x, base, nd, dx, nh, hx, y, at, count, none, area):
        channels, wx = read(g, CHANNELS), read(g, W_X) * read(g, GAP)
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
        length, size, gap, tables = read(g, LENGTH), read(g, SIZE), read(g, GAP), read(g, AT_W)
        outputs, stride, before = read(g, OUTPUTS), read(g, STRIDE), read(g, BEFORE)
        each = mean and read(g, SPAN) == 0
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
            place = base + start * read(g, W_X)
            direct(g, x, place, nd, dx, nh, hx, y, at + o * read(g, W_Y), count, none, divisor)

    return helper(row, f"{name}_row")
