"""Row kernels for elements that may be unreal: a mask, weights, or NaN to be skipped.

They go like the row kernels without a mask (see `rowcode`): rows are combined into a buffer, then
windows along it. On the way into the buffer a select puts the identity where an element is not
real. What is real has been counted before (see `masks`). The last step divides by the counts, and
writes `fill` where there are none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import masklanes as ml
from . import numbers as nm
from . import vectors as vc
from .along import make_along, make_channels_along
from .cache import compile, helper
from .maskdown import make_vertical
from .masktable import COUNTS, FILL, M0, M_D, M_D_STEP, M_H, M_H_STEP, M_W, PLANES, Y_W
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
    OUTPUTS,
    STRIDE,
    STRIPS,
    W_X,
    WIDEST,
    X0,
    Y0,
    Step,
)


class Form(NamedTuple):
    """A specialisation: what is reduced, what is real, how it is counted, the windows' steps."""

    op: str  # max, min, sum or mean
    kind: str
    accumulator: str
    out: str
    source: str
    counted: str  # u8, i32 or f64
    step: Step
    spread: bool  # one number of the mask for all channels of a place

    @property
    def name(self) -> str:
        s = self.step
        form = f"{'r' if s.ragged else 'k'}{s.size}s{s.stride}c{s.lanes}"
        kinds = f"{self.kind}_{self.accumulator}_{self.out}"
        return f"masked_{self.op}_{kinds}_{self.source}_{self.counted}_{form}_{self.spread:d}"


def _make_locate(name: str) -> Callable:
    """locate(g, e, plane): where a plane begins in x, y, the mask and the counts."""
    read = vc.read

    def locate(g, e, plane):
        axes, at = read(g, AXES), read(g, AT_PLANES)
        px, py, pm, pc, left = read(g, X0), read(g, Y0), read(e, M0), 0, plane
        for k in range(axes - 1, -1, -1):
            size = read(g, at + k)
            index = left % size
            left //= size
            px += index * read(g, at + k + axes)
            py += index * read(g, at + k + 2 * axes)
            pm += index * read(e, PLANES + k)
            pc += index * read(e, PLANES + axes + k)
        return px, py, pm, pc

    return helper(locate, f"{name}_locate")


def _make_line(op: str, acc: str, along: Callable, vertical: Callable, name: str) -> Callable:
    """line(g, x, m, i, j, steps, wx, wm, buffer, work, to, at, wy, counts, fill): a row of windows.

    It goes into `to` from `at` on, its outputs `wy` apart.
    """
    nothing1, put1, read, beyond = vc.identity(op, acc, 1), vc.store(acc, 1), vc.read, ml.beyond

    def line(g, x, m, i, j, steps, wx, wm, buffer, work, to, at, wy, counts, fill):
        length, channels, strips = read(g, LENGTH), read(g, CHANNELS), read(g, STRIPS)
        at_strip = read(g, AT_STRIPS)
        for _ in range(strips):
            o0, o1 = read(g, at_strip), read(g, at_strip + 1)
            low, high = read(g, at_strip + 2), read(g, at_strip + 3)
            at_strip += 4
            begin, stop = max(low, 0), min(high, length)
            if strips > 1:
                for k in range((min(begin, high) - low) * channels):
                    put1(buffer, k, nothing1())
                for k in range((max(stop, low) - low) * channels, (high - low) * channels):
                    put1(buffer, k, nothing1())
            runs, run, step_x, step_m = 1, (stop - begin) * channels, wx, wm
            if channels > 1:
                step_x = step_m = 1
                if wx != channels or wm != channels:
                    runs, run = stop - begin, channels
            for k in range(begin, begin + runs):
                vertical(x, m, i + k * wx, j + k * wm, steps, step_x, step_m,
                         buffer, (k - low) * channels, run)  # fmt: skip
            along(g, buffer, work, to, at + o0 * wy, o0, o1 - o0, low,
                  beyond(counts, o0 * channels), fill)  # fmt: skip

    return helper(line, f"{name}_line")


def _in_lanes(step: Step, accumulator: str) -> bool:
    """Whether vectors run over the channels of a place, whose results are written later."""
    return step.lanes > 1 and (step.ragged or step.lanes >= nm.lanes_of(accumulator))


def _make_along(form: Form, name: str) -> Callable:
    """The step along the row: into y, or a row of accumulators where lanes are channels."""
    op, acc = _summed(form.op), form.accumulator
    if _in_lanes(form.step, acc):
        return make_channels_along(op, acc, acc, form.step, name)

    def writer(op: str, acc: str, out: str, lanes: int) -> Any:
        return ml.finisher(form.op, acc, form.counted, out, lanes, False)

    return make_along(op, acc, form.out, form.step, name, writer)


def _summed(op: str) -> str:
    return "sum" if op == "mean" else op


def _make_last(form: Form) -> Callable:
    """last(values, counts, y, to, wy, outputs, channels, fill): results from a row of numbers."""
    name, lanes, spread = form.name, nm.lanes_of(form.accumulator), form.spread
    write = ml.finisher(form.op, form.accumulator, form.counted, form.out, lanes, spread)
    load = vc.load(form.accumulator, form.accumulator, lanes)

    def last(values, counts, y, to, wy, outputs, channels, fill):
        for o in range(outputs):
            i, at = o * channels, to + o * wy
            # The last vector overlaps the one before.
            end = max(channels - lanes, 0)
            for c in range(0, channels, lanes):
                k = min(c, end)
                j = o if spread else i + k
                write(y, at + k, load(values, i + k), channels, counts, j, fill)

    return helper(last, f"{name}_last")


def _make_row(form: Form, line: Callable) -> Callable:
    """row(...): a row of windows from x to y."""

    def straight(g, x, m, i, j, steps, wx, wm, buffer, work, values, y, to, wy, counts, fill):
        line(g, x, m, i, j, steps, wx, wm, buffer, work, y, to, wy, counts, fill)

    if not _in_lanes(form.step, form.accumulator):
        return helper(straight, f"{form.name}_row")
    last, read = _make_last(form), vc.read

    def lanes(g, x, m, i, j, steps, wx, wm, buffer, work, values, y, to, wy, counts, fill):
        channels, outputs = read(g, CHANNELS), read(g, OUTPUTS)
        line(g, x, m, i, j, steps, wx, wm, buffer, work, values, 0, channels, counts, fill)
        last(values, counts, y, to, wy, outputs, channels, fill)

    return helper(lanes, f"{form.name}_row")


def make_kernel(form: Form) -> Callable:
    """kernel(x, m, y, counts, g, e, first, last): a range of rows of outputs.

    g is the table of the rows, e what `masktable` names.
    """
    op, name = _summed(form.op), form.name
    kind, acc, source = form.kind, form.accumulator, form.source
    lane = acc if source == "weights" else nm.lane_accumulator(op, kind, acc, form.out)
    load, part, load1 = (
        ml.real_load(op, kind, lane, n, source, form.spread, short)
        for n, short in ((nm.lanes_of(lane), False), (nm.lanes_of(lane), True), (1, False))
    )
    vertical = make_vertical(op, lane, acc, (load, part, load1), form.spread, name)
    in_lanes = _in_lanes(form.step, acc)
    line = _make_line(op, acc, _make_along(form, name), vertical, name)
    locate, whole_row = _make_locate(name), _make_row(form, line)
    start, clear = _make_start(acc, form.step, name), _make_clear(op, acc, name)
    memory, keep, read, as_double, beyond = vc.memory, vc.keep, vc.read, ml.as_double, ml.beyond
    dtype = nm.KINDS[acc].dtype

    def kernel(x_array, m_array, y_array, counts_array, table, more, first, last):
        x, m, y, counts = memory(x_array), memory(m_array), memory(y_array), memory(counts_array)
        g, e = memory(table), memory(more)
        depth, height, outputs = read(g, DEPTH), read(g, HEIGHT), read(g, OUTPUTS)
        at_d, at_h, channels = read(g, AT_D), read(g, AT_H), read(g, CHANNELS)
        wx, wm, wy, width = read(g, W_X), read(e, M_W), read(e, Y_W), read(e, COUNTS)
        size, fill = start(g), as_double(read(e, FILL))
        buffer_array, work_array = np.empty(size, dtype), np.ones(1 if in_lanes else size, dtype)
        values_array = np.empty(outputs * channels + 256 if in_lanes else 1, dtype)
        buffer, work, values = memory(buffer_array), memory(work_array), memory(values_array)
        clear(buffer, size)
        row = first
        while row < last:
            plane = row // (depth * height)
            end = min(last, (plane + 1) * depth * height)
            px, py, pm, pc = locate(g, e, plane)
            od, oh = (row // height) % depth, row % height
            while row < end:
                d0, nd = read(g, at_d + od), read(g, at_d + depth + od)
                h0, nh = read(g, at_h + oh), read(g, at_h + height + oh)
                i = px + d0 * read(g, D_X) + h0 * read(g, H_X)
                j = pm + d0 * read(e, M_D) + h0 * read(e, M_H)
                steps = (nd, read(g, D_STEP), read(e, M_D_STEP),
                         nh, read(g, H_STEP), read(e, M_H_STEP))  # fmt: skip
                to = py + od * read(g, D_Y) + oh * read(g, H_Y)
                here = beyond(counts, pc + (od * height + oh) * width)
                whole_row(g, x, m, i, j, steps, wx, wm, buffer, work, values, y, to, wy, here, fill)
                row += 1
                oh += 1
                if oh == height:
                    oh, od = 0, od + 1
        keep(buffer_array)
        keep(work_array)
        keep(values_array)
        keep(counts_array)

    return compile(kernel, name)


def _make_start(acc: str, step: Step, name: str) -> Callable:
    """start(g): how many accumulators the buffer must hold."""
    lanes, read = nm.lanes_of(acc), vc.read
    slack = 2 * lanes * max(4, step.stride) + max(step.size, 1)

    def start(g):
        return read(g, WIDEST) * read(g, CHANNELS) + slack + lanes * read(g, STRIDE)

    return helper(start, f"{name}_start")


def _make_clear(op: str, acc: str, name: str) -> Callable:
    """clear(buffer, size): the identity everywhere."""
    nothing1, put1 = vc.identity(op, acc, 1), vc.store(acc, 1)

    def clear(buffer, size):
        for i in range(size):
            put1(buffer, i, nothing1())

    return helper(clear, f"{name}_clear")


_kernels: dict[Form, Callable] = {}


def mask_kernel(form: Form) -> Callable:
    """The kernel of one form, made once."""
    if form not in _kernels:
        _kernels[form] = make_kernel(form)
    return _kernels[form]
