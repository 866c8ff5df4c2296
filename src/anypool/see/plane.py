"""Windows over two axes: their outlines, how often each input is read, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .laid import Laid, Line
from .strip import outside
from .style import GRID, HUES, INK, PAPER, SOFT
from .tint import AGAIN, LESS, LETTER, NEVER, number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 64  # inputs of each axis that can be drawn
OUTLINES = 256  # windows whose outlines can be told apart
_ROOM, _LARGE = 2.7, 0.36  # inches of a map, and of a cell at most
_SIDE, _GAP, _HEAD, _FOOT = 0.3, 0.34, 0.42, 0.36
_NEIGHBOURS = (HUES[0], HUES[1], HUES[2], HUES[4])


class Plane:
    """One windows value over two axes, as maps side by side."""

    indent = _SIDE

    def __init__(self, laid: Laid) -> None:
        self.laid, self.used = laid, outside(laid) - {"beyond"}
        self.tops = (float(laid.coverage.max()), float(np.abs(laid.weight).max()))
        (top, bottom), (left, right) = laid.pads
        rows, columns = laid.shape
        self.area = (-left - 0.5, columns + right - 0.5, rows + bottom - 0.5, -top - 0.5)
        self.cell = min(_ROOM / max(columns + left + right, rows + top + bottom), _LARGE)
        self.marks = self.cell >= 0.2

    @property
    def map(self) -> tuple[float, float]:
        """Width and height of one map in inches."""
        left, right, bottom, top = self.area
        return (right - left) * self.cell, (bottom - top) * self.cell

    @property
    def maps(self) -> int:
        return 3 if self.laid.values is None else 4

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        wide, high = self.map
        return _SIDE + self.maps * max(wide, 1.3) + (self.maps - 1) * _GAP, _HEAD + high + _FOOT

    def draw(self, figure: Figure, left: float, bottom: float) -> None:
        """At a place of the figure, in inches."""
        left += _SIDE
        step = max(self.map[0], 1.3) + _GAP
        self._outlines(self._axes(figure, left, bottom, self._words()))
        cover, weight = self.laid.coverage, self.laid.weight
        lost = cover == 0
        for place, (name, values, top) in enumerate(
            [("times read", cover.astype(float), self.tops[0]),
             ("gradient", weight, self.tops[1])], 1
        ):  # fmt: skip
            ax = self._axes(figure, left + place * step, bottom, name)
            self._map(ax, np.ma.masked_where(lost, values), top, self.area)
        if self.laid.values is not None:
            ax = self._axes(figure, left + 3 * step, bottom, "pooled")
            y = np.atleast_2d(np.asarray(self.laid.values))
            self._map(ax, np.ma.masked_invalid(y), float(np.abs(y).max()) or 1.0, None)

    def _words(self) -> str:
        every = self._every
        return "windows" if every == 1 else f"windows, 1 in {every} along each axis"

    @property
    def _every(self) -> int:
        count = sum(len(rows) * len(columns) for rows, columns in self.laid.grids)
        return math.ceil(math.sqrt(count / OUTLINES)) if count > OUTLINES else 1

    def _axes(self, figure: Figure, left: float, bottom: float, name: str) -> Axes:
        (wide, high), (width, height) = figure.get_size_inches(), self.map
        bounds = (left / wide, (bottom + _FOOT) / high, width / wide, height / high)
        ax = figure.add_axes(bounds, label=name)
        ax.set(xlim=self.area[:2], ylim=self.area[2:], xticks=[], yticks=[])
        ax.set_title(
            name, loc="left", fontsize=7.5, color=SOFT, pad=15 if name.startswith("windows") else 4
        )
        for edge in ax.spines.values():
            edge.set_visible(False)
        return ax

    def _outlines(self, ax: Axes) -> None:
        """The input's cells, what is padding, and around each output's inputs a frame."""
        self._ground(ax)
        for g, (rows, columns) in enumerate(self.laid.grids):
            every = self._every
            for r in range(0, len(rows), every):
                for c in range(0, len(columns), every):
                    self._window(ax, g, (r, c), rows[r], columns[c])
        if self.laid.x is not None and self.marks:
            _numbers(ax, self.laid.x, [[INK] * self.laid.shape[1]] * self.laid.shape[0], self.cell)

    def _ground(self, ax: Axes) -> None:
        from matplotlib.patches import Rectangle

        (rows, columns), grids = self.laid.shape, self.laid.grids
        places = [[p for grid in grids for line in grid[a] for p in line.padding] for a in (0, 1)]
        (top, bottom), (left, right) = (
            (min([0, *p]), max([n, *(i + 1 for i in p)]))
            for n, p in zip((rows, columns), places, strict=True)
        )
        if any(places):
            face = "#e9ecef" if self.laid.counted else PAPER
            ax.add_patch(
                Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, facecolor=face,
                          edgecolor=SOFT, linestyle="--", linewidth=0.8)
            )  # fmt: skip
        ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, facecolor=PAPER, edgecolor="none"))
        for i in range(rows + 1):
            ax.plot([-0.5, columns - 0.5], [i - 0.5] * 2, color=GRID, linewidth=0.6, zorder=1)
        for i in range(columns + 1):
            ax.plot([i - 0.5] * 2, [-0.5, rows - 0.5], color=GRID, linewidth=0.6, zorder=1)
        self._ticks(ax)

    def _ticks(self, ax: Axes) -> None:
        rows, columns = self.laid.shape
        step = next(s for s in (1, 2, 4, 8, 16, 32) if s * self.cell >= 0.19 or s == 32)
        style: dict[str, Any] = {"fontsize": 6.2, "color": SOFT}
        for i in range(0, columns, step):
            ax.text(i, self.area[3] - 0.05 / self.cell, str(i), ha="center", va="bottom", **style)
        for i in range(0, rows, step):
            ax.text(self.area[0] - 0.06 / self.cell, i, str(i), ha="right", va="center", **style)

    def _window(self, ax: Axes, g: int, at: tuple[int, int], row: Line, column: Line) -> None:
        """The frame of one output, a little inside the cells, so that neighbours' stay apart."""
        from matplotlib.colors import to_rgba
        from matplotlib.patches import Rectangle

        (top, bottom), (left, right) = _ends(row), _ends(column)
        several = len(self.laid.grids) > 1
        hue = HUES[g % len(HUES)] if several else _NEIGHBOURS[2 * (at[0] % 2) + at[1] % 2]
        in_y, in_x = (0.05 + (0.07 * g if several else 0.1 * (place % 2)) for place in at)
        ax.add_patch(
            Rectangle(
                (left - 0.5 + in_x, top - 0.5 + in_y),
                right - left - 2 * in_x,
                bottom - top - 2 * in_y,
                facecolor=to_rgba(hue, 0.05 if several else 0.13),
                edgecolor=hue,
                linewidth=1.1 if self.cell > 0.12 else 0.6,
                zorder=2,
                label=f"{g} {at[0]} {at[1]}",
            )
        )
        if row.reads.step > 1 or column.reads.step > 1:
            y, x = np.meshgrid(list(row.reads), list(column.reads), indexing="ij")
            ax.scatter(x, y, s=(18 * self.cell) ** 2, color=hue, linewidths=0, zorder=3, alpha=0.6)

    def _map(self, ax: Axes, values: Any, top: float, area: Any) -> None:
        """Numbers as a map, darker for more; orange is read by nobody."""
        from matplotlib.colors import LinearSegmentedColormap

        negative = bool((values < 0).any())
        ends = [LESS, PAPER, AGAIN] if negative else ["#f2f7fb", AGAIN]
        colours = LinearSegmentedColormap.from_list("", ends).with_extremes(bad=NEVER)
        low = -top if negative else 0.0
        rows, columns = values.shape
        if area is None:
            ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        picture = ax.imshow(values, cmap=colours, vmin=low, vmax=top or 1.0, aspect="auto",
                            extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))  # fmt: skip
        if area is not None:
            ax.set(xlim=area[:2], ylim=area[2:])
        cell = self.cell if area is not None else min(n / m for n, m in zip(
            self.map[::-1], values.shape, strict=True))  # fmt: skip
        if cell >= 0.2:
            plain = np.ma.filled(values, 0.0)
            strength = np.abs(plain) / (top or 1.0)
            inks = np.where(~np.ma.getmaskarray(values) & (strength > 0.55), PAPER, INK)
            _numbers(ax, plain, inks.tolist(), cell)
        _bar(ax, picture, low, top)


def side_by_side(planes: Sequence[Any]) -> None:
    """The same colours for the same numbers in all pictures."""
    tops = [max(plane.tops[i] for plane in planes) for i in (0, 1)]
    for plane in planes:
        plane.tops = (tops[0], tops[1])


def _ends(line: Line) -> tuple[int, int]:
    """From the first place to the last, padding and what lies beyond it included."""
    places = [*line.reads, *line.padding, *line.beyond]
    return (min(places), max(places) + 1) if places else (line.reads.start, line.reads.start)


def _numbers(ax: Axes, values: NDArray[Any], inks: Sequence[Sequence[str]], cell: float) -> None:
    letters = max(int((cell - 0.02) / LETTER), 1)
    for (r, c), value in np.ndenumerate(values):
        words = short(float(value), letters)
        ax.text(c, r, words, fontsize=6, ha="center", va="center", color=inks[r][c], zorder=5)


def _bar(ax: Axes, picture: Any, low: float, top: float) -> None:
    """The map's scale, under it."""
    place, figure = ax.get_position(), ax.figure
    wide, high = figure.get_figwidth(), figure.get_figheight()  # type: ignore[union-attr]
    bounds = (place.x0, place.y0 - 0.13 / high, min(place.width, 1.1 / wide), 0.06 / high)
    bar = figure.add_axes(bounds, label="scale")
    figure.colorbar(picture, cax=bar, orientation="horizontal", ticks=[low, top or 1.0])
    bar.set_xticklabels([number(low), number(top or 1.0)])
    bar.tick_params(labelsize=6.5, length=2, pad=1.5, color=SOFT, labelcolor=INK)
    for edge in bar.spines.values():
        edge.set(color=SOFT, linewidth=0.5)
