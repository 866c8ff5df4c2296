"""The derivative of max and min from the place of each: any windows, the pooled axes innermost.

Plane by plane: all zero, then each output adds its derivative where its place is, in order. For
windows that hold many elements this touches the least memory; a plane belongs to one thread.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import compile, helper
from .traintable import (
    AT_MOVES,
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


def _make_move(tap: str, name: str) -> Any:
    """move(t, tap): from a window's first element to this one."""
    read, looked_up = vc.read, tap == "u8"

    def move(t, tap):
        if looked_up:
            return read(t, read(t, AT_MOVES) + tap)
        size, high = read(t, W_SIZE), read(t, H_SIZE)
        line = tap // size
        d = line // high
        h = d * read(t, D_GAP) * read(t, H_N) + (line - d * high) * read(t, H_GAP)
        return h * read(t, W_N) + (tap - line * size) * read(t, W_GAP)

    return helper(move, f"{name}_move")


def _make_clear(kind: str, name: str) -> Any:
    """clear(memory, at, n): zeros."""
    lanes = nm.lanes_of(kind)
    put, nothing = sl.put(kind, lanes), vc.identity("sum", kind, lanes)

    def clear(memory, at, n):
        i = 0
        while i < n:
            put(memory, at + max(0, min(i, n - lanes)), nothing(), n)
            i += lanes

    return helper(clear, f"{name}_clear")


@lru_cache(maxsize=64)
def backward(kind: str, acc: str, tap: str) -> Any:
    """kernel(g, taps, gx, table, first, last): a range of planes."""
    name = f"slopespread_{kind}_{acc}_{tap}"
    same, lanes, number = acc == kind, nm.lanes_of(acc), nm.KINDS[acc].dtype
    none = 255 if tap == "u8" else -1
    move, clear = _make_move(tap, name), _make_clear(acc, name)
    load, add, load1, put1 = (
        vc.load(kind, acc, 1),
        vc.combine("sum", acc),
        vc.load(acc, acc, 1),
        vc.store(acc, 1),
    )
    load_row, put = vc.load(acc, acc, lanes), sl.put(kind, lanes)
    memory, keep, read = vc.memory, vc.keep, vc.read

    def spread(g, taps, i0, t, made, x0):
        depth, height, outs = read(t, D_OUTS), read(t, H_OUTS), read(t, W_OUTS)
        d_at, h_at, w_at = read(t, D_AT), read(t, H_AT), read(t, W_AT)
        i = i0
        for od in range(depth):
            for oh in range(height):
                line = read(t, d_at + od) * read(t, H_N) + read(t, h_at + oh)
                base = x0 + line * read(t, W_N)
                for o in range(outs):
                    tap = np.int64(read(taps, i))
                    if tap != none:
                        at = base + read(t, w_at + o) + move(t, tap)
                        put1(made, at, add(load1(made, at), load(g, i)))
                    i += 1

    spread = helper(spread, f"{name}_spread")

    def kernel(g_array, taps_array, gx_array, table, first, last):
        g, taps, gx, t = memory(g_array), memory(taps_array), memory(gx_array), memory(table)
        size = read(t, D_N) * read(t, H_N) * read(t, W_N)
        outs = read(t, D_OUTS) * read(t, H_OUTS) * read(t, W_OUTS)
        sums_array = np.empty(1 if same else size + lanes, number)
        sums = memory(sums_array)
        for plane in range(first, last):
            if same:
                clear(gx, plane * size, size)
                spread(g, taps, plane * outs, t, gx, plane * size)
            else:
                clear(sums, 0, size)
                spread(g, taps, plane * outs, t, sums, 0)
                i = 0
                while i < size:
                    at = max(0, min(i, size - lanes))
                    put(gx, plane * size + at, load_row(sums, at), size)
                    i += lanes
        keep(sums_array)

    return compile(kernel, name)
