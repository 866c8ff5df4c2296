"""How the smooth kernels read: elements as a form takes them, and lanes without one hollow."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from . import vectors as vc
from .curves import Real
from .numbers import Value
from .registers import Vector
from .smoothcalls import PARAMETERS, spread
from .smoothforms import Form
from .vectors import I32


def take(form: Form, kind: str, acc: str, lanes: int) -> Any:
    """take(x, i, p): `lanes` elements from i on."""

    @vc.intrinsic
    def taken(typing: Any, x: Any, i: Any, p: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like, count = nm.shaped(kind, lanes), ir.Constant(args[1].type, lanes)
            where = vc.vector_pointer(c, b, sig.args[0], args[0], args[1], like, count)
            v = nm.convert(b, b.load(where, align=nm.KINDS[kind].size), kind, acc)
            return form.read(Real(b, v, acc), spread(c, b, args[2], acc, lanes)).v

        return Vector(acc, lanes)(x, types.intp, PARAMETERS), code

    return taken


def take_part(form: Form, kind: str, acc: str, lanes: int) -> Any:
    """take_part(x, i, count, p): the same of `count` elements; memory after them is left alone."""

    @vc.intrinsic
    def taken(typing: Any, x: Any, i: Any, count: Any, p: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(kind, lanes)
            where = vc.vector_pointer(c, b, sig.args[0], args[0], args[1], like, args[2])
            mask = rg.first_lanes(b, lanes, args[2])
            v = nm.convert(b, masked(b, where, mask, like, kind), kind, acc)
            v = form.read(Real(b, v, acc), spread(c, b, args[3], acc, lanes)).v
            return b.select(mask, v, nm.constant(v.type, form.hollow))

        return Vector(acc, lanes)(x, types.intp, types.intp, PARAMETERS), code

    return taken


def ones(acc: str, lanes: int) -> Any:
    """ones(count): 1 in the first lanes and 0 in the others."""

    @vc.intrinsic
    def made(typing: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(acc, lanes)
            mask = rg.first_lanes(b, lanes, args[0])
            return b.select(mask, nm.constant(like, 1.0), nm.constant(like, 0.0))

        return Vector(acc, lanes)(types.intp), code

    return made


def stage(form: Form, kind: str, acc: str, lanes: int, stride: int, whole: bool) -> Any:
    """stage(x, i, low, high, scratch, at, room, p): elements i + low .. i + high - 1 of `lanes`
    times `stride` from i on; the others are hollow.

    Every stride-th goes to one line of scratch, the lines are `room` apart. `whole`: all are there.
    """

    @vc.intrinsic
    def staged(
        typing: Any, x: Any, i: Any, low: Any, high: Any, scratch: Any, at: Any, room: Any, p: Any
    ) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            x, i, low, high, scratch, at, room, p = args
            like, mask = nm.shaped(kind, lanes * stride), None
            where = rg.pointer(c, b, sig.args[0], x, b.add(i, low), b.sub(high, low))
            where = b.bitcast(b.gep(where, [b.neg(low)]), like.as_pointer())
            if whole:
                v = b.load(where, align=nm.KINDS[kind].size)
            else:
                mask = between(b, lanes * stride, low, high)
                v = masked(b, where, mask, like, kind)
            v = nm.convert(b, v, kind, acc)
            v = form.read(Real(b, v, acc), spread(c, b, p, acc, lanes * stride)).v
            if mask is not None:
                v = b.select(mask, v, nm.constant(v.type, form.hollow))
            for phase in range(stride):
                order = [lane * stride + phase for lane in range(lanes)]
                line = rg.shuffle(b, v, order) if stride > 1 else v
                count = ir.Constant(at.type, lanes)
                to = vc.vector_pointer(c, b, sig.args[4], scratch, at, line.type, count)
                b.store(line, to, align=nm.KINDS[acc].size)
                at = b.add(at, room)
            return c.get_dummy_value()

        i64 = types.intp
        return types.void(x, i64, i64, i64, scratch, i64, i64, PARAMETERS), code

    return staged


def masked(b: Any, where: Value, mask: Value, like: Any, kind: str) -> Value:
    parts = [where, ir.Constant(I32, nm.KINDS[kind].size), mask, nm.constant(like, 0)]
    return nm.call_named(b, f"llvm.masked.load.{nm.mangled(like)}.p0", like, parts)


def between(b: Any, lanes: int, low: Value, high: Value) -> Value:
    """The mask of the lanes from `low` to before `high`."""
    word = ir.IntType(16)
    kind = ir.VectorType(word, lanes)
    places = ir.Constant(kind, [ir.Constant(word, n) for n in range(lanes)])
    first = rg.splat(b, b.trunc(low, word), lanes)
    last = rg.splat(b, b.trunc(high, word), lanes)
    return b.and_(b.icmp_signed(">=", places, first), b.icmp_signed("<", places, last))
