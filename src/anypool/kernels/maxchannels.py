"""Max and min with the place of each in its window: any windows, channels innermost.

Vectors run over the channels; every tap is read straight from the input, in order, and taken where
it is strictly better, so the first of equals wins; a NaN always, and so the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import compile, helper
from .maxlanes import computed_in
from .traintable import (
    CHANNELS,
    D_AT,
    D_GAP,
    D_N,
    D_OUTS,
    H_AT,
    H_GAP,
    H_N,
    H_OUTS,
    H_SIZE,
    W_AT,
    W_GAP,
    W_N,
    W_OUTS,
    W_SIZE,
)


def _make_four(op: str, kind: str, tap: str, name: str) -> Callable:
    """four(t, x, base, span, y, taps, to): four vectors of channels of one output."""
    acc = computed_in(kind)
    lanes = nm.lanes_of(acc)
    load, beats, select = vc.load(kind, acc, lanes), sl.beats(op, acc, lanes), sl.select
    put, put_tap, read = vc.store(kind, lanes), vc.store(tap, lanes), vc.read
    nothing, every = vc.identity(op, acc, lanes), sl.everywhere("i32", lanes)
    two, three = 2 * lanes, 3 * lanes

    def four(t, x, base, ranges, y, taps, to):
        d_low, d_high, h_low, h_high, w_low, w_high = ranges
        c, h_size, w_size = read(t, CHANNELS), read(t, H_SIZE), read(t, W_SIZE)
        hop = read(t, W_GAP) * c
        h_hop = read(t, H_GAP) * read(t, W_N) * c
        d_hop = read(t, D_GAP) * read(t, H_N) * read(t, W_N) * c
        p = q = r = s = nothing()
        tap = every((d_low * h_size + h_low) * w_size + w_low)
        a = b = e = f = tap
        for d in range(d_low, d_high):
            for h in range(h_low, h_high):
                at = base + d * d_hop + h * h_hop + w_low * hop
                for w in range(w_low, w_high):
                    tap = every((d * h_size + h) * w_size + w)
                    v = load(x, at)
                    m = beats(v, p)
                    p, a = select(m, v, p), select(m, tap, a)
                    v = load(x, at + lanes)
                    m = beats(v, q)
                    q, b = select(m, v, q), select(m, tap, b)
                    v = load(x, at + two)
                    m = beats(v, r)
                    r, e = select(m, v, r), select(m, tap, e)
                    v = load(x, at + three)
                    m = beats(v, s)
                    s, f = select(m, v, s), select(m, tap, f)
                    at += hop
        put(y, to, p)
        put(y, to + lanes, q)
        put(y, to + two, r)
        put(y, to + three, s)
        put_tap(taps, to, a)
        put_tap(taps, to + lanes, b)
        put_tap(taps, to + two, e)
        put_tap(taps, to + three, f)

    return helper(four, f"{name}_four")


def _make_one(op: str, kind: str, tap: str, name: str) -> Callable:
    """one(t, x, base, ranges, y, taps, to, count): one vector, or its first channels."""
    acc = computed_in(kind)
    lanes = nm.lanes_of(acc)
    load, part = vc.load(kind, acc, lanes), vc.load_part(op, kind, acc, lanes)
    beats, select = sl.beats(op, acc, lanes), sl.select
    put, put_tap, read = sl.put(kind, lanes), sl.put(tap, lanes), vc.read
    nothing, every = vc.identity(op, acc, lanes), sl.everywhere("i32", lanes)

    def one(t, x, base, ranges, y, taps, to, count):
        d_low, d_high, h_low, h_high, w_low, w_high = ranges
        c, h_size, w_size = read(t, CHANNELS), read(t, H_SIZE), read(t, W_SIZE)
        hop = read(t, W_GAP) * c
        h_hop = read(t, H_GAP) * read(t, W_N) * c
        d_hop = read(t, D_GAP) * read(t, H_N) * read(t, W_N) * c
        value, found = nothing(), every((d_low * h_size + h_low) * w_size + w_low)
        for d in range(d_low, d_high):
            for h in range(h_low, h_high):
                at = base + d * d_hop + h * h_hop + w_low * hop
                for w in range(w_low, w_high):
                    v = part(x, at, count) if count < lanes else load(x, at)
                    m = beats(v, value)
                    tap = every((d * h_size + h) * w_size + w)
                    value, found = select(m, v, value), select(m, tap, found)
                    at += hop
        put(y, to, value, count)
        put_tap(taps, to, found, count)

    return helper(one, f"{name}_one")


@lru_cache(maxsize=64)
def forward(op: str, kind: str, tap: str) -> Any:
    """kernel(x, y, taps, table, first, last): a range of rows of outputs."""
    name = f"maxchannels_{op}_{kind}_{tap}"
    lanes = nm.lanes_of(computed_in(kind))
    four, one = _make_four(op, kind, tap, name), _make_one(op, kind, tap, name)
    none, write_tap = 255 if tap == "u8" else -1, vc.write_int(tap)
    memory, read = vc.memory, vc.read

    def kernel(x_array, y_array, taps_array, table, first, last):
        x, y, taps, t = memory(x_array), memory(y_array), memory(taps_array), memory(table)
        depth, height, outs, c = (
            read(t, D_OUTS),
            read(t, H_OUTS),
            read(t, W_OUTS),
            read(t, CHANNELS),
        )
        d_at, h_at, w_at = read(t, D_AT), read(t, H_AT), read(t, W_AT)
        for row in range(first, last):
            oh, od = row % height, row // height % depth
            line = row // height // depth * read(t, D_N) + read(t, d_at + od)
            line = (line * read(t, H_N) + read(t, h_at + oh)) * read(t, W_N)
            d_low, d_high = read(t, d_at + depth + od), read(t, d_at + 2 * depth + od)
            h_low, h_high = read(t, h_at + height + oh), read(t, h_at + 2 * height + oh)
            for o in range(outs):
                w_low, w_high = read(t, w_at + outs + o), read(t, w_at + 2 * outs + o)
                ranges = (d_low, d_high, h_low, h_high, w_low, w_high)
                base, to = (line + read(t, w_at + o)) * c, (row * outs + o) * c
                if d_low == d_high or h_low == h_high or w_low == w_high:
                    for k in range(c):
                        write_tap(taps, to + k, none)
                    continue
                k = 0
                while k + 4 * lanes <= c:
                    four(t, x, base + k, ranges, y, taps, to + k)
                    k += 4 * lanes
                while k < c:
                    at = max(0, min(k, c - lanes))
                    one(t, x, base + at, ranges, y, taps, to + at, c)
                    k += lanes

    return compile(kernel, name)
