"""The derivative of max and min from the place of each: sliding windows, pooled axes innermost.

Each input row gathers from the few rows of outputs that read it: where an output's tap is the one
that reads this element, its derivative is added. Vectors run over the elements that are a stride
apart, which the same tap of neighbouring outputs reads; the phases are woven in registers (a buffer
between made a short row wait for its own stores).
Every element is the sum over its outputs in one fixed order, and written once.
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
from .tapping import make_tap
from .traintable import (
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
    STRIP,
    W_AT,
    W_GAP,
    W_N,
    W_OUTS,
    W_SIZE,
)


def _make_copy(kind: str, acc: str, tap: str, name: str) -> Callable:
    """copy(g, taps, base, count, slopes, found, to): a row of outputs into the ring."""
    lanes = nm.lanes_of(acc)
    move, move_tap = wv.apart("sum", kind, acc, lanes, 1), wv.apart("sum", tap, tap, lanes, 1)

    def copy(g, taps, base, count, slopes, found, to):
        w = 0
        while w < count:
            move(g, base + w, count - w, slopes, to + w, 0)
            move_tap(taps, base + w, count - w, found, to + w, 0)
            w += lanes

    return helper(copy, f"{name}_copy")


def _make_sum(acc: str, tap: str, step: int, name: str) -> Callable:
    """total(slopes, found, at, slots, rows, j, hop, size, gap): one vector of a phase."""
    lanes = nm.lanes_of(acc)
    load, load_tap = vc.load(acc, acc, lanes), vc.load(tap, tap, lanes)
    add, nothing = vc.combine("sum", acc), vc.identity("sum", acc, lanes)
    same, every = sl.same(lanes), sl.everywhere(tap, lanes)
    select, read = sl.select, vc.read

    def total(slopes, found, at, slots, rows, first, hop, size, gap):
        made = zero = nothing()
        for e in range(rows):
            place, tap = read(slots, 2 * e) + at, read(slots, 2 * e + 1)
            for j in range(first, size, hop):
                i = place - j * gap // step
                here = same(load_tap(found, i), every(tap + j))
                made = add(made, select(here, load(slopes, i), zero))
        return made

    return helper(total, f"{name}_total")


def _make_block(acc: str, tap: str, step: int, name: str) -> Callable:
    """block(slopes, found, back, slots, rows, q, size, gap, hop): a vector for each phase, woven.

    ``q``: how far the first element is from where the strip's first window starts.
    """
    total = _make_sum(acc, tap, step, name)
    weave = wv.weave(acc, nm.lanes_of(acc), step)

    def one(slopes, found, back, slots, rows, q, size, gap, hop):
        phase, first = q % step, 0
        if gap == 1:
            first = phase
        else:
            while first < hop and first * gap % step != phase:
                first += 1
            first = first if first < hop else size
        return total(slopes, found, back + q // step, slots, rows, first, hop, size, gap)

    one = helper(one, f"{name}_phase")

    def block1(s, f, back, slots, rows, q, size, gap, hop):
        return weave(one(s, f, back, slots, rows, q, size, gap, hop))

    def block2(s, f, back, slots, rows, q, size, gap, hop):
        return weave(
            one(s, f, back, slots, rows, q, size, gap, hop),
            one(s, f, back, slots, rows, q + 1, size, gap, hop),
        )

    def block3(s, f, back, slots, rows, q, size, gap, hop):
        return weave(
            one(s, f, back, slots, rows, q, size, gap, hop),
            one(s, f, back, slots, rows, q + 1, size, gap, hop),
            one(s, f, back, slots, rows, q + 2, size, gap, hop),
        )

    def block4(s, f, back, slots, rows, q, size, gap, hop):
        return weave(
            one(s, f, back, slots, rows, q, size, gap, hop),
            one(s, f, back, slots, rows, q + 1, size, gap, hop),
            one(s, f, back, slots, rows, q + 2, size, gap, hop),
            one(s, f, back, slots, rows, q + 3, size, gap, hop),
        )

    return helper((block1, block2, block3, block4)[step - 1], f"{name}_block")


def _make_row(kind: str, acc: str, tap: str, step: int, name: str) -> Callable:
    """row(slopes, found, slots, rows, back, q, size, gap, hop, gx, to, count): part of a row."""
    stretch = nm.lanes_of(acc) * step
    block, put = _make_block(acc, tap, step, name), sl.put(kind, stretch)

    def row(slopes, found, slots, rows, back, q, size, gap, hop, gx, to, count):
        w = 0
        while w < count:
            made = block(slopes, found, back, slots, rows, q + w, size, gap, hop)
            put(gx, to + w, made, count - w)
            w += stretch

    return helper(row, f"{name}_row")


@lru_cache(maxsize=64)
def backward(kind: str, acc: str, tap: str, step: int) -> Any:
    """kernel(g, taps, gx, table, first, last): a range of rows of the input; `step`: the stride."""
    name = f"slopelanes_{kind}_{acc}_{tap}_s{step}"
    copy, row_of = _make_copy(kind, acc, tap, name), _make_row(kind, acc, tap, step, name)
    lanes, number = nm.lanes_of(acc), nm.KINDS[acc].dtype
    kept = nm.KINDS[tap].dtype
    memory, keep, read, write = vc.memory, vc.keep, vc.read, vc.write_int("i64")
    tap_of = make_tap()

    def kernel(g_array, taps_array, gx_array, table, first, last):
        g, taps, gx, t = memory(g_array), memory(taps_array), memory(gx_array), memory(table)
        depth, height, width = read(t, D_N), read(t, H_N), read(t, W_N)
        d_outs, h_outs, outs = read(t, D_OUTS), read(t, H_OUTS), read(t, W_OUTS)
        d_at, h_at = read(t, D_AT), read(t, H_AT)
        h_cover, d_cover = read(t, H_COVER), read(t, D_COVER)
        d_gap, h_gap = read(t, D_GAP), read(t, H_GAP)
        start = read(t, read(t, W_AT))
        m_first, m_last = -start // step, (width - 1 - start) // step + 1
        size, gap = read(t, W_SIZE), read(t, W_GAP)
        back, hop = (size - 1) * gap // step, 1 if gap > 1 else step
        while hop * gap % step:
            hop += 1
        strip = min(read(t, STRIP), m_last - m_first)
        room = back + strip + 2 * lanes
        slopes_array = np.zeros(h_cover * d_cover * room, number)
        found_array = np.zeros(h_cover * d_cover * room, kept)
        held_array = np.empty(h_cover * d_cover, np.int64)
        slots_array = np.empty(2 * h_cover * d_cover, np.int64)
        slopes, found = memory(slopes_array), memory(found_array)
        held, slots = memory(held_array), memory(slots_array)
        row = first
        while row < last:
            ih = row % height
            i = row // height % depth
            y0 = row // height // depth * d_outs * h_outs * outs
            end = min(last, row - ih + height)
            d_first = read(t, d_at + 3 * d_outs + i)
            d_last = read(t, d_at + 3 * d_outs + depth + i)
            for m in range(m_first, m_last, strip):
                n = min(strip, m_last - m)
                if strip < m_last - m_first:
                    slopes_array[:] = 0
                low, high = max(0, start + m * step), min(width, start + (m + n) * step)
                q, left = low - start - m * step, max(0, m - back)
                count = min(outs, m + n) - left
                for s in range(h_cover * d_cover):
                    write(held, s, -1)
                for r in range(row, end):
                    h = ih + r - row
                    rows = 0
                    for od in range(d_first, d_last):
                        dt = tap_of(i - read(t, d_at + od), d_gap)
                        if dt < 0:
                            continue
                        plane = dt * read(t, H_SIZE)
                        h_last = read(t, h_at + 3 * h_outs + height + h)
                        for oh in range(read(t, h_at + 3 * h_outs + h), h_last):
                            ht = tap_of(h - read(t, h_at + oh), h_gap)
                            if ht < 0:
                                continue
                            slot = (oh & (h_cover - 1)) * d_cover + od - d_first
                            if read(held, slot) != oh:
                                write(held, slot, oh)
                                base = y0 + (od * h_outs + oh) * outs + left
                                to = slot * room + left - m + back
                                copy(g, taps, base, count, slopes, found, to)
                            tap = (plane + ht) * size
                            write(slots, 2 * rows, slot * room)
                            write(slots, 2 * rows + 1, tap)
                            rows += 1
                    row_of(slopes, found, slots, rows, back, q, size, gap, hop, gx,
                           r * width + low, high - low)  # fmt: skip
            row = end
        keep(slopes_array)
        keep(found_array)
        keep(held_array)
        keep(slots_array)

    return compile(kernel, name)
