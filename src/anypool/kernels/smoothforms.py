"""What the smooth reductions do with a window, lane by lane.

Two passes over the taps: the first meets a centre (the max for lse and soft, the mean for var and
std), the second adds up two sums of what stands off it. A form is the arithmetic of one reduction;
the kernels know the way through memory. Lanes hold outputs, channels or taps; lanes without a tap
hold the form's `hollow`, which changes neither the centre nor the sums but where `w` is looked at.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from . import curves as cv
from . import numbers as nm
from . import registers as rg
from . import vectors as vc
from .curves import Real
from .numbers import Value
from .registers import Vector

HUGE = {"f32": 3e38, "f64": 1e308}
PARAMETERS = types.UniTuple(types.float64, 5)  # what they mean is the form's own


class Form:
    """A reduction; every method writes instructions. `p` are the parameters in every lane."""

    meeting = "sum"  # how lanes of centres become one
    hollow = 0.0
    two_passes = True
    weighs = False  # whether `add` looks at w

    def read(self, v: Real, p: list[Real]) -> Real:
        """What is made of every element, once, as it is read."""
        return v

    def meet(self, c: Real, v: Real, p: list[Real]) -> Real:
        return c

    def settle(self, c: Real, n: Real) -> Real:
        """The centre, once all n taps have met."""
        return c

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: list[Real]) -> tuple[Real, Real]:
        """The two sums and one more tap; w is 1 for a real one and 0 for others."""
        return s + v, t

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        """What the window of n taps becomes."""
        raise NotImplementedError


PLAIN = Form()


class _Led(Form):
    """Exponential weights, led by the largest (or, for a negative factor, the smallest) tap."""

    def __init__(self, op: str) -> None:
        self.meeting, self.hollow = op, float("-inf" if op == "max" else "inf")

    def meet(self, c: Real, v: Real, p: list[Real]) -> Real:
        return c.larger(v) if self.meeting == "max" else c.smaller(v)


class Lse(_Led):
    """m + log(mean(exp(r (x - m)))) / r, where m is the max.

    In single precision the sum of exp - 1 is kept too: near 0 its logarithm is right to the last
    bits whatever r is, so that small r give the mean.
    """

    weighs = True

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: list[Real]) -> tuple[Real, Real]:
        e, e1 = cv.exponentials(v.when("==", c, 0.0, v - c) * p[0])
        return s + e, e1.by(w, t)

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        far = cv.log(s / n)
        if c.kind == "f64":
            return c + far / p[0]
        excess = t / n
        return c + excess.when(">", -0.5, cv.log1p(excess), far) / p[0]


class Soft(_Led):
    """m + the mean of x - m, weighted by exp(beta (x - m))."""

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: list[Real]) -> tuple[Real, Real]:
        off, most = v.when("==", c, 0.0, v - c), HUGE[v.kind]
        e = cv.exp(off * p[0])
        off = off.when(">", most, most, off.when("<", -most, -most, off))
        return s + e, off.by(e, t)

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        return c + t / s


class Var(Form):
    """The squares of what stands off the mean, less the square that the mean's rounding adds."""

    weighs = True

    def meet(self, c: Real, v: Real, p: list[Real]) -> Real:
        return c + v

    def settle(self, c: Real, n: Real) -> Real:
        return c / n

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: list[Real]) -> tuple[Real, Real]:
        d = (v - c) * w
        return d.by(d, s), t + d

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        squares = s - t * t / n
        least = c * 2.0**-53  # equal numbers are equal, though their mean may be rounded
        squares = squares.when("<=", least * least * n, 0.0, squares)
        left = n - p[0]
        return left.when(">", 0.0, squares / left, n.like(float("nan")))


class Std(Var):
    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        return super().finish(c, s, t, n, p).call("sqrt")


class Power(Form):
    """The root of the sum (lp) or the mean (gem) of powers, each taken once.

    `p`: the power and its inverse, each as a short number and the rest; the least of gem. Powers
    of float32 up to the sixth neither overflow nor vanish in float64. Degree 1, 2, 3: compiled in.
    short: the result is a float32 or less.
    """

    two_passes = False

    def __init__(self, mean: bool, degree: int, short: bool) -> None:
        self.mean, self.degree, self.short = mean, degree, short

    def size(self, v: Real, p: list[Real]) -> Real:
        return v.when("<", p[4], p[4], v) if self.mean else v.call("fabs")

    def read(self, v: Real, p: list[Real]) -> Real:
        return self.raised(self.size(v, p), p)

    def raised(self, v: Real, p: list[Real]) -> Real:
        if not self.degree:
            return cv.power(v, p[0], p[1], self.short)
        return v * v * v if self.degree == 3 else v * v if self.degree == 2 else v

    def rooted(self, v: Real, p: list[Real]) -> Real:
        if self.degree in (1, 2):
            return v.call("sqrt") if self.degree == 2 else v
        return cv.power(v, p[2], p[3], self.short)

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        return self.rooted(s / n if self.mean else s, p)


class Scaled(Power):
    """The same for any power and any number: the largest of a window is brought near 1 first."""

    meeting, two_passes = "max", True

    def read(self, v: Real, p: list[Real]) -> Real:
        return self.size(v, p)

    def meet(self, c: Real, v: Real, p: list[Real]) -> Real:
        return c.larger(v)

    def settle(self, c: Real, n: Real) -> Real:
        """The power of two that does it."""
        f, b = c.format, c.b
        biased, most = b.lshr(c.bits(), c.whole(f.fraction)), c.whole(2 * f.bias - 1)
        biased = b.select(b.icmp_unsigned(">", biased, most), most, biased)
        return c.from_bits(b.shl(b.sub(c.whole(2 * f.bias), biased), c.whole(f.fraction)))

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: list[Real]) -> tuple[Real, Real]:
        return s + self.raised(v * c, p), t

    def finish(self, c: Real, s: Real, t: Real, n: Real, p: list[Real]) -> Real:
        return super().finish(c, s, t, n, p) / c


FORMS: dict[str, Form] = {
    "lse_max": Lse("max"), "lse_min": Lse("min"), "soft_max": Soft("max"), "soft_min": Soft("min"),
    "var": Var(), "std": Std(),
    **{f"lp{d}": Power(False, d, True) for d in range(4)},
    **{f"gem{d}": Power(True, d, True) for d in range(4)},
    **{f"lp{d}_long": Power(False, d, False) for d in range(4)},
    **{f"gem{d}_long": Power(True, d, False) for d in range(4)},
    **{f"lp{d}_scaled": Scaled(False, d, False) for d in range(4)},
    **{f"gem{d}_scaled": Scaled(True, d, False) for d in range(4)},
}  # fmt: skip


# ----------------------------------------------- as functions that kernels call
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
            reals = [Real(b, a, acc) for a in args[:2]]
            return form.meet(*reals, spread(context, b, args[2], acc, lanes)).v

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
            reals = [Real(b, a, acc) for a in args[:5]]
            sums = form.add(*reals, spread(context, b, args[5], acc, lanes))
            return context.make_tuple(b, sig.return_type, [one.v for one in sums])

        return types.UniTuple(kind, 2)(kind, kind, kind, kind, kind, PARAMETERS), code

    return added


def finish(form: Form, acc: str, lanes: int) -> Any:
    """finish(centre, s, t, n, p)."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def finished(typing: Any, c: Any, s: Any, t: Any, n: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            reals = [Real(b, a, acc) for a in args[:4]]
            return form.finish(*reals, spread(context, b, args[4], acc, lanes)).v

        return kind(kind, kind, kind, kind, PARAMETERS), code

    return finished


def splat(acc: str, lanes: int) -> Any:
    """splat(number): a float64 in every lane."""

    @vc.intrinsic
    def filled(typing: Any, number: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return rg.splat(b, nm.convert(b, args[0], "f64", acc), lanes)

        return Vector(acc, lanes)(types.float64), code

    return filled


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


def spread_one(acc: str, lanes: int) -> Any:
    """spread_one(number): one accumulator in every lane."""

    @vc.intrinsic
    def filled(typing: Any, number: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            return rg.splat(b, args[0], lanes)

        return Vector(acc, lanes)(number), code

    return filled


def times(acc: str) -> Any:
    """times(a, b): lane by lane."""

    @vc.intrinsic
    def multiplied(typing: Any, a: Any, b: Any) -> Any:
        def code(c: Any, builder: Any, sig: Any, args: Any) -> Value:
            return builder.fmul(*args)

        return a(a, b), code

    return multiplied


@vc.intrinsic
def number(typing: Any, memory: Any, i: Any) -> Any:
    """One float64 out of a table of whole numbers."""

    def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
        where = rg.pointer(c, b, sig.args[0], args[0], args[1], ir.Constant(args[1].type, 1))
        return b.bitcast(b.load(where), ir.DoubleType())

    return types.float64(memory, types.intp), code
