"""Vector operations of the masked kernels: reading what is real, counting it, the last step.

A mask selects: an element that is not real becomes the identity, whatever it holds. A *source* says
what is real: "mask" (bytes, true where not 0), "weights" (float64, real above 0) or "nan" (x itself
where it is a number). With `spread` one number of the mask stands for all lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .registers import Vector
from .vectors import I32, intrinsic, vector_pointer
from .writing import _store_first

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
    """write(y, at, vector, n, counts, i, fill): the first n lanes (or all) become results.

    A mean is divided by counts[i + lane] (by counts[i], with `spread`). Where that is 0 the result
    is `fill`: its bits, as the number of type double that has them.
    """
    result = nm.result_kind(accumulator) if op == "mean" else accumulator

    @intrinsic
    def written(
        typing: Any, y: Any, at: Any, vector: Any, n: Any, counts: Any, i: Any, fill: Any
    ) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            y, at, value, n, counts, i, fill = args
            many = _lanes_at(c, b, sig.args[4], (counts, i), counted, 1 if spread else lanes, None)
            many = rg.splat(b, many, lanes) if spread else many
            zero = nm.constant(many.type, 0)
            empty = (b.fcmp_ordered if counted == "f64" else b.icmp_unsigned)("==", many, zero)
            value = nm.convert(b, value, accumulator, result)
            if op == "mean":
                value = b.fdiv(value, nm.convert(b, many, counted, result))
            value = b.select(empty, _spread_bits(b, fill, out, lanes),
                             nm.convert(b, value, result, out))  # fmt: skip
            _store_first(c, b, sig.args[0], y, at, value, out, n)
            return c.get_dummy_value()

        ints = types.intp
        return types.void(y, ints, vector, ints, counts, ints, types.float64), code

    return written


def _spread_bits(b: Any, fill: Value, kind: str, lanes: int) -> Value:
    size = nm.KINDS[kind].size
    bits = b.bitcast(fill, ir.IntType(64))
    bits = b.trunc(bits, ir.IntType(8 * size)) if size < 8 else bits
    return rg.splat(b, b.bitcast(bits, nm.KINDS[kind].llvm), lanes)


@intrinsic
def as_double(typing: Any, bits: Any) -> Any:
    """as_double(bits): the number of type double that has these bits."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code


@intrinsic
def beyond(typing: Any, memory: Any, i: Any) -> Any:
    """beyond(memory, i): the memory from element i on."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        made = cgutils.create_struct_proxy(sig.args[0])(c, b, value=args[0])
        made.data = b.gep(made.data, [args[1]])
        made.size = b.sub(made.size, args[1])
        return made._getvalue()

    return memory(memory, types.intp), code


def zeros(kind: str, lanes: int) -> Any:
    """zeros(memory, i, n): how many of the first n (at most `lanes`) numbers from i on are 0."""

    @intrinsic
    def counted(typing: Any, memory: Any, i: Any, n: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            memory, i, n = args
            value = _lanes_at(c, b, sig.args[0], (memory, i), kind, lanes, None)
            zero = nm.constant(value.type, 0)
            empty = (b.fcmp_ordered if kind == "f64" else b.icmp_unsigned)("==", value, zero)
            full = ir.Constant(n.type, lanes)
            n = b.select(b.icmp_signed(">=", n, full), full, n)
            seen = b.and_(empty, rg.first_lanes(b, lanes, n))
            bits = b.bitcast(seen, ir.IntType(lanes))
            found = nm.call_named(b, f"llvm.ctpop.i{lanes}", bits.type, [bits])
            return b.zext(found, ir.IntType(64)) if lanes < 64 else found

        return types.int64(memory, types.intp, types.intp), code

    return counted


def scratch_writer(kind: str, lanes: int) -> Any:
    """write(memory, at, vector, ...): all lanes, into room of our own.

    A masked store costs more than what it saves where the next row is written over the rest.
    """

    @intrinsic
    def written(
        typing: Any, y: Any, at: Any, vector: Any, n: Any, none: Any, i: Any, area: Any
    ) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            end = ir.Constant(args[1].type, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], args[2].type, end)
            b.store(args[2], where, align=nm.KINDS[kind].size)
            return c.get_dummy_value()

        ints = types.intp
        return types.void(y, ints, vector, ints, none, ints, types.float64), code

    return written
