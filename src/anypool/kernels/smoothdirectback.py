"""The way back through smooth reductions over whole and ragged windows; see `smoothdirect`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from . import selecting as sl
from . import smoothcalls as sc
from . import smoothforms as sf
from . import smoothreads as sr
from . import smoothslopes as ss
from . import vectors as vc
from .cache import compile, helper
from .rowcode import make_line, make_locate
from .rowtable import AT_W, CHANNELS, D_STEP, DEPTH, GAP, H_STEP, HEIGHT, OUTPUTS, W_X, W_Y
from .smoothtable import FRESH, P0, P1, P2, P3, P4
from .writing import writer


def _make_give(slope: ss.Slope, acc: str, out: str, lanes: int, name: str) -> Callable:
    """give(gx, i, many, v, c, a, b, fresh, p): what taps v get is written, or added to gx."""
    share, plus = ss.share(slope, acc, lanes), vc.combine("sum", acc)
    part, write = sr.take_part(sf.PLAIN, out, acc, lanes), writer("smooth", acc, out, lanes)

    def give(g, gx, i, many, v, c, a, b, fresh, p):
        made = share(v, c, a, b, p)
        if not fresh:
            made = plus(part(gx, i, many, p), made)
        write(gx, i, made, many, g, 0, 1.0)

    return helper(give, f"{name}_give")


def _make_places(slope: ss.Slope, kind: str, acc: str, out: str, lanes: int, name: str) -> Callable:
    part, begin = sr.take_part(slope, kind, acc, lanes), sc.begin(slope, acc, lanes)
    meet, settle = sc.meet(slope, acc, lanes), sc.settle(slope, acc)
    add, splat, factors = (
        sc.add(slope, acc, lanes),
        sl.number(acc, lanes),
        ss.factors(slope, acc, lanes),
    )
    give, twice = _make_give(slope, acc, out, lanes, name), slope.two_passes

    def window(table, x, gx, at, nd, dx, nh, hx, nw, wx, n, many, incoming, fresh, p):
        c, s, t, one, there = begin(), splat(0.0), splat(0.0), splat(1.0), splat(n)
        if twice:
            for d in range(nd):
                for h in range(nh):
                    i = at + d * dx + h * hx
                    for j in range(nw):
                        c = meet(c, part(x, i + j * wx, many, p), p)
            c = settle(c, there)
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for j in range(nw):
                    s, t = add(s, t, part(x, i + j * wx, many, p), c, one, p)
        a, b = factors(c, s, t, there, incoming, p)
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for j in range(nw):
                    v = part(x, i + j * wx, many, p)
                    give(table, gx, i + j * wx, many, v, c, a, b, fresh, p)

    return helper(window, f"{name}_window")


def _make_runs(slope: ss.Slope, kind: str, acc: str, out: str, lanes: int, name: str) -> Callable:
    part, ones = sr.take_part(slope, kind, acc, lanes), sr.ones(acc, lanes)
    begin, meet, settle = (
        sc.begin(slope, acc, lanes),
        sc.meet(slope, acc, lanes),
        sc.settle(slope, acc),
    )
    add, splat, factors = (
        sc.add(slope, acc, lanes),
        sl.number(acc, lanes),
        ss.factors(slope, acc, lanes),
    )
    both, total = sc.together(slope.meeting, acc, lanes), sc.together("sum", acc, lanes)
    give, twice = _make_give(slope, acc, out, lanes, name), slope.two_passes

    def window(table, x, gx, at, nd, dx, nh, hx, nw, wx, n, _, incoming, fresh, p):
        c, s, t, there = begin(), splat(0.0), splat(0.0), splat(n)
        if twice:
            for d in range(nd):
                for h in range(nh):
                    i = at + d * dx + h * hx
                    for j in range(0, nw, lanes):
                        c = meet(c, part(x, i + j, min(lanes, nw - j), p), p)
            c = settle(both(c), there)
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for j in range(0, nw, lanes):
                    many = min(lanes, nw - j)
                    s, t = add(s, t, part(x, i + j, many, p), c, ones(many), p)
        a, b = factors(c, total(s), total(t), there, incoming, p)
        for d in range(nd):
            for h in range(nh):
                i = at + d * dx + h * hx
                for j in range(0, nw, lanes):
                    many = min(lanes, nw - j)
                    give(table, gx, i + j, many, part(x, i + j, many, p), c, a, b, fresh, p)

    return helper(window, f"{name}_window")


@lru_cache(maxsize=256)
def make_kernel(
    form_name: str, kind: str, g_kind: str, acc: str, out: str, way: str, lanes: int
) -> Any:
    """kernel(x, g, gx, table, first, last): a range of planes; way: "runs" or "places"."""
    name = f"smoothback_{form_name}_{kind}_{g_kind}_{acc}_{out}_{way}{lanes}"
    slope, runs = ss.SLOPES[form_name], way == "runs"
    make = _make_runs if runs else _make_places
    window = make(slope, kind, acc, out, lanes, name)
    locate, line, coming = (
        make_locate(name),
        make_line(name),
        sr.take_part(sf.PLAIN, g_kind, acc, lanes),
    )
    one, spread, width = vc.load(g_kind, acc, 1), sl.alike(acc, lanes), 1 if runs else lanes
    memory, read, number = vc.memory, vc.read, sc.number

    def kernel(x_array, g_array, gx_array, table, first, last):
        x, y, gx, g = memory(x_array), memory(g_array), memory(gx_array), memory(table)
        p = (number(g, P0), number(g, P1), number(g, P2), number(g, P3), number(g, P4))
        outputs, channels, gap, wx = read(g, OUTPUTS), read(g, CHANNELS), read(g, GAP), read(g, W_X)
        dx, hx, height, at = read(g, D_STEP), read(g, H_STEP), read(g, HEIGHT), read(g, AT_W)
        plane_rows, fresh = read(g, DEPTH) * height, read(g, FRESH) != 0
        for row in range(first * plane_rows, last * plane_rows):
            plane = row // plane_rows
            px, py = locate(g, plane)
            od, oh = (row - plane * plane_rows) // height, row % height
            base, nd, nh, target, _ = line(g, od, oh, px, py)
            for o in range(outputs):
                start = read(g, at + o)
                nw = max(0, -((start - read(g, at + outputs + o)) // gap))
                n, i, to = float(nd * nh * nw), base + start * wx, target + o * read(g, W_Y)
                for c in range(0, channels, width):
                    many = min(width, channels - c)
                    incoming = spread(one(y, to)) if runs else coming(y, to + c, many, p)
                    window(g, x, gx, i + c, nd, dx, nh, hx, nw, wx * gap, n, many, incoming, fresh,
                           p)  # fmt: skip

    return compile(kernel, name)
