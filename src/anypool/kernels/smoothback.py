"""The way back through smooth reductions over windows that slide along a row.

As on the way there (see `smoothslide`) the rows under a window are staged; beside each stands a row
of derivatives, which every vector of windows adds to, tap by tap. A row that no later window reads
is written. A plane belongs to one thread, and is worked on in one order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import smoothcalls as sc
from . import smoothforms as sf
from . import smoothslopes as ss
from . import vectors as vc
from .cache import compile, helper
from .rowcode import make_line, make_locate
from .rowtable import (
    AT_D,
    AT_H,
    AT_W,
    BEFORE,
    CHANNELS,
    D_STEP,
    DEPTH,
    GAP,
    H_STEP,
    HEIGHT,
    LENGTH,
    OUTPUTS,
    SIZE,
    STRIDE,
    W_Y,
)
from .smoothreads import take_part
from .smoothstage import make_stage
from .smoothtable import D_GAP, D_RING, H_GAP, H_RING, P0, P1, P2, P3, P4, ROOM, STRIP
from .smoothunstage import make_unstage


def _make_window(slope: ss.Slope, acc: str, name: str) -> Callable:
    """window(scratch, slopes, at, taps, count, places, w, n, g, many, p): windows share out g.

    Of the vector of windows the first `many` do.
    """
    lanes, read, twice, weighs = nm.lanes_of(acc), vc.read, slope.two_passes, slope.weighs
    load, put, begin = vc.load(acc, acc, lanes), vc.store(acc, lanes), sc.begin(slope, acc, lanes)
    meet, settle = sc.meet(slope, acc, lanes), sc.settle(slope, acc)
    add, splat, first = (sc.add(slope, acc, lanes), sl.number(acc, lanes),
                         vc.keep_first("sum", acc, lanes))  # fmt: skip
    factors, share = ss.factors(slope, acc, lanes), ss.share(slope, acc, lanes)
    plus = vc.combine("sum", acc)

    def window(scratch, slopes, at, taps, count, places, w, n, g, many, p):
        c, s, t = begin(), splat(0.0), splat(0.0)
        if twice:
            for k in range(count):
                c = meet(c, load(scratch, at + read(taps, k)), p)
            c = settle(c, n)
        weight = splat(1.0)
        for k in range(count):
            if weighs:
                weight = load(w, at + read(places, k))
            s, t = add(s, t, load(scratch, at + read(taps, k)), c, weight, p)
        a, b = factors(c, s, t, n, g, p)
        for k in range(count):
            i = at + read(taps, k)
            more = first(share(load(scratch, i), c, a, b, p), many)
            put(slopes, i, plus(load(slopes, i), more))

    return helper(window, f"{name}_window")


def _make_hold(
    slope: ss.Slope, kind: str, acc: str, out: str, way: str, name: str
) -> tuple[Any, Any]:
    """hold(...): as on the way there; a row that has to go is written. flush(...): all of them."""
    stage, read = make_stage(slope, kind, acc, way, name), vc.read
    unstage = make_unstage(slope, kind, acc, out, way, name)

    def hold(g, x, gx, base, od, oh, nd, nh, low, n, apart, scratch, slopes, zeros, held, spots,
             taps, p):  # fmt: skip
        d_ring, h_ring, size = read(g, D_RING), read(g, H_RING), spots.size
        d0, h0 = read(g, read(g, AT_D) + od), read(g, read(g, AT_H) + oh)
        for d in range(nd):
            for h in range(nh):
                slot = (d0 + d * read(g, D_GAP)) % d_ring * h_ring
                slot += (h0 + h * read(g, H_GAP)) % h_ring
                row = base + d * read(g, D_STEP) + h * read(g, H_STEP)
                if held[slot] != row:
                    if held[slot] >= 0:
                        unstage(g, slopes, slot * apart, n, x, gx, held[slot], low, p)
                    held[slot] = row
                    stage(g, x, row, low, scratch, slot * apart, n, p)
                    zeros[slot * apart : (slot + 1) * apart] = 0
                for j in range(size):
                    taps[(d * nh + h) * size + j] = slot * apart + spots[j]

    def flush(g, x, gx, low, n, apart, slopes, held, p):
        for slot in range(held.size):
            if held[slot] >= 0:
                unstage(g, slopes, slot * apart, n, x, gx, held[slot], low, p)
            held[slot] = -1

    return helper(hold, f"{name}_hold"), helper(flush, f"{name}_flush")


@lru_cache(maxsize=256)
def make_kernel(form_name: str, kind: str, g_kind: str, acc: str, out: str, way: str) -> Any:
    """kernel(x, g, gx, table, first, last): a range of planes; gx lies as x does."""
    name = f"smoothback_{form_name}_{kind}_{g_kind}_{acc}_{out}_{way}"
    slope = ss.LATE.get(form_name) or ss.SLOPES[form_name]
    lanes, dtype = nm.lanes_of(acc), nm.KINDS[acc].dtype
    hold, flush = _make_hold(slope, kind, acc, out, way, name)
    window, weighs = _make_window(slope, acc, name), slope.weighs
    locate, line, coming = (
        make_locate(name),
        make_line(name),
        take_part(sf.PLAIN, g_kind, acc, lanes),
    )
    load, get1, put1 = vc.load(acc, acc, lanes), vc.load(g_kind, acc, 1), vc.store(acc, 1)
    mul, splat, number, hollow = sl.multiply, sl.number(acc, lanes), sc.number, slope.hollow
    memory, keep, read, lined = vc.memory, vc.keep, vc.read, way.isdigit()

    def kernel(x_array, g_array, gx_array, table, first, last):
        x, y, gx, g = memory(x_array), memory(g_array), memory(gx_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        outputs, channels, wy = read(g, OUTPUTS), read(g, CHANNELS), read(g, W_Y)
        step, gap, size = read(g, STRIDE), read(g, GAP), read(g, SIZE)
        room, strip, length = read(g, ROOM), read(g, STRIP), read(g, LENGTH)
        reach, slots = (size - 1) * gap + 1, read(g, D_RING) * read(g, H_RING)
        apart = room * (step if lined else min(step, reach))
        scratch_array = np.full(slots * apart + lanes, hollow, dtype)
        slopes_array = np.zeros(slots * apart + lanes, dtype)
        held, taps_array = np.full(slots, -1, np.int64), np.zeros(slots * size, np.int64)
        places_array = np.empty(slots * size, np.int64)
        spots_array, work_array = (
            np.empty(size, np.int64),
            np.zeros(strip * channels + lanes, dtype),
        )
        for j in range(size):
            spots_array[j] = (j * gap) % step * room + (j * gap) // step * channels
        for k in range(slots * size):
            places_array[k] = spots_array[k % size]
        n_array, at = np.ones(outputs * channels + lanes, dtype), read(g, AT_W)
        for i in range(outputs * channels):
            o = i // channels
            n_array[i] = max(0, -((read(g, at + o) - read(g, at + outputs + o)) // gap))
        w_array = np.zeros(apart + lanes if weighs else 1, dtype)
        scratch, work = memory(scratch_array), memory(work_array)
        n_of, w, taps = memory(n_array), memory(w_array), memory(taps_array)
        places = memory(places_array)
        slopes, height = memory(slopes_array), read(g, HEIGHT)
        plane_rows = read(g, DEPTH) * height
        for plane in range(first, last):
            px, py = locate(g, plane)
            for o0 in range(0, outputs, strip):
                many = min(strip, outputs - o0)
                low, n = o0 * step - read(g, BEFORE), many + (reach - 1) // step
                if weighs and (plane == first or outputs > strip):
                    for i in range(apart):
                        place = low + i % room // channels * step + i // room
                        w_array[i] = 1.0 if 0 <= place < length else 0.0
                for r in range(plane_rows):
                    base, nd, nh, target, _ = line(g, r // height, r % height, px, py)
                    hold(g, x, gx, base, r // height, r % height, nd, nh, low, n, apart, scratch,
                         slopes, slopes_array, held, spots_array, taps_array, p)  # fmt: skip
                    rows, to, numbers = splat(float(nd * nh)), target + o0 * wy, many * channels
                    if wy != channels:
                        for i in range(numbers):
                            put1(work, i, get1(y, to + i // channels * wy + i % channels))
                    for i in range(0, numbers, lanes):
                        some = min(lanes, numbers - i)
                        incoming = load(work, i)
                        if wy == channels:
                            incoming = coming(y, to + i, some, p)
                        there = mul(load(n_of, o0 * channels + i), rows)
                        window(scratch, slopes, i, taps, nd * nh * size, places, w, there, incoming,
                               some, p)  # fmt: skip
                flush(g, x, gx, low, n, apart, slopes, held, p)
        keep(scratch_array)
        keep(slopes_array)
        keep(taps_array)
        keep(places_array)
        keep(work_array)
        keep(n_array)
        keep(w_array)

    return compile(kernel, name)
