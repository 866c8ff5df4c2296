"""Libraries that differentiate Python's own functions (MLX) are told the derivative of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import PoolError
from .views import foreign, name_of, namespace

Array = Any


def sloped(
    x: Array, common: dict[str, Any], values: Callable[..., Any], pull: Callable[..., Any]
) -> Any:
    """``values(x, common)``, with the pullback of ``pull(x, common)`` where the library asks.

    Without it the library would take what comes back from NumPy for a constant, and its derivative
    for 0. Weights have a derivative too.
    """
    names = ("x", "weights") if foreign(common.get("weights")) else ("x",)

    def told(arrays: tuple[Array, ...]) -> tuple[Array, dict[str, Any]]:
        given = dict(zip(names, arrays, strict=True))
        return given.pop("x"), common | given

    def call(*arrays: Array) -> Any:
        return values(*told(arrays))

    def sent(*arrays: Array) -> Any:
        made = pull(*told(arrays[:-1]))[1](arrays[-1])
        return made[: len(names)] if isinstance(made, tuple) else made

    def slope(arrays: Any, g: Any, _: Any) -> Any:
        words = "pooling has a first derivative, and no second, for"
        return unsloped(words, sent, *_tuple(arrays), _tuple(g)[0])

    function = namespace(x).custom_function(call)
    function.vjp(slope)
    return function(x, *(common[name] for name in names[1:]))


def differentiates(x: Array) -> bool:
    """Whether x belongs to such a library."""
    return hasattr(namespace(x), "custom_function")


def unsloped(words: str, values: Callable[..., Any], *arrays: Array) -> Any:
    """``values(*arrays)``; a library that asks for its derivative hears that there is none."""
    if not differentiates(arrays[0]):
        return values(*arrays)

    def refuse(*_: Any) -> Any:
        raise PoolError(f"{words} {name_of(arrays[0])}")

    function = namespace(arrays[0]).custom_function(values)
    function.vjp(refuse)
    return function(*arrays)


def _tuple(a: Any) -> tuple[Array, ...]:
    return tuple(a) if isinstance(a, tuple | list) else (a,)
