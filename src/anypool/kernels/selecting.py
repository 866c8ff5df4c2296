"""Vector operations that keep a place beside a number: what the training kernels are written in.

Compare, then select: both are one instruction for a whole vector.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .registers import Mask, Vector
from .vectors import I32, intrinsic, vector_pointer


def beats(op: str, accumulator: str, lanes: int) -> Any:
    """beats(v, best): where v is better, or NaN; asked in order, the first of equals stays."""
    sign = ">" if op == "max" else "<"

    @intrinsic
    def compared(typing: Any, v: Any, best: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            v, best = args
            return b.or_(b.fcmp_ordered(sign, v, best), b.fcmp_unordered("uno", v, v))

        return Mask(lanes)(v, best), code

    return compared


def precedes(op: str, accumulator: str, lanes: int) -> Any:
    """precedes(v, p, best, q): the same in any order; p and q are the places of v and best."""
    sign = ">" if op == "max" else "<"

    @intrinsic
    def compared(typing: Any, v: Any, p: Any, best: Any, q: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            v, p, best, q = args
            ahead = b.and_(b.fcmp_ordered("==", v, best), b.icmp_signed("<", p, q))
            better = b.or_(b.fcmp_ordered(sign, v, best), ahead)
            later = b.or_(b.fcmp_ordered("ord", best, best), b.icmp_signed(">", p, q))
            return b.or_(better, b.and_(b.fcmp_unordered("uno", v, v), later))

        return Mask(lanes)(v, p, best, q), code

    return compared


def same(lanes: int) -> Any:
    """same(a, b): where two vectors of whole numbers are equal."""

    @intrinsic
    def compared(typing: Any, a: Any, b: Any) -> Any:
        def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
            return builder.icmp_signed("==", *args)

        return Mask(lanes)(a, b), code

    return compared


@intrinsic
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """select(mask, a, b): a where the mask says so, else b."""

    def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
        return builder.select(*args)

    return a(mask, a, b), code


def everywhere(kind: str, lanes: int) -> Any:
    """everywhere(n): the whole number n in every lane."""

    @intrinsic
    def made(typing: Any, n: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return rg.splat(b, nm.convert(b, args[0], "i64", kind), lanes)

        return Vector(kind, lanes)(types.int64), code

    return made


def counting(kind: str, lanes: int) -> Any:
    """counting(n): n, n + 1, n + 2, ..."""

    @intrinsic
    def made(typing: Any, n: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(kind, lanes)
            first = rg.splat(b, nm.convert(b, args[0], "i64", kind), lanes)
            if lanes == 1:
                return first
            steps = ir.Constant(like, [ir.Constant(like.element, i) for i in range(lanes)])
            return b.add(first, steps)

        return Vector(kind, lanes)(types.int64), code

    return made


@intrinsic
def whole(typing: Any, vector: Any) -> Any:
    """whole(vector): the single lane of a vector of int32 as a plain number."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.sext(args[0], ir.IntType(64))

    return types.int64(vector), code


def put(kind: str, lanes: int) -> Any:
    """put(memory, i, vector, count): stores the first `count` lanes (all, where there are more)."""

    @intrinsic
    def stored(typing: Any, memory: Any, i: Any, vector: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            target, at, value, count = args
            value = nm.convert(b, value, sig.args[2].kind, kind)
            full = ir.Constant(count.type, lanes)
            with b.if_else(b.icmp_signed(">=", count, full), likely=True) as (all_, some):
                with all_:
                    where = vector_pointer(c, b, sig.args[0], target, at, value.type, full)
                    b.store(value, where, align=nm.KINDS[kind].size)
                with some:
                    where = vector_pointer(c, b, sig.args[0], target, at, value.type, count)
                    parts = [value, where, ir.Constant(I32, nm.KINDS[kind].size),
                             rg.first_lanes(b, lanes, count)]  # fmt: skip
                    name = f"llvm.masked.store.{nm.mangled(value.type)}.p0"
                    nm.call_named(b, name, ir.VoidType(), parts)
            return c.get_dummy_value()

        return types.void(memory, types.intp, vector, types.intp), code

    return stored


@intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """multiply(a, b): lane by lane."""

    def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
        return builder.fmul(*args)

    return a(a, b), code


@intrinsic
def divide(typing: Any, a: Any, b: Any) -> Any:
    """divide(a, b): lane by lane; a true division, for x * (1 / 9) is not x / 9."""

    def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
        return builder.fdiv(*args)

    return a(a, b), code


def number(kind: str, lanes: int) -> Any:
    """number(v): a float in every lane, as `kind`."""

    @intrinsic
    def made(typing: Any, v: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return rg.splat(b, nm.convert(b, args[0], "f64", kind), lanes)

        return Vector(kind, lanes)(types.float64), code

    return made


def alike(kind: str, lanes: int) -> Any:
    """alike(v): the only lane of v in every lane."""

    @intrinsic
    def made(typing: Any, v: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return rg.splat(b, args[0], lanes)

        return Vector(kind, lanes)(v), code

    return made
