"""The arithmetic of the smooth reductions as functions that kernels call."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from . import numbers as nm
from . import registers as rg
from . import vectors as vc
from .curves import Real
from .numbers import Value
from .registers import Vector
from .smoothforms import Form

PARAMETERS = types.UniTuple(types.float64, 5)  # what they mean is the form's own


def spread(c: Any, b: Any, numbers: Value, kind: str, lanes: int) -> list[Real]:
    """The parameters in every lane."""
    return [
        Real(b, rg.splat(b, nm.convert(b, n, "f64", kind), lanes), kind)
        for n in cgutils.unpack_tuple(b, numbers)
    ]


def begin(form: Form, acc: str, lanes: int) -> Any:
    """begin(): the centre that has met nothing."""
    start = form.hollow if form.meeting in ("max", "min") else 0.0

    @vc.intrinsic
    def begun(typing: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return nm.constant(nm.shaped(acc, lanes), start)

        return Vector(acc, lanes)(), code

    return begun


def meet(form: Form, acc: str, lanes: int) -> Any:
    """meet(centre, taps, p)."""

    @vc.intrinsic
    def met(typing: Any, c: Any, v: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            c, v = (Real(b, a, acc) for a in args[:2])
            return form.meet(c, v, spread(context, b, args[2], acc, lanes)).v

        return c(c, v, PARAMETERS), code

    return met


def settle(form: Form, acc: str) -> Any:
    """settle(centre, n)."""

    @vc.intrinsic
    def settled(typing: Any, c: Any, n: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            return form.settle(*(Real(b, a, acc) for a in args)).v

        return c(c, n), code

    return settled


def add(form: Form, acc: str, lanes: int) -> Any:
    """add(s, t, taps, centre, w, p): both sums."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def added(typing: Any, s: Any, t: Any, v: Any, c: Any, w: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            s, t, v, c, w = (Real(b, a, acc) for a in args[:5])
            sums = form.add(s, t, v, c, w, spread(context, b, args[5], acc, lanes))
            return context.make_tuple(b, sig.return_type, [one.v for one in sums])

        return types.UniTuple(kind, 2)(kind, kind, kind, kind, kind, PARAMETERS), code

    return added


def finish(form: Form, acc: str, lanes: int) -> Any:
    """finish(centre, s, t, n, p)."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def finished(typing: Any, c: Any, s: Any, t: Any, n: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            c, s, t, n = (Real(b, a, acc) for a in args[:4])
            return form.finish(c, s, t, n, spread(context, b, args[4], acc, lanes)).v

        return kind(kind, kind, kind, kind, PARAMETERS), code

    return finished


def together(op: str, acc: str, lanes: int) -> Any:
    """together(vector): what all lanes make, in every lane."""

    @vc.intrinsic
    def made(typing: Any, vector: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            value, width = args[0], lanes
            while width > 1:
                width //= 2
                turned = [lane ^ width for lane in range(lanes)]
                value = nm.combine(b, op, acc, value, rg.shuffle(b, value, turned))
            return value

        return vector(vector), code

    return made


@vc.intrinsic
def number(typing: Any, memory: Any, i: Any) -> Any:
    """One float64 out of a table of whole numbers."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        where = rg.pointer(c, b, sig.args[0], args[0], args[1], ir.Constant(args[1].type, 1))
        return b.bitcast(b.load(where), ir.DoubleType())

    return types.float64(memory, types.intp), code
