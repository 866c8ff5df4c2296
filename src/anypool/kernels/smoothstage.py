"""Smooth kernels, the first step: a row of the input as the windows along it want it.

A line of scratch holds every stride-th place of the row, `stride` lines one after the other, so
that a tap of neighbouring windows is one stretch of a line. Places of the padding are hollow.
"""

from __future__ import annotations

from collections.abc import Callable

from . import numbers as nm
from . import smoothcalls as sc
from . import smoothforms as sf
from . import smoothreads as sr
from . import vectors as vc
from .cache import helper
from .rowtable import CHANNELS, GAP, LENGTH, SIZE, STRIDE, W_X
from .smoothtable import ROOM


def make_stage(form: sf.Form, kind: str, acc: str, way: str, name: str) -> Callable:
    """stage(g, x, row, low, scratch, at, n, p): a row from place `low` on, n places to a line.

    way: "1" to "4", the stride of rows without gaps in memory; "any"; or "channels".
    """
    if way == "any":
        made = _one_by_one(form, kind, acc)
    elif way == "channels":
        made = _by_places(form, kind, acc, _make_copy(form, kind, acc, name))
    else:
        made = _by_vectors(form, kind, acc, int(way))
    return helper(made, f"{name}_stage")


def _by_vectors(form: sf.Form, kind: str, acc: str, stride: int) -> Callable:
    lanes, read = nm.lanes_of(acc), vc.read
    full = sr.stage(form, kind, acc, lanes, stride, True)
    part = sr.stage(form, kind, acc, lanes, stride, False)
    wide = lanes * stride

    def stage(g, x, row, low, scratch, at, n, p):
        length, room, q = read(g, LENGTH), read(g, ROOM), 0
        while q < n:
            place = low + q * stride
            begin, end = max(0, -place), min(wide, length - place)
            if begin == 0 and end == wide:
                full(x, row + place, 0, wide, scratch, at + q, room, p)
            elif begin < end:
                part(x, row + place, begin, end, scratch, at + q, room, p)
            else:
                part(x, row, 0, 0, scratch, at + q, room, p)
            q += lanes

    return stage


def _one_by_one(form: sf.Form, kind: str, acc: str) -> Callable:
    read, one = vc.read, sr.take(form, kind, acc, 1)
    put, hollow = vc.store(acc, 1), sc.begin(form, acc, 1)

    def stage(g, x, row, low, scratch, at, n, p):
        length, room, wx, step = read(g, LENGTH), read(g, ROOM), read(g, W_X), read(g, STRIDE)
        reach = (read(g, SIZE) - 1) * read(g, GAP) + 1
        for phase in range(min(step, reach)):
            for q in range(n):
                place = low + q * step + phase
                value = hollow()
                if 0 <= place < length:
                    value = one(x, row + place * wx, p)
                put(scratch, at + phase * room + q, value)

    return stage


def _make_copy(form: sf.Form, kind: str, acc: str, name: str) -> Callable:
    """copy(x, i, scratch, at, n, p): n numbers; up to a vector more of scratch is spoilt."""
    lanes = nm.lanes_of(acc)
    take, part = sr.take(form, kind, acc, lanes), sr.take_part(form, kind, acc, lanes)
    put = vc.store(acc, lanes)

    def copy(x, i, scratch, at, n, p):
        j = 0
        while j + lanes <= n:
            put(scratch, at + j, take(x, i + j, p))
            j += lanes
        if j < n:
            put(scratch, at + j, part(x, i + j, n - j, p))

    return helper(copy, f"{name}_copy")


def _by_places(form: sf.Form, kind: str, acc: str, copy: Callable) -> Callable:
    read, put, hollow = vc.read, vc.store(acc, 1), sc.begin(form, acc, 1)

    def stage(g, x, row, low, scratch, at, n, p):
        length, room, wx, step = read(g, LENGTH), read(g, ROOM), read(g, W_X), read(g, STRIDE)
        channels, reach = read(g, CHANNELS), (read(g, SIZE) - 1) * read(g, GAP) + 1
        for phase in range(min(step, reach)):
            line, first = at + phase * room, low + phase
            begin = min(n, max(0, -(first // step)))  # places before it are padding
            end = max(begin, min(n, -((first - length) // step)))
            for i in range(line, line + begin * channels):
                put(scratch, i, hollow())
            at_x, pieces, run = row + (first + begin * step) * wx, end - begin, channels
            if step == 1 and wx == channels:
                pieces, run = 1, (end - begin) * channels
            for q in range(pieces):
                copy(x, at_x + q * step * wx, scratch, line + (begin + q) * channels, run, p)
            for i in range(line + end * channels, line + n * channels):
                put(scratch, i, hollow())

    return stage
