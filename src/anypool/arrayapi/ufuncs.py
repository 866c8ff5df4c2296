"""Arrays of a namespace that answer to NumPy's functions by their own.

The slopes of reductions are written with a few NumPy functions, because Numba compiles them; this
lets the same lines run on the arrays of any namespace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .space import ArraySpace

OURS = {"absolute": "abs", "power": "pow"}  # where the standard's name is not NumPy's


class Spoken:
    """An array with its space; comparisons give 0 and 1 in its own dtype."""

    def __init__(self, space: ArraySpace, a: Any) -> None:
        self.space, self.a = space, a

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Any:
        name = OURS.get(str(ufunc.__name__), str(ufunc.__name__))
        return Spoken(self.space, getattr(self.space, name)(*map(_bare, inputs)))


def _bare(value: Any) -> Any:
    return value.a if isinstance(value, Spoken) else value


def _operator(name: str) -> Callable[[Spoken, Any], Spoken]:
    def run(self: Spoken, other: Any) -> Spoken:
        mine, theirs = self.a, _bare(other)
        if isinstance(mine, float):  # a number that a recipe keeps in place of an array
            made = getattr(float, name)(mine, theirs)
            if made is NotImplemented:
                made = getattr(theirs, _turned(name))(mine)
            return Spoken(self.space, made)
        made = getattr(mine, name)(theirs)
        if self.space.isdtype(made.dtype, "bool"):
            made = self.space.astype(made, mine.dtype)
        return Spoken(self.space, made)

    return run


def _turned(name: str) -> str:
    """The operator with its sides exchanged: __mul__ and __rmul__."""
    turned = {"__eq__": "__eq__", "__gt__": "__lt__", "__lt__": "__gt__"}
    if name in turned:
        return turned[name]
    return name.replace("__r", "__", 1) if name.startswith("__r") else "__r" + name[2:]


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        setattr(Spoken, _form, _operator(_form))
for _name in ("eq", "gt", "lt"):
    setattr(Spoken, f"__{_name}__", _operator(f"__{_name}__"))
