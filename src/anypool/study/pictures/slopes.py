"""Seed by seed: the same split and the same initial tensors under every arm, joined by a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..records import Outcomes
from ..summary import Arm, accuracies
from ..units import percent
from .style import INK, SOFT, Looks, frames, in_percent, key, sheet, short, styled

_OFF = {"linestyle": "none", "clip_on": False}


@styled
def slopes(outcome: Outcomes, arms: Sequence[Arm], looks: Looks) -> Figure:
    """Test accuracy of every seed under every arm, in the order of `arms`; a bar at the mean.

    Seeds that would flatten all others are arrows at the frame's lower edge, with their values.
    """
    shown = [arm for arm in arms if arm.seeds]
    scores = [accuracies(outcome, arm.name) for arm in shown]
    figure = sheet(3.9, width=8.0 if len(shown) > 3 else 6.0)
    ax = figure.subplots()
    ax.set_xlim(-0.5, len(shown) - 0.5)
    ax.set_ylim(*frames(arm.values() for arm in scores))
    _lines(ax, scores, outcome.seeds)
    for place, (arm, values) in enumerate(zip(shown, scores, strict=True)):
        _column(ax, place, arm, np.array(list(values.values())), looks)
    _names(ax, [arm.name for arm in shown])
    in_percent(ax.yaxis)
    ax.set_ylabel("test accuracy, in percent")
    key(figure, _keys())
    return figure


def _lines(ax: Axes, scores: Sequence[dict[int, float]], seeds: Sequence[int]) -> None:
    """A line a seed; where an arm has not got the seed, the line stops and starts again."""
    for seed in seeds:
        heights = [arm.get(seed, np.nan) for arm in scores]
        ax.plot(heights, color=SOFT, linewidth=0.7, alpha=0.65, zorder=1)


def _column(ax: Axes, place: int, arm: Arm, values: np.ndarray, looks: Looks) -> None:
    look = looks[arm.name]
    low, high = ax.get_ylim()
    inside = values[(values >= low) & (values <= high)]
    ax.plot([place] * len(inside), inside, marker=look.mark, color=look.hue, alpha=0.85, **_OFF)
    ax.plot([place - 0.22, place + 0.22], [arm.accuracy] * 2, color=INK, linewidth=2, zorder=3)
    beyond = "" if low <= arm.accuracy <= high else f"; mean {percent(arm.accuracy, 1)}"
    _outside(ax, place, low, values[values < low], "v", beyond)
    _outside(ax, place, high, values[values > high], "^", beyond)


def _outside(ax: Axes, place: int, edge: float, values: np.ndarray, mark: str, more: str) -> None:
    if not values.size:
        return
    ax.plot(place, edge, marker=mark, color=INK, markersize=6, **_OFF)
    told = ", ".join(percent(v, 1) for v in sorted(values)[:3]) + ", …" * (values.size > 3)
    side = 1 if mark == "v" else -1
    ax.annotate(
        told + more,
        (place, edge),
        (6, 5 * side),
        textcoords="offset points",
        fontsize=7.5,
        color=INK,
    )


def _names(ax: Axes, names: Sequence[str]) -> None:
    """Names under the columns, slanted where they would run into each other."""
    crowded = max(map(len, names)) * len(names) > 70
    turn = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(range(len(names)), [short(name, 22) for name in names], **turn)
    ax.grid(visible=False, axis="x")


def _keys() -> list[Line2D]:
    return [
        Line2D([], [], color=SOFT, linewidth=0.7, label="one seed: same split, same start"),
        Line2D([], [], color=INK, linewidth=2, label="mean over the seeds"),
    ]
