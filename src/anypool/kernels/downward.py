"""Row kernels, the first step: rows of the input are combined into one."""

from __future__ import annotations

from collections.abc import Callable

from . import numbers as nm
from . import vectors as vc
from .cache import helper
from .rowtable import RUN, WIDE_RUN


def make_vertical(op: str, kind: str, lane: str, accumulator: str, name: str) -> Callable:
    """vertical(x, base, nd, dx, nh, hx, wx, buffer, at, n): nd x nh rows of n numbers to one."""
    lanes, run_length = nm.lanes_of(lane), RUN if lane == accumulator else WIDE_RUN
    load, add, widen = (
        vc.load(kind, lane, lanes),
        vc.combine(op, lane),
        vc.cast(lane, accumulator, lanes),
    )
    part, put = vc.load_part(op, kind, accumulator, lanes), vc.store(accumulator, lanes)
    load1, put1 = vc.load(kind, accumulator, 1), vc.store(accumulator, 1)
    nothing, nothing1 = vc.identity(op, accumulator, lanes), vc.identity(op, accumulator, 1)
    combine = vc.combine(op, accumulator)
    two, three, four = 2 * lanes, 3 * lanes, 4 * lanes

    def vertical(x, base, nd, dx, nh, hx, wx, buffer, at, n):
        j = 0
        if wx != 1:  # not contiguous: one by one
            while j < n:
                total = nothing1()
                for d in range(nd):
                    row = base + d * dx + j * wx
                    for h in range(0, nh, run_length):
                        run = nothing1()
                        for i in range(h, min(h + run_length, nh)):
                            run = combine(run, load1(x, row + i * hx))
                        total = combine(total, run)
                put1(buffer, at + j, total)
                j += 1
        elif n < lanes:  # the lanes beyond n become the identity: there is padding or slack
            while j < n:
                a = nothing()
                for d in range(nd):
                    for h in range(nh):
                        a = combine(a, part(x, base + d * dx + h * hx, n))
                put(buffer, at, a)
                j = n
        elif nd == 1 and nh == 2:
            # Here and below the last vector overlaps the one before: no remainder one by one.
            while j < n:
                i = min(j, n - lanes)
                put(buffer, at + i, widen(add(load(x, base + i), load(x, base + hx + i))))
                j += lanes
        elif nd == 1 and nh == 3:
            while j < n:
                i = min(j, n - lanes)
                p = add(load(x, base + i), load(x, base + hx + i))
                put(buffer, at + i, widen(add(p, load(x, base + 2 * hx + i))))
                j += lanes
        else:
            # Four vectors of every row in turn, so that short rows are read in the order of memory.
            while j < n:
                ja, jb = min(j, n - lanes), min(j + lanes, n - lanes)
                jc, je = min(j + two, n - lanes), min(j + three, n - lanes)
                a = b = c = e = nothing()
                for d in range(nd):
                    for h in range(0, nh, run_length):
                        i = base + d * dx + h * hx
                        p, q, r, s = (
                            load(x, i + ja),
                            load(x, i + jb),
                            load(x, i + jc),
                            load(x, i + je),
                        )
                        for _ in range(h + 1, min(h + run_length, nh)):
                            i += hx
                            p, q = add(p, load(x, i + ja)), add(q, load(x, i + jb))
                            r, s = add(r, load(x, i + jc)), add(s, load(x, i + je))
                        a, b = combine(a, widen(p)), combine(b, widen(q))
                        c, e = combine(c, widen(r)), combine(e, widen(s))
                put(buffer, at + ja, a)
                put(buffer, at + jb, b)
                put(buffer, at + jc, c)
                put(buffer, at + je, e)
                j += four

    return helper(vertical, f"{name}_vertical")
