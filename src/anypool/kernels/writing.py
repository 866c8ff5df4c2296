"""The last step of every kernel: divide if it is a mean, convert, store."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .vectors import I32, intrinsic, vector_pointer


def writer(op: str, accumulator: str, out: str, lanes: int) -> Any:
    """write(y, at, vector, count, spans, i, area): the first `count` lanes (or all) become results.

    Means are divided by area; times spans[i + lane], where `spans` holds more than one number.
    """
    result = nm.result_kind(accumulator) if op == "mean" else accumulator

    @intrinsic
    def written(
        typing: Any, y: Any, at: Any, vector: Any, count: Any, spans: Any, i: Any, area: Any
    ) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            target, at, value, count, spans, i, area = args
            if op == "mean":
                table = sig.args[4], spans
                value = _quotient(
                    c, b, nm.convert(b, value, accumulator, result), result, table, i, area
                )
            _store_first(
                c, b, sig.args[0], target, at, nm.convert(b, value, result, out), out, count
            )
            return c.get_dummy_value()

        ints = types.intp
        return types.void(y, ints, vector, ints, spans, ints, types.float64), code

    return written


def _quotient(
    c: Any, b: Any, value: Value, result: str, table: Any, i: Value, area: Value
) -> Value:
    """True division, for x * (1 / 9) is not x / 9."""
    lanes = value.type.count if isinstance(value.type, ir.VectorType) else 1
    kind, spans = table
    size = cgutils.create_struct_proxy(kind)(c, b, value=spans).size
    whole = rg.splat(b, nm.convert(b, area, "f64", result), lanes)
    divisor = cgutils.alloca_once_value(b, whole)
    with b.if_then(b.icmp_signed(">", size, ir.Constant(size.type, 1))):
        count = ir.Constant(i.type, lanes)
        where = vector_pointer(c, b, kind, spans, i, value.type, count)
        b.store(b.fmul(b.load(where, align=nm.KINDS[result].size), whole), divisor)
    return b.fdiv(value, b.load(divisor))


def _store_first(
    c: Any, b: Any, kind: Any, y: Value, at: Value, value: Value, out: str, count: Value
) -> None:
    """All lanes, or only the first `count` where there are fewer."""
    size = nm.KINDS[out].size
    if not isinstance(value.type, ir.VectorType):
        b.store(value, rg.pointer(c, b, kind, y, at, ir.Constant(at.type, 1)))
        return
    lanes = ir.Constant(count.type, value.type.count)
    with b.if_else(b.icmp_signed(">=", count, lanes), likely=True) as (full, part):
        with full:
            b.store(value, vector_pointer(c, b, kind, y, at, value.type, lanes), align=size)
        with part:
            where = vector_pointer(c, b, kind, y, at, value.type, count)
            mask = rg.first_lanes(b, value.type.count, count)
            parts = [value, where, ir.Constant(I32, size), mask]
            nm.call_named(b, f"llvm.masked.store.{nm.mangled(value.type)}.p0", ir.VoidType(), parts)
