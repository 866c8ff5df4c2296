"""The numbers inside the kernels, as LLVM vectors: reading, converting, combining and writing.

A *storage kind* names what lies in memory ('f32', 'f16', 'u8', ...), an *accumulator* what the
kernel computes with. Half types lie in arrays of uint16. Their maxima and minima are taken on
integer keys of the same order (accumulators 'key...'), so that 32 of them fit a register and NaN
wins by itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

Value = Any  # an llvmlite value: the package ships no useful types


class Kind(NamedTuple):
    """One way in which a number is stored."""

    name: str
    dtype: type  # of the NumPy array that the kernel gets
    llvm: Any
    family: str  # 'float', 'int', 'uint' or 'half'

    @property
    def size(self) -> int:
        return np.dtype(self.dtype).itemsize


_INTS = {bits: ir.IntType(bits) for bits in (8, 16, 32, 64)}
KINDS: dict[str, Kind] = {
    "f32": Kind("f32", np.float32, ir.FloatType(), "float"),
    "f64": Kind("f64", np.float64, ir.DoubleType(), "float"),
    "f16": Kind("f16", np.uint16, _INTS[16], "half"),
    "bf16": Kind("bf16", np.uint16, _INTS[16], "half"),
}
for _bits in (8, 16, 32, 64):
    KINDS[f"i{_bits}"] = Kind(f"i{_bits}", getattr(np, f"int{_bits}"), _INTS[_bits], "int")
    KINDS[f"u{_bits}"] = Kind(f"u{_bits}", getattr(np, f"uint{_bits}"), _INTS[_bits], "uint")

# Sorting keys of the half types: key(bits) = (bits ^ sign mask) + shift, as uint16. The shift turns
# the circle so that -inf is 0 and every NaN lies above +inf (max), or +inf is 65535 and every NaN
# lies below -inf (min).
_KEY_SHIFTS = {"f16max": 0x7C01, "f16min": 0x83FF, "bf16max": 0x7F81, "bf16min": 0x807F}
for _name in _KEY_SHIFTS:
    KINDS[f"key_{_name}"] = Kind(f"key_{_name}", np.uint16, _INTS[16], "uint")


def _features() -> set[str]:
    """What the processor that Numba compiles for is known to have."""
    settings: Any = config
    if settings.CPU_FEATURES is not None:
        return {word[1:] for word in settings.CPU_FEATURES.split(",") if word.startswith("+")}
    if settings.CPU_NAME:  # a named one, not this one
        return set()
    return {name for name, present in binding.get_host_cpu_features().items() if present}


_FEATURES = _features()
_X86 = binding.get_process_triple().startswith(("x86_64", "i386", "i686", "amd64"))
VECTOR_BYTES = 64 if "avx512bw" in _FEATURES else 32
# Without F16C a conversion becomes a call into a library that is not there: it is done on integers.
HALF_IN_HARDWARE = not _X86 or "f16c" in _FEATURES
# LLVM before 20 ends the process on llvm.maximum with a flag ("Cannot select: fmaximum nsz").
_HAS_MAXIMUM = binding.llvm_version_info >= (20,)


def selecting_accumulator(op: str, kind: str) -> str:
    """The accumulator of max and min: the storage itself, or keys for the half types."""
    return f"key_{kind}{op}" if KINDS[kind].family == "half" else kind


def result_kind(accumulator: str) -> str:
    """The kind in which a mean is divided."""
    return "f32" if accumulator == "f32" else "f64"


def lane_accumulator(op: str, kind: str, accumulator: str, out: str) -> str:
    """What a short run is summed in before it joins `accumulator`.

    Single width where that is exact or good enough for the result: twice the numbers fit a vector.
    """
    family, size = KINDS[kind].family, KINDS[kind].size
    if op in ("max", "min") or KINDS[accumulator].size < 8:
        return accumulator
    if family == "half" or kind == "f32":
        return "f32" if (accumulator, out) in _SINGLE_ENOUGH else accumulator
    return (
        "i32" if family in ("int", "uint") and size <= 2 and accumulator != "f64" else accumulator
    )


_SINGLE_ENOUGH = {("f64", "f32"), ("f64", "f16"), ("f64", "bf16")}


def lanes_of(accumulator: str) -> int:
    """How many accumulators one vector of the machine holds."""
    return VECTOR_BYTES // KINDS[accumulator].size


# ----------------------------------------------- pieces of code, on vectors or on scalars
def shaped(kind: str, lanes: int) -> Any:
    """The LLVM type of `lanes` numbers: a vector, or a scalar for one."""
    return KINDS[kind].llvm if lanes == 1 else ir.VectorType(KINDS[kind].llvm, lanes)


def constant(like: Any, value: float) -> Value:
    """The same constant in every lane."""
    if isinstance(like, ir.VectorType):
        return ir.Constant(like, [ir.Constant(like.element, value)] * like.count)
    return ir.Constant(like, value)


def _retype(like: Any, element: Any) -> Any:
    return ir.VectorType(element, like.count) if isinstance(like, ir.VectorType) else element


def identity(op: str, accumulator: str, lanes: int) -> Value:
    """What changes nothing: 0 for sums, the lowest (highest) number for max (min)."""
    kind = KINDS[accumulator]
    if op not in ("max", "min"):
        value: float = 0.0 if kind.family == "float" else 0
    elif kind.family == "float":
        value = float("-inf") if op == "max" else float("inf")
    else:
        limits = np.iinfo(kind.dtype)
        value = int(limits.min if op == "max" else limits.max)
    return constant(shaped(accumulator, lanes), value)


def combine(builder: Any, op: str, accumulator: str, a: Value, b: Value) -> Value:
    """a op b, lane by lane; a NaN on either side wins."""
    floating = KINDS[accumulator].family == "float"
    if op not in ("max", "min"):
        return builder.fadd(a, b) if floating else builder.add(a, b)
    if floating:
        return _extreme(builder, op, a, b)
    compare = builder.icmp_signed if KINDS[accumulator].family == "int" else builder.icmp_unsigned
    return builder.select(compare(">" if op == "max" else "<", a, b), a, b)


def _extreme(builder: Any, op: str, a: Value, b: Value) -> Value:
    if not _HAS_MAXIMUM:
        better = builder.fcmp_ordered(">" if op == "max" else "<", b, a)
        return builder.select(builder.or_(better, builder.fcmp_unordered("uno", b, b)), b, a)
    # nsz only: which zero wins a tie is not promised. As fast as a plain compare (measured).
    return call(builder, f"llvm.{op}imum", a.type, [a, b], fastmath=("nsz",))


def call(builder: Any, name: str, result: Any, arguments: list[Value], **options: Any) -> Value:
    """Call an LLVM intrinsic whose name is completed by its result type."""
    return call_named(builder, f"{name}.{mangled(result)}", result, arguments, **options)


def call_named(
    builder: Any, name: str, result: Any, arguments: list[Value], **options: Any
) -> Value:
    """Call an LLVM function by its full name."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, arguments, **options)


def mangled(kind: Any) -> str:
    """LLVM's short name of a type: v16f32, i8."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{mangled(kind.element)}"
    return {"float": "f32", "double": "f64"}.get(str(kind), str(kind))


def convert(builder: Any, value: Value, source: str, target: str) -> Value:
    """From one kind to another; half types and their keys included."""
    if source == target:
        return value
    if source.startswith("key_"):
        return _from_key(builder, value, source.removeprefix("key_"))
    if target.startswith("key_"):
        return _to_key(builder, value, target.removeprefix("key_"))
    if KINDS[source].family == "half":
        return convert(builder, _widen_half(builder, value, source), "f32", target)
    if KINDS[target].family == "half":
        return _narrow_half(builder, convert(builder, value, source, "f32"), target)
    return _convert_plain(builder, value, KINDS[source], KINDS[target])


def _convert_plain(builder: Any, value: Value, source: Kind, target: Kind) -> Value:
    kind = _retype(value.type, target.llvm)
    if source.family == "float" and target.family == "float":
        return (builder.fpext if target.size > source.size else builder.fptrunc)(value, kind)
    signed = source.family == "int"
    if target.family == "float":
        return (builder.sitofp if signed else builder.uitofp)(value, kind)
    if source.family == "float":
        raise NotImplementedError(f"{source.name} to {target.name}")
    if target.size > source.size:
        return (builder.sext if signed else builder.zext)(value, kind)
    return builder.trunc(value, kind) if target.size < source.size else value


def _spread_sign(builder: Any, bits: Value) -> Value:
    """0x7fff where the sign bit is set: turns the order of the negative numbers round."""
    sign = builder.ashr(bits, constant(bits.type, 15))
    return builder.and_(sign, constant(bits.type, 0x7FFF))


def _to_key(builder: Any, bits: Value, name: str) -> Value:
    ordered = builder.xor(bits, _spread_sign(builder, bits))
    return builder.add(ordered, constant(bits.type, _KEY_SHIFTS[name]))


def _from_key(builder: Any, key: Value, name: str) -> Value:
    ordered = builder.sub(key, constant(key.type, _KEY_SHIFTS[name]))
    return builder.xor(ordered, _spread_sign(builder, ordered))


def _widen_half(builder: Any, bits: Value, kind: str) -> Value:
    single = _retype(bits.type, KINDS["f32"].llvm)
    if kind == "f16" and HALF_IN_HARDWARE:
        return builder.fpext(builder.bitcast(bits, _retype(bits.type, ir.HalfType())), single)
    word = builder.zext(bits, _retype(bits.type, _INTS[32]))
    if kind == "bf16":
        return builder.bitcast(builder.shl(word, constant(word.type, 16)), single)
    return _widen_half_by_hand(builder, word, single)


def _widen_half_by_hand(builder: Any, word: Value, single: Any) -> Value:
    """Move the bits into place, scale by 2^112 (exact for subnormals too); then inf, NaN, sign."""

    def number(value: int) -> Value:
        return constant(word.type, value)

    magnitude = builder.and_(word, number(0x7FFF))
    moved = builder.bitcast(builder.shl(magnitude, number(13)), single)
    bits = builder.bitcast(builder.fmul(moved, constant(single, 2.0**112)), word.type)
    special = builder.icmp_unsigned(">=", magnitude, number(0x7C00))
    bits = builder.or_(bits, builder.select(special, number(0x7F800000), number(0)))
    sign = builder.shl(builder.and_(word, number(0x8000)), number(16))
    return builder.bitcast(builder.or_(bits, sign), single)


def _narrow_half(builder: Any, value: Value, kind: str) -> Value:
    """Round to nearest, ties to even."""
    if kind == "f16" and HALF_IN_HARDWARE:
        half = builder.fptrunc(value, _retype(value.type, ir.HalfType()))
        return builder.bitcast(half, _retype(value.type, _INTS[16]))
    word = builder.bitcast(value, _retype(value.type, _INTS[32]))
    narrow = _round_brain if kind == "bf16" else _round_half_by_hand
    return builder.trunc(narrow(builder, word), _retype(value.type, _INTS[16]))


def _rounded_shift(builder: Any, word: Value, shift: int) -> Value:
    """word >> shift, to nearest, ties to even."""
    odd = builder.and_(builder.lshr(word, constant(word.type, shift)), constant(word.type, 1))
    biased = builder.add(builder.add(word, constant(word.type, (1 << (shift - 1)) - 1)), odd)
    return builder.lshr(biased, constant(word.type, shift))


def _round_brain(builder: Any, word: Value) -> Value:
    magnitude = builder.and_(word, constant(word.type, 0x7FFFFFFF))
    is_nan = builder.icmp_unsigned(">", magnitude, constant(word.type, 0x7F800000))
    quiet = builder.or_(builder.lshr(word, constant(word.type, 16)), constant(word.type, 0x40))
    return builder.select(is_nan, quiet, _rounded_shift(builder, word, 16))


def _round_half_by_hand(builder: Any, word: Value) -> Value:
    """Normal: rebias and shift. Subnormal: adding 0.5 makes the adder round at bit 2^-24."""

    def number(value: int) -> Value:
        return constant(word.type, value)

    single = _retype(word.type, KINDS["f32"].llvm)
    magnitude = builder.and_(word, number(0x7FFFFFFF))
    normal = _rounded_shift(builder, builder.sub(magnitude, number(112 << 23)), 13)
    lifted = builder.fadd(builder.bitcast(magnitude, single), constant(single, 0.5))
    small = builder.sub(builder.bitcast(lifted, word.type), number(0x3F000000))
    bits = builder.select(builder.icmp_unsigned("<", magnitude, number(113 << 23)), small, normal)
    too_large = builder.icmp_unsigned(">=", magnitude, number(0x477FF000))
    bits = builder.select(too_large, number(0x7C00), bits)
    is_nan = builder.icmp_unsigned(">", magnitude, number(0x7F800000))
    bits = builder.select(is_nan, number(0x7E00), bits)
    return builder.or_(bits, builder.lshr(builder.and_(word, number(0x80000000)), number(16)))


# ----------------------------------------------- scalars, for kernels written plainly
def scalar_combine(op: str, accumulator: str) -> Any:
    """A compiled a op b on plain numbers, NaN winning; 'f32', 'f64' or an integer kind."""

    @intrinsic
    def combined(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            return combine(builder, op, accumulator, *arguments)

        return a(a, a), code

    return combined


def scalar_convert(source: str, target: str) -> Any:
    """A compiled conversion of one number between kinds (half types are uint16)."""

    @intrinsic
    def converted(typing: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            return convert(builder, arguments[0], source, target)

        return _numba_type(target)(_numba_type(source)), code

    return converted


def _numba_type(kind: str) -> Any:
    return getattr(types, np.dtype(KINDS[kind].dtype).name)
