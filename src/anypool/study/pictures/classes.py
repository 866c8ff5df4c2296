"""Class by class: how far each arm is from the one it is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..summary import ClassGap
from .style import GRID, INK, SOFT, Looks, in_points, sheet, short, styled

MOST = 30


@styled
def class_differences(
    gaps: Mapping[str, Sequence[ClassGap]], against: str, margin: float, looks: Looks
) -> Figure:
    """A panel an arm: its difference to `against` on every class, with 95 % intervals.

    gaps: arm -> its classes, the same for each arm. Of more than MOST classes those with the
        largest differences are shown.
    """
    shown = _telling(gaps)
    columns = min(len(gaps), 3)
    rows = -(-len(gaps) // columns)
    figure = sheet(0.75 + rows * (0.45 + 0.2 * max(len(shown), 4)))
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, (arm, classes) in zip(axes, gaps.items(), strict=False):
        named = {gap.name: gap for gap in classes}
        _panel(ax, [named[name] for name in shown], looks[arm].hue, looks[arm].mark, margin)
        ax.set_title(f"{short(arm, 16)} − {short(against, 16)}")
    for ax in axes[len(gaps) :]:
        ax.set_axis_off()
    for ax in axes[: len(gaps)][-columns:]:
        ax.tick_params(labelbottom=True)
    axes[0].set_yticks(range(len(shown)), [short(name, 24) for name in shown])
    axes[0].set_ylim(len(shown) - 0.4, -0.6)
    in_points(axes[0].xaxis)
    figure.supxlabel("difference in test accuracy, in points", fontsize=8.5, color=INK)
    return figure


def _telling(gaps: Mapping[str, Sequence[ClassGap]]) -> list[str]:
    """The classes to show, in the data set's order; of too many those that differ most."""
    largest: dict[str, float] = {}
    for gap in (gap for classes in gaps.values() for gap in classes):
        largest[gap.name] = max(largest.get(gap.name, 0), abs(gap.difference))
    chosen = sorted(largest, key=lambda name: -largest[name])[:MOST]
    return [name for name in largest if name in chosen]


def _panel(ax: Axes, classes: Sequence[ClassGap], hue: str, mark: str, margin: float) -> None:
    ax.axvspan(-margin, margin, color=GRID, alpha=0.75, linewidth=0)
    ax.axvline(0, color=SOFT, linewidth=0.9)
    for row, gap in enumerate(classes):
        if math.isfinite(gap.low):
            ax.plot([gap.low, gap.high], [row, row], color=hue, linewidth=1.5)
        ax.plot(gap.difference, row, marker=mark, color=hue, markeredgecolor=INK, markersize=5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
