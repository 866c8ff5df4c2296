"""Where windows lie, one axis at a time, in whole numbers that are never negative when divided.

Forth (:func:`window`): output o reads ``start + t * GAP`` for taps ``0 <= t < SIZE``, as far as
``low <= i < stop``. Back (:func:`cover`): which outputs read input i, in their order.
"""

# ruff: noqa: N803, RET505 - Triton writes constants in capitals, and its
# compiler wants branches that are spelled out
# pyright: reportMissingImports=false

import triton
import triton.language as tl

from .names import ADAPT, SLIDE


@triton.jit
def extent(sizes, sample, n, AXIS: tl.constexpr, RANK: tl.constexpr, live):
    """The real part of an axis of n: all of it, or what ``sizes`` (batch, axes, 2) say."""
    if RANK > 0 and AXIS >= 0:
        at = sizes + (sample.to(tl.int64) * RANK + AXIS) * 2
        low = tl.load(at, mask=live, other=0).to(tl.int32)
        high = tl.load(at + 1, mask=live, other=0).to(tl.int32)
        low = tl.minimum(tl.maximum(low, 0), n)
        return low, tl.maximum(tl.minimum(high, n), low)
    else:
        return sample * 0, sample * 0 + n


@triton.jit
def window(o, m, low, high, KIND: tl.constexpr, STEP: tl.constexpr, PAD: tl.constexpr):
    """Where output o starts to read, and where the real part of that begins and ends."""
    if KIND == SLIDE:
        return o * STEP - PAD, low, high
    else:
        start, stop = part(o, m, high - low, KIND)
        return low + start, low + start, low + stop


@triton.jit
def part(o, m, length, KIND: tl.constexpr):
    """Part o of m of an extent, as it starts and stops."""
    if KIND == ADAPT:
        return o * length // m, ((o + 1) * length + m - 1) // m
    else:
        q, r = length // m, length % m
        return o * q + tl.minimum(o, r), (o + 1) * q + tl.minimum(o + 1, r)


@triton.jit
def count(start, low, stop, SIZE: tl.constexpr, GAP: tl.constexpr, AFTER: tl.constexpr, n,
          PADDED: tl.constexpr, KIND: tl.constexpr):  # fmt: skip
    """How many elements a window reads along an axis, or how many positions it spans."""
    if KIND == SLIDE:
        if PADDED:
            return tl.minimum(SIZE, up(tl.maximum(n + AFTER - start, 0), GAP))
        else:
            first = up(tl.maximum(low - start, 0), GAP)
            last = tl.minimum(up(tl.maximum(stop - start, 0), GAP), SIZE)
            return tl.maximum(last - first, 0)
    else:
        return stop - low


@triton.jit
def up(a, GAP: tl.constexpr):
    """``a / GAP`` rounded up."""
    if GAP == 1:
        return a
    else:
        return (a + (GAP - 1)) // GAP


@triton.jit
def cover(i, c, m, low, high, KIND: tl.constexpr, STEP: tl.constexpr, PAD: tl.constexpr,
          SIZE: tl.constexpr, GAP: tl.constexpr):  # fmt: skip
    """The c-th output that may read input i, the tap it reads it by, and whether it does."""
    inside = (i >= low) & (i < high)
    if KIND == SLIDE:
        first = up(tl.maximum(i + PAD - (SIZE - 1) * GAP, 0), STEP)
        o = first + c
        way = i + PAD - o * STEP
        tap = tl.maximum(way, 0) // GAP
        reads = (way >= 0) & (tap * GAP == way) & (tap < SIZE)
        return o, tap, inside & reads & (o < m)
    else:
        length = tl.maximum(high - low, 1)
        j = tl.maximum(i - low, 0)
        if KIND == ADAPT:
            o = j * m // length + c
        else:
            q, r = length // m, length % m
            late = r + (tl.maximum(j - r * (q + 1), 0)) // tl.maximum(q, 1)
            o = tl.where(j < r * (q + 1), j // (q + 1), late) + c
        start, stop = part(o, m, length, KIND)
        return o, j - start, inside & (o < m) & (start <= j) & (j < stop)
