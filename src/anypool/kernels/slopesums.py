"""The derivative of sums and means: every element gets what the windows over it share out.

An output row is first divided (a mean) and laid out along the row: each place gets the sum over
the windows that hold it. Such lines stand in a ring, since several input rows need them; an input
row is the sum of the lines of the windows over it. Nothing is subtracted again, and every element
is summed in one fixed order and written once.
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
from .sharing import make_layer, make_share, make_spots
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
    STRIP,
    W_AT,
    W_GAP,
    W_N,
    W_OUTS,
    W_SIZE,
)


def _make_sum(kind: str, acc: str, name: str) -> Callable:
    """total(lines, slots, rows, n, gx, at): an input row from the lines over it."""
    lanes = nm.lanes_of(acc)
    load, put = vc.load(acc, acc, lanes), sl.put(kind, lanes)
    add, nothing, read = vc.combine("sum", acc), vc.identity("sum", acc, lanes), vc.read

    def total(lines, slots, rows, n, gx, at):
        w = 0
        if rows == 1:  # under one row of windows, as most are where windows hardly overlap
            line = read(slots, 0)
            while w < n:
                i = max(0, min(w, n - lanes))
                put(gx, at + i, load(lines, line + i), n)
                w += lanes
            return
        while w < n:
            i = max(0, min(w, n - lanes))
            made = nothing()
            for e in range(rows):
                made = add(made, load(lines, read(slots, e) + i))
            put(gx, at + i, made, n)
            w += lanes

    return helper(total, f"{name}_total")


@lru_cache(maxsize=1)
def _make_like() -> Callable:
    """like(table, h, most): how many rows from h on are under the same windows."""
    read = vc.read

    def like(t, h, most):
        first = read(t, H_AT) + 3 * read(t, H_OUTS) + h
        last, n = first + read(t, H_N), 1
        if read(t, H_GAP) > 1:
            return 1
        while n < most:
            if read(t, first + n) != read(t, first) or read(t, last + n) != read(t, last):
                return n
            n += 1
        return n

    return helper(like, "slopesums_like")


@lru_cache(maxsize=64)
def backward(kind: str, acc: str, form: str) -> Any:
    """kernel(g, shares, gx, table, first, last): a range of rows of the input.

    ``shares``: the divisors of the outputs of d, h and w, or nothing. ``form``: "s1" to "s4" for
    windows that move by this stride, "ragged" for any others, "channels" with channels innermost.
    """
    name = f"slopesums_{kind}_{acc}_{form}"
    step = int(form[1:]) if form[1:].isdigit() else 1
    regular, ragged = form[1:].isdigit(), form == "ragged"
    lanes, number = nm.lanes_of(acc), nm.KINDS[acc].dtype
    share, layer = make_share(kind, acc, name), make_layer(acc, form, name)
    total, like, find = _make_sum(kind, acc, name), _make_like(), make_spots(name)
    memory, keep, read, write = vc.memory, vc.keep, vc.read, vc.write_int("i64")
    tap_of = make_tap()

    def kernel(g_array, shares_array, gx_array, table, first, last):
        g, gx, t = memory(g_array), memory(gx_array), memory(table)
        depth, height, width = read(t, D_N), read(t, H_N), read(t, W_N)
        d_outs, h_outs, outs = read(t, D_OUTS), read(t, H_OUTS), read(t, W_OUTS)
        d_at, h_at, w_at, c = read(t, D_AT), read(t, H_AT), read(t, W_AT), read(t, CHANNELS)
        h_cover, d_cover = read(t, H_COVER), read(t, D_COVER)
        d_gap, h_gap = read(t, D_GAP), read(t, H_GAP)
        start = read(t, w_at) if regular else 0
        back = (read(t, W_SIZE) - 1) * read(t, W_GAP) // step if regular else 0
        m_first, m_last = -start // step, (width - 1 - start) // step + 1
        strip = min(read(t, STRIP), m_last - m_first)
        room = strip * step * c + lanes
        pitch = strip + 2 * lanes
        held_outs = min(outs, strip + back) if regular else outs
        row_array = np.zeros(back + held_outs * c + pitch + lanes, number)
        phases_array = np.empty(step * pitch if regular else 1, number)
        lines_array = np.empty(h_cover * d_cover * room, number)
        divided = shares_array.size > 0
        widths_array = np.ones(outs + lanes, number)
        if divided:
            for o in range(outs):
                widths_array[o] = shares_array[d_outs + h_outs + o]
        held_array = np.empty(h_cover * d_cover, np.int64)
        slots_array = np.empty(h_cover * d_cover, np.int64)
        buffer, phases, lines = memory(row_array), memory(phases_array), memory(lines_array)
        held, slots, widths = memory(held_array), memory(slots_array), memory(widths_array)
        spots_array, most = find(t, outs + 2 * lanes) if ragged else (np.zeros(1, np.int64), 0)
        spots = memory(spots_array)
        row = first
        while row < last:
            ih, i = row % height, row // height % depth
            y0 = row // height // depth * d_outs
            end = min(last, row - ih + height)
            d_first = read(t, d_at + 3 * d_outs + i)
            d_last = read(t, d_at + 3 * d_outs + depth + i)
            for m in range(m_first, m_last, strip):
                n = min(strip, m_last - m)
                low = max(0, start + m * step)
                high = min(width, start + (m + n) * step)
                if regular:
                    if strip < m_last - m_first:
                        row_array[:] = 0
                    left, right = max(0, m - back), min(outs, m + n)
                else:
                    left = read(t, w_at + 3 * outs + low)
                    right = max(left, read(t, w_at + 3 * outs + width + high - 1))
                for s in range(h_cover * d_cover):
                    write(held, s, -1)
                r = row
                while r < end:
                    h, rows = ih + r - row, 0
                    for od in range(d_first, d_last):
                        if tap_of(i - read(t, d_at + od), d_gap) < 0:
                            continue
                        h_last = read(t, h_at + 3 * h_outs + height + h)
                        for oh in range(read(t, h_at + 3 * h_outs + h), h_last):
                            if tap_of(h - read(t, h_at + oh), h_gap) < 0:
                                continue
                            slot = (oh & (h_cover - 1)) * d_cover + od - d_first
                            if read(held, slot) != oh:
                                write(held, slot, oh)
                                area = 1.0
                                if divided:
                                    area = shares_array[od] * shares_array[d_outs + oh]
                                base = ((y0 + od) * h_outs + oh) * outs + left
                                to = left - m + back if regular else left if ragged else 0
                                n_outs = right - left
                                share(g, base * c, n_outs, c, area, widths, left, buffer, to)
                                layer(t, buffer, back, left, phases, pitch, m, n, low, high, lines,
                                      slot * room, spots, most)  # fmt: skip
                            write(slots, rows, slot * room)
                            rows += 1
                    alike = r + like(t, h, end - r)
                    while r < alike:
                        total(lines, slots, rows, (high - low) * c, gx, (r * width + low) * c)
                        r += 1
            row = end
        keep(row_array)
        keep(phases_array)
        keep(lines_array)
        keep(widths_array)
        keep(held_array)
        keep(spots_array)
        keep(slots_array)

    return compile(kernel, name)
