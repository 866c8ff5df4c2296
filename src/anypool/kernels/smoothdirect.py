"""Smooth reductions over whole and ragged windows, which overlap little: straight from memory.

With channels last a vector holds channels of one output; otherwise it holds taps of one window,
and what its lanes found is put together at the end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import smoothcalls as sc
from . import smoothforms as sf
from . import smoothreads as sr
from . import vectors as vc
from .cache import compile, helper
from .rowcode import make_line, make_locate
from .rowtable import AT_W, CHANNELS, D_STEP, DEPTH, GAP, H_STEP, HEIGHT, OUTPUTS, W_X, W_Y
from .smoothtable import P0, P1, P2, P3, P4
from .writing import writer


def _make_places(form: sf.Form, kind: str, acc: str, lanes: int, name: str) -> Callable:
    """window(x, at, nd, dx, nh, hx, nw, wx, n, many, p): a vector of channels, of which `many`
    are there."""
    take, part = sr.take(form, kind, acc, lanes), sr.take_part(form, kind, acc, lanes)
    begin, meet, settle = (
        sc.begin(form, acc, lanes),
        sc.meet(form, acc, lanes),
        sc.settle(form, acc),
    )
    add, finish, splat = (
        sc.add(form, acc, lanes),
        sc.finish(form, acc, lanes),
        sl.number(acc, lanes),
    )
    twice = form.two_passes

    def window(x, at, nd, dx, nh, hx, nw, wx, n, many, p):
        c, s, t, one, there = begin(), splat(0.0), splat(0.0), splat(1.0), splat(n)
        full = many >= lanes
        if twice:
            for d in range(nd):
                for h in range(nh):
                    i = at + d * dx + h * hx
                    for _ in range(nw):
                        c = meet(c, take(x, i, p) if full else part(x, i, many, p), p)
                        i += wx
            c = settle(c, there)
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for _ in range(nw):
                    s, t = add(s, t, take(x, i, p) if full else part(x, i, many, p), c, one, p)
                    i += wx
        return finish(c, s, t, there, p)

    return helper(window, f"{name}_window")


def make_kernel(form: str, kind: str, acc: str, out: str, way: str, lanes: int) -> Callable:
    """kernel(x, y, table, first, last); way: "places" or "runs"."""
    name = f"smooth_{form}_{kind}_{acc}_{out}_{way}{lanes}"
    make = make_places if way == "places" else make_runs
    return make(sf.FORMS[form], kind, acc, out, lanes, name)


def make_places(form: sf.Form, kind: str, acc: str, out: str, width: int, name: str) -> Callable:
    """kernel(x, y, table, first, last) where channels lie side by side."""
    window = _make_places(form, kind, acc, width, name)
    locate, line, write = make_locate(name), make_line(name), writer("smooth", acc, out, width)
    memory, read, number = vc.memory, vc.read, sc.number

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        outputs, channels, gap, wx = read(g, OUTPUTS), read(g, CHANNELS), read(g, GAP), read(g, W_X)
        dx, hx, height, at = read(g, D_STEP), read(g, H_STEP), read(g, HEIGHT), read(g, AT_W)
        plane_rows = read(g, DEPTH) * height
        for row in range(first, last):
            plane = row // plane_rows
            px, py = locate(g, plane)
            od, oh = (row - plane * plane_rows) // height, row % height
            base, nd, nh, target, _ = line(g, od, oh, px, py)
            for o in range(outputs):
                start = read(g, at + o)
                nw = max(0, -((start - read(g, at + outputs + o)) // gap))
                n, i, to = float(nd * nh * nw), base + start * wx, target + o * read(g, W_Y)
                for first_c in range(0, channels, width):
                    c = min(first_c, max(channels - width, 0))
                    value = window(x, i + c, nd, dx, nh, hx, nw, wx * gap, n, channels, p)
                    write(y, to + c, value, channels, g, 0, 1.0)

    return compile(kernel, name)


def _make_runs(form: sf.Form, kind: str, acc: str, name: str) -> Callable:
    """window(x, at, nd, dx, nh, hx, nw, n, p): centre and sums of one window of short rows."""
    lanes, twice = nm.lanes_of(acc), form.two_passes
    take, part = sr.take(form, kind, acc, lanes), sr.take_part(form, kind, acc, lanes)
    begin, meet, settle = (
        sc.begin(form, acc, lanes),
        sc.meet(form, acc, lanes),
        sc.settle(form, acc),
    )
    add, splat, ones = sc.add(form, acc, lanes), sl.number(acc, lanes), sr.ones(acc, lanes)
    together, total = sc.together(form.meeting, acc, lanes), vc.reduce("sum", acc, lanes)

    def window(x, at, nd, dx, nh, hx, nw, n, p):
        c, s, t, one = begin(), splat(0.0), splat(0.0), splat(1.0)
        full = nw // lanes * lanes
        some = ones(nw - full)
        if twice:
            for d in range(nd):
                for h in range(nh):
                    i = at + d * dx + h * hx
                    for j in range(0, full, lanes):
                        c = meet(c, take(x, i + j, p), p)
                    if full < nw:
                        c = meet(c, part(x, i + full, nw - full, p), p)
            c = settle(together(c), splat(n))
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for j in range(0, full, lanes):
                    s, t = add(s, t, take(x, i + j, p), c, one, p)
                if full < nw:
                    s, t = add(s, t, part(x, i + full, nw - full, p), c, some, p)
        return c, total(s), total(t)

    return helper(window, f"{name}_window")


def make_runs(form: sf.Form, kind: str, acc: str, out: str, lanes: int, name: str) -> Callable:
    """kernel(x, y, table, first, last) where the elements along a row do."""
    dtype = nm.KINDS[acc].dtype
    window, finish = _make_runs(form, kind, acc, name), sc.finish(form, acc, lanes)
    locate, line, write = make_locate(name), make_line(name), writer("smooth", acc, out, lanes)
    put, put1, load, get1 = (vc.store(acc, lanes), vc.store(acc, 1), vc.load(acc, acc, lanes),
                             vc.load(acc, acc, 1))  # fmt: skip
    last1, memory, keep, read, number = vc.store(out, 1), vc.memory, vc.keep, vc.read, sc.number

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        outputs, wy = read(g, OUTPUTS), read(g, W_Y)
        dx, hx, height, at = read(g, D_STEP), read(g, H_STEP), read(g, HEIGHT), read(g, AT_W)
        plane_rows, room = read(g, DEPTH) * height, outputs + lanes
        kept_array = np.ones(4 * room, dtype)  # centres, both sums and counts, side by side
        kept = memory(kept_array)
        for row in range(first, last):
            plane = row // plane_rows
            px, py = locate(g, plane)
            od, oh = (row - plane * plane_rows) // height, row % height
            base, nd, nh, target, _ = line(g, od, oh, px, py)
            for o in range(outputs):
                start = read(g, at + o)
                nw = max(0, read(g, at + outputs + o) - start)
                n = float(nd * nh * nw)
                c, s, t = window(x, base + start, nd, dx, nh, hx, nw, n, p)
                put(kept, o, c)
                put1(kept, room + o, s)
                put1(kept, 2 * room + o, t)
                kept_array[3 * room + o] = n
            for o in range(0, outputs, lanes):
                value = finish(load(kept, o), load(kept, room + o), load(kept, 2 * room + o),
                               load(kept, 3 * room + o), p)  # fmt: skip
                if wy == 1:
                    write(y, target + o, value, outputs - o, g, 0, 1.0)
                else:
                    put(kept, o, value)
            if wy != 1:
                for o in range(outputs):
                    last1(y, target + o * wy, get1(kept, o))
        keep(kept_array)

    return compile(kernel, name)
