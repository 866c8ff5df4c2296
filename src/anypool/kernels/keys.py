"""Numbers as whole numbers of the same order, every NaN above all: what large medians compare.

Floats turn the order of the negative ones round and lift the rest above them; halves use the keys
of ``numbers``. A key is as wide as what is stored.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from .netvectors import accumulator_of
from .numbers import Value
from .vectors import I32, intrinsic, vector_pointer

HALF_INFINITY = {"f16": 0x7C00 + 0x7C01, "bf16": 0x7F80 + 0x7F81}


def key_kind(kind: str) -> str:
    return f"u{8 * nm.KINDS[kind].size}"


def first_nan(kind: str) -> int:
    """The least key of a NaN; where there is none, one more than any key."""
    if kind in HALF_INFINITY:
        return HALF_INFINITY[kind] + 1
    bits = 8 * nm.KINDS[kind].size
    return (1 << bits) - 1 if nm.KINDS[kind].family == "float" else 1 << bits


def _bits_of(like: Any, bits: int) -> Any:
    whole = ir.IntType(bits)
    return ir.VectorType(whole, like.count) if isinstance(like, ir.VectorType) else whole


def to_key(b: Any, value: Value, kind: str) -> Value:
    family, bits = nm.KINDS[kind].family, 8 * nm.KINDS[kind].size
    if family == "half":
        return nm.convert(b, value, kind, accumulator_of(kind))
    if family == "uint":
        return value
    top = 1 << (bits - 1)
    if family == "int":
        return b.xor(value, nm.constant(value.type, top))
    whole = b.bitcast(value, _bits_of(value.type, bits))
    turned = b.ashr(whole, nm.constant(whole.type, bits - 1))
    key = b.xor(whole, b.or_(turned, nm.constant(whole.type, top)))
    nan = b.fcmp_unordered("uno", value, value)
    return b.select(nan, nm.constant(whole.type, (1 << bits) - 1), key)


def from_key(b: Any, key: Value, kind: str) -> Value:
    family, bits = nm.KINDS[kind].family, 8 * nm.KINDS[kind].size
    if family == "half":
        return nm.convert(b, key, accumulator_of(kind), kind)
    if family == "uint":
        return key
    top = 1 << (bits - 1)
    if family == "int":
        return b.xor(key, nm.constant(key.type, top))
    down = b.xor(b.ashr(key, nm.constant(key.type, bits - 1)), nm.constant(key.type, -1))
    whole = b.xor(key, b.or_(down, nm.constant(key.type, top)))
    return b.bitcast(whole, nm.shaped(kind, 1))


def load(kind: str, lanes: int) -> Any:
    """load(x, i, count): the keys of `lanes` numbers; those from `count` on are the highest."""
    keyed, size = key_kind(kind), nm.KINDS[kind].size

    @intrinsic
    def loaded(typing: Any, x: Any, i: Any, count: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(kind, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], like, args[2])
            if lanes == 1:
                return to_key(b, b.load(where, align=size), kind)
            mask = rg.first_lanes(b, lanes, args[2])
            parts = [where, ir.Constant(I32, size), mask, nm.constant(like, 0)]
            name = f"llvm.masked.load.{nm.mangled(like)}.p0"
            key = to_key(b, nm.call_named(b, name, like, parts), kind)
            return b.select(mask, key, nm.constant(key.type, (1 << 8 * size) - 1))

        return rg.Vector(keyed, lanes)(x, types.intp, types.intp), code

    return loaded


def number(kind: str, target: str) -> Any:
    """number(key): the number behind a key, as a plain one of kind `target`."""
    keyed = getattr(types, nm.np.dtype(nm.KINDS[key_kind(kind)].dtype).name)
    made = getattr(types, nm.np.dtype(nm.KINDS[target].dtype).name)

    @intrinsic
    def converted(typing: Any, key: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return nm.convert(b, from_key(b, args[0], kind), kind, target)

        return made(keyed), code

    return converted


def below(kind: str, lanes: int) -> Any:
    """below(keys, i, bound): how many of `lanes` keys from place i on are less than a bound."""
    keyed, size = key_kind(kind), nm.KINDS[kind].size

    @intrinsic
    def counted(typing: Any, keys: Any, i: Any, bound: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            like = nm.shaped(keyed, lanes)
            count = ir.Constant(args[1].type, lanes)
            where = vector_pointer(c, b, sig.args[0], args[0], args[1], like, count)
            least = rg.splat(b, nm.convert(b, args[2], "u64", keyed), lanes)
            mask = b.icmp_unsigned("<", b.load(where, align=size), least)
            word = b.bitcast(mask, ir.IntType(lanes))
            found = nm.call(b, "llvm.ctpop", word.type, [word])
            return found if lanes == 64 else b.zext(found, ir.IntType(64))

        return types.int64(keys, types.intp, types.uint64), code

    return counted


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """ones(word): how many bits of a uint64 are set."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return nm.call(b, "llvm.ctpop", args[0].type, [args[0]])

    return types.int64(types.uint64), code


@intrinsic
def lowest(typing: Any, word: Any) -> Any:
    """lowest(word): the place of the lowest set bit of a uint64."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        zero = ir.Constant(ir.IntType(1), 0)
        name = "llvm.cttz.i64"
        return nm.call_named(b, name, args[0].type, [args[0], zero])

    return types.int64(types.uint64), code
