"""Smooth reductions over windows that slide along a row: lanes hold neighbouring outputs.

The input rows of a window are staged in the innermost cache (see `smoothstage`) and stay there
while later windows need them, so that an element is converted, and its power taken, once. Then
every tap of a vector of windows is one read, whatever the stride, and reading twice is cheap.
With channels last a vector runs over the channels of neighbouring outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import smoothcalls as sc
from . import smoothforms as sf
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
from .smoothstage import make_stage
from .smoothtable import D_GAP, D_RING, H_GAP, H_RING, P0, P1, P2, P3, P4, ROOM, STRIP
from .writing import writer

MOST_ALONE = 8  # taps that a window adds up by itself rather than share


def make_window(form: sf.Form, acc: str, name: str) -> Callable:
    """window(scratch, at, taps, count, places, w, n, p): one vector of windows.

    `taps[k]` is the k-th tap's place in scratch and `places[k]` that along its row; `w` says where
    along a row there is something.
    """
    lanes, read, twice, weighs = nm.lanes_of(acc), vc.read, form.two_passes, form.weighs
    load, begin, meet = (
        vc.load(acc, acc, lanes),
        sc.begin(form, acc, lanes),
        sc.meet(form, acc, lanes),
    )
    settle, add, finish = (
        sc.settle(form, acc),
        sc.add(form, acc, lanes),
        sc.finish(form, acc, lanes),
    )
    splat = sl.number(acc, lanes)

    def window(scratch, at, taps, count, places, w, n, p):
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
        return finish(c, s, t, n, p)

    return helper(window, f"{name}_window")


def make_rows(form: sf.Form, kind: str, acc: str, way: str, name: str) -> Callable:
    """hold(...): stage the rows of a window that are not there yet, and say where its taps lie."""
    stage, read = make_stage(form, kind, acc, way, name), vc.read

    def hold(g, x, base, od, oh, nd, nh, low, n, apart, scratch, held, spots, taps, p):
        d_ring, h_ring, size = read(g, D_RING), read(g, H_RING), spots.size
        d0, h0 = read(g, read(g, AT_D) + od), read(g, read(g, AT_H) + oh)
        for d in range(nd):
            for h in range(nh):
                slot = (d0 + d * read(g, D_GAP)) % d_ring * h_ring
                slot += (h0 + h * read(g, H_GAP)) % h_ring
                row = base + d * read(g, D_STEP) + h * read(g, H_STEP)
                if held[slot] != row:
                    held[slot] = row
                    stage(g, x, row, low, scratch, slot * apart, n, p)
                for j in range(size):
                    taps[(d * nh + h) * size + j] = slot * apart + spots[j]

    return helper(hold, f"{name}_hold")


def make_total(acc: str, name: str) -> Callable:
    """total(scratch, taps, rows, size, n, to): the rows of a window added up, n numbers long.

    Where nothing is measured off a centre, windows of many taps share these sums.
    """
    lanes, read = nm.lanes_of(acc), vc.read
    load, put, plus = vc.load(acc, acc, lanes), vc.store(acc, lanes), vc.combine("sum", acc)

    def total(scratch, taps, rows, size, n, to):
        for i in range(0, n, lanes):
            made = load(scratch, read(taps, 0) + i)
            for e in range(1, rows):
                made = plus(made, load(scratch, read(taps, e * size) + i))
            put(scratch, to + i, made)

    return helper(total, f"{name}_total")


def make_kernel(form_name: str, kind: str, acc: str, out: str, way: str) -> Callable:
    """kernel(x, y, table, first, last); way: see `smoothstage.make_stage`."""
    name = f"smooth_{form_name}_{kind}_{acc}_{out}_{way}"
    form, lanes, dtype = sf.FORMS[form_name], nm.lanes_of(acc), nm.KINDS[acc].dtype
    hold, weighs = make_rows(form, kind, acc, way, name), form.weighs
    window, total, twice = make_window(form, acc, name), make_total(acc, name), form.two_passes
    locate, line = make_locate(name), make_line(name)
    write, put, put1 = writer("smooth", acc, out, lanes), vc.store(acc, lanes), vc.store(out, 1)
    load, get1 = vc.load(acc, acc, lanes), vc.load(acc, acc, 1)
    mul, splat, number, hollow = sl.multiply, sl.number(acc, lanes), sc.number, form.hollow
    memory, keep, read, lined = vc.memory, vc.keep, vc.read, way.isdigit()

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        outputs, channels, wy = read(g, OUTPUTS), read(g, CHANNELS), read(g, W_Y)
        step, gap, size = read(g, STRIDE), read(g, GAP), read(g, SIZE)
        room, strip, length = read(g, ROOM), read(g, STRIP), read(g, LENGTH)
        reach, slots = (size - 1) * gap + 1, read(g, D_RING) * read(g, H_RING)
        apart = room * (step if lined else min(step, reach))
        scratch_array = np.full((slots + 1) * apart + 2 * lanes, hollow, dtype)
        held, taps_array = np.full(slots, -1, np.int64), np.zeros(slots * size, np.int64)
        places_array = np.empty(slots * size, np.int64)
        spots_array, work_array = (
            np.empty(size, np.int64),
            np.empty(strip * channels + lanes, dtype),
        )
        for j in range(size):
            spots_array[j] = (j * gap) % step * room + (j * gap) // step * channels
        along_array = spots_array + slots * apart
        along = memory(along_array)
        for k in range(slots * size):
            places_array[k] = spots_array[k % size]
        n_array, at = np.zeros(outputs * channels + lanes, dtype), read(g, AT_W)
        for i in range(outputs * channels):
            o = i // channels
            n_array[i] = max(0, -((read(g, at + o) - read(g, at + outputs + o)) // gap))
        w_array = np.zeros(apart + lanes if weighs else 1, dtype)
        scratch, work = memory(scratch_array), memory(work_array)
        n_of, w, taps = memory(n_array), memory(w_array), memory(taps_array)
        places = memory(places_array)
        row, height = first, read(g, HEIGHT)
        plane_rows = read(g, DEPTH) * height
        while row < last:
            plane = row // plane_rows
            end = min(last, (plane + 1) * plane_rows)
            px, py = locate(g, plane)
            for o0 in range(0, outputs, strip):
                many = min(strip, outputs - o0)
                low, n = o0 * step - read(g, BEFORE), many + (reach - 1) // step
                if outputs > strip:
                    held[:] = -1
                if weighs and (row == first or outputs > strip):
                    for i in range(apart):
                        place = low + i % room // channels * step + i // room
                        w_array[i] = 1.0 if 0 <= place < length else 0.0
                for r in range(row, end):
                    od, oh = (r - plane * plane_rows) // height, r % height
                    base, nd, nh, target, _ = line(g, od, oh, px, py)
                    hold(g, x, base, od, oh, nd, nh, low, n, apart, scratch, held, spots_array,
                         taps_array, p)  # fmt: skip
                    taps_now, count = taps, nd * nh * size
                    if not twice and nd * nh > 1 and count > MOST_ALONE:
                        total(scratch, taps, nd * nh, size, apart, slots * apart)
                        taps_now, count = along, size
                    rows, to, numbers = splat(float(nd * nh)), target + o0 * wy, many * channels
                    for first_i in range(0, numbers, lanes):
                        i = min(first_i, max(numbers - lanes, 0))
                        there = mul(load(n_of, o0 * channels + i), rows)
                        value = window(scratch, i, taps_now, count, places, w, there, p)
                        if wy == channels:
                            write(y, to + i, value, numbers, g, 0, 1.0)
                        else:
                            put(work, i, value)
                    if wy != channels:
                        for i in range(numbers):
                            put1(y, to + i // channels * wy + i % channels, get1(work, i))
            row = end
        keep(scratch_array)
        keep(taps_array)
        keep(along_array)
        keep(places_array)
        keep(work_array)
        keep(n_array)
        keep(w_array)

    return compile(kernel, name)
