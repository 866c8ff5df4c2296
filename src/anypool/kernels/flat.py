"""Whole windows: one number (or one per channel) from a contiguous stretch of memory.

Sums run in many lanes, at most 64 numbers per lane, before the lanes join totals of double width:
the error stays below that of NumPy's pairwise sum whatever the length. Every plane is reduced in
one fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import numbers as nm
from . import vectors as vc
from .cache import compile, helper
from .downward import make_vertical
from .writing import writer

_AXES, _X0, _Y0, _N, _DIVISOR, _ROW, _CHANNELS, _AT_PLANES = range(8)
_STEPS = 8  # eight chains, eight steps: a block of 64 vectors
_ROWS = 64  # rows summed in single precision before they join the totals (channels last)
_BLOCK = 1024  # channels a unit of work holds
_FOLD = 256  # fewer numbers per row than this: several rows are taken as one


def pack(
    x0: int, y0: int, planes: Sequence[tuple[int, int, int]], n: int, divisor: int = 1
) -> np.ndarray:
    """The table for flat_kernel: planes (size, x stride, y stride) of n contiguous numbers each."""
    return pack_channels(x0, y0, planes, n, 1, 1, divisor)


def pack_channels(
    x0: int, y0: int, planes: Sequence[tuple[int, int, int]], n: int, row_stride: int,
    channels: int, divisor: int = 1,
) -> np.ndarray:  # fmt: skip
    """The table for channels_kernel: n rows, each of `channels` contiguous numbers."""
    head = [len(planes), x0, y0, n, divisor, row_stride, channels, 8]
    axes = np.asarray(planes, np.int64).reshape(-1, 3).T.ravel()
    return np.concatenate([np.array(head, np.int64), axes])


def count_units(planes: Sequence[tuple[int, int, int]], channels: int = 1) -> int:
    """The range that `first` and `last` cut up: planes, times blocks of channels."""
    total = -(-channels // _BLOCK)
    for size, _, _ in planes:
        total *= size
    return total


_kernels: dict[tuple, Callable] = {}


def flat_kernel(op: str, kind: str, accumulator: str, out: str) -> Callable:
    """kernel(x, y, table, first, last): one number from each plane first .. last - 1."""
    key = ("flat", op, kind, accumulator, out)
    if key not in _kernels:
        _kernels[key] = _make_flat(op, kind, accumulator, out)
    return _kernels[key]


def channels_kernel(op: str, kind: str, accumulator: str, out: str) -> Callable:
    """kernel(x, y, table, first, last): `channels` numbers from each plane, in units of 1024."""
    key = ("channels", op, kind, accumulator, out)
    if key not in _kernels:
        _kernels[key] = _make_channels(op, kind, accumulator, out)
    return _kernels[key]


def _planes(name: str) -> Callable:
    read = vc.read

    def offsets(g, plane):
        n, at = read(g, _AXES), read(g, _AT_PLANES)
        x, y, left = read(g, _X0), read(g, _Y0), plane
        for axis in range(at + n - 1, at - 1, -1):
            index = left % read(g, axis)
            left //= read(g, axis)
            x += index * read(g, axis + n)
            y += index * read(g, axis + 2 * n)
        return x, y

    return helper(offsets, f"{name}_offsets")


def _make_flat(op: str, kind: str, accumulator: str, out: str) -> Callable:
    name = f"flat_{op}_{kind}_{accumulator}_{out}"
    lane = nm.lane_accumulator(op, kind, accumulator, out)
    lanes = nm.lanes_of(lane)
    load, part = vc.load(kind, lane, lanes), vc.load_part(op, kind, lane, lanes)
    add, widen = vc.combine(op, lane), vc.cast(lane, accumulator, lanes)
    join, nothing = vc.combine(op, accumulator), vc.identity(op, accumulator, lanes)
    nothing_lane = vc.identity(op, lane, lanes)
    reduce, write1 = vc.reduce(op, accumulator, lanes), writer(op, accumulator, out, 1)
    offsets, memory, keep, read = _planes(name), vc.memory, vc.keep, vc.read
    step, span_type = 8 * lanes, nm.KINDS[nm.result_kind(accumulator)].dtype

    def plane(x, i, n):
        end = i + n
        if n < step:  # little: one block, two chains
            a = b = nothing_lane()
            while i + 2 * lanes <= end:
                a, b = add(a, load(x, i)), add(b, load(x, i + lanes))
                i += 2 * lanes
            if i + lanes <= end:
                a = add(a, load(x, i))
                i += lanes
            if i < end:
                b = add(b, part(x, i, end - i))
            return reduce(widen(add(a, b)))
        total = nothing()
        while i + step <= end:
            a, b, c, d = (
                load(x, i),
                load(x, i + lanes),
                load(x, i + 2 * lanes),
                load(x, i + 3 * lanes),
            )
            j = i + 4 * lanes
            p, q, r, s = (
                load(x, j),
                load(x, j + lanes),
                load(x, j + 2 * lanes),
                load(x, j + 3 * lanes),
            )
            i += step
            for _ in range(min(_STEPS - 1, (end - i) // step)):
                a, b = add(a, load(x, i)), add(b, load(x, i + lanes))
                c, d = add(c, load(x, i + 2 * lanes)), add(d, load(x, i + 3 * lanes))
                j = i + 4 * lanes
                p, q = add(p, load(x, j)), add(q, load(x, j + lanes))
                r, s = add(r, load(x, j + 2 * lanes)), add(s, load(x, j + 3 * lanes))
                i += step
            block = add(add(add(a, b), add(c, d)), add(add(p, q), add(r, s)))
            total = join(total, widen(block))
        while i + lanes <= end:
            total = join(total, widen(load(x, i)))
            i += lanes
        if i < end:
            total = join(total, widen(part(x, i, end - i)))
        return reduce(total)

    plane = helper(plane, f"{name}_plane")

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        area, n = float(read(g, _DIVISOR)), read(g, _N)
        one_array = np.ones(1, span_type)
        one = memory(one_array)
        # The innermost axis of the planes is walked; only at its end places are found by division.
        inner, at = 1, read(g, _AT_PLANES) + read(g, _AXES) - 1
        x_step, y_step, index = 0, 0, first
        if read(g, _AXES) > 0:
            inner, x_step = read(g, at), read(g, at + read(g, _AXES))
            y_step = read(g, at + 2 * read(g, _AXES))
        while index < last:
            px, py = offsets(g, index)
            for _ in range(min(inner - index % inner, last - index)):
                write1(y, py, plane(x, px, n), 1, one, 0, area)
                px, py, index = px + x_step, py + y_step, index + 1
        keep(one_array)

    return compile(kernel, name)


def _make_channels(op: str, kind: str, accumulator: str, out: str) -> Callable:
    name = f"flatc_{op}_{kind}_{accumulator}_{out}"
    lane = nm.lane_accumulator(op, kind, accumulator, out)
    lanes = nm.lanes_of(lane)
    vertical, write = (
        make_vertical(op, kind, lane, lane, name),
        writer(op, accumulator, out, lanes),
    )
    get_lane, get = vc.load(lane, lane, lanes), vc.load(accumulator, accumulator, lanes)
    put, put1 = vc.store(accumulator, lanes), vc.store(accumulator, 1)
    get1, join, widen = (
        vc.load(accumulator, accumulator, 1),
        vc.combine(op, accumulator),
        vc.cast(lane, accumulator, lanes),
    )
    nothing = vc.identity(op, accumulator, lanes)
    offsets, memory, keep, read = _planes(name), vc.memory, vc.keep, vc.read
    lane_type, total_type = nm.KINDS[lane].dtype, nm.KINDS[accumulator].dtype
    span_type = nm.KINDS[nm.result_kind(accumulator)].dtype

    def gather(x, base, n, stride, buffer, totals, width):
        # totals[:width] join n rows of `width` numbers.
        for row in range(0, n, _ROWS):
            vertical(x, base + row * stride, 1, 0, min(_ROWS, n - row), stride, 1, buffer, 0, width)
            for c in range(0, width, lanes):
                put(totals, c, join(get(totals, c), widen(get_lane(buffer, c))))

    gather = helper(gather, f"{name}_gather")

    def kernel(x_array, y_array, table, first, last):
        x, y, g = memory(x_array), memory(y_array), memory(table)
        n, row, channels, area = (
            read(g, _N),
            read(g, _ROW),
            read(g, _CHANNELS),
            float(read(g, _DIVISOR)),
        )
        blocks = (channels + _BLOCK - 1) // _BLOCK
        widest = max(_FOLD, min(channels, _BLOCK)) + lanes
        buffer_array, totals_array = np.zeros(widest, lane_type), np.zeros(widest, total_type)
        one_array = np.ones(1, span_type)
        buffer, totals, one = memory(buffer_array), memory(totals_array), memory(one_array)
        fold = _FOLD // channels if row == channels and 2 * channels <= _FOLD else 1
        for unit in range(first, last):
            px, py = offsets(g, unit // blocks)
            c0 = (unit % blocks) * _BLOCK
            width = min(channels - c0, _BLOCK)
            for c in range(0, fold * width, lanes):
                put(totals, c, nothing())
            gather(x, px + c0, n // fold, row * fold, buffer, totals, width * fold)
            for c in range(width, width * fold):
                put1(totals, c % width, join(get1(totals, c % width), get1(totals, c)))
            if n % fold:
                gather(x, px + (n - n % fold) * row, n % fold, row, buffer, totals, width)
            c, stop = 0, max(width - lanes, 0)
            while c < width:
                at = min(c, stop)
                write(y, py + c0 + at, get(totals, at), width, one, 0, area)
                c += lanes
        keep(buffer_array)
        keep(totals_array)
        keep(one_array)

    return compile(kernel, name)
