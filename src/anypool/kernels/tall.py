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
from . import vectors as vc
from .along import make_spans
from .cache import compile, helper
from .rowcode import make_line, make_locate
from .rowtable import (
    AT_D,
    AT_STRIPS,
    D_STEP,
    D_X,
    DEPTH,
    H_X,
    LENGTH,
    MOST,
    SPAN,
    STRIDE,
    STRIPS,
    W_Y,
    WIDEST,
)
from .tallsteps import (
    BEFORE_H,
    BLOCKS,
    CLASSES,
    GAP_H,
    LENGTH_H,
    LEVELS,
    OUTPUTS_H,
    PLACE_SHARES,
    REPEAT,
    ROW_SHARES,
    SIZE_H,
    STRIDE_H,
    is_careful,
    make_along,
    make_down,
    make_runs,
    make_widths,
    no_widths,
)


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
    locate, line = make_locate(name), make_line(name, mean)
    add, join = make_down(op, kind, accumulator, divided, name)
    fill_widths = make_widths(accumulator, name) if divided else no_widths
    fill_spans = make_spans(accumulator, False, name)
    along, careful = make_along(op, accumulator, out, name), is_careful(op, accumulator)
    clear, close = make_runs(op, accumulator, join, name)

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
