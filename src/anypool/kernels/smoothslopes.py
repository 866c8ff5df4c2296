"""The derivatives of the smooth reductions by their elements, lane by lane.

Each window is worked out again from what it reads; two numbers of it then say what any of its taps
gets: see `Slope`. What taps of the padding get is never looked at.
"""

from __future__ import annotations

from typing import Any

from numba.core import types

from . import curves as cv
from . import smoothforms as sf
from . import vectors as vc
from .curves import Real
from .numbers import Value
from .registers import Vector
from .smoothcalls import PARAMETERS, spread
from .smoothforms import Form

P = list[Real]


class Slope(Form):
    """A form that reads elements as they are, and knows their derivatives."""

    late = False  # whether what an element gets from all windows is multiplied by `last`

    def __init__(self, form: Form) -> None:
        self.form = form
        self.meeting, self.hollow, self.two_passes = form.meeting, form.hollow, form.two_passes
        self.weighs = form.weighs

    def meet(self, c: Real, v: Real, p: P) -> Real:
        return self.form.meet(c, v, p)

    def settle(self, c: Real, n: Real) -> Real:
        return self.form.settle(c, n)

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: P) -> tuple[Real, Real]:
        return self.form.add(s, t, v, c, w, p)

    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        """Two numbers of a window with the derivative g."""
        raise NotImplementedError

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        """What a tap gets."""
        raise NotImplementedError

    def last(self, v: Real, p: P) -> Real:
        """What depends on the element alone."""
        return v.like(1.0)


class LseSlope(Slope):
    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        return g / s, g

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        return a * cv.exp(v.when("==", c, 0.0, v - c) * p[0])


class SoftSlope(Slope):
    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        return g / s, t / s

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        off, most = v.when("==", c, 0.0, v - c), sf.HUGE[v.kind] / 1e6
        e = a * cv.exp(off * p[0])
        off = off.when(">", most, most, off.when("<", -most, -most, off)) - b
        return (e * p[0]).by(off, e)


class VarSlope(Slope):
    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        left = n - p[0]
        return left.when(">", 0.0, g * 2.0 / left, n.like(float("nan"))), g

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        return (v - c) * a


class StdSlope(VarSlope):
    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        y = self.form.finish(c, s, t, n, p)
        return y.when(">", 0.0, g / ((n - p[0]) * y), y * 0.0), g


class PowerSlope(Slope):
    def __init__(self, form: sf.Power) -> None:
        super().__init__(form)
        self.power, self.scaled = form, isinstance(form, sf.Scaled)
        self.weighs = form.mean  # the least of gem is not 0

    def sized(self, v: Real, p: P) -> Real:
        return self.power.size(v, p)

    def meet(self, c: Real, v: Real, p: P) -> Real:
        return self.form.meet(c, self.sized(v, p), p)

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: P) -> tuple[Real, Real]:
        size = self.sized(v, p)
        raised = self.power.raised(size * c if self.scaled else size, p)
        return (raised.by(w, s) if self.power.mean else s + raised), t

    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        mean = s / n if self.power.mean else s
        y, one = self.power.rooted(mean, p), g / n if self.power.mean else g
        degree = self.power.degree
        a = one / (y * y) if degree == 3 else one / y if degree == 2 else one
        return y.when("==", 0.0, 0.0, a), y

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        size = self.sized(v, p)
        size = size * c if self.scaled else size
        degree = self.power.degree
        if degree:
            made = a * (size * size if degree == 3 else size if degree == 2 else 1.0)
        else:
            made = a * cv.power(size / b, p[0] - 1.0, p[1])
        return self.signed(v, made, p)

    def signed(self, v: Real, made: Real, p: P) -> Real:
        if self.power.mean:
            return v.when("<=", p[4], 0.0, made)
        return v.when("<", 0.0, made * -1.0, v.when("==", 0.0, 0.0, made))


class LatePowerSlope(PowerSlope):
    """Powers that need no scale: the part of the element is taken once, for all its windows."""

    late = True

    def __init__(self, form: sf.Power) -> None:
        super().__init__(form)
        self.weighs = False

    def read(self, v: Real, p: P) -> Real:
        return self.power.read(v, p)

    def add(self, s: Real, t: Real, v: Real, c: Real, w: Real, p: P) -> tuple[Real, Real]:
        return s + v, t

    def factors(self, c: Real, s: Real, t: Real, n: Real, g: Real, p: P) -> tuple[Real, Real]:
        a, y = super().factors(c, s, t, n, g, p)
        if self.power.degree:
            return a, a
        a = g * y / s  # y^(1 - p) is y / y^p, and the mean's n cancels
        a = y.when("==", float("inf"), 0.0, a)  # beside an infinity nothing counts
        return y.when("==", 0.0, 0.0, a), a

    def share(self, v: Real, c: Real, a: Real, b: Real, p: P) -> Real:
        return a

    def last(self, v: Real, p: P) -> Real:
        size, degree = self.sized(v, p), self.power.degree
        made = v.like(1.0) if degree == 1 else size if degree == 2 else size * size
        if not degree:
            made = cv.power(size, p[0] - 1.0, p[1], self.power.short)
        return self.signed(v, made, p)


def _slope(form: Form) -> Slope:
    if isinstance(form, sf.Power):
        return PowerSlope(form)
    kinds = {sf.Lse: LseSlope, sf.Soft: SoftSlope, sf.Var: VarSlope, sf.Std: StdSlope}
    return kinds[type(form)](form)


SLOPES: dict[str, Slope] = {name: _slope(form) for name, form in sf.FORMS.items()}
LATE = {
    name: LatePowerSlope(form)
    for name, form in sf.FORMS.items()
    if isinstance(form, sf.Power) and not isinstance(form, sf.Scaled)
}


# ----------------------------------------------- as functions that kernels call
def factors(slope: Slope, acc: str, lanes: int) -> Any:
    """factors(centre, s, t, n, g, p): the two numbers of each window."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def found(typing: Any, c: Any, s: Any, t: Any, n: Any, g: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            c, s, t, n, g = (Real(b, a, acc) for a in args[:5])
            pair = slope.factors(c, s, t, n, g, spread(context, b, args[5], acc, lanes))
            return context.make_tuple(b, sig.return_type, [one.v for one in pair])

        return types.UniTuple(kind, 2)(kind, kind, kind, kind, kind, PARAMETERS), code

    return found


def share(slope: Slope, acc: str, lanes: int) -> Any:
    """share(taps, centre, a, b, p): what the taps get."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def found(typing: Any, v: Any, c: Any, a: Any, b: Any, p: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Value:
            v, c, a, b = (Real(builder, one, acc) for one in args[:4])
            return slope.share(v, c, a, b, spread(context, builder, args[4], acc, lanes)).v

        return kind(kind, kind, kind, kind, PARAMETERS), code

    return found


def last(slope: Slope, acc: str, lanes: int) -> Any:
    """last(sum, element, p): what an element gets from all its windows."""
    kind = Vector(acc, lanes)

    @vc.intrinsic
    def found(typing: Any, total: Any, v: Any, p: Any) -> Any:
        def code(context: Any, b: Any, sig: Any, args: Any) -> Value:
            if not slope.late:
                return args[0]
            own = slope.last(Real(b, args[1], acc), spread(context, b, args[2], acc, lanes))
            return b.fmul(args[0], own.v)

        return kind(kind, kind, PARAMETERS), code

    return found
