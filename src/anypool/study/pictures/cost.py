"""What accuracy costs: time, parameters and memory, with the front nobody beats on both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..summary import Arm
from ..units import count, memory, seconds
from .style import SOFT, Looks, arm_keys, frame, in_percent, key, sheet, styled

# measure -> what the axis says, and how its numbers are written
_COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "cpu_seconds": ("CPU time of one training", seconds),
    "parameters": ("parameters", count),
    "peak_bytes": ("peak memory of the process", memory),
}


def costs(arms: Sequence[Arm]) -> list[str]:
    """The costs that at least one finished arm has recorded."""
    return [name for name in _COSTS if any(name in arm.means for arm in arms if arm.seeds)]


def front(arms: Sequence[Arm], cost: str) -> list[Arm]:
    """The arms that no other beats: whoever is cheaper is less accurate. Cheapest first."""
    known = [arm for arm in arms if arm.seeds and cost in arm.means]
    best, kept = -math.inf, []
    for arm in sorted(known, key=lambda arm: (arm.means[cost], -arm.accuracy)):
        if arm.accuracy > best:
            best = arm.accuracy
            kept.append(arm)
    return kept


@styled
def cost(arms: Sequence[Arm], looks: Looks) -> Figure:
    """Mean test accuracy (with its sd over the seeds) against every cost that was recorded."""
    names = costs(arms)
    figure = sheet(3.6, width=8.0 if len(names) > 1 else 5.0)
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False).ravel()
    shown = [arm for arm in arms if arm.seeds]
    axes[0].set_ylim(*_heights(shown))
    for ax, name in zip(axes, names, strict=True):
        _panel(ax, shown, name, looks)
    in_percent(axes[0].yaxis)
    axes[0].set_ylabel("test accuracy, in percent")
    dashed = Line2D([], [], color=SOFT, linewidth=1, linestyle=(0, (3, 2)), label="Pareto front")
    key(figure, [*arm_keys([arm.name for arm in shown], looks, lines=False), dashed])
    return figure


def _panel(ax: Axes, arms: Sequence[Arm], name: str, looks: Looks) -> None:
    words, written = _COSTS[name]
    for arm in arms:
        _point(ax, arm, name, looks)
    ax.margins(x=0.15)
    _front(ax, front(arms, name), name)
    ax.set_xlabel(words)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))


def _heights(arms: Sequence[Arm]) -> tuple[float, float]:
    """Every mean lies inside; so do the spreads, but for one so large that it hides the rest."""
    means = [arm.accuracy for arm in arms]
    ends = [arm.accuracy + side * arm.sd for arm in arms for side in (-1, 1)]
    low, high = frame([*means, *ends])
    return min(low, *(mean - 0.01 for mean in means)), min(max(high, *means), 1.005)


def _front(ax: Axes, best: Sequence[Arm], name: str) -> None:
    """Steps from each arm of the front to the next, and on to the right edge."""
    right = ax.get_xlim()[1]
    ax.step(
        [*(arm.means[name] for arm in best), right],
        [*(arm.accuracy for arm in best), best[-1].accuracy],
        where="post",
        color=SOFT,
        linewidth=1,
        linestyle=(0, (3, 2)),
        zorder=1,
    )
    ax.set_xlim(right=right)


def _point(ax: Axes, arm: Arm, name: str, looks: Looks) -> None:
    if name not in arm.means:
        return
    look, spread = looks[arm.name], arm.sd if math.isfinite(arm.sd) else 0
    ax.errorbar(arm.means[name], arm.accuracy, yerr=spread, color=look.hue, linewidth=1, capsize=2)
    ax.plot(arm.means[name], arm.accuracy, marker=look.mark, color=look.hue, markersize=7)
