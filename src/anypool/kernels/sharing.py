"""The pieces of the derivative of sums: an output row divided, and laid out along the input row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from . import weaving as wv
from .cache import helper
from .traintable import CHANNELS, W_AT, W_GAP, W_N, W_OUTS, W_SIZE


def make_share(kind: str, acc: str, name: str) -> Callable:
    """share(g, base, n, c, area, widths, left, buffer, to): n x c numbers, divided.

    The divisor of output o is area * widths[left + o]; `widths` has room for one vector more.
    """
    lanes = nm.lanes_of(acc)
    load, part = vc.load(kind, acc, lanes), vc.load_part("sum", kind, acc, lanes)
    put, every, widths_of = vc.store(acc, lanes), sl.number(acc, lanes), vc.load(acc, acc, lanes)
    times, over, read = sl.multiply, sl.divide, vc.read

    def share(g, base, n, c, area, widths, left, buffer, to):
        if c == 1:
            w = 0
            while w < n:
                at = max(0, min(w, n - lanes))
                value = part(g, base, n) if n < lanes else load(g, base + at)
                put(buffer, to + at, over(value, times(widths_of(widths, left + at), every(area))))
                w += lanes
            return
        for o in range(n):
            divisor, i, w = every(area * read(widths, left + o)), base + o * c, 0
            while w < c:
                at = max(0, min(w, c - lanes))
                value = part(g, i, c) if c < lanes else load(g, i + at)
                put(buffer, to + o * c + at, over(value, divisor))
                w += lanes

    return helper(share, f"{name}_share")


def make_layer(acc: str, form: str, name: str) -> Callable:
    """layer(t, buffer, back, left, phases, pitch, m, n, low, high, lines, to, spots, most): a line.

    Places low <= w < high of the input get the sum over the outputs that read them.
    """
    if form == "channels":
        return _make_channels(acc, name)
    return _make_ragged(acc, name) if form == "ragged" else _make_regular(acc, int(form[1:]), name)


def _make_regular(acc: str, step: int, name: str) -> Callable:
    lanes, stretch = nm.lanes_of(acc), nm.lanes_of(acc) * step
    load, put, add = vc.load(acc, acc, lanes), vc.store(acc, lanes), vc.combine("sum", acc)
    nothing, (woven, put_line) = vc.identity("sum", acc, lanes), wv.woven(acc, acc, lanes, step)
    read = vc.read

    def layer(t, buffer, back, left, phases, pitch, m, n, low, high, lines, to, spots, most):
        size, gap, start = read(t, W_SIZE), read(t, W_GAP), read(t, read(t, W_AT))
        hop = 1
        while hop * gap % step:
            hop += 1
        for phase in range(step):
            first = 0
            while first < hop and first * gap % step != phase:
                first += 1
            last = size if first < hop else 0
            w = 0
            while w < n:
                made = nothing()
                for j in range(first, last, hop):
                    made = add(made, load(buffer, back + w - j * gap // step))
                put(phases, phase * pitch + w, made)
                w += lanes
        w, count = 0, high - low
        while w < count:
            at = max(0, min(w, count - stretch))
            put_line(lines, to + at, woven(phases, low + at - start - m * step, pitch), count)
            w += stretch

    return helper(layer, f"{name}_layer")


def _make_ragged(acc: str, name: str) -> Callable:
    load, put, add = vc.load(acc, acc, 1), vc.store(acc, 1), vc.combine("sum", acc)
    nothing, read = vc.identity("sum", acc, 1), vc.read

    def layer(t, buffer, back, left, phases, pitch, m, n, low, high, lines, to, spots, most):
        width = read(t, W_N)
        if most == 2:  # as in nearly every adaptive pooling
            for w in range(low, high):
                one, other = read(spots, w), read(spots, width + w)
                put(lines, to + w - low, add(load(buffer, one), load(buffer, other)))
            return
        for w in range(low, high):
            made = nothing()
            for k in range(most):
                made = add(made, load(buffer, read(spots, k * width + w)))
            put(lines, to + w - low, made)

    return helper(layer, f"{name}_layer")


def make_spots(name: str) -> Callable:
    """spots(t, nothing): where the outputs of each place stand, (most, places); and most.

    Places with fewer outputs read the place ``nothing`` instead, which holds 0.
    """
    read = vc.read

    def spots(t, nothing):
        gap, at, outs, width = read(t, W_GAP), read(t, W_AT), read(t, W_OUTS), read(t, W_N)
        cover, most = at + 3 * outs, 1
        for w in range(width):
            most = max(most, read(t, cover + width + w) - read(t, cover + w))
        found, top = np.full(most * width, nothing, np.int64), 1
        for w in range(width):
            k = 0
            for o in range(read(t, cover + w), read(t, cover + width + w)):
                if (w - read(t, at + o)) % gap == 0:
                    found[k * width + w] = o
                    k += 1
            top = max(top, k)
        return found, top

    return helper(spots, f"{name}_spots")


def _make_channels(acc: str, name: str) -> Callable:
    lanes = nm.lanes_of(acc)
    load, put, add = vc.load(acc, acc, lanes), vc.store(acc, lanes), vc.combine("sum", acc)
    nothing, read = vc.identity("sum", acc, lanes), vc.read

    def layer(t, buffer, back, left, phases, pitch, m, n, low, high, lines, to, spots, most):
        gap, at, outs, c = read(t, W_GAP), read(t, W_AT), read(t, W_OUTS), read(t, CHANNELS)
        cover = at + 3 * outs
        for w in range(low, high):
            first, last = read(t, cover + w), read(t, cover + read(t, W_N) + w)
            b = 0
            while b < c:
                i = max(0, min(b, c - lanes))
                made = nothing()
                for o in range(first, last):
                    if gap == 1 or (w - read(t, at + o)) % gap == 0:
                        made = add(made, load(buffer, (o - left) * c + i))
                put(lines, to + (w - low) * c + i, made)  # what it writes too much comes next
                b += lanes

    return helper(layer, f"{name}_layer")
