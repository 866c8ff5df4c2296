"""Numbers as colours and as few letters: what maps and rows of cells are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .style import HUES, INK, PAPER

ONCE, AGAIN, NEVER, LESS = "#9cc9e8", HUES[0], "#f6c9a0", HUES[1]
LETTER = 0.64 * 6.4 / 72  # inches of a digit, as they are drawn in cells


def number(value: float, digits: int = 3) -> str:
    """A number in so many digits, with a minus sign as it is printed.

    >>> number(5 / 6), number(-1.5), number(2.0)
    ('0.833', '−1.5', '2')
    """
    return f"{value:.{digits}g}".replace("-", "−")


def short(value: float, letters: int) -> str:
    """A number in at most so many letters; nothing where no honest form is that short.

    >>> [short(5 / 6, n) for n in (5, 4, 3, 2)], short(1e-35, 4), short(12345.0, 3)
    (['0.833', '.833', '.83', '.8'], '≈0', '1e4')
    """
    for digits in (3, 2, 1):
        full = number(value, digits)
        exponent = "e" in full
        for text in (full, full.replace("0.", ".", 1) if abs(value) < 1 else full):
            if len(text) <= letters and not exponent:
                return text
    if 0 < abs(value) < 0.1:
        return "≈0"[: max(letters, 0)] if letters >= 2 else ""
    power = f"{value:.0e}".replace("e+0", "e").replace("e+", "e").replace("-", "−")
    return power if len(power) <= letters and abs(value) >= 1 else ""


def tint(hue: str, strength: float) -> str:
    """A hue on white paper, as strong as that.

    >>> tint("#0072b2", 1.0), tint("#0072b2", 0.0)
    ('#0072b2', '#ffffff')
    """
    parts = (int(hue[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * strength):02x}" for part in parts)


def tints(values: NDArray[Any], top: float, never: NDArray[Any]) -> list[str]:
    """A colour a value: darker for more, up to `top`; another for what nobody reads."""
    strengths = 0.06 + 0.84 * np.abs(values) / (top or 1.0)
    return [
        NEVER if lost else tint(AGAIN if value >= 0 else LESS, strength)
        for value, strength, lost in zip(values, strengths.tolist(), never, strict=True)
    ]


def ink(face: str) -> str:
    """What can be read on a colour."""
    red, green, blue = (int(face[i : i + 2], 16) for i in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 135 else PAPER


def runs(places: Sequence[int] | range) -> Iterator[tuple[int, int]]:
    """Starts and stops of what stands side by side.

    >>> list(runs([0, 1, 2, 5, 6]))
    [(0, 3), (5, 7)]
    """
    edges = [i for i in range(1, len(places)) if places[i] != places[i - 1] + 1]
    for start, stop in zip([0, *edges], [*edges, len(places)], strict=True):
        if stop > start:
            yield places[start], places[stop - 1] + 1
