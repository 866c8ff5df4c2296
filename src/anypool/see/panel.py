"""One picture of a figure, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ops import avg_pool, max_pool
from .picture import Limits, ends
from .tint import number


@dataclass(frozen=True)
class Panel:
    """One picture of a figure: what made it, and its values.

    ``values`` are (rows, columns), or (rows, columns, 3) for colours. ``limits`` are drawn black
    and white, or are the ends of a heat map's colours (None: 0 and the largest value); values
    beyond them widen the range, but for ``clip``. ``heat`` draws a heat map; where its limits lie
    on both sides of zero, zero is white. ``unit`` is said
    beside its scale, ``note`` beside its size. ``true`` is the size where ``values`` were shrunk.
    ``boxes`` are drawn on it: (row, column, row, column), half-open; ``hue`` numbers its frame's
    colour. ``aspect`` is the height of its frame over the width (None: as the others).
    """

    title: str
    values: NDArray[Any]
    heat: bool = False
    limits: Limits | None = None
    unit: str = ""
    note: str = ""
    true: tuple[int, int] | None = None
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    hue: int | None = None
    aspect: float | None = None
    clip: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """The true number of rows and columns."""
        rows, columns = self.values.shape[:2]
        return self.true or (rows, columns)

    @property
    def size(self) -> str:
        """The true size, as rows × columns."""
        return f"{self.shape[0]} × {self.shape[1]}"

    @property
    def range(self) -> Limits:
        """What is drawn darkest and brightest: the limits, wider where the values go beyond."""
        low, high = self.limits or (0.0, 1.0)
        least, largest = ends(self.values)
        if self.heat:
            return (low, high) if self.limits else (0.0, largest or 1.0)
        if self.clip:
            return low, high
        return min(low, least), max(high, largest)

    @property
    def words(self) -> str:
        """What must be said beside the size: the note, a range that is not the usual one."""
        told = [self.note] if self.note else []
        low, high = self.range
        if not self.heat and (low, high) != (self.limits or (0.0, 1.0)):
            told.append(f"shown {number(low)} (black) to {number(high)} (white)")
        if self.values.dtype.kind == "f" and not np.isfinite(self.values).all():
            told.append("orange: NaN or infinite")
        return ", ".join(told)


def compact(panel: Panel, dots: int) -> Panel:
    """The panel with no more pixels than `dots` by `dots` can show, its true size remembered."""
    rows, columns = panel.values.shape[:2]
    factor = min(rows, columns) // dots
    if factor < 2:
        return panel
    peaks = panel.heat and panel.range[0] >= 0  # a mean would hide what a difference is drawn for
    shrink = max_pool if peaks else avg_pool
    small = shrink(panel.values, factor, ceil_mode=True, axes=(0, 1))
    told = f"drawn: the largest of each {factor} × {factor}" if peaks else ""
    note = ", ".join(filter(None, (panel.note, told)))
    return replace(panel, values=small, true=panel.shape, limits=panel.range, note=note)
