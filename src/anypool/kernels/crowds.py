"""Medians and quantiles of large windows that move along a row by small steps.

The numbers of the rows that a block of outputs reads are sorted once; from then on a number is its
place in that order, and a window is a set of bits, one for each place. A step of the window flips
the bits of the columns that leave and enter, and the wanted rank is found by counting bits from
where the last one stood. So the work is that of the window's height, not of its area.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import keys as ks
from . import numbers as nm
from . import vectors as vc
from .cache import compile, helper
from .netvectors import as_float
from .rowcode import make_locate
from .rowtable import (
    AT_D,
    AT_H,
    BEFORE,
    D_STEP,
    D_X,
    D_Y,
    DEPTH,
    H_X,
    H_Y,
    HEIGHT,
    LENGTH,
    OUTPUTS,
    SIZE,
    SPAN,
    STRIDE,
    W_X,
    W_Y,
)

EXTRA = SPAN  # where the numbers of these kernels begin:
NUMBER, DEEP, TALL, WIDE, BLOCK, BLOCKS, CHANNELS = range(7)
# NUMBER: the bits of q; DEEP, TALL, WIDE: elements that a window, a block of outputs and a row hold
# at most; BLOCK: rows of outputs a block has; CHANNELS: as in ordercode, outputs side by side
DIGIT = 11  # bits that one pass of sorting looks at


def make_place(finish: str, name: str) -> Callable:
    """place(n, q): the wanted rank of n numbers, and the share of the way to the next."""

    def middle(n, q):
        return (n - 1) // 2, 0.0 if n % 2 == 1 else 0.5

    def lower(n, q):
        return (n - 1) // 2, 0.0

    def between(n, q):
        place = q * (n - 1)
        low = int(np.floor(place))
        return low, place - low

    made = {"middle": middle, "value": lower, "between": between}[finish]
    return helper(made, f"{name}_place")


def make_result(kind: str, out: str, finish: str, name: str) -> Callable:
    """result(low, high, share): the number to store, from two keys."""
    same, wide, narrow = ks.number(kind, out), ks.number(kind, "f64"), nm.scalar_convert("f64", out)

    def alone(low, high, share):
        return same(low)

    def middle(low, high, share):
        if share == 0.0:
            return same(low)
        return narrow((wide(low) + wide(high)) * 0.5)

    def between(low, high, share):
        a, b = wide(low), wide(high)
        if a == b or share == 0.0:
            return same(low)
        if share < 0.5:
            return narrow(a + (b - a) * share)
        return narrow(b - (b - a) * (1.0 - share))

    made = {"middle": middle, "value": alone, "between": between}[finish]
    return helper(made, f"{name}_result")


def make_sliding(kind: str, out: str, finish: str) -> Callable:
    """kernel(x, y, table, first, last) over blocks of rows of outputs."""
    name = f"crowd_{kind}_{out}_{finish}_sliding"
    locate = make_locate(name)
    place, result = make_place(finish, name), make_result(kind, out, finish, name)
    keyed = ks.key_kind(kind)
    load1, put1 = ks.load(kind, 1), vc.store(keyed, 1)
    dtype, bits = nm.KINDS[keyed].dtype, 8 * nm.KINDS[kind].size
    memory, keep, read = vc.memory, vc.keep, vc.read
    nans, passes = nm.KINDS[kind].family in ("float", "half"), -(-bits // DIGIT)
    least_nan, most = dtype(ks.first_nan(kind) & ((1 << bits) - 1)), dtype((1 << bits) - 1)
    sort, flip, find = _make_sort(dtype, passes, name), _make_flip(name), _make_find(name)

    def kernel(x_array, y, table, first, last):
        x, g = memory(x_array), memory(table)
        extra, depth, outputs = read(g, EXTRA), read(g, DEPTH), read(g, OUTPUTS)
        wx, wy, length, size = read(g, W_X), read(g, W_Y), read(g, LENGTH), read(g, SIZE)
        stride, before, rows_each = read(g, STRIDE), read(g, BEFORE), read(g, HEIGHT)
        q, channels = as_float(read(g, extra + NUMBER)), read(g, extra + CHANNELS)
        block, blocks = read(g, extra + BLOCK), read(g, extra + BLOCKS)
        most_tall = read(g, extra + TALL)  # elements of a column of a block, all depths
        at_d, at_h = read(g, AT_D), read(g, AT_H)
        room = most_tall * length
        values, spare = np.empty(room, dtype), np.empty(room, dtype)
        ranks, order = np.empty(room, np.int32), np.empty(room, np.int32)
        other = np.empty(room, np.int32)
        counts = np.empty(passes << DIGIT, np.int32)
        words = np.zeros((room >> 6) + 1, np.uint64)
        state = np.zeros(4, np.int64)  # the pivot's word, bits set below it, all bits, NaN
        held = memory(values)
        for unit in range(first, last):
            rest, b = unit // blocks, unit % blocks
            od, rest = rest % depth, rest // depth
            c, plane = rest % channels, rest // channels
            px, py = locate(g, plane)
            nd, oh0 = read(g, at_d + depth + od), b * block
            oh1 = min(oh0 + block, rows_each)
            low = read(g, at_h + oh0)
            high = low
            for oh in range(oh0, oh1):
                high = max(high, read(g, at_h + oh) + read(g, at_h + rows_each + oh))
            tall = high - low
            base = px + c + read(g, at_d + od) * read(g, D_X) + low * read(g, H_X)
            # Column by column, so that a column of the window lies in one stretch.
            for d in range(nd):
                for h in range(tall):
                    i = base + d * read(g, D_STEP) + h * read(g, H_X)
                    t = d * tall + h
                    for w in range(length):
                        put1(held, w * nd * tall + t, load1(x, i + w * wx, 1))
            n = nd * tall * length
            sort(values, spare, order, other, counts, n)
            spoiled = n
            if nans:
                while spoiled > 0 and values[spoiled - 1] >= least_nan:
                    spoiled -= 1
            for r in range(n):
                ranks[order[r]] = r
            for oh in range(oh0, oh1):
                start, nh = read(g, at_h + oh) - low, read(g, at_h + rows_each + oh)
                to = py + c + od * read(g, D_Y) + oh * read(g, H_Y)
                words[: (n >> 6) + 1] = 0
                state[1], state[2], state[3] = 0, 0, 0
                a, e = 0, 0
                for o in range(outputs):
                    spot = o * stride - before
                    begin, end = max(0, spot), max(0, min(length, spot + size))
                    if begin < end and nh > 0 and nd > 0:
                        flip(
                            words, state, ranks, a, min(begin, e), nd, tall, start, nh, spoiled, -1
                        )
                        flip(
                            words, state, ranks, max(e, begin), end, nd, tall, start, nh, spoiled, 1
                        )
                        a, e = begin, end
                        if state[3] > 0:
                            y[to + o * wy] = result(most, most, 0.0)
                            continue
                        rank, share = place(state[2], q)
                        r, s = find(words, state, rank, share != 0.0)
                        y[to + o * wy] = result(values[r], values[s], share)
        keep(values)

    return compile(kernel, name)


def _make_sort(dtype: Any, passes: int, name: str) -> Callable:
    """sort(values, spare, order, other, counts, n): by digits, the lowest first.

    `order` tells where each stood; equal ones keep their order.
    """
    radix, digit = 1 << DIGIT, DIGIT

    def sort(values, spare, order, other, counts, n):
        counts[:] = 0
        for i in range(n):
            key = np.uint64(values[i])
            order[i] = i
            for p in range(passes):
                counts[
                    p * radix + np.int64((key >> np.uint64(p * digit)) & np.uint64(radix - 1))
                ] += 1
        a, b, s, t = values, spare, order, other
        for p in range(passes):
            total = 0
            for k in range(p * radix, (p + 1) * radix):
                found = counts[k]
                counts[k] = total
                total += found
            for i in range(n):
                key = np.uint64(a[i])
                k = p * radix + np.int64((key >> np.uint64(p * digit)) & np.uint64(radix - 1))
                at = counts[k]
                counts[k] = at + 1
                b[at] = a[i]
                t[at] = s[i]
            a, b, s, t = b, a, t, s
        if passes % 2 == 1:
            values[:n] = spare[:n]
            order[:n] = other[:n]

    return helper(sort, f"{name}_sort")


def _make_flip(name: str) -> Callable:
    """flip(words, state, ranks, a, b, ..., sign): columns a .. b - 1 enter (1) or leave (-1)."""

    def flip(words, state, ranks, a, b, nd, tall, start, nh, spoiled, sign):
        pivot, less, bad = state[0], 0, 0
        for w in range(a, b):
            for d in range(nd):
                at = (w * nd + d) * tall + start
                for i in range(at, at + nh):
                    r = np.int64(ranks[i])
                    words[r >> 6] ^= np.uint64(1) << np.uint64(r & 63)
                    less += (r >> 6) < pivot
                    bad += r >= spoiled
        state[1] += sign * less
        state[2] += sign * max(b - a, 0) * nd * nh
        state[3] += sign * bad

    return helper(flip, f"{name}_flip", forceinline=False)


def _make_find(name: str) -> Callable:
    """find(words, state, rank, more): the place of this rank, and of the next if that is wanted."""
    ones, lowest = ks.ones, ks.lowest

    def find(words, state, rank, more):
        word, less = state[0], state[1]
        while less > rank:
            word -= 1
            less -= ones(words[word])
        inside = ones(words[word])
        while less + inside <= rank:
            less += inside
            word += 1
            inside = ones(words[word])
        state[0], state[1] = word, less
        bits = words[word]
        for _ in range(rank - less):
            bits &= bits - np.uint64(1)
        found = (word << 6) + lowest(bits)
        if not more:
            return found, found
        bits &= bits - np.uint64(1)
        while bits == np.uint64(0):
            word += 1
            bits = words[word]
        return found, (word << 6) + lowest(bits)

    return helper(find, f"{name}_find")
