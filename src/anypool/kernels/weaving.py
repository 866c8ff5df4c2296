"""Rows taken apart by the windows' stride, and put together again.

Apart, the elements that one tap of neighbouring windows reads lie next to each other.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .registers import Vector
from .selecting import put
from .vectors import I32, intrinsic, vector_pointer


def apart(op: str, kind: str, accumulator: str, lanes: int, step: int) -> Any:
    """apart(x, i, count, buffer, q, pitch): elements i, i + 1, ... of x go to a row of buffers.

    Element number q + n goes to buffer (q + n) % step, place (q + n) // step; buffers are `pitch`
    apart. lanes * step elements are written; from `count` on they are the identity.
    """
    total, size = lanes * step, nm.KINDS[kind].size

    def read(c: Any, b: Any, memory: Any, x: Value, i: Value, count: Value) -> Value:
        like = nm.shaped(kind, total)
        found = []
        before = b.block
        full = b.icmp_signed(">=", count, ir.Constant(count.type, total))
        with b.if_else(full, likely=True) as (all_, some):
            with all_:
                where = vector_pointer(c, b, memory, x, i, like, ir.Constant(i.type, total))
                value = nm.convert(b, b.load(where, align=size), kind, accumulator)
                found.append((value, b.block))
            with some:
                where = vector_pointer(c, b, memory, x, i, like, count)
                mask = rg.first_lanes(b, total, count)
                parts = [where, ir.Constant(I32, size), mask, nm.constant(like, 0)]
                name = f"llvm.masked.load.{nm.mangled(like)}.p0"
                value = nm.convert(b, nm.call_named(b, name, like, parts), kind, accumulator)
                value = b.select(mask, value, nm.identity(op, accumulator, total))
                found.append((value, b.block))
        del before
        joined = b.phi(found[0][0].type)
        for value, block in found:
            joined.add_incoming(value, block)
        return joined

    @intrinsic
    def written(typing: Any, x: Any, i: Any, count: Any, buffer: Any, q: Any, pitch: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            source, i, count, target, q, pitch = args
            value = read(c, b, sig.args[0], source, i, count)
            stride = ir.Constant(q.type, step)
            for phase in range(step):
                order = [lane * step + phase for lane in range(lanes)]
                part = rg.shuffle(b, value, order) if step > 1 else value
                number = b.add(q, ir.Constant(q.type, phase))
                row, place = b.urem(number, stride), b.udiv(number, stride)
                at = b.add(b.mul(row, pitch), place)
                end = ir.Constant(q.type, lanes)
                where = vector_pointer(c, b, sig.args[3], target, at, part.type, end)
                b.store(part, where, align=nm.KINDS[accumulator].size)
            return c.get_dummy_value()

        ints = types.intp
        return types.void(x, ints, ints, buffer, ints, ints), code

    return written


def woven(kind: str, accumulator: str, lanes: int, step: int) -> Any:
    """woven(buffer, q, pitch, x, i, count): the way back; writes `count` elements (or all)."""
    total = lanes * step
    store = put(kind, total)

    @intrinsic
    def gathered(typing: Any, buffer: Any, q: Any, pitch: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            source, q, pitch = args
            stride, like = ir.Constant(q.type, step), nm.shaped(accumulator, lanes)
            parts = []
            for phase in range(step):
                number = b.add(q, ir.Constant(q.type, phase))
                row, place = b.urem(number, stride), b.udiv(number, stride)
                at = b.add(b.mul(row, pitch), place)
                end = ir.Constant(q.type, lanes)
                where = vector_pointer(c, b, sig.args[0], source, at, like, end)
                parts.append(b.load(where, align=nm.KINDS[accumulator].size))
            return _weave(b, parts, lanes)

        return Vector(accumulator, total)(buffer, types.intp, types.intp), code

    return gathered, store


def weave(kind: str, lanes: int, step: int) -> Any:
    """weave(v0, v1, ...): of `step` vectors (1 to 4) one, their lanes in turns."""
    total = Vector(kind, lanes * step)

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return _weave(b, list(args), lanes)

    def of1(typing: Any, v: Any) -> Any:
        return total(v), code

    def of2(typing: Any, v: Any, w: Any) -> Any:
        return total(v, w), code

    def of3(typing: Any, v: Any, w: Any, x: Any) -> Any:
        return total(v, w, x), code

    def of4(typing: Any, v: Any, w: Any, x: Any, y: Any) -> Any:
        return total(v, w, x, y), code

    return intrinsic((of1, of2, of3, of4)[step - 1])


def _weave(b: Any, parts: list[Value], lanes: int) -> Value:
    """a0 b0 c0 a1 b1 c1 ... of several vectors."""
    step = len(parts)
    if step == 1:
        return parts[0]
    while len(parts) & (len(parts) - 1):  # up to a power of two: shuffles join two equal vectors
        parts = [*parts, parts[-1]]
    while len(parts) > 1:
        parts = [_side_by_side(b, *parts[i : i + 2]) for i in range(0, len(parts), 2)]
    order = [lane + phase * lanes for lane in range(lanes) for phase in range(step)]
    return rg.shuffle(b, parts[0], order)


def _side_by_side(b: Any, low: Value, high: Value) -> Value:
    count = low.type.count * 2
    order = ir.Constant(ir.VectorType(I32, count), list(range(count)))
    return b.shuffle_vector(low, high, order)
