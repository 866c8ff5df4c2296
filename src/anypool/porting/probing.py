"""Which inputs each output reads, found by touching one input after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .subject import Subject

HIGH, LOW = 64.0, 0.01  # above and below everything in the base, which lies between 1 and 2


class Seen(NamedTuple):
    """One callable on one shape: its pooled axes, and for each a table (outputs, inputs)."""

    shape: tuple[int, ...]
    out: tuple[int, ...]  # with dropped axes as 1
    dropped: tuple[int, ...]
    reads: dict[int, np.ndarray]

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are pooled: those where something else than itself is read."""
        return tuple(a for a, table in self.reads.items() if not _alone(table))


def _alone(table: np.ndarray) -> bool:
    return table.shape[0] == table.shape[1] and bool((table == np.eye(len(table))).all())


def look(subject: Subject, shape: tuple[int, ...], axes: Sequence[int] = ()) -> Seen | None:
    """Touch every place of these axes (none: of all), one after the other.

    None where the output cannot be matched with the input axis by axis.
    """
    base = np.random.default_rng(7).uniform(1.0, 2.0, shape).astype(np.float32)
    y = subject.ask(base)
    dropped = _dropped(shape, y.shape, tuple(axes))
    if dropped is None:
        return None
    y = np.expand_dims(y, dropped)
    reads = {}
    for axis in axes or range(len(shape)):
        table = np.zeros((y.shape[axis], shape[axis]), bool)
        for place in range(shape[axis]):
            table[:, place] = _touched(subject, base, y, axis, place, dropped)
        reads[axis] = table
    return Seen(shape, y.shape, dropped, reads)


def _touched(
    subject: Subject, base: np.ndarray, y: np.ndarray, axis: int, place: int, dropped: tuple
) -> np.ndarray:  # fmt: skip
    """Whether each output along an axis changes with the inputs at one place of that axis."""
    others = tuple(a for a in range(y.ndim) if a != axis)
    found = np.zeros(y.shape[axis], bool)
    for value in (HIGH, LOW):
        x = base.copy()
        x[(slice(None),) * axis + (place,)] = value
        moved = np.expand_dims(subject.ask(x), dropped)
        with np.errstate(invalid="ignore"):
            found |= (~(np.abs(moved - y) < 1e-4)).any(axis=others)
    return found


def _dropped(
    shape: tuple[int, ...], out: tuple[int, ...], pooled: tuple[int, ...]
) -> tuple[int, ...] | None:  # fmt: skip
    """The axes that the output lacks: none, those pooled, after the channels, or before them."""
    missing = len(shape) - len(out)
    if missing <= 0:
        return () if missing == 0 else None
    for axes in (pooled, *(tuple(range(first, first + missing)) for first in (2, 1))):
        if len(axes) == missing and tuple(n for a, n in enumerate(shape) if a not in axes) == out:
            return axes
    return None
