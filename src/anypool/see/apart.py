"""How far two poolings of one picture lie apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .panel import Panel
from .picture import Picture
from .tint import number
from .ways import Pooling

Pair = tuple[Any, Any]


def apart(
    picture: Picture,
    pair: tuple[Pooling | None, Pooling | None],
    values: Callable[[Pooling | None], NDArray[Any]],
    signed: bool,
) -> Panel:
    """The difference of a pair as a heat map, the mean over the channels; None is the original."""
    first, second = (values(side) for side in pair)
    one, other = ("x" if side is None else side.call for side in pair)
    space = len(picture.axes)
    difference = _difference(first, second, space)
    heat = difference if signed else np.abs(difference)
    if picture.colour:
        heat = heat.mean(axis=-1)
    real = np.abs(heat[np.isfinite(heat)])
    top = float(real.max()) if real.size and real.max() > 0 else 1.0
    call = f"{one} - {other}" if signed else f"abs({one} - {other})"
    if picture.colour:
        call = f"({call}).mean(-1)" if signed else f"{call}.mean(-1)"
    return Panel(
        call, heat, heat=True, limits=(-top if signed else 0.0, top), unit=_unit(picture),
        note="" if first.shape == second.shape else "the smaller one stretched",
    )  # fmt: skip


def _difference(first: NDArray[Any], second: NDArray[Any], space: int) -> NDArray[Any]:
    shape = tuple(max(sizes) for sizes in zip(first.shape[:space], second.shape, strict=False))
    with np.errstate(invalid="ignore"):  # inf - inf is nan, and is drawn as such
        return stretched(first, shape) - stretched(second, shape)


def stretched(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values at the size of a larger picture: each place shows the nearest value, as drawn.

    >>> stretched(np.array([1, 2]), (5,))
    array([1, 1, 2, 2, 2])
    """
    for axis, (n, m) in enumerate(zip(values.shape, shape, strict=False)):
        if n != m:
            values = values.take(((2 * np.arange(m) + 1) * n) // (2 * m), axis=axis)
    return values


def _unit(picture: Picture) -> str:
    return f"in pixel values: black {number(picture.low)}, white {number(picture.high)}"
