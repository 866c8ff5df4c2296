"""Curves by epoch: one panel with every arm's mean, then a panel an arm with all its seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..records import Outcomes, Row
from .style import (
    INK,
    SOFT,
    Look,
    Looks,
    arm_keys,
    in_percent,
    key,
    sheet,
    short,
    styled,
)


@dataclass(frozen=True)
class Runs:
    """What an arm's seeds recorded of one thing: epochs (E,), values (seeds, E), nan if absent."""

    epochs: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """By epoch, over the seeds that have a finite value there."""
        known = np.isfinite(self.values)
        total = np.where(known, self.values, 0).sum(axis=0)
        return np.divide(total, known.sum(axis=0), where=known.any(axis=0), out=_void(total))

    @property
    def band(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """By epoch, the mean less and plus one standard deviation, no wider than the seeds are."""
        known = np.isfinite(self.values)
        square = (np.where(known, self.values - self.mean, 0) ** 2).sum(axis=0)
        spread = np.sqrt(square / np.maximum(known.sum(axis=0) - 1, 1))
        least = np.where(known, self.values, math.inf).min(axis=0)
        most = np.where(known, self.values, -math.inf).max(axis=0)
        return np.maximum(self.mean - spread, least), np.minimum(self.mean + spread, most)


def _void(like: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full_like(like, math.nan)


def recorded(outcome: Outcomes, arm: str, what: str) -> Runs | None:
    """All that an arm recorded under `what`; None where it is nothing."""
    seeds = [rows for rows in outcome.curves.get(arm, {}).values() if rows]
    epochs = sorted({_value(row, "epoch") for rows in seeds for row in rows})
    place = {epoch: i for i, epoch in enumerate(epochs)}
    values = np.full((len(seeds), len(epochs)), math.nan)
    for seed, rows in enumerate(seeds):
        for row in rows:
            values[seed, place[_value(row, "epoch")]] = _value(row, what)
    return Runs(np.array(epochs), values) if np.isfinite(values).any() else None


def _value(row: Row, what: str) -> float:
    value = row.get(what)
    return math.nan if value is None or not math.isfinite(value) else float(value)


@styled
def accuracy_curves(outcome: Outcomes, looks: Looks) -> Figure:
    """Validation accuracy (and training, fainter) by epoch."""
    figure = _panels(outcome, looks, "accuracy", "train_accuracy", "accuracy, in percent")
    in_percent(figure.axes[0].yaxis)
    return figure


@styled
def loss_curves(outcome: Outcomes, looks: Looks) -> Figure:
    """Training loss by epoch."""
    figure = _panels(outcome, looks, "loss", None, "training loss")
    figure.axes[0].set_ylim(top=_ceiling(outcome))
    return figure


def _panels(outcome: Outcomes, looks: Looks, main: str, other: str | None, label: str) -> Figure:
    runs = {a: r for a in outcome.arms if (r := recorded(outcome, a, main)) is not None}
    count = len(runs) + 1
    columns = _columns(count)
    rows = -(-count // columns)
    figure = sheet(0.75 + rows * (2.4 if columns < 4 else 1.9))
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    _together(axes[0], runs, looks)
    for ax, arm in zip(axes[1:], runs, strict=False):
        _alone(ax, arm, runs, looks[arm], recorded(outcome, arm, other) if other else None)
    for ax in axes[count:]:
        ax.set_axis_off()
    _finish(axes[:count], columns, label)
    key(figure, [*arm_keys(runs, looks, lines=True), *_extra_keys(other is not None)])
    return figure


def _columns(count: int) -> int:
    """Three panels a row or four, or five where there are many: whatever leaves few gaps."""
    choices = range(3, 6 if count > 9 else 5)
    return min(count, min(choices, key=lambda columns: (-count % columns, -columns)))


def _together(ax: Axes, runs: dict[str, Runs], looks: Looks) -> None:
    for arm, run in runs.items():
        _line(ax, run, looks[arm], width=1.5)
    ax.set_title("all")


def _alone(ax: Axes, arm: str, runs: dict[str, Runs], look: Look, other: Runs | None) -> None:
    """One arm with every seed, its band, and the others' means faint behind it."""
    for name, run in runs.items():
        if name != arm:
            ax.plot(run.epochs, run.mean, color=SOFT, linewidth=0.8, alpha=0.45, zorder=1)
    run = runs[arm]
    for seed in run.values:
        ax.plot(run.epochs, seed, color=look.hue, linewidth=0.5, alpha=0.5)
        _lost(ax, run.epochs, seed)
    low, high = run.band
    ax.fill_between(run.epochs, low, high, color=look.hue, alpha=0.2, linewidth=0)
    if other is not None:
        ax.plot(other.epochs, other.mean, color=INK, linewidth=1, linestyle=(0, (2, 1.5)))
    _line(ax, run, look, width=1.8)
    ax.set_title(short(arm, 20))


def _line(ax: Axes, run: Runs, look: Look, width: float) -> None:
    """The mean; where marks would crowd, some epochs go without."""
    step = max(1, len(run.epochs) // 6)
    ax.plot(
        run.epochs,
        run.mean,
        color=look.hue,
        linestyle=look.line,
        linewidth=width,
        marker=look.mark,
        markevery=step,
        markersize=4,
    )


def _lost(ax: Axes, epochs: NDArray[np.float64], seed: NDArray[np.float64]) -> None:
    """A cross on the last finite value of a seed that has no more of them."""
    known = np.flatnonzero(np.isfinite(seed))
    if known.size and known[-1] < len(epochs) - 1:
        ax.plot(epochs[known[-1]], seed[known[-1]], marker="x", color=INK, markersize=6)


def _finish(axes: Sequence[Axes], columns: int, label: str) -> None:
    axes[0].xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    for ax in axes[::columns]:
        ax.set_ylabel(label)
    for ax in axes[-columns:]:
        ax.set_xlabel("epoch")
        ax.tick_params(labelbottom=True)


def _ceiling(outcome: Outcomes) -> float:
    """The top of the losses: a diverged seed leaves the frame instead of flattening the others."""
    runs = [r for arm in outcome.arms if (r := recorded(outcome, arm, "loss")) is not None]
    losses = np.concatenate([run.values.ravel() for run in runs])
    begins = np.concatenate([run.values[:, 0] for run in runs])
    begins = begins[np.isfinite(begins)] if np.isfinite(begins).any() else losses
    return 1.05 * min(np.nanmax(losses), 3 * abs(np.nanmedian(begins)) or math.inf)


def _extra_keys(training: bool) -> list[Line2D]:
    dashed = Line2D(
        [], [], color=INK, linewidth=1, linestyle=(0, (2, 1.5)), label="on training images"
    )
    return [dashed] if training else []
