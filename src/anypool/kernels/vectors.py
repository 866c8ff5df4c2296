"""Vector operations that compiled functions can call: what rows and flat are written in.

Every factory returns a fresh intrinsic for one operation and one kind; the vectors are of a length
fixed when the kernel is made. Written out like this, nothing depends on what LLVM's vectoriser
recognises, no aliasing checks run before every short row, and a kernel compiles in a fraction of
the time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as numba_intrinsic

from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .registers import Vector

I32 = ir.IntType(32)
intrinsic: Any = numba_intrinsic  # what it returns can be called from compiled code only


def vector_pointer(
    c: Any, b: Any, kind: Any, array: Value, index: Value, like: Any, count: Value
) -> Value:
    return b.bitcast(rg.pointer(c, b, kind, array, index, count), like.as_pointer())


@intrinsic
def memory(typing: Any, array: Any) -> Any:
    """The elements of a 1-D array, borrowed: `keep(array)` must follow the last use."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        made = c.make_array(sig.args[0])(c, b, value=args[0])
        proxy = cgutils.create_struct_proxy(sig.return_type)(c, b)
        proxy.data, proxy.size = made.data, made.nitems
        return proxy._getvalue()

    return rg.Memory(array.dtype)(array), code


@intrinsic
def keep(typing: Any, array: Any) -> Any:
    """Hold an array until here."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return c.get_dummy_value()

    return types.void(array), code


@intrinsic
def read(typing: Any, memory: Any, i: Any) -> Any:
    """One element, as a plain number."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        one = ir.Constant(args[1].type, 1)
        return b.load(rg.pointer(c, b, sig.args[0], args[0], args[1], one))

    return memory.dtype(memory, types.intp), code


def write_int(kind: str) -> Any:
    """write_int(memory, i, n): one whole number, as `kind`."""

    @intrinsic
    def written(typing: Any, memory: Any, i: Any, n: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            one = ir.Constant(args[1].type, 1)
            where = rg.pointer(c, b, sig.args[0], args[0], args[1], one)
            b.store(nm.convert(b, args[2], "i64", kind), where)
            return c.get_dummy_value()

        return types.void(memory, types.intp, types.int64), code

    return written


def load(kind: str, accumulator: str, lanes: int) -> Any:
    """load(array, i): `lanes` numbers from element i on, as accumulators."""

    @intrinsic
    def loaded(typing: Any, array: Any, i: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(kind, lanes)
            count = ir.Constant(args[1].type, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], like, count)
            value = b.load(where, align=nm.KINDS[kind].size)
            return nm.convert(b, value, kind, accumulator)

        return Vector(accumulator, lanes)(array, types.intp), code

    return loaded


def load_part(op: str, kind: str, accumulator: str, lanes: int) -> Any:
    """load_part(array, i, count): the same, but memory after `count` elements is left alone."""

    @intrinsic
    def loaded(typing: Any, array: Any, i: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(kind, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], like, args[2])
            mask = rg.first_lanes(b, lanes, args[2])
            parts = [where, ir.Constant(I32, nm.KINDS[kind].size), mask, nm.constant(like, 0)]
            name = f"llvm.masked.load.{nm.mangled(like)}.p0"
            value = nm.convert(b, nm.call_named(b, name, like, parts), kind, accumulator)
            return b.select(mask, value, nm.identity(op, accumulator, lanes))

        return Vector(accumulator, lanes)(array, types.intp, types.intp), code

    return loaded


def store(kind: str, lanes: int) -> Any:
    """store(array, i, vector): converts to `kind` and writes from element i on."""

    @intrinsic
    def stored(typing: Any, array: Any, i: Any, vector: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            value = nm.convert(b, args[2], sig.args[2].kind, kind)
            count = ir.Constant(args[1].type, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], value.type, count)
            b.store(value, where, align=nm.KINDS[kind].size)
            return c.get_dummy_value()

        return types.void(array, types.intp, vector), code

    return stored


def identity(op: str, accumulator: str, lanes: int) -> Any:
    """identity(): a vector that changes nothing."""

    @intrinsic
    def made(typing: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return nm.identity(op, accumulator, lanes)

        return Vector(accumulator, lanes)(), code

    return made


def combine(op: str, accumulator: str) -> Any:
    """combine(a, b): lane by lane."""

    @intrinsic
    def combined(typing: Any, a: Any, b: Any) -> Any:
        def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
            return nm.combine(builder, op, accumulator, *args)

        return a(a, b), code

    return combined


def keep_first(op: str, accumulator: str, lanes: int) -> Any:
    """keep_first(vector, count): the lanes from `count` on become the identity."""

    @intrinsic
    def kept(typing: Any, vector: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            mask = rg.first_lanes(b, lanes, args[1])
            return b.select(mask, args[0], nm.identity(op, accumulator, lanes))

        return vector(vector, types.intp), code

    return kept


def reduce(op: str, accumulator: str, lanes: int) -> Any:
    """reduce(vector): one number, always by the same tree of halves."""

    @intrinsic
    def reduced(typing: Any, vector: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            value, left = args[0], lanes
            while left > 1:
                left //= 2
                low = rg.shuffle(b, value, list(range(left)))
                high = rg.shuffle(b, value, list(range(left, 2 * left)))
                value = nm.combine(b, op, accumulator, low, high)
            return b.extract_element(value, ir.Constant(I32, 0)) if lanes > 1 else value

        return Vector(accumulator, 1)(vector), code

    return reduced


def taps(op: str, accumulator: str, lanes: int, size: int, step: int) -> Any:
    """taps(array, i, gap): lane l combines array[i + l*step + k*gap] for k < size.

    For step > 1 gap must be 1: whole stretches are read, shuffles pick every step-th lane.
    """

    @intrinsic
    def combined(typing: Any, array: Any, i: Any, gap: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            def stretch(index: Value) -> Value:
                like = nm.shaped(accumulator, lanes * step)
                count = ir.Constant(index.type, lanes * step)
                where = vector_pointer(c, b, sig.args[0], args[0], index, like, count)
                return b.load(where, align=nm.KINDS[accumulator].size)

            found = []
            for group in range(0, size, step):
                distance = b.mul(args[2], ir.Constant(args[2].type, group))
                whole = stretch(b.add(args[1], distance))
                for phase in range(min(step, size - group)):
                    order = [lane * step + phase for lane in range(lanes)]
                    found.append(rg.shuffle(b, whole, order) if step > 1 else whole)
            value = found[0]
            for other in found[1:]:
                value = nm.combine(b, op, accumulator, value, other)
            return value

        return Vector(accumulator, lanes)(array, types.intp, types.intp), code

    return combined


def pick(accumulator: str, lanes: int) -> Any:
    """pick(memory, i, step): lane l is memory[i + l*step]."""

    @intrinsic
    def picked(typing: Any, memory: Any, i: Any, step: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            one = ir.Constant(args[1].type, 1)
            value, place = ir.Constant(nm.shaped(accumulator, lanes), ir.Undefined), args[1]
            for lane in range(lanes):
                number = b.load(rg.pointer(c, b, sig.args[0], args[0], place, one))
                value = b.insert_element(value, number, ir.Constant(I32, lane))
                place = b.add(place, args[2])
            return value

        return Vector(accumulator, lanes)(memory, types.intp, types.intp), code

    return picked


def cast(source: str, target: str, lanes: int) -> Any:
    """cast(vector): to another kind."""

    @intrinsic
    def changed(typing: Any, vector: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return nm.convert(b, args[0], source, target)

        return Vector(target, lanes)(vector), code

    return changed
