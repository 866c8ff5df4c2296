"""Plain memory for compiled functions: words at addresses, atomic sums, calls through pointers.

What the functions of ``xla.py`` are written in. An address is an int64.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as numba_intrinsic

from .numbers import Value

intrinsic: Any = numba_intrinsic  # what it returns can be called from compiled code only
I8, I32, I64 = (ir.IntType(n) for n in (8, 32, 64))
PLACE = I8.as_pointer()


def _at(b: Any, address: Value, kind: Any) -> Value:
    return b.inttoptr(address, kind.as_pointer())


@intrinsic
def word(typing: Any, address: Any) -> Any:
    """The 64 bits at an address."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.load(_at(b, args[0], I64))

    return types.int64(types.int64), code


@intrinsic
def half(typing: Any, address: Any) -> Any:
    """The 32 bits at an address."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.sext(b.load(_at(b, args[0], I32)), I64)

    return types.int64(types.int64), code


@intrinsic
def put(typing: Any, address: Any, value: Any) -> Any:
    """Write 64 bits."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        b.store(args[1], _at(b, args[0], I64))
        return c.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def put_half(typing: Any, address: Any, value: Any) -> Any:
    """Write 32 bits."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        b.store(b.trunc(args[1], I32), _at(b, args[0], I32))
        return c.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def added(typing: Any, address: Any, amount: Any) -> Any:
    """Add to a word that other threads add to; what stood there before."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.atomic_rmw("add", _at(b, args[0], I64), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@intrinsic
def room(typing: Any, size: Any) -> Any:
    """New memory of so many bytes; 0 where there is none."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.ptrtoint(c.nrt.allocate(b, args[0]), I64)

    return types.int64(types.int64), code


@intrinsic
def give_back(typing: Any, address: Any) -> Any:
    """Let go of memory from :func:`room`."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        c.nrt.free(b, _at(b, args[0], I8))
        return c.get_dummy_value()

    return types.void(types.int64), code


@intrinsic
def call(typing: Any, function: Any, argument: Any) -> Any:
    """A C function of one address that gives an address."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        kind = ir.FunctionType(I64, [I64])
        return b.call(b.inttoptr(args[0], kind.as_pointer()), [args[1]])

    return types.int64(types.int64, types.int64), code


def kernel_call(arrays: int) -> Any:
    """run(kernel, sides, first, last): a compiled kernel over so many 1-D arrays; its status.

    ``sides`` is the address of three words an array: its memory, its elements, their bytes. The
    kernel is one of Numba's own functions, which take an array as seven words (the first two say
    who owns the memory: nobody), and say by their result whether they failed.
    """

    @intrinsic
    def run(typing: Any, kernel: Any, sides: Any, first: Any, last: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            result = cgutils.alloca_once(b, ir.ArrayType(I64, 8))
            error = cgutils.alloca_once(b, PLACE)
            given = [b.bitcast(result, PLACE), b.bitcast(error, PLACE)]
            for i in range(arrays):
                data, count, size = (
                    b.load(_at(b, b.add(args[1], ir.Constant(I64, 24 * i + 8 * k)), I64))
                    for k in range(3)
                )
                nobody = ir.Constant(PLACE, None)
                given += [nobody, nobody, count, size, b.inttoptr(data, PLACE), count, size]
            given += [args[2], args[3]]
            kind = ir.FunctionType(I32, [value.type for value in given])
            status = b.call(b.inttoptr(args[0], kind.as_pointer()), given)
            return b.sext(status, I64)

        words = (types.int64,) * 4
        return types.int64(*words), code

    return run
