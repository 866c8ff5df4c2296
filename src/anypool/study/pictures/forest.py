"""The forest: every paired difference with its intervals, against the margin that matters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..records import Comparison
from ..units import points, span
from .style import GRID, HUES, INK, PAPER, SOFT, frames, in_points, key, sheet, short, styled

_ROW = 0.27
_FILL = {"better": HUES[0], "worse": HUES[1], "equivalent": SOFT}


@styled
def forest(comparisons: Sequence[Comparison], margin: float) -> Figure:
    """One row a comparison: thin line for new data, thick for this test set, a dot a seed.

    Rows come in the order given; differences and `margin` are shares.
    """
    count = len(comparisons)
    figure = sheet(1.1 + _ROW * count)
    ax = figure.subplots()
    low, high = _range(comparisons, margin)
    ax.set_xlim(low, high)
    ax.set_ylim(count - 0.4, -0.6)
    ax.axvspan(-margin, margin, color=GRID, alpha=0.75, linewidth=0)
    ax.axvline(0, color=SOFT, linewidth=0.9)
    for row, comparison in enumerate(comparisons):
        _row(ax, row, comparison)
    _labels(ax, comparisons)
    in_points(ax.xaxis)
    ax.set_xlabel("difference in test accuracy, first minus second, in points")
    key(figure, _keys(comparisons, margin))
    return figure


def _range(comparisons: Sequence[Comparison], margin: float) -> tuple[float, float]:
    """Every interval whole, the margin too, and the seeds unless they would hide all that."""
    ends = [c.difference for c in comparisons]
    ends += [x for c in comparisons if _known(c) for x in (c.low, c.high, c.low_here, c.high_here)]
    seeds = frames(c.per_seed or (c.difference,) for c in comparisons)
    known = [x for x in ends if math.isfinite(x)]
    reach = [*known, -1.3 * margin, 1.3 * margin, *seeds]
    room = 0.03 * (max(reach) - min(reach))
    return min(reach) - room, max(reach) + room


def _row(ax: Axes, row: int, c: Comparison) -> None:
    fill = _FILL.get(c.word, PAPER)
    edge = _FILL.get(c.word, SOFT)
    _seeds(ax, row, c.per_seed)
    if _known(c):
        ax.plot([c.low, c.high], [row, row], color=INK, linewidth=1.1, marker="|", markersize=6)
        ax.plot([c.low_here, c.high_here], [row, row], color=edge, linewidth=4, alpha=0.75)
    ax.plot(c.difference, row, marker=_mark(c.word), markersize=7, color=fill, markeredgecolor=INK)


def _mark(word: str) -> str:
    """A mark for the word, so that grey print tells it as well."""
    return {"better": ">", "worse": "<", "equivalent": "s"}.get(word, "o")


def _seeds(ax: Axes, row: int, values: Sequence[float]) -> None:
    """A dot a seed above the line; an arrow at the edge where a seed lies outside the frame."""
    low, high = ax.get_xlim()
    inset = 0.01 * (high - low)
    style: dict[str, Any] = {"linestyle": "none", "color": SOFT}
    inside = [v for v in values if low <= v <= high]
    ax.plot(inside, [row - 0.26] * len(inside), marker="o", markersize=2.2, alpha=0.6, **style)
    if any(v < low for v in values):
        ax.plot(low + inset, row - 0.26, marker="<", markersize=4, **style)
    if any(v > high for v in values):
        ax.plot(high - inset, row - 0.26, marker=">", markersize=4, **style)


def _labels(ax: Axes, comparisons: Sequence[Comparison]) -> None:
    """Names at the left, and at the right what the row says in words."""
    names = [f"{short(c.a, 22)} − {short(c.b, 22)}" for c in comparisons]
    rows = range(len(comparisons))
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    beside = ax.get_yaxis_transform()
    for row, comparison in enumerate(comparisons):
        ax.text(1.02, row, _words(comparison), transform=beside, va="center", fontsize=8)


def _words(c: Comparison) -> str:
    interval = f" ({span(c.low, c.high)})" if _known(c) else ""
    return f"{points(c.difference)}{interval}  {c.word}"


def _known(c: Comparison) -> bool:
    """Whether the interval says anything: that of a single seed leaves nothing out."""
    return math.isfinite(c.low) and math.isfinite(c.high) and c.high - c.low < 2


def _keys(comparisons: Sequence[Comparison], margin: float) -> list[Any]:
    intervals = any(map(_known, comparisons))
    one = "one seed" if any(c.seeds for c in comparisons) else "one data set"
    lines = [
        Line2D([], [], color=INK, linewidth=1.1, marker="|", label="95 %, new data like this"),
        Line2D([], [], color=SOFT, linewidth=4, alpha=0.75, label="95 %, this test set"),
    ]
    return [
        *(lines if intervals else []),
        Line2D([], [], color=SOFT, marker="o", markersize=2.2, linestyle="none", label=one),
        Patch(color=GRID, alpha=0.75, label=f"within the margin: ±{points(margin).lstrip('+')}"),
    ]
