"""The derivative of max and min from the place of each: any windows, channels innermost.

Vectors run over the channels. Each element gathers from the outputs that read it, in order, where
their tap is the one that reads it, and is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import compile, helper
from .tapping import make_tap
from .traintable import (
    CHANNELS,
    D_AT,
    D_COVER,
    D_GAP,
    D_N,
    D_OUTS,
    H_AT,
    H_COVER,
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


def _make_total(kind: str, acc: str, tap: str, name: str) -> Callable:
    """total(t, g, taps, slots, rows, w, gx, to): all channels of one element."""
    lanes = nm.lanes_of(acc)
    load, part = vc.load(kind, acc, lanes), vc.load_part("sum", kind, acc, lanes)
    load_tap, part_tap = vc.load(tap, tap, lanes), vc.load_part("sum", tap, tap, lanes)
    add, nothing, put = vc.combine("sum", acc), vc.identity("sum", acc, lanes), sl.put(kind, lanes)
    same, every, select, read = sl.same(lanes), sl.everywhere(tap, lanes), sl.select, vc.read

    def total(t, g, taps, slots, rows, w, gx, to):
        c, gap, at, outs = read(t, CHANNELS), read(t, W_GAP), read(t, W_AT), read(t, W_OUTS)
        first = read(t, at + 3 * outs + w)
        last = read(t, at + 3 * outs + read(t, W_N) + w)
        k = 0
        while k < c:
            b = max(0, min(k, c - lanes))
            made = zero = nothing()
            for e in range(rows):
                line, tap = read(slots, 2 * e), read(slots, 2 * e + 1)
                for o in range(first, last):
                    way = w - read(t, at + o)
                    if gap > 1:
                        if way % gap:
                            continue
                        way //= gap
                    i = (line + o) * c + b
                    if c < lanes:
                        here, slope = part_tap(taps, i, c), part(g, i, c)
                    else:
                        here, slope = load_tap(taps, i), load(g, i)
                    made = add(made, select(same(here, every(tap + way)), slope, zero))
            put(gx, to + b, made, c)
            k += lanes

    return helper(total, f"{name}_total")


@lru_cache(maxsize=64)
def backward(kind: str, acc: str, tap: str) -> Any:
    """kernel(g, taps, gx, table, first, last): a range of rows of the input."""
    name = f"slopechannels_{kind}_{acc}_{tap}"
    total = _make_total(kind, acc, tap, name)
    memory, keep, read, write = vc.memory, vc.keep, vc.read, vc.write_int("i64")
    tap_of = make_tap()

    def kernel(g_array, taps_array, gx_array, table, first, last):
        g, taps, gx, t = memory(g_array), memory(taps_array), memory(gx_array), memory(table)
        depth, height, width = read(t, D_N), read(t, H_N), read(t, W_N)
        d_outs, h_outs, outs = read(t, D_OUTS), read(t, H_OUTS), read(t, W_OUTS)
        d_at, h_at, c = read(t, D_AT), read(t, H_AT), read(t, CHANNELS)
        d_gap, h_gap = read(t, D_GAP), read(t, H_GAP)
        slots_array = np.empty(2 * read(t, H_COVER) * read(t, D_COVER), np.int64)
        slots = memory(slots_array)
        for row in range(first, last):
            h, d = row % height, row // height % depth
            y0 = row // height // depth * d_outs
            rows = 0
            for od in range(read(t, d_at + 3 * d_outs + d), read(t, d_at + 3 * d_outs + depth + d)):
                dt = tap_of(d - read(t, d_at + od), d_gap)
                if dt < 0:
                    continue
                plane = dt * read(t, H_SIZE)
                h_last = read(t, h_at + 3 * h_outs + height + h)
                for oh in range(read(t, h_at + 3 * h_outs + h), h_last):
                    ht = tap_of(h - read(t, h_at + oh), h_gap)
                    if ht < 0:
                        continue
                    write(slots, 2 * rows, ((y0 + od) * h_outs + oh) * outs)
                    tap = (plane + ht) * read(t, W_SIZE)
                    write(slots, 2 * rows + 1, tap)
                    rows += 1
            for w in range(width):
                total(t, g, taps, slots, rows, w, gx, (row * width + w) * c)
        keep(slots_array)

    return compile(kernel, name)
