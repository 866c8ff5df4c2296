"""Slices of volumes: which are drawn, and which pooled slice reads which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import PoolError
from .panel import Panel
from .picture import Picture

_USUAL = 3


def chosen(slices: int | Sequence[int] | None, depth: int) -> list[int]:
    """The numbers of the slices to draw: those that were named, or so many, evenly spread.

    >>> chosen(3, 12), chosen([0, -1], 12)
    ([2, 6, 10], [0, 11])
    """
    if slices is None or np.ndim(slices) == 0:
        count = _USUAL if slices is None else int(slices)  # type: ignore[arg-type]
        if count < 1:
            raise PoolError(f"slices is {count}; draw at least one, or name them: [0, 5]")
        count = min(count, depth)
        return [(2 * i + 1) * depth // (2 * count) for i in range(count)]
    named = [int(number) for number in slices]  # type: ignore[union-attr]
    for number in named:
        if not -depth <= number < depth:
            raise PoolError(f"slice {number} does not exist; the volume has 0 to {depth - 1}")
    if not named:
        raise PoolError("slices is empty; name at least one")
    return list(dict.fromkeys(number % depth for number in named))


def one(picture: Picture, panel: Panel, place: int | None) -> Panel:
    """The panel as it is drawn: of a volume the slice that stands where slice `place` does."""
    if place is None:
        return panel
    depth, pooled = picture.values.shape[0], len(panel.values)
    own = (2 * place + 1) * pooled // (2 * depth)  # as deep, in its own smaller number of slices
    words = f"slice {own} (of 0–{pooled - 1})"
    if panel.note:
        words = f"{words}, {panel.note}"
    return replace(panel, values=panel.values[own], note=words)
