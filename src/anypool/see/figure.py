"""Panels drawn as one figure: a clean grid, every panel's call and true size above it.

Every place is worked out here in whole dots, so that a pixel can be drawn as whole dots, and no
layout engine has to search for room.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PoolError
from .paint import paint
from .panel import Panel
from .style import INK, SOFT, sheet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = 3.6  # inches of a panel's width
_GAP, _ROW_GAP, _MARGIN = 0.16, 0.2, 0.12
_TITLE, _NAME = 7.8, 10.0  # points
_LINE, _PAD = 1.32 * _TITLE / 72, 0.055
_LETTER = 0.603 * _TITLE / 72  # inches of a letter of DejaVu Sans Mono
_NARROW = 1.9  # inches that a title has at least, however small its panel
_BAR = 0.34
_HELD = "\u00a0"  # a space at which no line ends
MOST_DOTS = 30_000
MOST_AREA = 250_000_000


@dataclass(frozen=True)
class Group:
    """The panels of one picture, and what stands above them."""

    name: str
    panels: Sequence[Panel]
    notes: Sequence[str] = field(default=())


class Cell(NamedTuple):
    """A panel and the size of its frame, in dots."""

    panel: Panel
    wide: int
    high: int


def draw(panels: Sequence[Panel], *, dpi: int = 120) -> Figure:
    """The panels as a figure; each is stretched to the frame of the first one's shape.

    >>> import numpy as np
    >>> figure = draw([Panel("x", np.eye(3)), Panel("max_pool(x, 3)", np.ones((1, 1)))])
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['x\\n3 × 3', 'max_pool(x, 3)\\n1 × 1']
    """
    return arranged([Group("", panels)], dpi=dpi)


@styled
def arranged(
    groups: Sequence[Group], *, columns: int | None = None, scale: int | None = None, dpi: int = 120
) -> Figure:
    """Groups of panels as a figure, one under the other.

    Without `scale` every panel of a group fills the frame of the first one's shape; with it every
    pixel, of every panel, is drawn as `scale` × `scale` dots.
    """
    check(dpi, columns, scale)
    wide = columns or _columns([len(group.panels) for group in groups])
    rows = [
        [_sized(panel, group.panels[0], scale, dpi) for panel in group.panels[i : i + wide]]
        for group in groups
        for i in range(0, len(group.panels), wide)
    ]
    widths = [
        max([round(_NARROW * dpi) if scale else 0, *(row[i].wide for row in rows if i < len(row))])
        for i in range(max(map(len, rows)))
    ]
    return _Sheet(groups, rows, widths, wide, dpi).drawn()


def check(dpi: int, columns: int | None = None, scale: int | None = None) -> None:
    """Refuse what no figure can have."""
    if not 20 <= dpi <= 1200:
        raise PoolError(f"dpi is {dpi}; it must lie between 20 and 1200")
    for name, number in (("columns", columns), ("scale", scale)):
        if number is not None and not (1 <= number <= 64 and number == int(number)):
            raise PoolError(f"{name} is {number}; it must be a whole number between 1 and 64")


def frame_dots(dpi: int) -> int:
    """The dots of a panel's width; an image with far more of them need not be kept."""
    return round(PANEL * dpi)


def _columns(counts: Sequence[int]) -> int:
    """How many panels stand side by side: few empty places, then near a square."""
    most = max(counts)
    if len(counts) > 1 and most <= 5:  # pictures one under the other, alike
        return most
    choice = range(min(most, 2), 5)
    return min(choice, key=lambda c: (sum(-n % c for n in counts), abs(c - math.sqrt(most))))


def _sized(panel: Panel, first: Panel, scale: int | None, dpi: int) -> Cell:
    """The panel's frame: its own pixels times `scale`, or what fits the frame of the first."""
    rows, columns = panel.shape
    if scale:
        return Cell(panel, columns * scale, rows * scale)
    wide = round(PANEL * dpi)
    high = max(round(wide * _ratio(first.shape)), 1)
    if panel.aspect is None:
        return Cell(panel, wide, high)
    own = min(max(panel.aspect, 0.25), 4.0)
    return Cell(panel, min(wide, round(high / own)), min(high, round(wide * own)))


def _ratio(shape: tuple[int, int]) -> float:
    return min(max(shape[0] / shape[1], 0.25), 4.0)


class _Sheet:
    """The figure being laid out, from the top down, in dots."""

    def __init__(
        self,
        groups: Sequence[Group],
        rows: list[list[Cell]],
        widths: list[int],
        wide: int,
        dpi: int,
    ) -> None:
        self.groups, self.rows, self.widths, self.wide, self.dpi = groups, rows, widths, wide, dpi
        self.titles = [[self._heading(c, w) for c, w in zip(r, widths, strict=False)] for r in rows]

    def dots(self, inches: float) -> int:
        return round(inches * self.dpi)

    def drawn(self) -> Figure:
        """The figure; refused where it would be too large to write."""
        wide = sum(self.widths) + self.dots(_GAP) * (len(self.widths) - 1) + 2 * self.dots(_MARGIN)
        high = self._height()
        if max(wide, high) > MOST_DOTS or wide * high > MOST_AREA:
            raise PoolError(
                f"the figure would have {wide} × {high} dots; at most {MOST_DOTS} a side and "
                f"{MOST_AREA // 10**6} million fit: draw fewer, or take a smaller dpi or scale"
            )
        figure = sheet((wide / self.dpi, high / self.dpi), self.dpi)
        top, row = high - self.dots(_MARGIN), 0
        for group in self.groups:
            top = self._name(figure, group, top, wide, high)
            for _ in range(0, len(group.panels), self.wide):
                top = self._row(figure, row, top, wide, high)
                row += 1
        return figure

    def _height(self) -> int:
        rows = sum(self._row_height(i) for i in range(len(self.rows)))
        names = sum(map(self._name_height, self.groups))
        return 2 * self.dots(_MARGIN) + rows + names - self.dots(_ROW_GAP)

    def _row_height(self, i: int) -> int:
        bar = self.dots(_BAR) if any(cell.panel.heat for cell in self.rows[i]) else 0
        return self._title_height(i) + max(c.high for c in self.rows[i]) + bar + self.dots(_ROW_GAP)

    def _title_height(self, i: int) -> int:
        lines = max(title.count("\n") + 1 for title in self.titles[i])
        return self.dots(lines * _LINE + _PAD)

    def _name_height(self, group: Group) -> int:
        lines = bool(group.name) * 0.22 + len(group.notes) * 0.16
        return self.dots(lines + 0.04 if lines else 0)

    def _name(self, figure: Figure, group: Group, top: int, wide: int, high: int) -> int:
        """What the picture is called, and what must be known of it; give where its panels begin."""
        left, place = self.dots(_MARGIN) / wide, top
        if group.name:
            figure.text(left, place / high, group.name, fontsize=_NAME, weight="bold", va="top")
            place -= self.dots(0.22)
        for note in group.notes:
            figure.text(left, place / high, note, fontsize=_TITLE, color=SOFT, va="top")
            place -= self.dots(0.16)
        return top - self._name_height(group)

    def _row(self, figure: Figure, i: int, top: int, wide: int, high: int) -> int:
        left, place = self.dots(_MARGIN), top - self._title_height(i)
        for cell, width, title in zip(self.rows[i], self.widths, self.titles[i], strict=False):
            bounds = (left / wide, (place - cell.high) / high, cell.wide / wide, cell.high / high)
            ax = figure.add_axes(bounds)
            ax.set_title(
                title, loc="left", fontsize=_TITLE, family="monospace", linespacing=1.2,
                pad=72 * _PAD, parse_math=False, color=INK,
            )  # fmt: skip
            paint(ax, cell.panel, cell.wide, self.dpi)
            left += width + self.dots(_GAP)
        return top - self._row_height(i)

    def _heading(self, cell: Cell, width: int) -> str:
        """The call, wrapped to its width where nothing but spaces is lost, and the true size."""
        letters = max(int(max(width / self.dpi, _NARROW) / _LETTER), 20)
        size = ", ".join(filter(None, (cell.panel.size, cell.panel.words)))
        return "\n".join(_wrapped(cell.panel.title, letters) + _wrapped(size, letters))


def _wrapped(line: str, letters: int) -> list[str]:
    """The line in pieces of so many letters, never cut inside (0, 1): put together again by
    spaces it is what it was."""
    kept = re.sub(r"\([\d, ]+\)", lambda numbers: numbers[0].replace(" ", _HELD), line)
    pieces = textwrap.wrap(kept, letters, break_long_words=False, break_on_hyphens=False)
    return [piece.replace(_HELD, " ") for piece in pieces] or [""]
