"""Vector operations of the masked kernels: reading what is real, and the last step.

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

STORED = {"mask": "u8", "weights": "f64"}  # how the mask lies in memory


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
            weight = _weight(c, b, sig.args[2], (m, j), source, lanes, spread, first)
            real = _real(b, weight, source)
            made = nm.convert(b, value, kind, accumulator)
            if source == "weights":
                made = b.fmul(made, weight)
            if part and spread:
                real = b.and_(real, rg.first_lanes(b, lanes, count))
            return b.select(real, made, nm.identity(op, accumulator, lanes))

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
