"""Max, min, sum and mean of large windows that overlap: the work does not grow with the window.

Down the columns (van Herk, Gil and Werman): the rows are cut into blocks as high as a window.
A window that begins in one block ends in the next, so it is the suffix of one block joined with a
prefix of the next: three operations an element, whatever the height. A unit of work is one
block of outputs, so blocks need nothing of each other.

Along the row (doubling): level by level every place combines twice as many neighbours, by
one shifted read each. A maximum joins two overlapping stretches of the last level, a sum the
disjoint stretches that the binary digits of the width name. All is vectors over the row; nothing is
ever subtracted, so that neither rounding nor an infinity outlives its window.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .along import make_spans
from .cache import compile, helper
from .rowcode import make_lines, make_locate
from .rowtable import (
    AT_D,
    AT_STRIPS,
    D_STEP,
    D_X,
    DEPTH,
    GAP,
    H_X,
    LENGTH,
    MOST,
    RUN,
    SPAN,
    STRIDE,
    STRIPS,
    W_Y,
    WIDEST,
)
from .writing import writer

# Behind the table of the row kernels: the windows down the columns, where the divisors of rows and
# of places along a row stand (-1: nowhere), how often the latter repeat; the stretches of a row.
(
    SIZE_H, STRIDE_H, GAP_H, BEFORE_H, LENGTH_H, OUTPUTS_H, CLASSES, BLOCKS,
    ROW_SHARES, PLACE_SHARES, REPEAT, LEVELS, TERMS, AT_TERMS,
) = range(14)  # fmt: skip


def make_kernel(op: str, kind: str, accumulator: str, out: str) -> Callable:
    """kernel(x, y, table, first, last) over blocks of rows of outputs."""
    name = f"tall_{op}_{kind}_{accumulator}_{out}"
    work, memory = _make_work(op, kind, accumulator, out, False, name), vc.memory

    def kernel(x_array, y_array, table, first, last):
        g = memory(table)
        work(memory(x_array), memory(y_array), g, g, first, last)

    return compile(kernel, name)


def make_slope(kind: str, accumulator: str) -> Callable:
    """kernel(g, shares, gx, table, first, last): the way back through sums and means.

    An element of x gets what the windows over it share out: a sum over windows of g, each number
    divided first.
    """
    name = f"tall_slope_{kind}_{accumulator}"
    work, memory = _make_work("sum", kind, accumulator, kind, True, name), vc.memory

    def kernel(g_array, shares, gx_array, table, first, last):
        work(memory(g_array), memory(gx_array), memory(table), memory(shares), first, last)

    return compile(kernel, name)


def _make_work(
    op: str, kind: str, accumulator: str, out: str, divided: bool, name: str
) -> Callable:  # fmt: skip
    """work(x, y, g, shares, first, last): what both kernels do."""
    lanes = nm.lanes_of(accumulator)
    dtype, span_type = nm.KINDS[accumulator].dtype, nm.KINDS[nm.result_kind(accumulator)].dtype
    mean, memory, keep, read = op == "mean", vc.memory, vc.keep, vc.read
    locate, line = make_locate(name), make_lines(name, mean)
    add, join = _make_down(op, kind, accumulator, divided, name)
    fill_widths = _make_widths(accumulator, name) if divided else _no_widths
    fill_spans = make_spans(accumulator, False, name)
    along, careful = _make_along(op, accumulator, out, name), is_careful(op, accumulator)
    clear, close = _make_runs(op, accumulator, join, name)

    def work(x, y, g, shares, first, last):
        e = read(g, AT_STRIPS) + 4 * read(g, STRIPS)
        depth, size, stride = read(g, DEPTH), read(g, e + SIZE_H), read(g, e + STRIDE_H)
        gap, blocks, classes = read(g, e + GAP_H), read(g, e + BLOCKS), read(g, e + CLASSES)
        outputs, before = read(g, e + OUTPUTS_H), read(g, e + BEFORE_H)
        height, levels, wy = read(g, e + LENGTH_H), read(g, e + LEVELS), read(g, W_Y)
        each, dx, hx = mean and read(g, SPAN) == 0, read(g, D_STEP), read(g, H_X)
        pitch = read(g, WIDEST) + 4 * lanes + read(g, STRIDE) * lanes
        prefix, past, stage = size * pitch, (size + 1) * pitch, (size + 2) * pitch
        room = stage + (levels + 1) * pitch
        numbers_array = np.empty(room, dtype)
        spans_array = np.ones(read(g, MOST) + lanes if each else 1, span_type)
        numbers, spans = memory(numbers_array), memory(spans_array)
        at_rows, at_places, repeat = -1, -1, 1
        if divided:
            at_rows, at_places = read(g, e + ROW_SHARES), read(g, e + PLACE_SHARES)
            repeat = read(g, e + REPEAT)
        widths_array = np.empty(read(g, LENGTH) + lanes if divided else 1, dtype)
        widths = memory(widths_array)
        fill_widths(widths, shares, at_places, repeat, read(g, LENGTH), lanes)
        for unit in range(first, last):
            block, rest = unit % blocks, unit // blocks
            c, rest = rest % classes, rest // classes
            od, plane = rest % depth, rest // depth
            px, py = locate(g, plane)
            px += read(g, read(g, AT_D) + od) * read(g, D_X)
            nd = read(g, read(g, AT_D) + depth + od)
            # Outputs of this class are c, c + gap, ...; number t begins at row t * stride of its
            # own rows, which lie gap apart.
            top, count = c - before, (outputs - c + classes - 1) // classes
            t0 = (block * size + stride - 1) // stride
            t1 = min(((block + 1) * size + stride - 1) // stride, count)
            at_strip = read(g, AT_STRIPS)
            for _ in range(read(g, STRIPS) if t0 < t1 else 0):
                o0, o1 = read(g, at_strip), read(g, at_strip + 1)
                low, high = read(g, at_strip + 2), read(g, at_strip + 3)
                at_strip += 4
                begin, stop = max(low, 0), min(high, read(g, LENGTH))
                n = max(0, stop - begin)
                if each:
                    fill_spans(g, spans, o0, o1, 1)
                if unit == first or read(g, STRIPS) > 1:
                    clear(numbers, stage, stage + pitch)  # its ends are the padding
                clear(numbers, prefix, stage)
                source = prefix
                for j in range(size - 1 if size > 1 else -1, t0 * stride - block * size - 1, -1):
                    row = top + (block * size + j) * gap
                    nr = nd if 0 <= row < height else 0
                    if careful:
                        close(numbers, prefix, past, n, size - 1 - j)
                        add(x, px + row * hx + begin, nr, dx, numbers, prefix, prefix, n,
                            widths, begin, shares, at_rows, row)  # fmt: skip
                        join(numbers, prefix, past, j * pitch, n)
                    else:
                        add(x, px + row * hx + begin, nr, dx, numbers, source, j * pitch, n,
                            widths, begin, shares, at_rows, row)  # fmt: skip
                        source = j * pitch
                if size > 1:
                    clear(numbers, prefix, stage)
                reached = 0
                for t in range(t0, t1):
                    while block * size + reached < t * stride:
                        row = top + ((block + 1) * size + reached) * gap
                        if careful:
                            close(numbers, prefix, past, n, reached)
                        if 0 <= row < height:
                            add(x, px + row * hx + begin, nd, dx, numbers, prefix, prefix, n,
                                widths, begin, shares, at_rows, row)  # fmt: skip
                        reached += 1
                    to = stage + begin - low
                    source = (t * stride - block * size) * pitch
                    if size == 1:  # nothing to share: the row itself
                        row = top + t * stride * gap
                        nr = nd if 0 <= row < height else 0
                        add(x, px + row * hx + begin, nr, dx, numbers, prefix, to, n,
                            widths, begin, shares, at_rows, row)  # fmt: skip
                    else:
                        if careful:
                            join(numbers, source, past, to, n)
                            source = to
                        join(numbers, source, prefix, to, n)
                    _, _, _, target, area = line(g, od, c + t * classes, px, py)
                    along(g, e, numbers, stage, pitch, high - low, y, target + o0 * wy, o1 - o0,
                          spans, area)  # fmt: skip
        keep(numbers_array)
        keep(spans_array)
        keep(widths_array)

    return helper(work, f"{name}_work")


def _make_widths(accumulator: str, name: str) -> Callable:
    """fill(widths, shares, at, repeat, n, more): the divisors along a row, and ones behind."""
    put, number, read = vc.store(accumulator, 1), sl.number(accumulator, 1), vc.read

    def fill(widths, shares, at, repeat, n, more):
        for i in range(n + more):
            put(widths, i, number(read(shares, at + i // repeat) if at >= 0 and i < n else 1.0))

    return helper(fill, f"{name}_widths")


_no_widths = helper(lambda widths, shares, at, repeat, n, more: None, "tall_no_widths")


_no_area = helper(lambda shares, at_rows, row, nd: 1.0, "tall_no_area")


def is_careful(op: str, accumulator: str) -> bool:
    """Whether rows are summed in runs, so that no number passes through many roundings."""
    return accumulator == "f32" and op in ("sum", "mean")


def _make_runs(op: str, accumulator: str, join: Callable, name: str) -> tuple[Callable, Callable]:
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


def _make_down(
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
    every = sl.number(accumulator, lanes) if divided else None

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

    area_of = helper(read_area, f"{name}_area") if divided else _no_area

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


def _make_along(op: str, accumulator: str, out: str, name: str) -> Callable:
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
