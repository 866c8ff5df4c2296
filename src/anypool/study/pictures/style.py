"""How every picture of a study looks: one ink, six hues, and marks that do without colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter

from ...see.style import GRID, HUES, PAPER, under
from ...see.style import INK as INK
from ...see.style import SOFT as SOFT
from ...see.style import settings as house

MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p", "d")
LINES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.2, 1.5, 1.2)))
WIDTH = 8.0

_HOUSE = {
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
}


def settings(**more: Any) -> Any:
    """A context in which matplotlib draws a study's charts, whatever the user has set."""
    return house(**{**_HOUSE, **more})


styled = under(settings)


@dataclass(frozen=True)
class Look:
    """How an arm is told apart, with colour and without."""

    hue: str
    mark: str
    line: Any


Looks = Mapping[str, Look]


def looks(arms: Sequence[str]) -> dict[str, Look]:
    """A look for each arm: hues repeat after six, then with another line, marks after twelve.

    >>> [look.mark for look in looks(["avg", "max"]).values()]
    ['o', 's']
    """
    return {arm: _look(i) for i, arm in enumerate(dict.fromkeys(arms))}


def _look(i: int) -> Look:
    turn = i // len(HUES)
    # the shift by a round of marks keeps hue, mark and line together unique for 144 arms
    hue = HUES[(i + i // len(MARKS)) % len(HUES)]
    return Look(hue, MARKS[i % len(MARKS)], LINES[turn % len(LINES)])


def sheet(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)


class Shares(Formatter):
    """Shares as percent or points, every tick of an axis with as many places as any needs."""

    def __init__(self, sign: str = "") -> None:
        self.sign = sign

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        hundred = [round(100 * value, 4) + 0.0 for value in values]
        places = next((n for n in range(4) if all(v == round(v, n) for v in hundred)), 4)
        return [f"{v:{self.sign if v else ''}.{places}f}".replace("-", "−") for v in hundred]

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.format_ticks([x])[0]


def in_percent(axis: Axis) -> None:
    """Write an axis of shares in percent."""
    axis.set_major_formatter(Shares())


def in_points(axis: Axis) -> None:
    """Write an axis of differences in points, with their sign."""
    axis.set_major_formatter(Shares("+"))


def key(figure: Figure, handles: Sequence[Line2D]) -> None:
    """What the marks mean, above the axes and outside them; nothing to explain, no key."""
    if handles:
        rows = -(-len(handles) // 6)
        columns = -(-len(handles) // rows)
        figure.legend(handles=handles, loc="outside upper left", ncols=columns, handlelength=2.6)


def arm_keys(arms: Iterable[str], looks: Looks, *, lines: bool) -> list[Line2D]:
    """A sample of each arm's look, for the key."""
    return [
        Line2D(
            [],
            [],
            color=looks[arm].hue,
            marker=looks[arm].mark,
            linestyle=looks[arm].line if lines else "none",
            label=short(arm),
        )
        for arm in arms
    ]


def short(name: str, longest: int = 28) -> str:
    """A name that fits beside an axis; the middle of a long one is left out.

    >>> short("folder:/home/somebody/pictures/of/pets")
    'folder:/home/…ctures/of/pets'
    """
    name = "".join(c for c in " ".join(name.split()) if c.isprintable()) or "(no name)"
    left = longest // 2 - 1
    return name if len(name) <= longest else f"{name[:left]}…{name[left + 1 - longest :]}"


def frame(values: Iterable[float], *, around: float = 0.06) -> tuple[float, float]:
    """The range that shows all values, unless a few lie so far out that they hide the rest.

    What stays outside must be marked by the caller at the edge.
    """
    known = np.array([v for v in values if math.isfinite(v)])
    if not known.size:
        return 0.0, 1.0
    far = np.abs(known - np.median(known))
    inside = known[far <= max(12 * float(np.median(far)), 0.01)]
    low, high = float(inside.min()), float(inside.max())
    room = max((high - low) * around, 0.002)
    return low - room, high + room


def frames(groups: Iterable[Iterable[float]]) -> tuple[float, float]:
    """The range that shows the bulk of every group: no group is left out as a whole."""
    lows, highs = zip(*(frame(group) for group in groups), strict=True)
    return min(lows), max(highs)
