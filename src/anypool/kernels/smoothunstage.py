"""The way back of `smoothstage`: lines of scratch that windows added to become a row in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from . import vectors as vc
from .cache import helper
from .curves import Real
from .numbers import Value
from .rowtable import CHANNELS, GAP, LENGTH, SIZE, STRIDE, W_X
from .smoothcalls import PARAMETERS, spread
from .smoothreads import between, masked
from .smoothslopes import Slope, last
from .smoothtable import ROOM
from .vectors import I32


def _woven(b: Any, lines: list[Value]) -> Value:
    """One vector that takes from each of `lines` in turn."""
    if len(lines) == 1:
        return lines[0]
    lanes, whole = lines[0].type.count, lines[0]
    for line in lines[1:]:  # end to end; LLVM sees through the shuffles
        width = whole.type.count
        padded = rg.shuffle(b, line, [min(i, lanes - 1) for i in range(width)])
        order = [*range(width), *(width + i for i in range(lanes))]
        mask = ir.Constant(ir.VectorType(I32, len(order)), order)
        whole = b.shuffle_vector(whole, padded, mask)
    count = len(lines)
    return rg.shuffle(b, whole, [i % count * lanes + i // count for i in range(lanes * count)])


def unstage(slope: Slope, kind: str, acc: str, out: str, lanes: int, stride: int) -> Any:
    """unstage(lines, at, room, x, gx, i, low, high, p): elements i + low to i + high of the row."""

    @vc.intrinsic
    def written(
        typing: Any, lines: Any, at: Any, room: Any, x: Any, gx: Any, i: Any, low: Any, high: Any,
        p: Any,
    ) -> Any:  # fmt: skip
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            lines, at, room, x, gx, i, low, high, p = args
            mask = between(b, lanes * stride, low, high)
            like, count = nm.shaped(acc, lanes), ir.Constant(at.type, lanes)
            found = []
            for _ in range(stride):
                where = vc.vector_pointer(c, b, sig.args[0], lines, at, like, count)
                found.append(b.load(where, align=nm.KINDS[acc].size))
                at = b.add(at, room)
            v, size = _woven(b, found), nm.KINDS[out].size
            if slope.late:
                like = nm.shaped(kind, lanes * stride)
                where = rg.pointer(c, b, sig.args[3], x, b.add(i, low), b.sub(high, low))
                where = b.bitcast(b.gep(where, [b.neg(low)]), like.as_pointer())
                own = nm.convert(b, masked(b, where, mask, like, kind), kind, acc)
                last = slope.last(Real(b, own, acc), spread(c, b, p, acc, lanes * stride))
                v = b.fmul(v, last.v)
            v = nm.convert(b, v, acc, out)
            to = rg.pointer(c, b, sig.args[4], gx, b.add(i, low), b.sub(high, low))
            to = b.bitcast(b.gep(to, [b.neg(low)]), v.type.as_pointer())
            whole = b.icmp_signed("==", b.sub(high, low), ir.Constant(low.type, lanes * stride))
            with b.if_else(whole, likely=True) as (full, part):
                with full:
                    b.store(v, to, align=size)
                with part:
                    name = f"llvm.masked.store.{nm.mangled(v.type)}.p0"
                    parts = [v, to, ir.Constant(I32, size), mask]
                    nm.call_named(b, name, ir.VoidType(), parts)
            return c.get_dummy_value()

        i64 = types.intp
        return types.void(lines, i64, i64, x, gx, i64, i64, i64, PARAMETERS), code

    return written


def make_unstage(slope: Slope, kind: str, acc: str, out: str, way: str, name: str) -> Callable:
    """unstage(g, lines, at, n, x, gx, row, low, p): a row whose places from `low` on are lines."""
    lanes, read = nm.lanes_of(acc), vc.read
    stride = int(way) if way.isdigit() else 1
    write, wide = unstage(slope, kind, acc, out, lanes, stride), lanes * stride
    take1, last1 = vc.load(kind, acc, 1), last(slope, acc, 1)
    get1, put1 = vc.load(acc, acc, 1), vc.store(out, 1)

    def by_vectors(g, lines, at, n, x, gx, row, low, p):
        length, room = read(g, LENGTH), read(g, ROOM)
        for q in range(0, n, lanes):
            place = low + q * stride
            # beyond the last line's end nothing was added: n is a bound as the row's end is
            begin, end = max(0, -place), min(wide, length - place, (n - q) * stride)
            if begin < end:
                write(lines, at + q, room, x, gx, row + place, begin, end, p)

    def one_by_one(g, lines, at, n, x, gx, row, low, p):
        length, room, wx, step = read(g, LENGTH), read(g, ROOM), read(g, W_X), read(g, STRIDE)
        reach = (read(g, SIZE) - 1) * read(g, GAP) + 1
        for phase in range(min(step, reach)):
            for q in range(n):
                place = low + q * step + phase
                if 0 <= place < length:
                    i = row + place * wx
                    put1(gx, i, last1(get1(lines, at + phase * room + q), take1(x, i), p))

    def by_places(g, lines, at, n, x, gx, row, low, p):
        length, room, wx, step = read(g, LENGTH), read(g, ROOM), read(g, W_X), read(g, STRIDE)
        channels, reach = read(g, CHANNELS), (read(g, SIZE) - 1) * read(g, GAP) + 1
        for phase in range(min(step, reach)):
            for q in range(n):
                place, line = low + q * step + phase, at + phase * room + q * channels
                if 0 <= place < length:
                    for c in range(0, channels, lanes):
                        many = min(lanes, channels - c)
                        write(lines, line + c, 0, x, gx, row + place * wx + c, 0, many, p)

    made = by_vectors if way.isdigit() else one_by_one if way == "any" else by_places
    return helper(made, f"{name}_unstage", forceinline=False)  # called from two places
