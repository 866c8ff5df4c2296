"""Sizes that are symbols, in programs to be exported: any number of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from ..axes import find_axes
from ..errors import ShapeError
from ..reductions import resolve
from ..windows import Windows

Array = Any
MAPPED = ("mask", "weights", "sizes")  # what may have a number for each sample


def has_any(x: Array) -> bool:
    """Whether a size of x is a symbol."""
    return not all(isinstance(n, int) for n in x.shape)


def pool(
    function: Callable[..., Any], x: Array, windows: Windows, reduce: Any, **given: Any
) -> Any:
    """``function`` of one sample at a time, for as many samples as there will be."""
    pooled = find_axes(x.ndim, windows, given.get("axes"))
    wrong = [a for a, n in enumerate(x.shape) if not isinstance(n, int) and (a or 0 in pooled)]
    if wrong:
        raise ShapeError(
            f"axis {wrong[0]} of x has the symbolic size {x.shape[wrong[0]]}; windows are laid out "
            "on numbers: only the first axis may have any length, and may not be pooled"
        )
    if given.get("rng") is not None or windows.random or resolve(reduce).sampled:
        raise ShapeError(
            f"the first axis of x has the symbolic size {x.shape[0]}, for which nothing can be "
            "drawn; give draws a size"
        )
    own = {name: given.pop(name) for name in MAPPED if _is_long(given.get(name), name, x)}

    def one(x: Array, own: dict[str, Array]) -> Any:
        alone = {name: a[None] for name, a in own.items()}
        y = function(x[None], windows, reduce, **given, **alone)
        return jax.tree.map(lambda a: a[0], y)

    return jax.vmap(one)(x, own)


def _is_long(a: Any, name: str, x: Array) -> bool:
    """Whether an array beside x has a number for each sample."""
    if a is None or not isinstance(a, jax.Array):
        return False
    return name == "sizes" or (a.ndim == x.ndim and a.shape[0] != 1)
