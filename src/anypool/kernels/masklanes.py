"""Vector operations of the masked kernels: reading what is real, counting it, the last step.

A mask selects: an element that is not real becomes the identity, whatever it holds. A *source* says
what is real: "mask" (bytes, true where not 0), "weights" (float64, real above 0) or "nan" (x itself
where it is a number). With `spread` one number of the mask stands for all lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .registers import Vector
from .vectors import I32, intrinsic, vector_pointer

STORED = {"mask": "u8", "weights": "f64", "nan": "u8"}  # how the mask lies in memory


def _lanes_at(c: Any, b: Any, memory: Any, array: Any, kind: str, lanes: int, count: Any) -> Value:
    """`lanes` stored numbers from an element on; only the first `count` are read, if given."""
    source, i = array
    like, size = nm.shaped(kind, lanes), nm.KINDS[kind].size
    number = ir.Constant(i.type, lanes) if count is None else count
    where = vector_pointer(c, b, memory, source, i, like, number)
    if count is None:
        return b.load(where, align=size)
    parts = [where, ir.Constant(I32, size), rg.first_lanes(b, lanes, count), nm.constant(like, 0)]
    return nm.call_named(b, f"llvm.masked.load.{nm.mangled(like)}.p0", like, parts)


def is_number(b: Any, value: Value, kind: str) -> Value:
    """Where a stored number is not NaN."""
    if nm.KINDS[kind].family == "half":
        most = 0x7C00 if kind == "f16" else 0x7F80
        magnitude = b.and_(value, nm.constant(value.type, 0x7FFF))
        return b.icmp_unsigned("<=", magnitude, nm.constant(value.type, most))
    return b.fcmp_ordered("ord", value, value)


def _real(b: Any, weight: Value, source: str) -> Value:
    if source == "weights":
        return b.fcmp_ordered(">", weight, nm.constant(weight.type, 0))
    return b.icmp_unsigned("!=", weight, nm.constant(weight.type, 0))


def _weight(
    c: Any, b: Any, memory: Any, array: Any, source: str, lanes: int, spread: bool, count: Any
) -> Value:
    if not spread:
        return _lanes_at(c, b, memory, array, STORED[source], lanes, count)
    one = _lanes_at(c, b, memory, array, STORED[source], 1, None)
    return rg.splat(b, one, lanes)


def real_load(
    op: str, kind: str, accumulator: str, lanes: int, source: str, spread: bool, part: bool
) -> Any:
    """load(x, i, m, j, count): x from i on, weighed; the identity where m from j on is not real.

    `part`: memory after `count` elements is left alone.
    """

    @intrinsic
    def loaded(typing: Any, x: Any, i: Any, m: Any, j: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            x, i, m, j, count = args
            first = count if part else None
            value = _lanes_at(c, b, sig.args[0], (x, i), kind, lanes, first)
            nothing = nm.identity(op, accumulator, lanes)
            if source == "nan":
                real = is_number(b, value, kind)
                made = nm.convert(b, value, kind, accumulator)
            else:
                weight = _weight(c, b, sig.args[2], (m, j), source, lanes, spread, first)
                real = _real(b, weight, source)
                made = nm.convert(b, value, kind, accumulator)
                if source == "weights":
                    made = b.fmul(made, weight)
            if part and (source == "nan" or spread):
                real = b.and_(real, rg.first_lanes(b, lanes, count))
            return b.select(real, made, nothing)

        ints = types.intp
        return Vector(accumulator, lanes)(x, ints, m, ints, ints), code

    return loaded


def count_load(kind: str, accumulator: str, lanes: int, source: str, part: bool) -> Any:
    """load(x, i, m, j, count): what the elements count for: 1 or 0, or their weights."""

    @intrinsic
    def loaded(typing: Any, x: Any, i: Any, m: Any, j: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            x, i, m, j, count = args
            first = count if part else None
            like = nm.shaped(accumulator, lanes)
            if source == "nan":
                real = is_number(b, _lanes_at(c, b, sig.args[0], (x, i), kind, lanes, first), kind)
                if part:
                    real = b.and_(real, rg.first_lanes(b, lanes, count))
                return b.zext(real, like)
            weight = _lanes_at(c, b, sig.args[2], (m, j), STORED[source], lanes, first)
            return weight if source == "weights" else b.zext(_real(b, weight, source), like)

        ints = types.intp
        return Vector(accumulator, lanes)(x, ints, m, ints, ints), code

    return loaded


def finisher(op: str, accumulator: str, counted: str, out: str, lanes: int, spread: bool) -> Any:
    """finish(values, i, counts, j, y, at, n, fill, area): at most n results; how many were empty.

    op: "mean" divides by what was counted, "over" by area. Where nothing was, `fill` is written.
    """
    result = nm.result_kind(accumulator) if op in ("mean", "over") else accumulator

    def divided(b: Any, value: Value, counts: Value, area: Value) -> Value:
        value = nm.convert(b, value, accumulator, result)
        if op == "over":
            return b.fdiv(value, rg.splat(b, nm.convert(b, area, "f64", result), lanes))
        return b.fdiv(value, nm.convert(b, counts, counted, result))

    @intrinsic
    def finished(
        typing: Any, values: Any, i: Any, counts: Any, j: Any, y: Any, at: Any, n: Any, fill: Any,
        area: Any,
    ) -> Any:  # fmt: skip
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            values, i, counts, j, y, at, n, fill, area = args
            value = _lanes_at(c, b, sig.args[0], (values, i), accumulator, lanes, None)
            many = _lanes_at(c, b, sig.args[2], (counts, j), counted, 1 if spread else lanes, None)
            many = rg.splat(b, many, lanes) if spread else many
            zero = nm.constant(many.type, 0)
            empty = (b.fcmp_ordered if counted == "f64" else b.icmp_unsigned)("==", many, zero)
            if op in ("mean", "over"):
                value = divided(b, value, many, area)
            nothing = _lanes_at(c, b, sig.args[7], (fill, ir.Constant(i.type, 0)), out, 1, None)
            value = b.select(empty, rg.splat(b, nothing, lanes), nm.convert(b, value, result, out))
            return _stored(c, b, sig.args[4], (y, at), value, out, n, empty)

        ints = types.intp
        given = (values, ints, counts, ints, y, ints, ints, fill, types.float64)
        return types.int64(*given), code

    return finished


def _stored(
    c: Any, b: Any, memory: Any, target: Any, value: Value, out: str, n: Value, empty: Value
) -> Value:
    """Store the first n lanes (all, where there are fewer); how many of them are empty."""
    y, at = target
    wide, size = ir.IntType(64), nm.KINDS[out].size
    if not isinstance(value.type, ir.VectorType):
        b.store(value, rg.pointer(c, b, memory, y, at, ir.Constant(at.type, 1)))
        return b.zext(empty, wide)
    lanes = value.type.count
    full = b.icmp_signed(">=", n, ir.Constant(n.type, lanes))
    number = b.select(full, ir.Constant(n.type, lanes), n)
    with b.if_else(full, likely=True) as (all_, some):
        with all_:
            b.store(value, vector_pointer(c, b, memory, y, at, value.type, number), align=size)
        with some:
            where = vector_pointer(c, b, memory, y, at, value.type, number)
            parts = [value, where, ir.Constant(I32, size), rg.first_lanes(b, lanes, number)]
            nm.call_named(b, f"llvm.masked.store.{nm.mangled(value.type)}.p0", ir.VoidType(), parts)
    seen = b.and_(empty, rg.first_lanes(b, lanes, number))
    bits = b.bitcast(seen, ir.IntType(lanes))
    found = nm.call_named(b, f"llvm.ctpop.i{lanes}", bits.type, [bits])
    return b.zext(found, wide) if lanes < 64 else found
