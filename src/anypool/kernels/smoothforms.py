"""What the smooth reductions do with a window, lane by lane.

Two passes over the taps: the first meets a centre (the max for lse and soft, the mean for var and
std), the second adds up two sums of what stands off it. A form is the arithmetic of one reduction;
the kernels know the way through memory. Lanes hold outputs, channels or taps; lanes without a tap
hold the form's `hollow`, which changes neither the centre nor the sums but where `w` is looked at.
"""

from __future__ import annotations

from . import curves as cv
from .curves import Real

HUGE = {"f32": 3e38, "f64": 1e308}


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
