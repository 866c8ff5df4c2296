"""Smooth reductions over windows that slide along a row: lanes hold neighbouring outputs.

The input rows of an output row are staged in the innermost cache: converted, mapped (a power is
taken once for all windows), with hollow ends for the padding, every stride-th element next to each
other. So every tap of `lanes` windows is one read, whatever the stride, and reading twice is cheap.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import smoothforms as sf
from . import smoothreads as sr
from . import vectors as vc
from .cache import compile, helper
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
from .smoothtable import DEEPEST, P0, P1, P2, P3, P4, ROOM, STRIP
from .writing import writer


def make_stage(form: sf.Form, kind: str, acc: str, stride: int, name: str) -> Callable:
    """stage(g, x, row, low, scratch, at, n, p): one row from place `low` on, n to a line."""
    lanes, read = nm.lanes_of(acc), vc.read
    full = sr.stage(form, kind, acc, lanes, max(stride, 1), True)
    part = sr.stage(form, kind, acc, lanes, max(stride, 1), False)
    one, put, hollow = sr.take(form, kind, acc, 1), vc.store(acc, 1), sf.begin(form, acc, 1)
    wide = lanes * stride

    def by_vectors(g, x, row, low, scratch, at, n, p):
        length, room, q = read(g, LENGTH), read(g, ROOM), 0
        while q < n:
            place = low + q * stride
            begin, end = max(0, -place), min(wide, length - place)
            if begin == 0 and end == wide:
                full(x, row + place, 0, wide, scratch, at + q, room, p)
            elif begin < end:
                part(x, row + place, begin, end, scratch, at + q, room, p)
            else:
                part(x, row, 0, 0, scratch, at + q, room, p)
            q += lanes

    def one_by_one(g, x, row, low, scratch, at, n, p):
        length, room, wx, step = read(g, LENGTH), read(g, ROOM), read(g, W_X), read(g, STRIDE)
        reach = (read(g, SIZE) - 1) * read(g, GAP) + 1
        for phase in range(min(step, reach)):
            for q in range(n):
                place = low + q * step + phase
                value = hollow()
                if 0 <= place < length:
                    value = one(x, row + place * wx, p)
                put(scratch, at + phase * room + q, value)

    return helper(by_vectors if stride else one_by_one, f"{name}_stage")


def make_window(form: sf.Form, acc: str, name: str) -> Callable:
    """window(scratch, at, rows, apart, spots, size, w, n, p): one vector of windows."""
    lanes, read, weighs, twice = nm.lanes_of(acc), vc.read, form.weighs, form.two_passes
    load, begin, meet = vc.load(acc, acc, lanes), sf.begin(form, acc, lanes), sf.meet(form, acc)
    settle, add, finish = sf.settle(form, acc), sf.add(form, acc, lanes), sf.finish(form, acc, lanes)
    splat = sf.splat(acc, lanes)

    def window(scratch, at, rows, apart, spots, size, w, w_at, n, p):
        c, s, t = begin(), splat(0.0), splat(0.0)
        if twice:
            for e in range(rows):
                for j in range(size):
                    c = meet(c, load(scratch, at + e * apart + read(spots, j)))
            c = settle(c, n)
        weight = splat(1.0)
        for e in range(rows):
            for j in range(size):
                if weighs:
                    weight = load(w, w_at + read(spots, j))
                s, t = add(s, t, load(scratch, at + e * apart + read(spots, j)), c, weight, p)
        return finish(c, s, t, n, p)

    return helper(window, f"{name}_window")


def make_kernel(form_name: str, kind: str, acc: str, out: str, stride: int) -> Callable:
    """kernel(x, y, table, first, last); stride: 1 to 4, or 0 for any and for gaps in memory."""
    name = f"smooth_{form_name}_{kind}_{acc}_{out}_s{stride}"
    form, lanes, dtype = sf.FORMS[form_name], nm.lanes_of(acc), nm.KINDS[acc].dtype
    stage, window = make_stage(form, kind, acc, stride, name), make_window(form, acc, name)
    locate, line = make_locate(name), make_line(name)
    write, put = writer("smooth", acc, out, lanes), vc.store(acc, lanes)
    get1, put1 = vc.load(acc, acc, 1), vc.store(out, 1)
    load, mul, splat, number = vc.load(acc, acc, lanes), sf.times(acc), sf.splat(acc, lanes), sf.number
    memory, keep, read, weighs, hollow = vc.memory, vc.keep, vc.read, form.weighs, form.hollow

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        depth, height, outputs = read(g, DEPTH), read(g, HEIGHT), read(g, OUTPUTS)
        d_step, h_step, wy = read(g, D_STEP), read(g, H_STEP), read(g, W_Y)
        step, gap, size = read(g, STRIDE), read(g, GAP), read(g, SIZE)
        room, strip, length = read(g, ROOM), read(g, STRIP), read(g, LENGTH)
        reach = (size - 1) * gap + 1
        apart = min(step, reach) * room
        if stride:
            apart = stride * room
        scratch_array = np.full(read(g, DEEPEST) * apart + lanes, hollow, dtype)
        spots_array, work_array = np.empty(size, np.int64), np.empty(strip + lanes, dtype)
        for j in range(size):
            spots_array[j] = (j * gap) % step * room + (j * gap) // step
        n_array = np.zeros(outputs + lanes, dtype)
        at = read(g, AT_W)
        for o in range(outputs):
            n_array[o] = max(0, -((read(g, at + o) - read(g, at + outputs + o)) // gap))
        w_array = np.zeros(apart + lanes if weighs else 1, dtype)
        scratch, spots, work = memory(scratch_array), memory(spots_array), memory(work_array)
        n_of, w = memory(n_array), memory(w_array)
        row, plane_rows = first, depth * height
        while row < last:
            plane = row // plane_rows
            end = min(last, (plane + 1) * plane_rows)
            px, py = locate(g, plane)
            while row < end:
                inside = row - plane * plane_rows
                base, nd, nh, target, _ = line(g, inside // height, inside % height, px, py)
                for o0 in range(0, outputs, strip):
                    many = min(strip, outputs - o0)
                    low = o0 * step - read(g, BEFORE)
                    line_length = many + (reach - 1) // step
                    if weighs and (row == first or outputs > strip):
                        for i in range(apart):
                            place = low + i % room * step + i // room
                            w_array[i] = 1.0 if 0 <= place < length else 0.0
                    for e in range(nd * nh):
                        stage(g, x, base + e // nh * d_step + e % nh * h_step, low, scratch,
                              e * apart, line_length, p)  # fmt: skip
                    rows = splat(float(nd * nh))
                    for o in range(0, many, lanes):
                        i = min(o, max(many - lanes, 0))
                        n = mul(load(n_of, o0 + i), rows)
                        value = window(scratch, i, nd * nh, apart, spots, size, w, i, n, p)
                        if wy == 1:
                            write(y, target + o0 + i, value, many, spots, 0, 1.0)
                        else:
                            put(work, i, value)
                    if wy != 1:
                        for i in range(many):
                            put1(y, target + (o0 + i) * wy, get1(work, i))
                row += 1
        keep(scratch_array)
        keep(spots_array)
        keep(work_array)
        keep(n_array)
        keep(w_array)

    return compile(kernel, name)
