"""Masked row kernels, the first step: rows of the input are combined into one, by a select."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import numbers as nm
from . import vectors as vc
from .cache import helper
from .rowtable import RUN, WIDE_RUN


def make_vertical(
    op: str, lane: str, acc: str, loads: tuple[Any, Any, Any], spread: bool, name: str
) -> Callable:
    """vertical(x, m, i, j, steps, wx, wm, buffer, at, n): nd x nh rows of n numbers to one."""
    lanes, run_length = nm.lanes_of(lane), RUN if lane == acc else WIDE_RUN
    load, part, load1 = loads
    add, widen = vc.combine(op, lane), vc.cast(lane, acc, lanes)
    combine, put, put1 = vc.combine(op, acc), vc.store(acc, lanes), vc.store(acc, 1)
    combine_lanes, nothing = vc.combine(op, lane), vc.identity(op, acc, lanes)
    nothing1, widen1, none = (
        vc.identity(op, acc, 1),
        vc.cast(lane, acc, 1),
        vc.identity(op, lane, lanes),
    )
    beside = 0 if spread else 1

    def vertical(x, m, i, j, steps, wx, wm, buffer, at, n):
        nd, dx, dm, nh, hx, hm = steps
        k = 0
        if wx != 1:  # not contiguous: one by one
            while k < n:
                total = nothing1()
                for d in range(nd):
                    p, q = i + d * dx + k * wx, j + d * dm + k * wm
                    for h in range(0, nh, run_length):
                        run = nothing1()
                        for r in range(h, min(h + run_length, nh)):
                            run = combine(run, widen1(load1(x, p + r * hx, m, q + r * hm, 1)))
                        total = combine(total, run)
                put1(buffer, at + k, total)
                k += 1
        elif n <= 0:
            return
        elif n < lanes:  # the lanes beyond n become the identity: there is padding or slack
            total = nothing()
            for d in range(nd):
                for h in range(0, nh, run_length):
                    run = none()
                    for r in range(h, min(h + run_length, nh)):
                        p, q = i + d * dx + r * hx, j + d * dm + r * hm
                        run = combine_lanes(run, part(x, p, m, q, n))
                    total = combine(total, widen(run))
            put(buffer, at, total)
        elif nd == 1 and nh == 2:
            # Here and below the last vector overlaps the one before: no remainder one by one.
            while k < n:
                o = min(k, n - lanes)
                p, q = i + o, j + o * beside
                both = add(load(x, p, m, q, n), load(x, p + hx, m, q + hm, n))
                put(buffer, at + o, widen(both))
                k += lanes
        elif nd == 1 and nh == 3:
            while k < n:
                o = min(k, n - lanes)
                p, q = i + o, j + o * beside
                all3 = add(load(x, p, m, q, n), load(x, p + hx, m, q + hm, n))
                all3 = add(all3, load(x, p + 2 * hx, m, q + 2 * hm, n))
                put(buffer, at + o, widen(all3))
                k += lanes
        else:
            # Four vectors of every row in turn, so that short rows are read in the order of memory.
            while k < n:
                o, o2 = min(k, n - lanes), min(k + lanes, n - lanes)
                o3, o4 = min(k + 2 * lanes, n - lanes), min(k + 3 * lanes, n - lanes)
                a = b = c = e = nothing()
                for d in range(nd):
                    for h in range(0, nh, run_length):
                        p, q = i + d * dx + h * hx, j + d * dm + h * hm
                        s = load(x, p + o, m, q + o * beside, n)
                        t = load(x, p + o2, m, q + o2 * beside, n)
                        u = load(x, p + o3, m, q + o3 * beside, n)
                        v = load(x, p + o4, m, q + o4 * beside, n)
                        for _ in range(h + 1, min(h + run_length, nh)):
                            p += hx
                            q += hm
                            s = add(s, load(x, p + o, m, q + o * beside, n))
                            t = add(t, load(x, p + o2, m, q + o2 * beside, n))
                            u = add(u, load(x, p + o3, m, q + o3 * beside, n))
                            v = add(v, load(x, p + o4, m, q + o4 * beside, n))
                        a, b = combine(a, widen(s)), combine(b, widen(t))
                        c, e = combine(c, widen(u)), combine(e, widen(v))
                put(buffer, at + o, a)
                put(buffer, at + o2, b)
                put(buffer, at + o3, c)
                put(buffer, at + o4, e)
                k += 4 * lanes

    return helper(vertical, f"{name}_vertical")
