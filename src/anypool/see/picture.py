"""A picture as numbers: a photograph or a volume, and which of its numbers are black and white."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError
from ..ops import avg_pool

Photo = NDArray[np.float32]
Limits = tuple[float, float]

MOST = 25_000_000  # pixels that are pooled and drawn; a larger photograph is read smaller
_BAND = 4_000_000  # pixels that are converted at a time


def silent(_: str) -> None:
    """For those who do not want to hear of every step."""


@dataclass(frozen=True)
class Picture:
    """One picture: its name, its numbers, and how they are to be drawn.

    ``values`` are float32 of shape (rows, columns) or (rows, columns, 3), with an axis of slices
    in front where it is a ``volume``. ``low`` is drawn black and ``high`` white; ``known`` says
    that this range was given or follows from the dtype, not from the smallest and largest number;
    ``given`` that it is the caller's, beyond which nothing is told apart.
    ``factor`` > 1: the file's photograph is that many times as large as ``values``.
    """

    name: str
    values: Photo
    low: float = 0.0
    high: float = 1.0
    known: bool = True
    given: bool = False
    volume: bool = False
    factor: int = 1
    notes: tuple[str, ...] = ()

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are pooled: rows and columns, and a volume's slices."""
        return (0, 1, 2) if self.volume else (0, 1)

    @property
    def colour(self) -> bool:
        """Whether the last axis holds red, green and blue."""
        return self.values.ndim > len(self.axes)


def smaller(rows: int, columns: int, most: int) -> int:
    """The least whole factor by which a photograph must shrink to have at most `most` pixels.

    >>> smaller(4000, 6000, MOST), smaller(20_000, 20_000, MOST)
    (1, 4)
    """
    factor = math.isqrt(max(rows * columns - 1, 0) // most) + 1
    while -(-rows // factor) * -(-columns // factor) > most:
        factor += 1
    return factor


def gathered(
    rows: int, columns: int, factor: int, part: Callable[[int, int], NDArray[Any]]
) -> Photo:
    """A photograph from its bands of rows, `part(top, bottom)`, each shrunk before the next."""
    high = factor * max(_BAND // (columns * factor), 1)
    if rows <= high and factor == 1:
        return np.asarray(part(0, rows), dtype=np.float32)
    made: Photo | None = None
    for top in range(0, rows, high):
        band = np.asarray(part(top, min(top + high, rows)), dtype=np.float32)
        if factor > 1:
            band = avg_pool(band, factor, ceil_mode=True, axes=(0, 1))
        if made is None:
            made = np.empty((-(-rows // factor), *band.shape[1:]), np.float32)
        made[top // factor : top // factor + len(band)] = band
    return made if made is not None else np.zeros((0, columns), np.float32)


def ranged(
    name: str, values: Photo, unit: float | None, limits: Limits | None, **more: Any
) -> Picture:
    """The picture of these numbers: by its limits, by its dtype's unit, or by what it holds."""
    if limits is not None:
        low, high = _checked(limits)
        return Picture(name, values, low, high, given=True, **more)
    if unit is not None:
        values /= np.float32(unit)
        return Picture(name, values, **more)
    low, high = _own(values)
    notes = more.pop("notes", ())
    if (low, high) != (0, 1):
        words = f"{name}: {low:.4g} is drawn black and {high:.4g} white"
        notes = (*notes, words.replace(": -", ": −"))
    return Picture(name, values, low, high, known=False, notes=notes, **more)


def levels(picture: Picture) -> Photo:
    """The picture's numbers between 0, drawn black, and 1, drawn white."""
    if (picture.low, picture.high) == (0, 1):
        return picture.values
    width = np.float32(picture.high - picture.low)
    return np.clip((picture.values - np.float32(picture.low)) / width, 0, 1)


def _checked(limits: Limits) -> Limits:
    """The limits as two finite numbers, the smaller one first."""
    try:
        low, high = (float(number) for number in limits)
    except (TypeError, ValueError):
        raise PoolError(f"limits are {limits!r}; give two numbers, for black and white") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise PoolError(f"limits are {low:g} and {high:g}; the first must be the smaller, finite")
    return low, high


def ends(values: NDArray[Any]) -> Limits:
    """The smallest and the largest finite number; 0 and 0 where there is none."""
    low, high = float(np.fmin.reduce(values, None)), float(np.fmax.reduce(values, None))
    if math.isfinite(low) and math.isfinite(high):  # no copy of a large picture
        return low, high
    real = values[np.isfinite(values)]
    return (float(real.min()), float(real.max())) if real.size else (0.0, 0.0)


def _own(values: Photo) -> Limits:
    """0 and 1 where all numbers lie between them, else the smallest and the largest finite one."""
    low, high = ends(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high if high > low else low + 1
