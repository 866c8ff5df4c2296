"""What every reduction is made of.

A :class:`Recipe` says what a window becomes, four times over, each for its own reader:

* ``meaning(v, w, p)``: one window in plain NumPy, the oracle of every test;
* ``start / step / finish``: one element at a time, plain Python that Numba compiles;
* ``batch(v, w, p)``: many windows at once, the last axis being the window (``portable`` runs it);
* ``slope(x, w, y, a, b, p)`` and its kin: the derivative of the window's value, written with NumPy
  functions that mean the same on one number (Numba) and on arrays (``portable``). ``a, b`` are two
  numbers a window keeps for its derivative (``keep`` and ``batch`` give them).

``v`` are a window's values, ``w`` their weights (0: not real), ``p`` the parameters as floats.

``batch`` is also differentiated by frameworks that differentiate programs, where ``p`` may hold
arrays that broadcast against ``v`` with a window of length 1. So it takes no branch on numbers,
and every branch of a ``where`` is finite where the other one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import ReductionError

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a reduction does. ``family`` names the loop that runs it: stream, extreme or pick.

    ``result`` says what becomes of integers: "same", "sum" (int64, uint64), "mean" (float64) or
    "bool". ``weighs``: weights mean more than real or not. ``plain``: it has a derivative.
    ``user`` holds the functions of a user-made one; ``shared`` is the recipe whose derivative
    shares ties.
    """

    name: str
    family: str
    result: str
    meaning: Function
    batch: Function
    start: Function | None = None
    step: Function | None = None
    finish: Function | None = None
    keep: Function | None = None
    slope: Function | None = None
    weight_slope: Function | None = None
    param_slopes: tuple[tuple[str, Function], ...] = ()
    pick: Function | None = None
    weighs: bool = False
    plain: bool = True
    user: tuple[Function, ...] = ()
    shared: Recipe | None = None


@dataclass(frozen=True)
class Reduction:
    """A reduction with its parameters: a frozen, printable value."""

    name: str
    params: tuple[tuple[str, Any], ...] = ()
    recipe: Recipe = field(repr=False, default=None)  # type: ignore[assignment]
    given: tuple[str, ...] = field(default=(), repr=False)  # compared: plans are kept by value
    rng: Any = field(default=None, compare=False, repr=False)
    sampled: bool = False

    def __str__(self) -> str:
        inside = ", ".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.params
        )
        return f"{self.name}({inside})" if inside else self.name

    @property
    def numbers(self) -> tuple[float, float]:
        """The parameters as the two floats that kernels take."""
        values = [value for _, value in self.params if isinstance(value, float)] + [0.0, 0.0]
        return values[0], values[1]

    @property
    def differentiable(self) -> bool:
        has_slope = self.recipe.slope is not None or self.recipe.pick is not None
        return has_slope and self.recipe.plain


def still(xp: Any, a: Any) -> Any:
    """``a`` as a constant to derivatives, where ``xp`` takes any: a scale that cancels out."""
    stop = getattr(xp, "stop_gradient", None)
    return a if stop is None else stop(a)


def parameter(name: str, value: Any, rule: str, holds: Callable[[float], bool]) -> float:
    """``value`` as a float that obeys ``rule``, or a ReductionError that states it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ReductionError(f"{name} must be a number, not {value!r}") from None
    if number != number or not holds(number):
        raise ReductionError(f"{name} is {number:g}; it must be {rule}")
    return number
