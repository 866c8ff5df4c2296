"""Windows over one axis: a row of cells for each output, and under them what each input gets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .laid import Laid, Line
from .style import GRID, INK, PAPER, SOFT
from .tint import AGAIN, LESS, LETTER, NEVER, ONCE, ink, number, runs, short, tint, tints

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 256  # inputs and outputs that can be drawn
_SIDE, _NARROW = 0.62, 3.0  # inches beside the cells, for labels, and of all at least
_LARGE, _MARKED, _SMALL = 0.34, 0.1, 0.035  # inches of a cell: at most, with numbers, at least
_ROOM, _THIRD = 4.2, 2.6  # inches that the cells of one picture share, or of one of three
_GAP = 0.13  # inches between parts
_STEPS = (1, 2, 4, 8, 16, 32, 64)

LEGEND = {
    "once": (ONCE, "-", "read here and by no other output"),
    "again": (AGAIN, "-", "read by other outputs too"),
    "share": (AGAIN, "-", "darker: a larger share of the gradient"),
    "less": (LESS, "-", "a share that is negative"),
    "counted": ("#e9ecef", "--", "padding, counted by the divisor"),
    "padding": (PAPER, "--", "padding, not counted"),
    "beyond": (PAPER, ":", "beyond the padding, never counted"),
    "never": (NEVER, "-", "read by no output"),
}


class Strip:
    """One windows value over one axis. `cell` and `tops` are shared by pictures side by side."""

    indent = _SIDE

    def __init__(self, laid: Laid) -> None:
        self.laid = laid
        self.n, (self.before, self.after) = laid.shape[0], laid.pads[0]
        self.columns = self.before + self.n + self.after
        self.lines = [line for grid in laid.grids for line in grid[0]]
        self.cell = _LARGE
        self.cells: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = {}
        self.tops = (float(laid.coverage.max()), _most(laid.weight), _most(self.shares))

    @cached_property
    def used(self) -> set[str]:
        """What is drawn of LEGEND."""
        cover, shares = self.laid.coverage, self.shares
        found = {
            "once": shares is None and (cover == 1).any(),
            "again": shares is None and (cover > 1).any(),
            "share": shares is not None and (shares > 0).any(),
            "less": shares is not None and (shares < 0).any(),
        }
        return outside(self.laid) | {kind for kind, there in found.items() if there}

    @cached_property
    def shares(self) -> NDArray[Any] | None:
        """Who gets which share of each output's gradient, where that depends on numbers."""
        return None if self.laid.x is None else self.laid.shares()

    @property
    def marks(self) -> bool:
        """Whether cells are large enough for numbers."""
        return self.cell >= _MARKED

    @property
    def upright(self) -> bool:
        """Whether numbers stand on end, because cells are narrow."""
        return self.cell < 0.24

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        wide = max(self.columns * self.cell + 2 * _SIDE, _NARROW)
        return wide, self._foot + 2 * self._high + _GAP + 0.02

    @property
    def _high(self) -> float:
        """Inches of a row of numbers."""
        return max(self.cell, (0.33 if self.upright else 0.2) if self.marks else 0.16)

    @property
    def _head(self) -> float:
        """Inches above the first output's row."""
        numbers = 0.24 if self.marks else 0.3
        return numbers + (self._high + _GAP if self.laid.x is not None else 0)

    @property
    def _starts(self) -> list[float]:
        """Inches down to each output's row; the grids of a pyramid stand apart."""
        rows, place = [], self._head
        for grid in self.laid.grids:
            rows += [place + o * self.cell for o in range(len(grid[0]))]
            place += len(grid[0]) * self.cell + _GAP
        return rows

    @property
    def _foot(self) -> float:
        return self._starts[-1] + self.cell + 1.2 * _GAP

    def draw(self, figure: Figure, left: float, bottom: float) -> None:
        """At a place of the figure, in inches; one unit is a cell across and an inch down."""
        (wide, high), (width, height) = figure.get_size_inches(), self.size
        ax = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
        first = -self.before - _SIDE / self.cell
        ax.set(xlim=(first, first + width / self.cell), ylim=(height, 0))
        ax.set_axis_off()
        self._inputs(ax)
        for o, (line, y) in enumerate(zip(self.lines, self._starts, strict=True)):
            self._row(ax, y, o, line)
            self._words(ax, y, o, line)
        cover, y = self.laid.coverage, self._foot
        self._foot_row(ax, y, "times read", cover.astype(float), self.tops[0])
        self._foot_row(ax, y + self._high + _GAP, "gradient", self.laid.weight, self.tops[1])
        self._drawn(ax)

    def _inputs(self, ax: Axes) -> None:
        """The inputs' numbers, and their values where there are some."""
        step = next(s for s in _STEPS if s * self.cell >= 0.2 or s == _STEPS[-1])
        for i in range(0, self.n, step):
            _text(ax, i + 0.5, 0.12, str(i), SOFT)
        self._label(ax, 0.12, "input")
        if self.laid.x is not None:
            self._cells(0.24, range(self.n), PAPER, GRID, high=self._high)
            self._label(ax, 0.24 + self._high / 2, "x")
            self._numbers(ax, 0.24 + self._high / 2, self.laid.x, [INK] * self.n)

    def _row(self, ax: Axes, y: float, o: int, line: Line) -> None:
        """What one output reads, and what it would read of padding."""
        cover, reads = self.laid.coverage, set(line.reads)
        self._cells(y, [i for i in range(self.n) if i not in reads], "none", GRID)
        kinds = {
            "counted" if self.laid.counted else "padding": list(line.padding),
            "beyond": list(line.beyond),
        }
        if self.shares is None:
            kinds["once"] = [i for i in line.reads if cover[i] == 1]
            kinds["again"] = [i for i in line.reads if cover[i] > 1]
        else:
            self._shared(ax, y, line, self.shares[o] / (self.tops[2] or 1.0))
        for kind, places in kinds.items():
            if places:
                face, dash, _ = LEGEND[kind]
                self._cells(y, places, face, PAPER if dash == "-" else SOFT, dash)

    def _shared(self, ax: Axes, y: float, line: Line, share: NDArray[Any]) -> None:
        """The inputs one output reads, tinted by their share, with their numbers."""
        x = self.laid.x
        for i in line.reads:
            kind = "less" if share[i] < 0 else "share"
            face = tint(LEGEND[kind][0], 0.9 * abs(float(share[i])))
            self._cells(y, [i], face, SOFT)
            if self.marks and not self.upright and x is not None:
                _text(ax, i + 0.5, y + self.cell / 2, short(x[i], self._letters), ink(face))

    def _words(self, ax: Axes, y: float, o: int, line: Line) -> None:
        """Beside a row: the output's number, what it divides by or what comes out."""
        step = next(s for s in _STEPS if s * self.cell >= 0.13 or s == _STEPS[-1])
        if o % step:
            return
        middle = y + self.cell / 2
        self._label(ax, middle, f"{'output ' if o == 0 else ''}{o}")
        said = ""
        if self.laid.values is not None:
            said = f"= {number(self.laid.values[o], 4)}"
        elif self.laid.reduce.name == "mean":
            said = f"÷ {line.divisor:g}" if line.divisor else "empty"
        self._right(ax, middle, said)

    def _foot_row(
        self, ax: Axes, y: float, name: str, values: NDArray[Any], top: float
    ) -> None:  # fmt: skip
        """A number for each input, darker for more."""
        never = self.laid.coverage == 0
        faces = tints(values, top, never)
        for i, face in enumerate(faces):
            self._cells(y, [i], face, PAPER if self.marks else "none", high=self._high)
        self._label(ax, y + self._high / 2, name)
        self._numbers(ax, y + self._high / 2, values, [ink(face) for face in faces])
        if not self.marks:
            ends = dict.fromkeys((number(values.min()), number(values.max())))
            self._right(ax, y + self._high / 2, " to ".join(ends))

    def _numbers(self, ax: Axes, y: float, values: NDArray[Any], inks: Sequence[str]) -> None:
        if not self.marks:
            return
        letters = 5 if self.upright else self._letters
        for i, (value, colour) in enumerate(zip(values, inks, strict=True)):
            words = short(float(value), letters)
            _text(ax, i + 0.5, y, words, colour, 90 if self.upright and len(words) > 1 else 0)

    @property
    def _letters(self) -> int:
        """Letters that fit a cell."""
        return max(int((self.cell - 0.02) / LETTER), 1)

    def _cells(
        self, y: float, places: Sequence[int] | range, face: str, edge: str, dash: str = "-",
        high: float | None = None,
    ) -> None:  # fmt: skip
        """Note cells of one kind; where they are too small to part, a run of them is one piece."""
        part = 0.008 if self.marks else 0.0  # inches
        tall = (high or self.cell) - 2 * part
        for start, stop in ((i, i + 1) for i in places) if self.marks else runs(places):
            left, right = start + part / self.cell, stop - part / self.cell
            self.cells.setdefault((face, edge, dash), []).append((left, y + part, right, tall))

    def _drawn(self, ax: Axes) -> None:
        """All cells of one look as one shape: a file of a tenth of the size."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        for (face, edge, dash), boxes in self.cells.items():
            corners = [[(a, y), (b, y), (b, y + h), (a, y + h), (a, y)] for a, y, b, h in boxes]
            codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(boxes)
            shape = Path(np.array(corners).reshape(-1, 2), codes)
            ax.add_patch(PathPatch(shape, fc=face, ec=edge, linestyle=dash, linewidth=0.6))

    def _right(self, ax: Axes, y: float, words: str) -> None:
        ax.text(self.n + self.after + 0.08 / self.cell, y, words, fontsize=7, va="center")

    def _label(self, ax: Axes, y: float, words: str) -> None:
        x = -self.before - 0.07 / self.cell
        ax.text(x, y, words, fontsize=7, color=SOFT, ha="right", va="center")


def outside(laid: Laid) -> set[str]:
    """What is drawn of padding, and whether an input is read by nobody."""
    lines = [line for grid in laid.grids for axis in grid for line in axis]
    found = {
        "counted" if laid.counted else "padding": any(line.padding for line in lines),
        "beyond": any(line.beyond for line in lines),
        "never": (laid.coverage == 0).any(),
    }
    return {kind for kind, there in found.items() if there}


def side_by_side(strips: Sequence[Any]) -> None:
    """Cells of one size in all pictures, and the same colours for the same numbers."""
    most = max(one.columns for one in strips)
    room = _THIRD if len(strips) > 2 and most * _MARKED <= _THIRD else _ROOM
    tops = tuple(max(one.tops[i] for one in strips) for i in range(3))
    for one in strips:
        one.cell, one.tops = min(max(room / most, _SMALL), _LARGE), tops


def _most(values: NDArray[Any] | None) -> float:
    return 0.0 if values is None else float(np.abs(values).max())


def _text(ax: Axes, x: float, y: float, words: str, colour: str, turn: int = 0) -> None:
    ax.text(x, y, words, fontsize=6.4, color=colour, ha="center", va="center", rotation=turn)
