"""Exponentials, logarithms, powers and roots of whole vectors, as LLVM instructions.

Numba from pip has no vector mathematics, so these are our own: the argument is split into a power
of two and a rest, and the rest goes into a polynomial (fitted at Chebyshev nodes). Everything is
plain arithmetic and shifts that any processor with vectors has. Errors, as tests/test_curves.py
holds them against NumPy's widest type, in units in the last place:

    exp, expm1 (x <= 0)   2      what falls below the least normal number is 0
    log, log1p (x > -1)   3
    power (x >= 0)        2 + |p| in float64; 3 for a root
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from . import numbers as nm
from .numbers import Value

LN2, LOG2E = 0.6931471805599453, 1.4426950408889634


class Format(NamedTuple):
    """A floating-point format, and the polynomials that are exact enough for it."""

    bits: int
    fraction: int  # bits of the fraction
    bias: int
    least: float  # exp of less than this is 0
    ln2: tuple[float, float]  # the first times any exponent is exact
    exp: tuple[float, ...]  # expm1(f) = f + f^2 * exp(f), |f| <= ln(2) / 2


_FORMATS = {
    "f32": Format(
        32, 23, 127, -87.3, (0.693145751953125, 1.4286068203094173e-06),
        (0.5, 0.16666576989698775, 0.041666554617204574, 0.008363179052722578,
         0.0013926183587713494),
    ),
    "f64": Format(
        64, 52, 1023, -708.3, (0.6931471805598903, 5.497923018708371e-14),
        (0.5, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062,
         0.0013888888917213717, 0.00019841269863053618, 2.4801521295954376e-05,
         2.7557268459997064e-06, 2.7620088445409746e-07, 2.510038549551032e-08),
    ),
}  # fmt: skip
# log(1 + f) = f - f^2 / 2 + f^3 * _LOG_SHORT(f) between the roots of 1/2 and 2
_LOG_SHORT = (
    0.33333331178099007, -0.24999996955327997, 0.20000716247037995, -0.16667803062788492,
    0.1424903961133482, -0.12425654632649219, 0.11685580286754446, -0.11480068373232372,
    0.06971584812199107,
)  # fmt: skip
# log(1 + f) = 2 s + s^3 * _LOG_LONG(s^2) with s = f / (2 + f)
_LOG_LONG = (
    0.6666666666666666, 0.40000000000000885, 0.28571428570799784, 0.22222222392581045,
    0.18181795547521137, 0.15386244737621665, 0.13268638369266825, 0.13088034850927555,
)  # fmt: skip


class Real:
    """Numbers in lanes while code is being written: arithmetic on them writes instructions."""

    __slots__ = ("b", "kind", "v")

    def __init__(self, builder: Any, value: Value, kind: str) -> None:
        self.b, self.v, self.kind = builder, value, kind

    def like(self, number: float) -> Real:
        """This number in every lane."""
        return self.of(nm.constant(self.v.type, number))

    def of(self, value: Value) -> Real:
        return Real(self.b, value, self.kind)

    def _other(self, other: Real | float) -> Value:
        return other.v if isinstance(other, Real) else nm.constant(self.v.type, other)

    def __add__(self, other: Real | float) -> Real:
        return self.of(self.b.fadd(self.v, self._other(other)))

    def __sub__(self, other: Real | float) -> Real:
        return self.of(self.b.fsub(self.v, self._other(other)))

    def __rsub__(self, other: float) -> Real:
        return self.like(other) - self

    def __mul__(self, other: Real | float) -> Real:
        return self.of(self.b.fmul(self.v, self._other(other)))

    def __truediv__(self, other: Real | float) -> Real:
        return self.of(self.b.fdiv(self.v, self._other(other)))

    __radd__, __rmul__ = __add__, __mul__

    def by(self, factor: Real | float, more: Real | float) -> Real:
        """``self * factor + more``, rounded once where the processor can."""
        parts = [self.v, self._other(factor), self._other(more)]
        return self.of(nm.call(self.b, "llvm.fmuladd", self.v.type, parts))

    def when(self, test: str, other: Real | float, chosen: Real | float, left: Real) -> Real:
        """Lane by lane ``chosen`` where ``self test other`` (no NaN), else ``left``."""
        yes = self.b.fcmp_ordered(test, self.v, self._other(other))
        return self.of(self.b.select(yes, self._other(chosen), left.v))

    def kept_nan(self, result: Real) -> Real:
        """``result``, but NaN stays what it is."""
        return self.of(
            self.b.select(self.b.fcmp_unordered("uno", self.v, self.v), self.v, result.v)
        )

    def call(self, name: str) -> Real:
        return self.of(nm.call(self.b, f"llvm.{name}", self.v.type, [self.v]))

    def larger(self, other: Real) -> Real:
        return self.of(nm.combine(self.b, "max", self.kind, self.v, other.v))

    def smaller(self, other: Real) -> Real:
        return self.of(nm.combine(self.b, "min", self.kind, self.v, other.v))

    @property
    def format(self) -> Format:
        return _FORMATS[self.kind]

    @property
    def word(self) -> Any:
        """The type of whole numbers as wide as these."""
        whole = ir.IntType(self.format.bits)
        many = isinstance(self.v.type, ir.VectorType)
        return ir.VectorType(whole, self.v.type.count) if many else whole

    def bits(self) -> Value:
        return self.b.bitcast(self.v, self.word)

    def whole(self, number: int) -> Value:
        return nm.constant(self.word, number)

    def from_bits(self, bits: Value) -> Real:
        return self.of(self.b.bitcast(bits, self.v.type))


def polynomial(x: Real, factors: Sequence[float]) -> Real:
    total = x.like(factors[-1])
    for factor in factors[-2::-1]:
        total = total.by(x, factor)
    return total


def _nearest(t: Real) -> tuple[Real, Real]:
    """The whole number next to t, and 2 to its power; |t| must stay below the exponents' range."""
    f = t.format
    moved = t + 1.5 * 2.0**f.fraction  # the whole number now stands in the lowest bits
    power = t.b.add(t.b.shl(moved.bits(), t.whole(f.fraction)), t.whole(f.bias << f.fraction))
    return moved - 1.5 * 2.0**f.fraction, t.from_bits(power)


def exponentials(x: Real) -> tuple[Real, Real]:
    """exp(x) and exp(x) - 1, for x <= 0."""
    f = x.format
    low = x.when("<", f.least, f.least, x)
    k, power = _nearest(low * LOG2E)
    rest = k.by(-f.ln2[1], k.by(-f.ln2[0], low))
    p = (rest * rest).by(polynomial(rest, f.exp), rest)
    return x.when("<", f.least, 0.0, p.by(power, power)), p.by(power, power - 1.0)


def exp(x: Real) -> Real:
    return exponentials(x)[0]


def expm1(x: Real) -> Real:
    return exponentials(x)[1]


def _exponent(x: Real) -> tuple[Value, Real, Value]:
    """x = m * 2^e, m from sqrt(1/2) to sqrt(2): e with the bias, e, and the bits of m."""
    f, b = x.format, x.b
    middle = int(0.5**0.5 * 2 ** (f.fraction + 1)) - (1 << f.fraction)  # the fraction of sqrt(1/2)
    half = ((f.bias - 1) << f.fraction) + middle
    bits = b.add(x.bits(), x.whole((f.bias << f.fraction) - half))
    biased = b.lshr(bits, x.whole(f.fraction))
    magic = (f.bias + f.fraction) << f.fraction  # 2^fraction: its last bit counts ones
    e = x.from_bits(b.or_(biased, x.whole(magic))) - (2.0**f.fraction + f.bias)
    m = b.add(b.and_(bits, x.whole((1 << f.fraction) - 1)), x.whole(half))
    return biased, e, m


def _log_of_rest(f: Real, short: bool = False) -> Real:
    """log(1 + f) where 1 + f lies between the roots of 1/2 and 2."""
    if f.kind == "f32" or short:
        square = f * f
        return (square * f).by(polynomial(f, _LOG_SHORT), square.by(-0.5, f))
    s = f / (f + 2.0)
    z = s * s
    return (s * z).by(polynomial(z, _LOG_LONG), s + s)


def log1p(x: Real) -> Real:
    """log(1 + x) for finite x > -1."""
    f, b = x.format, x.b
    biased, e, _ = _exponent(x + 1.0)
    turned = b.shl(b.sub(x.whole(2 * f.bias), biased), x.whole(f.fraction))
    scale = x.from_bits(turned)  # 2^-e
    rest = _log_of_rest(x.by(scale, scale - 1.0))
    return x.kept_nan(e.by(f.ln2[0], e.by(f.ln2[1], rest)))


def log(x: Real) -> Real:
    """log(x) for normal x > 0, 0 and infinity."""
    f = x.format
    _, e, m = _exponent(x)
    rest = _log_of_rest(x.from_bits(m) - 1.0)
    found = e.by(f.ln2[0], e.by(f.ln2[1], rest))
    found = x.when("==", 0.0, -float("inf"), x.when("==", float("inf"), x, found))
    return x.kept_nan(found)


def power(x: Real, high: Real, low: Real, short: bool = False) -> Real:
    """x to the power of high + low, for x >= 0; high has no more than 24 bits, so that its product
    with an exponent is exact. Below the least normal number the result is 0.

    short: right to 2^-27 times the power (or more) only, as a float32 wants it, in half the time.
    """
    f, infinity = x.format, float("inf")
    tiny = x.when("<", 2.0 ** (1 - f.bias), x * 2.0 ** (f.fraction + 2), x)
    _, e, m = _exponent(x if short else tiny)
    if not short:
        e = x.when("<", 2.0 ** (1 - f.bias), e - float(f.fraction + 2), e)
    rest = _log_of_rest(x.from_bits(m) - 1.0, short) * LOG2E
    large, small = e * high, rest.by(high + low, e * low)
    total = large + small
    top, bottom = float(f.bias), float(2 - f.bias)
    inside = total.when(">", top, top, total.when("<", bottom, bottom, total))
    k, scale = _nearest(inside)
    part = ((large - k) + small) * LN2
    p = (part * part).by(polynomial(part, f.exp[:6] if short else f.exp), part)
    found = p.by(scale, scale)
    found = total.when("<", bottom, 0.0, total.when(">=", top + 1.0, infinity, found))
    found = x.when("==", 0.0, 0.0, x.when("==", infinity, infinity, found))
    return x.kept_nan(found)
