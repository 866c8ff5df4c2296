"""Medians and quantiles of large windows of their own: far apart, ragged, dilated, whole.

The keys of a window are gathered, and the key of the wanted rank is found bit by bit from the top:
each pass counts, by whole vectors, how many keys lie below a bound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import keys as ks
from . import numbers as nm
from . import vectors as vc
from .cache import compile, helper
from .crowds import CHANNELS, DEEP, EXTRA, NUMBER, make_place, make_result
from .netvectors import as_float
from .rowcode import make_line, make_locate
from .rowtable import (
    AT_W,
    BEFORE,
    D_STEP,
    DEPTH,
    GAP,
    H_STEP,
    HEIGHT,
    LENGTH,
    OUTPUTS,
    SIZE,
    STRIDE,
    W_X,
    W_Y,
)


def make_single(kind: str, out: str, finish: str, ragged: bool) -> Callable:
    """kernel(x, y, table, first, last) over rows of outputs, each window by itself."""
    name = f"crowd_{kind}_{out}_{finish}_{'ragged' if ragged else 'regular'}"
    lanes = nm.VECTOR_BYTES // nm.KINDS[kind].size
    locate, line = make_locate(name), make_line(name, False)
    place, result = make_place(finish, name), make_result(kind, out, finish, name)
    load, load1, below = ks.load(kind, lanes), ks.load(kind, 1), ks.below(kind, lanes)
    keyed, bits = ks.key_kind(kind), 8 * nm.KINDS[kind].size
    put, put1 = vc.store(keyed, lanes), vc.store(keyed, 1)
    dtype, nan = nm.KINDS[keyed].dtype, ks.first_nan(kind)
    memory, keep, read = vc.memory, vc.keep, vc.read
    whole, nans = np.uint64, nm.KINDS[kind].family in ("float", "half")
    most, top = np.uint64((1 << bits) - 1), np.uint64(nan & ((1 << 64) - 1))

    def count(keys, n, bound):
        total, i = 0, 0
        while i < n:  # behind the last key stand the highest, which are below nothing
            total += below(keys, i, bound)
            i += lanes
        return total

    def chosen(keys, n, rank):
        found = whole(0)
        bit = whole(1) << whole(bits - 1)
        while bit > whole(0):
            if count(keys, n, found | bit) <= rank:
                found |= bit
            bit >>= whole(1)
        return found

    def above(keys, n, low):
        best = most
        for i in range(n):
            key = whole(read(keys, i))
            if key > low and key < best:
                best = key
        return best

    count = helper(count, f"{name}_count")
    chosen, above = helper(chosen, f"{name}_chosen"), helper(above, f"{name}_above")

    def reach(g, o):
        if ragged:
            at = read(g, AT_W) + o
            return read(g, at), max(0, read(g, at + read(g, OUTPUTS)) - read(g, at)), 1
        gap, spot = read(g, GAP), o * read(g, STRIDE) - read(g, BEFORE)
        low = max(0, -(spot // gap))
        high = min(read(g, SIZE), -((spot - read(g, LENGTH)) // gap))
        return spot + low * gap, max(0, high - low), gap

    reach = helper(reach, f"{name}_reach")

    def gather(x, keys, t, i, n, step):
        if step == 1:
            j = 0
            while j < n:  # what is written behind the last is written over, or the highest
                put(keys, t + j, load(x, i + j, min(lanes, n - j)))
                j += lanes
        else:
            for j in range(n):
                put1(keys, t + j, load1(x, i + j * step, 1))

    gather = helper(gather, f"{name}_gather")

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), y_array, memory(table)
        depth, height, wx, wy = read(g, DEPTH), read(g, HEIGHT), read(g, W_X), read(g, W_Y)
        extra = read(g, EXTRA)
        q, channels = as_float(read(g, extra + NUMBER)), read(g, extra + CHANNELS)
        keys_array = np.empty(read(g, extra + DEEP) + 2 * lanes, dtype)
        keys = memory(keys_array)
        for row in range(first, last):
            px, py = locate(g, row // (depth * height))
            od, oh = (row // height) % depth, row % height
            base, nd, nh, target, _ = line(g, od, oh, px, py)
            for spot in range(read(g, OUTPUTS) * channels):
                o, c = spot // channels, spot % channels
                w0, nw, gap = reach(g, o)
                n, t = nd * nh * nw, 0
                if n == 0:
                    continue
                for d in range(nd):
                    for h in range(nh):
                        i = base + d * read(g, D_STEP) + h * read(g, H_STEP) + w0 * wx + c
                        gather(x, keys, t, i, nw, gap * wx)
                        t += nw
                put_last(keys, n)
                rank, share = place(n, q)
                low = chosen(keys, n, rank)
                if nans and count(keys, n, top) < n:
                    low = most
                high = low
                if share != 0.0 and count(keys, n, low + whole(1)) <= rank + 1 and low < most:
                    high = above(keys, n, low)
                y[target + o * wy + c] = result(dtype(low), dtype(high), share)
        keep(keys_array)

    highest = vc.write_int(keyed)

    def put_last(keys, n):
        for i in range(n, n + lanes):
            highest(keys, i, -1)

    put_last = helper(put_last, f"{name}_last")
    return compile(kernel, name)
