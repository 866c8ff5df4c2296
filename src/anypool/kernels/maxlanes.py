"""Max and min with the place of each in its window: sliding windows, the pooled axes innermost.

An input row is taken apart by the stride, so that vectors run over neighbouring outputs. Each row
is first reduced along itself (its best numbers and their taps, kept in a ring, since several rows
of outputs need them), then the rows of a window are reduced. Both go through the taps in order and
take what is strictly better, so the first of equals wins; a NaN always, and so the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from . import weaving as wv
from .cache import compile, helper
from .traintable import (
    AT_HOLLOW,
    D_AT,
    D_GAP,
    D_N,
    D_OUTS,
    D_SIZE,
    H_AT,
    H_GAP,
    H_N,
    H_OUTS,
    H_SIZE,
    HOLLOW,
    PITCH,
    RING,
    STRIP,
    W_AT,
    W_GAP,
    W_N,
    W_OUTS,
    W_SIZE,
)


def computed_in(kind: str) -> str:
    """What the training kernels compute with: float32 for halves."""
    return "f32" if nm.KINDS[kind].family == "half" else kind


def _make_along(op: str, kind: str, step: int, name: str) -> Callable:
    """along(g, x, base, o, n, stage, best, taps, to): one row of x, its windows along itself."""
    acc = computed_in(kind)
    lanes, stretch = nm.lanes_of(acc), nm.lanes_of(acc) * step
    apart, beats = wv.apart(op, kind, acc, lanes, step), sl.beats(op, acc, lanes)
    load, first = vc.load(acc, acc, lanes), vc.load("i64", "i32", lanes)
    put, put_tap, every = vc.store(acc, lanes), vc.store("i32", lanes), sl.everywhere("i32", lanes)
    select, read = sl.select, vc.read

    def along(g, x, base, o, n, stage, best, taps, to):
        pitch, size, gap = read(g, PITCH), read(g, W_SIZE), read(g, W_GAP)
        shift = read(g, W_AT) + o
        q = read(g, shift)
        low = max(0, q)
        count = min(read(g, W_N), q + (n - 1) * step + (size - 1) * gap + 1) - low
        w = 0
        while w < count:
            at = max(0, min(w, count - stretch))
            apart(x, base + low + at, count, stage, low - q + at, pitch)
            w += stretch
        shift += read(g, W_OUTS)
        w = 0
        while w < n:
            value, tap = load(stage, w), first(g, shift + w)
            place = gap
            for j in range(1, size):
                other = load(stage, place % step * pitch + place // step + w)
                newer = beats(other, value)
                value, tap = select(newer, other, value), select(newer, every(j), tap)
                place += gap
            put(best, to + w, value)
            put_tap(taps, to + w, tap)
            w += lanes

    return helper(along, f"{name}_along")


def _make_across(op: str, kind: str, tap: str, name: str) -> Callable:
    """across(g, best, taps, slots, bases, rows, y, at, t, n): the rows of one window, in order."""
    acc = computed_in(kind)
    lanes = nm.lanes_of(acc)
    beats, load, load_tap = (
        sl.beats(op, acc, lanes),
        vc.load(acc, acc, lanes),
        vc.load("i32", "i32", lanes),
    )
    put, put_tap, add = sl.put(kind, lanes), sl.put(tap, lanes), vc.combine("sum", "i32")
    every, select, read = sl.everywhere("i32", lanes), sl.select, vc.read

    def across(best, taps, slots, rows, y, where, at, n):
        w = 0
        while w < n:
            o = max(0, min(w, n - lanes))
            place = read(slots, 0) + o
            value = load(best, place)
            found = add(load_tap(taps, place), every(read(slots, 1)))
            for e in range(1, rows):
                place = read(slots, 2 * e) + o
                other = load(best, place)
                newer = beats(other, value)
                value = select(newer, other, value)
                found = select(
                    newer, add(load_tap(taps, place), every(read(slots, 2 * e + 1))), found
                )
            put(y, at + o, value, n)
            put_tap(where, at + o, found, n)
            w += lanes

    return helper(across, f"{name}_across")


@lru_cache(maxsize=64)
def forward(op: str, kind: str, tap: str, step: int) -> Any:
    """kernel(x, y, taps, table, first, last): a range of rows of outputs; `step` is the stride."""
    name = f"maxlanes_{op}_{kind}_{tap}_s{step}"
    acc = computed_in(kind)
    along, across = _make_along(op, kind, step, name), _make_across(op, kind, tap, name)
    lanes, number = nm.lanes_of(acc), nm.KINDS[acc].dtype
    nothing = number(-np.inf if op == "max" else np.inf)
    none, write_tap = 255 if tap == "u8" else -1, vc.write_int(tap)
    memory, keep, read, write = vc.memory, vc.keep, vc.read, vc.write_int("i64")

    def kernel(x_array, y_array, taps_array, table, first, last):
        x, y, where, g = memory(x_array), memory(y_array), memory(taps_array), memory(table)
        depth, height, width = read(g, D_OUTS), read(g, H_OUTS), read(g, W_OUTS)
        d_at, h_at, ring = read(g, D_AT), read(g, H_AT), read(g, RING)
        strip = min(read(g, STRIP), width)
        d_size, h_size, w_size = read(g, D_SIZE), read(g, H_SIZE), read(g, W_SIZE)
        room = (strip + lanes - 1) // lanes * lanes
        stage_array = np.full(step * read(g, PITCH), nothing, number)
        best_array = np.empty(ring * d_size * room, number)
        taps_row_array = np.empty(ring * d_size * room, np.int32)
        held_array = np.empty(ring * d_size, np.int64)
        slots_array = np.empty(2 * h_size * d_size, np.int64)
        stage, best, taps_row = memory(stage_array), memory(best_array), memory(taps_row_array)
        held, slots = memory(held_array), memory(slots_array)
        row = first
        while row < last:
            oh = row % height
            od = row // height % depth
            x0 = row // height // depth * read(g, D_N) * read(g, H_N) * read(g, W_N)
            end = min(last, row - oh + height)
            d_low, d_high = read(g, d_at + depth + od), read(g, d_at + 2 * depth + od)
            for left in range(0, width, strip):
                n = min(strip, width - left)
                if strip < width:
                    stage_array[:] = nothing
                for s in range(ring * d_size):
                    write(held, s, -1)
                for r in range(row, end):
                    o = oh + r - row
                    h_low = read(g, h_at + height + o)
                    h_high = read(g, h_at + 2 * height + o)
                    rows = 0
                    for d in range(d_low, d_high):
                        plane = read(g, d_at + od) + d * read(g, D_GAP)
                        for i in range(h_low, h_high):
                            h = read(g, h_at + o) + i * read(g, H_GAP)
                            slot = (h & (ring - 1)) * d_size + d
                            if read(held, slot) != h:
                                write(held, slot, h)
                                base = x0 + (plane * read(g, H_N) + h) * read(g, W_N)
                                along(g, x, base, left, n, stage, best, taps_row, slot * room)
                            write(slots, 2 * rows, slot * room)
                            write(slots, 2 * rows + 1, (d * h_size + i) * w_size)
                            rows += 1
                    at = r * width + left
                    if rows > 0:
                        across(best, taps_row, slots, rows, y, where, at, n)
                        for e in range(read(g, HOLLOW)):
                            hollow = read(g, read(g, AT_HOLLOW) + e)
                            if left <= hollow < left + n:
                                write_tap(where, r * width + hollow, none)
                    else:
                        for e in range(n):
                            write_tap(where, at + e, none)
            row = end
        keep(stage_array)
        keep(best_array)
        keep(taps_row_array)
        keep(held_array)
        keep(slots_array)

    return compile(kernel, name)
