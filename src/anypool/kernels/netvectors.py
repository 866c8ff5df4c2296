"""Networks of minima and maxima on vectors: the pieces that the rank kernels are made of.

A comparator keeps both of its numbers, whichever zero they are: the smaller is ``a if a < b else
b``, the larger ``b if a < b else a``, one instruction each. NaN would be lost among them, so
it is looked for apart: a sorted column with one holds NaN in its first place (halves are compared
as whole-number keys, where every NaN stands last by itself).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import types

from . import networks
from . import numbers as nm
from . import registers as rg
from .numbers import Value
from .vectors import intrinsic, vector_pointer

_INFINITE = {"key_f16max": 0x7C00 + 0x7C01, "key_bf16max": 0x7F80 + 0x7F81}
_NAN = {"f16": 0x7E00, "bf16": 0x7FC0, "f32": float("nan"), "f64": float("nan")}


def accumulator_of(kind: str) -> str:
    """What is compared: the storage itself, or keys for the half types."""
    return nm.selecting_accumulator("max", kind)


def ends(accumulator: str, lanes: int, low: bool) -> Any:
    """ends(): a number that nothing real precedes (low) or follows, in every lane."""

    @intrinsic
    def made(typing: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            if not low and accumulator in _INFINITE:
                return nm.constant(nm.shaped(accumulator, lanes), _INFINITE[accumulator])
            return nm.identity("max" if low else "min", accumulator, lanes)

        return rg.Vector(accumulator, lanes)(), code

    return made


def run(b: Any, network: networks.Network, accumulator: str, values: Sequence[Value]) -> list:
    """The outputs of a network."""
    family = nm.KINDS[accumulator].family
    compare = {"float": b.fcmp_ordered, "int": b.icmp_signed, "uint": b.icmp_unsigned}[family]

    def smaller(p: Value, q: Value) -> Value:
        return b.select(compare("<", p, q), p, q)

    def larger(p: Value, q: Value) -> Value:
        return b.select(compare("<", p, q), q, p)

    return networks.apply(network, values, smaller, larger)


def spoiled(b: Any, accumulator: str, values: Sequence[Value]) -> Value | None:
    """Where any of the values is NaN, or None for numbers that have none."""
    if accumulator in _INFINITE:
        most = values[0]
        for value in values[1:]:
            most = b.select(b.icmp_unsigned(">", value, most), value, most)
        return b.icmp_unsigned(">", most, nm.constant(most.type, _INFINITE[accumulator]))
    if nm.KINDS[accumulator].family != "float":
        return None
    found = None
    for i in range(0, len(values), 2):
        pair = b.fcmp_unordered("uno", values[i], values[min(i + 1, len(values) - 1)])
        found = pair if found is None else b.or_(found, pair)
    return found


# -- what becomes of the wanted ranks -----------------------------------------------------------


def _plainly(b: Any, value: Value, kind: str, accumulator: str, target: str) -> Value:
    return nm.convert(b, nm.convert(b, value, accumulator, kind), kind, target)


def _wide(b: Any, value: Value, kind: str, accumulator: str) -> Value:
    return _plainly(b, value, kind, accumulator, "f64")


def _value(b: Any, ranks: list, share: Value, kind: str, accumulator: str) -> tuple[Value, str]:
    return nm.convert(b, ranks[0], accumulator, kind), kind


def _middle(b: Any, ranks: list, share: Value, kind: str, accumulator: str) -> tuple[Value, str]:
    low, high = (_wide(b, rank, kind, accumulator) for rank in ranks)
    half = b.fmul(b.fadd(low, high), nm.constant(low.type, 0.5))
    single = b.fcmp_ordered("==", share, nm.constant(low.type, 0.0))
    return b.select(single, low, half), "f64"


def _between(b: Any, ranks: list, share: Value, kind: str, accumulator: str) -> tuple[Value, str]:
    """As NumPy interpolates: see ``order.between``."""
    low, high = (_wide(b, rank, kind, accumulator) for rank in ranks)
    one, step = nm.constant(low.type, 1.0), b.fsub(high, low)
    near = b.fadd(low, b.fmul(step, share))
    far = b.fsub(high, b.fmul(step, b.fsub(one, share)))
    mixed = b.select(b.fcmp_ordered("<", share, nm.constant(low.type, 0.5)), near, far)
    same = b.fcmp_ordered("==", low, high)
    alone = b.fcmp_ordered("==", share, nm.constant(low.type, 0.0))
    return b.select(b.or_(same, alone), low, mixed), "f64"


def _top(b: Any, ranks: list, share: Value, kind: str, accumulator: str) -> tuple[Value, str]:
    """The mean of the largest; ``share`` is how many numbers are real."""
    total, zero = nm.constant(share.type, 0.0), nm.constant(share.type, 0.0)
    for i, rank in enumerate(ranks):
        real = b.fcmp_ordered("<", nm.constant(share.type, float(i)), share)
        total = b.fadd(total, b.select(real, _wide(b, rank, kind, accumulator), zero))
    most = nm.constant(share.type, float(len(ranks)))
    return b.fdiv(total, b.select(b.fcmp_ordered("<", share, most), share, most)), "f64"


def _mode(b: Any, ranks: list, share: Value, kind: str, accumulator: str) -> tuple[Value, str]:
    """The most frequent of sorted numbers, the first of several; ``share`` as in ``_top``."""
    floating = nm.KINDS[accumulator].family == "float"
    small = ir.VectorType(ir.IntType(8), share.type.count)
    best, one = ranks[0], nm.constant(small, 1)
    count, most = one, one
    for i in range(1, len(ranks)):
        compare = b.fcmp_ordered if floating else b.icmp_unsigned
        again = compare("==", ranks[i], ranks[i - 1])
        count = b.select(again, b.add(count, one), one)
        real = b.fcmp_ordered("<", nm.constant(share.type, float(i)), share)
        better = b.and_(real, b.icmp_unsigned(">", count, most))
        best, most = b.select(better, ranks[i], best), b.select(better, count, most)
    return nm.convert(b, best, accumulator, kind), kind


FINISHES: dict[str, Callable] = {
    "value": _value, "middle": _middle, "between": _between, "top": _top, "mode": _mode,
}  # fmt: skip


def finished(
    b: Any, name: str, ranks: list, share: Value, bad: Value | None, kind: str, out: str
) -> Value:
    """What the wanted ranks become, as it is stored."""
    value, made = FINISHES[name](b, ranks, share, kind, accumulator_of(kind))
    value = nm.convert(b, value, made, out)
    return value if bad is None else b.select(bad, nm.constant(value.type, _NAN[out]), value)


# -- compiled pieces ----------------------------------------------------------------------------


def _load(c: Any, b: Any, kind: Any, memory: Value, i: Value, stored: str, lanes: int) -> Value:
    like = nm.shaped(stored, lanes)
    where = vector_pointer(c, b, kind, memory, i, like, ir.Constant(i.type, lanes))
    return b.load(where, align=nm.KINDS[stored].size)


def _store(c: Any, b: Any, kind: Any, memory: Value, i: Value, value: Value, stored: str) -> None:
    count = ir.Constant(i.type, value.type.count)
    where = vector_pointer(c, b, kind, memory, i, value.type, count)
    b.store(value, where, align=nm.KINDS[stored].size)


def columns(kind: str, accumulator: str, lanes: int, height: int) -> Any:
    """columns(x, i, rows, r, buffer, q, pitch): `lanes` columns from x[i + rows[r]] on, sorted.

    Row h begins at x[i + rows[r + h]]. The first goes to place q of the buffer's rows, `pitch`
    apart.
    """
    network = networks.sorter(height)

    @intrinsic
    def made(
        typing: Any, x: Any, i: Any, rows: Any, r: Any, buffer: Any, q: Any, pitch: Any
    ) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            x, i, rows, r, buffer, q, pitch = args
            values = []
            for h in range(height):
                one, number = ir.Constant(i.type, 1), b.add(r, ir.Constant(r.type, h))
                at = b.load(rg.pointer(c, b, sig.args[2], rows, number, one))
                value = _load(c, b, sig.args[0], x, b.add(i, at), kind, lanes)
                values.append(nm.convert(b, value, kind, accumulator))
            found = run(b, network, accumulator, values)
            if nm.KINDS[accumulator].family == "float" and height > 1:
                bad = spoiled(b, accumulator, values)
                found[0] = b.select(bad, nm.constant(found[0].type, float("nan")), found[0])
            for h, value in enumerate(found):
                at = b.add(q, b.mul(pitch, ir.Constant(q.type, h)))
                _store(c, b, sig.args[4], buffer, at, value, accumulator)
            return c.get_dummy_value()

        ints = types.intp
        return types.void(x, ints, rows, ints, buffer, ints, ints), code

    return made


def across(
    kind: str, out: str, lanes: int, network: networks.Network, height: int, width: int,
    step: int, finish: str,
) -> Any:  # fmt: skip
    """across(buffer, i, gap, pitch, share): the results of `lanes` windows, `step` apart.

    Window l merges the sorted columns i + l*step + j*gap.
    """
    acc = accumulator_of(kind)
    first = height - 1 if acc in _INFINITE else 0

    @intrinsic
    def made(typing: Any, buffer: Any, i: Any, gap: Any, pitch: Any, share: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            memory, i, gap, pitch, share = args
            values = []
            for j in range(width):
                for h in range(height):
                    down = b.mul(pitch, ir.Constant(i.type, h))
                    at = b.add(b.add(i, down), b.mul(gap, ir.Constant(i.type, j)))
                    value = _load(c, b, sig.args[0], memory, at, acc, lanes * step)
                    order = list(range(0, lanes * step, step))
                    values.append(rg.shuffle(b, value, order) if step > 1 else value)
            bad = spoiled(b, acc, values[first::height])
            ranks = run(b, network, acc, values)
            every = rg.splat(b, share, lanes)
            return finished(b, finish, ranks, every, bad, kind, out)

        ints = types.intp
        return rg.Vector(out, lanes)(buffer, ints, ints, ints, types.float64), code

    return made


def whole(kind: str, out: str, lanes: int, network: networks.Network, finish: str) -> Any:
    """whole(numbers, at, shares, i): the results of `lanes` windows that stand lane by lane."""
    acc = accumulator_of(kind)

    @intrinsic
    def made(typing: Any, numbers: Any, at: Any, shares: Any, i: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            places = [b.add(args[1], ir.Constant(args[1].type, n * lanes))
                      for n in range(network.inputs)]  # fmt: skip
            values = [_load(c, b, sig.args[0], args[0], at, acc, lanes) for at in places]
            share = _load(c, b, sig.args[2], args[2], args[3], "f64", lanes)
            ranks = run(b, network, acc, values)
            bad = spoiled(b, acc, values)
            return finished(b, finish, ranks, share, bad, kind, out)

        return rg.Vector(out, lanes)(numbers, types.intp, shares, types.intp), code

    return made


@intrinsic
def as_float(typing: Any, bits: Any) -> Any:
    """as_float(bits): the float64 of these 64 bits."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        return b.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code
