"""What plain accuracy does not tell: pictures that move a little, pictures of other sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..records import Outcomes
from ..summary import Arm, pixels, sizes
from .style import INK, Looks, arm_keys, in_percent, key, sheet, short, styled

SHIFT = "shift_consistency"


def steady_parts(arms: Sequence[Arm]) -> list[str]:
    """What was recorded beside accuracy: the consistency under shifts, other sizes, or nothing."""
    names = {name for arm in arms for name in arm.means}
    return [SHIFT] * (SHIFT in names) + ["sizes"] * bool(sizes(names))


@styled
def steadiness(outcome: Outcomes, arms: Sequence[Arm], looks: Looks) -> Figure:
    """Shift consistency of every seed and arm; accuracy at other test resolutions, mean and sd."""
    parts = steady_parts(arms)
    shown = [arm for arm in arms if arm.means]
    figure = sheet(max(3.0, 1.2 + 0.24 * len(shown)), width=4.4 * len(parts) - 0.8)
    axes = figure.subplots(1, len(parts), squeeze=False).ravel()
    for ax, part in zip(axes, parts, strict=True):
        _PARTS[part](ax, outcome, shown, looks)
    key(figure, arm_keys([arm.name for arm in shown], looks, lines="sizes" in parts))
    return figure


def _shifts(ax: Axes, outcome: Outcomes, arms: Sequence[Arm], looks: Looks) -> None:
    for row, arm in enumerate(arms):
        values = _seeds(outcome, arm.name, SHIFT)
        look = looks[arm.name]
        ax.plot(
            values,
            [row] * len(values),
            marker=look.mark,
            color=look.hue,
            linestyle="none",
            alpha=0.5,
        )
        if SHIFT in arm.means:
            ax.plot([arm.means[SHIFT]] * 2, [row - 0.3, row + 0.3], color=INK, linewidth=2)
    ax.set_yticks(range(len(arms)), [short(arm.name, 20) for arm in arms])
    ax.set_ylim(len(arms) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    in_percent(ax.xaxis)
    ax.set_xlabel("same prediction after a shift, in percent of images")


def _sizes(ax: Axes, outcome: Outcomes, arms: Sequence[Arm], looks: Looks) -> None:
    names = sizes(name for arm in arms for name in arm.means)
    for arm in arms:
        places = [i for i, name in enumerate(names) if name in arm.means]
        means = [arm.means[names[i]] for i in places]
        spread = [_sd(_seeds(outcome, arm.name, names[i])) for i in places]
        look = looks[arm.name]
        ax.errorbar(
            places,
            means,
            yerr=spread,
            color=look.hue,
            marker=look.mark,
            linestyle=look.line,
            elinewidth=0.8,
            capsize=2,
        )
    ax.set_xticks(range(len(names)), [_size(name) for name in names])
    ax.margins(x=0.12)
    ax.set_ylim(top=min(ax.get_ylim()[1], 1.005))
    in_percent(ax.yaxis)
    ax.set_xlabel("size of the test images, in pixels")
    ax.set_ylabel("test accuracy, in percent")


_PARTS = {SHIFT: _shifts, "sizes": _sizes}


def _size(name: str) -> str:
    return name.partition("@")[2].replace("x", " × ") if pixels(name) else name


def _seeds(outcome: Outcomes, arm: str, name: str) -> list[float]:
    """The finite values that an arm's seeds recorded."""
    rows = outcome.measures.get(arm, {}).values()
    return [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
