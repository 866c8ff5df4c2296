"""Which axes are pooled: what a user says, as numbers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .errors import ShapeError, WindowError
from .windows import Whole, Windows

Axes = tuple[int, ...]


def find_axes(ndim: int, windows: Windows, axes: Any) -> Axes:
    """The pooled axes as non-negative numbers, in the order they were given."""
    if ndim == 0:
        raise ShapeError("x has no axes; pooling needs at least one")
    if axes is None:
        return _default_axes(ndim, windows)
    if isinstance(axes, str):
        if axes != "channels_last":
            raise ShapeError(f'axes is {axes!r}; use a tuple of axes or "channels_last"')
        if ndim < 3:
            raise ShapeError(f'axes="channels_last" needs at least 3 axes; x has {ndim}')
        return tuple(range(1, ndim - 1))
    return _numbered_axes(ndim, axes)


def _numbered_axes(ndim: int, axes: Any) -> Axes:
    try:
        numbers = tuple(operator.index(a) for a in (axes if np.iterable(axes) else (axes,)))
    except TypeError:
        raise ShapeError(f"axes must be whole numbers, not {axes!r}") from None
    for a in numbers:
        if not -ndim <= a < ndim:
            raise ShapeError(f"axis {a} does not exist; x has {ndim} axes, 0 to {ndim - 1}")
    found = tuple(a % ndim for a in numbers)
    if len(set(found)) < len(found):
        raise ShapeError(f"axes {numbers} name an axis twice; name each once")
    if not found:
        raise ShapeError("axes is empty; name at least one axis")
    return found


READINGS = (
    "axes=(0, 1) for an H,W,C photograph, axes=(1, 2) for C,H,W, axes=(2,) for N,C,L, "
    "axes=(0, 1, 2) for a volume"
)


def _default_axes(ndim: int, windows: Windows) -> Axes:
    if windows.rank is not None:
        if windows.rank > ndim:
            raise WindowError(
                f"windows speak of {windows.rank} axes, x has {ndim}; give at most {ndim} numbers"
            )
        return tuple(range(ndim - windows.rank, ndim))
    if ndim <= 2:
        return tuple(range(ndim))
    if ndim == 3 and not isinstance(windows, Whole):
        raise ShapeError(f"x has 3 axes, which can be read several ways; say {READINGS}")
    return tuple(range(2, ndim))
