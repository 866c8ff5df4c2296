"""Max and min with the place of each in its window: windows of any widths, pooled axes innermost.

The rows of a window are reduced first, column by column, which are vectors whatever the windows
along the row; then each window takes the best of its columns, where ties go to the lower place and
NaN to the higher.
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
from .maxlanes import computed_in
from .traintable import (
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


def _make_down(op: str, kind: str, name: str) -> Callable:
    """down(t, x, base, d_low, d_high, low, high, best, places): the rows of a window to one.

    A place is the row's number in the window times the row's length, plus the column.
    """
    acc = computed_in(kind)
    lanes = nm.lanes_of(acc)
    load, part = vc.load(kind, acc, lanes), vc.load_part(op, kind, acc, lanes)
    beats, put, put_place = (
        sl.beats(op, acc, lanes),
        vc.store(acc, lanes),
        vc.store("i32", lanes),
    )
    nothing, every = vc.identity(op, acc, lanes), sl.everywhere("i32", lanes)
    counting, add, select, read = (
        sl.counting("i32", lanes),
        vc.combine("sum", "i32"),
        sl.select,
        vc.read,
    )

    def down(t, x, base, d_low, d_high, low, high, best, places):
        width, h_size, h_gap = read(t, W_N), read(t, H_SIZE), read(t, H_GAP) * read(t, W_N)
        d_gap = read(t, D_GAP) * read(t, H_N) * width
        w = 0
        while w < width:
            at = max(0, min(w, width - lanes))
            value, found = nothing(), every((d_low * h_size + low) * width)
            for d in range(d_low, d_high):
                line = base + d * d_gap + at
                for i in range(low, high):
                    if width < lanes:
                        other = part(x, line + i * h_gap, width)
                    else:
                        other = load(x, line + i * h_gap)
                    newer = beats(other, value)
                    value = select(newer, other, value)
                    found = select(newer, every((d * h_size + i) * width), found)
            put(best, at, value)
            put_place(places, at, add(found, counting(at)))
            w += lanes

    return helper(down, f"{name}_down")


def _make_window(op: str, kind: str, name: str) -> Callable:
    """window(best, places, first, gap, count, y, at): one output; returns its place."""
    acc = computed_in(kind)
    lanes = nm.lanes_of(acc)
    load, load_place = vc.load(acc, acc, lanes), vc.load("i32", "i32", lanes)
    load1, load_place1 = vc.load(acc, acc, 1), vc.load("i32", "i32", 1)
    precedes, precedes1 = sl.precedes(op, acc, lanes), sl.precedes(op, acc, 1)
    put, put_place, put1 = vc.store(acc, lanes), vc.store("i32", lanes), vc.store(kind, 1)
    select, whole = sl.select, sl.whole

    def window(best, places, first, gap, count, spare, spare_places, y, at):
        w, left = first, count
        value, found = load1(best, w), load_place1(places, w)
        if gap == 1 and count >= 4 * lanes:  # a wide one: lane by lane, then the lanes
            most, where = load(best, w), load_place(places, w)
            for k in range(lanes, count, lanes):
                i = w + min(k, count - lanes)
                other, place = load(best, i), load_place(places, i)
                newer = precedes(other, place, most, where)
                most, where = select(newer, other, most), select(newer, place, where)
            put(spare, 0, most)
            put_place(spare_places, 0, where)
            best, places, w, left = spare, spare_places, 0, lanes
            value, found = load1(best, 0), load_place1(places, 0)
        for _ in range(1, left):
            w += gap
            other, place = load1(best, w), load_place1(places, w)
            newer = precedes1(other, place, value, found)
            value, found = select(newer, other, value), select(newer, place, found)
        put1(y, at, value)
        return whole(found)

    return helper(window, f"{name}_window")


@lru_cache(maxsize=64)
def forward(op: str, kind: str, tap: str) -> Any:
    """kernel(x, y, taps, table, first, last): a range of rows of outputs."""
    name = f"maxcolumns_{op}_{kind}_{tap}"
    acc = computed_in(kind)
    down, window = _make_down(op, kind, name), _make_window(op, kind, name)
    lanes, number = nm.lanes_of(acc), nm.KINDS[acc].dtype
    none, write_tap = 255 if tap == "u8" else -1, vc.write_int(tap)
    memory, keep, read = vc.memory, vc.keep, vc.read

    def kernel(x_array, y_array, taps_array, table, first, last):
        x, y, where, t = memory(x_array), memory(y_array), memory(taps_array), memory(table)
        depth, height, outs, width = read(t, D_OUTS), read(t, H_OUTS), read(t, W_OUTS), read(t, W_N)
        d_at, h_at, w_at = read(t, D_AT), read(t, H_AT), read(t, W_AT)
        gap, w_size = read(t, W_GAP), read(t, W_SIZE)
        best_array, places_array = (
            np.empty(width + lanes, number),
            np.empty(width + lanes, np.int32),
        )
        spare_array, spare_places_array = np.empty(lanes, number), np.empty(lanes, np.int32)
        best, places = memory(best_array), memory(places_array)
        spare, spare_places = memory(spare_array), memory(spare_places_array)
        for row in range(first, last):
            oh, od = row % height, row // height % depth
            x0 = row // height // depth * read(t, D_N)
            d_low, d_high = read(t, d_at + depth + od), read(t, d_at + 2 * depth + od)
            low, high = read(t, h_at + height + oh), read(t, h_at + 2 * height + oh)
            some = d_low < d_high and low < high
            if some:
                base = (x0 + read(t, d_at + od)) * read(t, H_N) + read(t, h_at + oh)
                down(t, x, base * width, d_low, d_high, low, high, best, places)
            for o in range(outs):
                start, skip = read(t, w_at + o), read(t, w_at + outs + o)
                count = read(t, w_at + 2 * outs + o) - skip
                tap = none
                if some and count > 0:
                    place = window(best, places, start + skip * gap, gap, count, spare,
                                   spare_places, y, row * outs + o)  # fmt: skip
                    tap = place // width
                    tap = tap * w_size + (place - tap * width - start) // gap
                write_tap(where, row * outs + o, tap)
        keep(best_array)
        keep(places_array)
        keep(spare_array)
        keep(spare_places_array)

    return compile(kernel, name)
