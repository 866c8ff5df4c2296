"""Medians, quantiles and their kin of small windows: selection networks, the compiled part.

Every lane of a vector is an output. Windows that are complete and follow each other along a row
go the short way: their columns are sorted into a buffer, once for all windows that share them,
and each window merges its columns. All others (at the border, ragged, far apart, strided memory)
go the long way: their numbers are staged, as vectors where neighbours read alike and one by one
where not, and missing ones are made up by numbers below and above all others, as many of each as
let the wanted rank stand where the network finds it. So one network serves every window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import netvectors as nv
from . import networks
from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import compile, helper
from .rowcode import make_line, make_locate
from .rowtable import (
    AT_W,
    BEFORE,
    CHANNELS,
    D_STEP,
    DEPTH,
    GAP,
    H_STEP,
    HEIGHT,
    LENGTH,
    OUTPUTS,
    SIZE,
    SPAN,
    STRIDE,
    W_X,
    W_Y,
)

CHUNK = 1024  # outputs whose sorted columns the buffer holds
EXTRA = SPAN  # a selection divides nothing: here stands where its own numbers begin, which are
RUN, FIRST, LAST, HIGH, WIDE, SHARE, LOWS = range(7)
# RUN: neighbours that read alike; FIRST .. LAST: outputs whose windows are complete along the row;
# HIGH, WIDE: taps of a complete window; SHARE: its share; LOWS: for n real numbers (0 .. network's
# inputs) how many of the missing are low, then as many shares (bits of float64).


class Order(NamedTuple):
    """What is compiled in: ranks wanted of height x width numbers, and what becomes of them."""

    height: int
    width: int
    wanted: tuple[int, ...]
    finish: str
    complete: tuple[int, ...] = ()  # ranks wanted of complete windows, and what becomes of these
    ending: str = ""
    step: int = 0  # the stride along the row, 0 where no window goes the short way
    ragged: bool = False

    @property
    def name(self) -> str:
        ranks = "_".join(map(str, (*self.wanted, "c", *self.complete)))
        form = "ragged" if self.ragged else f"s{self.step}"
        return f"{self.height}x{self.width}_{self.finish}{self.ending}_{form}_{ranks}"


def make_kernel(kind: str, out: str, order: Order) -> Callable:
    """kernel(x, y, table, first, last) over rows of outputs."""
    name = f"order_{kind}_{out}_{order.name}"
    acc = nv.accumulator_of(kind)
    lanes, inputs = nm.lanes_of(acc), order.height * order.width
    rows, places = lanes + 1, lanes + 1 + order.height  # in the scratch of integers
    locate, line, read = make_locate(name), make_line(name, False), vc.read
    long_way, flush = _make_long_way(kind, out, order, lanes, name)
    short_way = _make_short_way(kind, out, order, lanes, name) if order.step else _none
    memory, keep = vc.memory, vc.keep
    short, height = order.step > 0, order.height
    dtype, out_dtype = nm.KINDS[acc].dtype, nm.KINDS[out].dtype

    stages = 2 * inputs * lanes  # one is filled lane by lane, the other at once
    set_int = vc.write_int("i64")

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        extra, depth, rows_each = read(g, EXTRA), read(g, DEPTH), read(g, HEIGHT)
        outputs, stride = read(g, OUTPUTS), read(g, STRIDE)
        reach = (read(g, SIZE) - 1) * read(g, GAP) + 1
        chunk = max(CHUNK, reach)
        pitch = chunk * stride + reach + (stride + 2) * lanes if short else 1
        # four arrays for all scratch: each is more to compile
        numbers_array, shares_array = np.empty(stages + height * pitch, dtype), np.empty(2 * lanes)
        done_array, ints_array = np.empty(lanes, out_dtype), np.empty(places + height, np.int64)
        numbers, shares = memory(numbers_array), memory(shares_array)
        done, ints = memory(done_array), memory(ints_array)
        set_int(ints, lanes, 0)
        begin, end = read(g, extra + FIRST), read(g, extra + LAST)
        high = read(g, extra + HIGH)
        for h in range(height if short else 0):
            d = h // high
            set_int(ints, rows + h, d * read(g, D_STEP) + (h - d * high) * read(g, H_STEP))
            set_int(ints, places + h, stages + h * pitch)
        for row in range(first, last):
            px, py = locate(g, row // (depth * rows_each))
            od, oh = (row // rows_each) % depth, row % rows_each
            base, nd, nh, target, _ = line(g, od, oh, px, py)
            full = short and nd * nh == height
            if full:
                short_way(g, x, y, base, target, begin, end, chunk, ints, numbers, pitch)
            o0, o1 = 0, begin if full else outputs
            for _ in range(2 if full else 1):
                long_way(g, x, y, base, nd, nh, target, o0, o1, numbers, shares, done, ints)
                o0, o1 = end, outputs
        flush(y, numbers, shares, done, ints)
        keep(numbers_array)
        keep(shares_array)
        keep(done_array)
        keep(ints_array)

    return compile(kernel, name)


_none = helper(
    lambda g, x, y, base, target, begin, end, chunk, ints, numbers, pitch: None,
    "order_no_short_way",
)


def _make_short_way(kind: str, out: str, order: Order, lanes: int, name: str) -> Callable:
    """short_way(...): complete windows of one row, from sorted columns."""
    acc, height = nv.accumulator_of(kind), order.height
    network = networks.selector(height, order.width, order.complete, True)
    straight = nv.columns(kind, acc, lanes, height)
    again = nv.columns(acc, acc, lanes, height)
    across = nv.across(kind, out, lanes, network, height, order.width, order.step, order.ending)
    part, put = vc.load_part("max", kind, acc, lanes), vc.store(acc, lanes)
    store, read, as_float = sl.put(out, lanes), vc.read, nv.as_float

    rows, places, buffer = lanes + 1, lanes + 1 + height, 2 * height * order.width * lanes

    def short_way(g, x, y, base, target, begin, end, chunk, ints, numbers, pitch):
        stride, gap, before = read(g, STRIDE), read(g, GAP), read(g, BEFORE)
        reach = (read(g, SIZE) - 1) * gap + 1
        share = as_float(read(g, read(g, EXTRA) + SHARE))
        o = begin
        while o < end:
            m = min(chunk, end - o)
            low, n = base + o * stride - before, (m - 1) * stride + reach
            if n >= lanes:
                j = 0
                while j < n:
                    q = min(j, n - lanes)
                    straight(x, low + q, ints, rows, numbers, buffer + q, pitch)
                    j += lanes
            else:
                for h in range(height):
                    put(numbers, buffer + h * pitch, part(x, low + read(ints, rows + h), n))
                again(numbers, 0, ints, places, numbers, buffer, pitch)
            j = 0
            while j < m:
                p = min(j, max(m - lanes, 0))
                found = across(numbers, buffer + p * stride, gap, pitch, share)
                store(y, target + o + p, found, m)
                j += lanes
            o += m

    return helper(short_way, f"{name}_short_way")


def _make_long_way(
    kind: str, out: str, order: Order, lanes: int, name: str
) -> tuple[Callable, Callable]:
    """long_way(..., o0, o1, room): outputs one after the other; flush(y, room): what waits."""
    acc, inputs = nv.accumulator_of(kind), order.height * order.width
    network = networks.selector(order.height, order.width, order.wanted, False)
    whole = nv.whole(kind, out, lanes, network, order.finish)
    load, part = vc.load(kind, acc, lanes), vc.load_part("max", kind, acc, lanes)
    load1, put1, put_all = vc.load(kind, acc, 1), vc.store(acc, 1), vc.store(acc, lanes)
    low_all, high_all = nv.ends(acc, lanes, True), nv.ends(acc, lanes, False)
    low1, high1 = nv.ends(acc, 1, True), nv.ends(acc, 1, False)
    put_out, get_out = vc.store(out, lanes), vc.load(out, out, lanes)
    get1, write1 = vc.load(out, out, 1), vc.store(out, 1)
    write, share1 = sl.put(out, lanes), vc.store("f64", 1)
    share_all, number, number1 = (
        vc.store("f64", lanes),
        sl.number("f64", lanes),
        sl.number("f64", 1),
    )
    set_int = vc.write_int("i64")
    read, as_float, ragged, half = vc.read, nv.as_float, order.ragged, max(lanes // 2, 1)

    def reach_of(g, o):
        """The first real tap of an output along the row, and how many there are."""
        if ragged:
            at = read(g, AT_W) + o
            return read(g, at), max(0, read(g, at + read(g, OUTPUTS)) - read(g, at))
        gap, place = read(g, GAP), o * read(g, STRIDE) - read(g, BEFORE)
        low = max(0, -(place // gap))
        high = min(read(g, SIZE), -((place - read(g, LENGTH)) // gap))
        return place + low * gap, max(0, high - low)

    # the one piece that is called, not inlined: it is large and needed in several places
    pooled = helper(
        lambda numbers, at, shares, i, done: put_out(done, 0, whole(numbers, at, shares, i)),
        f"{name}_pooled", forceinline=False,
    )  # fmt: skip

    def flush(y, numbers, shares, done, ints):
        """The windows staged lane by lane go through the network, and to their places."""
        count = read(ints, lanes)
        if count > 0:
            pooled(numbers, 0, shares, 0, done)
            for lane in range(count):
                write1(y, read(ints, lane), get1(done, lane))
        set_int(ints, lanes, 0)

    def one_by_one(g, x, base, w0, nw, gap, nd, nh, lane, n, numbers, shares):
        dx, hx, t = read(g, D_STEP), read(g, H_STEP), lane
        for d in range(nd):
            for h in range(nh):
                i = base + d * dx + h * hx + w0
                for _ in range(nw):
                    put1(numbers, t, load1(x, i))
                    i += gap
                    t += lanes
        at = read(g, EXTRA) + LOWS
        for k in range(n, inputs):
            put1(numbers, t, low1() if k - n < read(g, at + n) else high1())
            t += lanes
        share1(shares, lane, number1(as_float(read(g, at + inputs + 1 + n))))

    def together(g, x, y, base, w0, nw, gap, nd, nh, to, m, n, numbers, shares, done):
        """Neighbours that read alike: lane by lane at once."""
        dx, hx, t = read(g, D_STEP), read(g, H_STEP), inputs * lanes
        for d in range(nd):
            for h in range(nh):
                i = base + d * dx + h * hx + w0
                for _ in range(nw):
                    put_all(numbers, t, load(x, i) if m >= lanes else part(x, i, m))
                    i += gap
                    t += lanes
        at = read(g, EXTRA) + LOWS
        for k in range(n, inputs):
            put_all(numbers, t, low_all() if k - n < read(g, at + n) else high_all())
            t += lanes
        share_all(shares, lanes, number(as_float(read(g, at + inputs + 1 + n))))
        pooled(numbers, inputs * lanes, shares, lanes, done)
        write(y, to, get_out(done, 0), m)

    flush = helper(flush, f"{name}_flush", forceinline=False)
    reach_of = helper(reach_of, f"{name}_reach")
    one_by_one = helper(one_by_one, f"{name}_one_by_one", forceinline=False)
    together = helper(together, f"{name}_together", forceinline=False)

    def long_way(g, x, y, base, nd, nh, target, o0, o1, numbers, shares, done, ints):
        extra, channels = read(g, EXTRA), read(g, CHANNELS)
        begin, end, run = read(g, extra + FIRST), read(g, extra + LAST), read(g, extra + RUN)
        wx, wy = read(g, W_X), read(g, W_Y)
        gap = wx if ragged else read(g, GAP) * wx
        o = o0
        while o < o1:
            place, nw = reach_of(g, o)
            n, w0, to = nd * nh * nw, place * wx, target + o * wy
            # How many outputs from here on read alike, counted in lanes that lie side by side.
            alike, jump = channels, 1
            if channels == 1:
                alike = min(o1, run - o % run + o) - o
                if begin <= o < end and read(g, STRIDE) == 1 and wx == 1 and wy == 1:
                    alike = min(end, o1) - o
                jump = alike
            if n > 0:
                c = 0
                while c < alike:
                    m = alike - c
                    if m >= half or alike >= half:
                        b = c if m >= lanes else max(0, alike - lanes)
                        together(
                            g, x, y, base, w0 + b, nw, gap, nd, nh, to + b, alike - b, n,
                            numbers, shares, done,
                        )  # fmt: skip
                        c += lanes
                    else:
                        lane = read(ints, lanes)
                        one_by_one(g, x, base, w0 + c, nw, gap, nd, nh, lane, n, numbers, shares)
                        set_int(ints, lane, to + c)
                        set_int(ints, lanes, lane + 1)
                        if lane + 1 == lanes:
                            flush(y, numbers, shares, done, ints)
                        c += 1
            o += jump

    return helper(long_way, f"{name}_long_way", forceinline=False), flush
