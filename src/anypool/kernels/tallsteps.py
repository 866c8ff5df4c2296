"""The steps of the kernel for large windows: down the columns, and along the row."""

from __future__ import annotations

from collections.abc import Callable

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import helper
from .rowtable import GAP, RUN, STRIDE
from .writing import writer

# Behind the table of the row kernels: the windows down the columns, where the divisors of rows and
# of places along a row stand (-1: nowhere), how often the latter repeat; the stretches of a row.
(
    SIZE_H, STRIDE_H, GAP_H, BEFORE_H, LENGTH_H, OUTPUTS_H, CLASSES, BLOCKS,
    ROW_SHARES, PLACE_SHARES, REPEAT, LEVELS, TERMS, AT_TERMS,
) = range(14)  # fmt: skip


def make_widths(accumulator: str, name: str) -> Callable:
    """fill(widths, shares, at, repeat, n, more): the divisors along a row, and ones behind."""
    put, number, read = vc.store(accumulator, 1), sl.number(accumulator, 1), vc.read

    def fill(widths, shares, at, repeat, n, more):
        for i in range(n + more):
            put(widths, i, number(read(shares, at + i // repeat) if at >= 0 and i < n else 1.0))

    return helper(fill, f"{name}_widths")


no_widths = helper(lambda widths, shares, at, repeat, n, more: None, "tall_no_widths")


no_area = helper(lambda shares, at_rows, row, nd: 1.0, "tall_no_area")


def is_careful(op: str, accumulator: str) -> bool:
    """Whether rows are summed in runs, so that no number passes through many roundings."""
    return accumulator == "f32" and op in ("sum", "mean")


def make_runs(op: str, accumulator: str, join: Callable, name: str) -> tuple[Callable, Callable]:
    """clear(numbers, a, b): nothing there; close(numbers, a, past, n, rows): a full run is past."""
    lanes = nm.lanes_of(accumulator)
    put, nothing = vc.store(accumulator, lanes), vc.identity(op, accumulator, lanes)

    def clear(numbers, a, b):
        while a < b - lanes:
            put(numbers, a, nothing())
            a += lanes
        put(numbers, b - lanes, nothing())

    clear = helper(clear, f"{name}_clear")

    def close(numbers, a, past, n, rows):
        if rows > 0 and rows % RUN == 0:
            join(numbers, past, a, past, n)
            clear(numbers, a, past)

    return clear, helper(close, f"{name}_close")


def make_down(
    op: str, kind: str, accumulator: str, divided: bool, name: str
) -> tuple[Callable, Callable]:  # fmt: skip
    """add(x, i, nd, dx, numbers, a, b, n, ...): b = a and nd rows of x; join(numbers, a, p, to, n).

    Divided, the numbers of row `row` are shared out by its own divisor and those along the row.
    """
    lanes = nm.lanes_of(accumulator)
    load, part = vc.load(kind, accumulator, lanes), vc.load_part(op, kind, accumulator, lanes)
    get, put = vc.load(accumulator, accumulator, lanes), vc.store(accumulator, lanes)
    combine, read = vc.combine(op, accumulator), vc.read
    over, times = sl.divide, sl.multiply
    every = sl.number(accumulator, lanes) if divided else vc.identity(op, accumulator, lanes)

    def vector(x, i, j, n, widths, at, area):
        if j + lanes <= n:
            return load(x, i + j)
        return part(x, i + j, n - j)

    def shared(x, i, j, n, widths, at, area):
        if j + lanes <= n:
            return over(load(x, i + j), times(get(widths, at + j), every(area)))
        return over(part(x, i + j, n - j), times(get(widths, at + j), every(area)))

    vector = helper(shared if divided else vector, f"{name}_vector")

    def read_area(shares, at_rows, row, nd):
        return read(shares, at_rows + row) if at_rows >= 0 and nd > 0 else 1.0

    area_of = helper(read_area, f"{name}_area") if divided else no_area

    def add(x, i, nd, dx, numbers, a, b, n, widths, at, shares, at_rows, row):
        area = area_of(shares, at_rows, row, nd)
        if nd == 1:
            j = 0
            while j < n:
                more = vector(x, i, j, n, widths, at, area)
                put(numbers, b + j, combine(get(numbers, a + j), more))
                j += lanes
        else:
            j = 0
            while j < n:
                value = get(numbers, a + j)
                for d in range(nd):
                    value = combine(value, vector(x, i + d * dx, j, n, widths, at, area))
                put(numbers, b + j, value)
                j += lanes

    def join(numbers, a, p, to, n):
        j = 0
        while j < n:
            put(numbers, to + j, combine(get(numbers, a + j), get(numbers, p + j)))
            j += lanes

    return helper(add, f"{name}_add"), helper(join, f"{name}_join")


def make_along(op: str, accumulator: str, out: str, name: str) -> Callable:
    """along(g, e, numbers, stage, pitch, n, y, at, m, spans, area): a row of m results."""
    lanes, read, double = nm.lanes_of(accumulator), vc.read, op in ("max", "min")
    get, put = vc.load(accumulator, accumulator, lanes), vc.store(accumulator, lanes)
    combine, write, pick = (
        vc.combine(op, accumulator),
        writer(op, accumulator, out, lanes),
        vc.pick(accumulator, lanes),
    )

    def along(g, e, numbers, stage, pitch, n, y, at, m, spans, area):
        gap, stride, levels = read(g, GAP), read(g, STRIDE), read(g, e + LEVELS)
        shift = gap
        a = stage
        for _ in range(1, levels):
            n -= shift
            i = 0
            while i < n:
                put(numbers, a + pitch + i, combine(get(numbers, a + i),
                                                    get(numbers, a + i + shift)))  # fmt: skip
                i += lanes
            a += pitch
            shift += shift
        terms = e + AT_TERMS
        count = read(g, e + TERMS)
        o, dense = 0, (m - 1) * stride + 1
        last, to = max(dense - lanes, 0), stage + levels * pitch
        first, second = stage + read(g, terms), stage + read(g, terms + count - 1)
        while o < dense:
            p = min(o, last)
            value = get(numbers, first + p)
            if double:
                value = combine(value, get(numbers, second + p))
            else:
                for k in range(1, count):
                    value = combine(value, get(numbers, stage + read(g, terms + k) + p))
            if stride == 1:
                write(y, at + p, value, m, spans, p, area)
            else:
                put(numbers, to + p, value)
            o += lanes
        if stride > 1:
            o, last = 0, max(m - lanes, 0)
            while o < m:
                p = min(o, last)
                write(y, at + p, pick(numbers, to + p * stride, stride), m, spans, p, area)
                o += lanes

    return helper(along, f"{name}_along")
