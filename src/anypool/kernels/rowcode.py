"""Row kernels, the compiled part: max, min, sum and mean over sliding and ragged windows.

For every output row the input rows of its windows are first combined element by element into a
buffer in the innermost cache, whose ends hold the identity (that is the padding). Then the windows
along the row are combined from shifted or strided reads of the buffer. Both steps are vectors over
the width, whatever the layout: with channels last a row is width x channels long and a step along
it is `channels` long. Where channels fill vectors and windows overlap little there is no buffer:
every tap is read from x.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import numbers as nm
from . import vectors as vc
from .along import make_along, make_channels_along, make_spans
from .cache import compile, helper
from .direct import make_direct
from .downward import make_vertical
from .rowtable import (
    AT_D,
    AT_H,
    AT_PLANES,
    AT_STRIPS,
    AXES,
    CHANNELS,
    D_STEP,
    D_X,
    D_Y,
    DEPTH,
    H_STEP,
    H_X,
    H_Y,
    HEIGHT,
    LENGTH,
    MOST,
    OUTPUTS,
    SPAN,
    STRIDE,
    STRIPS,
    W_X,
    W_Y,
    WIDEST,
    X0,
    Y0,
    Step,
)


def make_locate(name: str) -> Callable:
    """locate(g, plane): where a plane begins in x and in y."""
    read = vc.read

    def locate(g, plane):
        axes, at = read(g, AXES), read(g, AT_PLANES)
        px, py, left = read(g, X0), read(g, Y0), plane
        for axis in range(at + axes - 1, at - 1, -1):
            index = left % read(g, axis)
            left //= read(g, axis)
            px += index * read(g, axis + axes)
            py += index * read(g, axis + 2 * axes)
        return px, py

    return helper(locate, f"{name}_locate")


def make_line(name: str, mean: bool = False) -> Callable:
    """line(g, od, oh, px, py): a row's first tap, its taps, its place in y, its divisor's part."""
    read = vc.read

    def line(g, od, oh, px, py):
        depth, height, at_d, at_h = (
            read(g, DEPTH),
            read(g, HEIGHT),
            read(g, AT_D),
            read(g, AT_H),
        )
        base = px + read(g, at_d + od) * read(g, D_X) + read(g, at_h + oh) * read(g, H_X)
        target = py + od * read(g, D_Y) + oh * read(g, H_Y)
        area = 1.0
        if mean:
            d_span, h_span = read(g, at_d + 2 * depth + od), read(g, at_h + 2 * height + oh)
            area = float(d_span) * float(h_span) * float(max(1, read(g, SPAN)))
        return base, read(g, at_d + depth + od), read(g, at_h + height + oh), target, area

    return helper(line, f"{name}_line")


def make_kernel(op: str, kind: str, accumulator: str, out: str, step: Step) -> Callable:
    form = "ragged" if step.ragged else f"k{step.size}s{step.stride}"
    form += "_direct" if step.direct else ""
    name = f"rows_{op}_{kind}_{accumulator}_{out}_{form}_c{step.lanes}"
    make = _make_direct_kernel if step.direct else _make_buffered_kernel
    return make(op, kind, accumulator, out, step, name)


def _make_direct_kernel(
    op: str, kind: str, accumulator: str, out: str, step: Step, name: str
) -> Callable:
    row_of = make_direct(op, kind, accumulator, out, step, name)
    locate, line, mean = make_locate(name), make_line(name, op == "mean"), op == "mean"
    fill_spans = make_spans(accumulator, step.ragged, name) if mean else _no_spans
    span_type = nm.KINDS[nm.result_kind(accumulator)].dtype
    memory, keep, read = vc.memory, vc.keep, vc.read

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        depth, height, outputs = read(g, DEPTH), read(g, HEIGHT), read(g, OUTPUTS)
        each = mean and read(g, SPAN) == 0
        none_array, spans_array = np.ones(1, span_type), np.ones(outputs if each else 1, span_type)
        none, spans = memory(none_array), memory(spans_array)
        if each:
            fill_spans(g, spans, 0, outputs, 1)
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            px, py = locate(g, plane)
            od, oh = (row // height) % depth, row % height
            while row < end:
                base, nd, nh, target, area = line(g, od, oh, px, py)
                row_of(
                    g, x, base, nd, read(g, D_STEP), nh, read(g, H_STEP),
                    y, target, none, spans, area,
                )  # fmt: skip
                row += 1
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
        keep(none_array)
        keep(spans_array)

    return compile(kernel, name)


def _make_buffered_kernel(
    op: str, kind: str, accumulator: str, out: str, step: Step, name: str
) -> Callable:
    lanes, mean = nm.lanes_of(accumulator), op == "mean"
    many = step.lanes > 1
    grouped = many and not step.ragged and step.lanes < lanes
    dtype, span_type = nm.KINDS[accumulator].dtype, nm.KINDS[nm.result_kind(accumulator)].dtype
    lane = nm.lane_accumulator(op, kind, accumulator, out)
    vertical = make_vertical(op, kind, lane, accumulator, name)
    make = make_channels_along if many and not grouped else make_along
    along = make(op, accumulator, out, step, name)
    fill_spans = make_spans(accumulator, step.ragged, name) if mean else _no_spans
    locate, line = make_locate(name), make_line(name, mean)
    put1, nothing1 = vc.store(accumulator, 1), vc.identity(op, accumulator, 1)
    memory, keep, read = vc.memory, vc.keep, vc.read
    slack = 2 * lanes * max(4, step.stride) + max(step.size, 1)

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        depth, height = read(g, DEPTH), read(g, HEIGHT)
        wx, wy, length, channels = (
            read(g, W_X),
            read(g, W_Y),
            read(g, LENGTH),
            read(g, CHANNELS),
        )
        d_step, h_step, strips = read(g, D_STEP), read(g, H_STEP), read(g, STRIPS)
        each, repeat = mean and read(g, SPAN) == 0, channels if grouped else 1
        size = read(g, WIDEST) * channels + slack + lanes * read(g, STRIDE)
        spans_array = np.ones(read(g, MOST) * repeat + lanes if each else 1, span_type)
        buffer_array = np.empty(size, dtype)
        work_array = np.ones(1 if many and not grouped else size, dtype)
        spans, buffer, work = memory(spans_array), memory(buffer_array), memory(work_array)
        for i in range(size):
            put1(buffer, i, nothing1())
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            px, py = locate(g, plane)
            od, oh = (row // height) % depth, row % height
            while row < end:
                base, nd, nh, target, area = line(g, od, oh, px, py)
                at_strip = read(g, AT_STRIPS)
                for _ in range(strips):
                    o0, o1 = read(g, at_strip), read(g, at_strip + 1)
                    low, high = read(g, at_strip + 2), read(g, at_strip + 3)
                    at_strip += 4
                    begin, stop = max(low, 0), min(high, length)
                    if strips > 1:
                        for i in range((min(begin, high) - low) * channels):
                            put1(buffer, i, nothing1())
                        for i in range((max(stop, low) - low) * channels, (high - low) * channels):
                            put1(buffer, i, nothing1())
                    if mean and each and (strips > 1 or row == first):
                        fill_spans(g, spans, o0, o1, repeat)
                    # One run of numbers; or one for each place, where there are gaps between.
                    runs, run, walk = 1, (stop - begin) * channels, wx
                    if many:
                        walk = 1
                        if wx != channels:
                            runs, run = stop - begin, channels
                    for i in range(begin, begin + runs):
                        vertical(
                            x, base + i * wx, nd, d_step, nh, h_step, walk,
                            buffer, (i - low) * channels, run,
                        )  # fmt: skip
                    along(g, buffer, work, y, target + o0 * wy, o0, o1 - o0, low, spans, area)
                row += 1
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
        keep(spans_array)
        keep(buffer_array)
        keep(work_array)

    return compile(kernel, name)


_no_spans = helper(lambda g, spans, o0, o1, repeat: None, "rows_no_spans")
