"""The figure of a layer that gives one number a channel: a bar each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..style import GRID, SOFT, styled
from .canvas import (
    MARGIN,
    PREDICTED,
    TRUE,
    Canvas,
    Head,
    clipped,
    drawn,
    fitted,
    headed,
    number,
    picked,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..features import Features

_SIDE = 2.1
_LEFT = MARGIN + _SIDE + 0.85
_NAMED = 24  # bars that have room for their names


@styled
def bars(seen: Features, image: int, numbers: NDArray[Any], wanted: list[int], dpi: int) -> Figure:
    """The image, and beside it the numbers as bars from 0."""
    true, predicted = picked(seen.true, image), picked(seen.predicted, image)
    left_out = f"{len(wanted)} of {len(numbers)}" if len(wanted) < len(numbers) else ""
    note = " · ".join(filter(None, (seen.note, left_out)))
    named = len(wanted) <= _NAMED
    room = min(max(len(wanted) * (0.34 if named else 0.08), 3.2), 9.0)
    width = _LEFT + room + MARGIN
    head = Head.of(seen.title, width - 2 * MARGIN, true, predicted, note)
    top = MARGIN + head.height + 0.12
    wide, tall = fitted(seen.pictures[image].shape, _SIDE)
    canvas = Canvas(width, top + max(tall, _SIDE) + 0.75 + MARGIN, dpi)
    headed(canvas, head, true, predicted, seen.classes, note)
    drawn(canvas.axes(MARGIN, top, wide, tall), seen.pictures[image])
    ax = canvas.axes(_LEFT, top, room, _SIDE)
    _bars(ax, numbers[wanted], [clipped(seen.names[c], 14) for c in wanted] if named else [])
    if not named:
        canvas.text(_LEFT, top + 2.18, "one bar a channel, in their order", 7, color=SOFT)
    if seen.of_classes:
        for place, channel in enumerate(wanted):
            if channel in (true, predicted):
                ax.patches[place].set_color(PREDICTED if channel == predicted else TRUE)
    return canvas.figure


def _bars(ax: Axes, values: NDArray[Any], names: list[str]) -> None:
    ax.bar(range(len(values)), values, color=SOFT, width=0.8)
    ax.axhline(0, color=SOFT, linewidth=0.8)
    ax.set_xlim(-0.7, len(values) - 0.3)
    ax.grid(axis="y", color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.yaxis.set_major_locator(_ticks())
    ax.yaxis.set_major_formatter(lambda v, _: number(float(v)))
    if names:
        ax.set_xticks(range(len(values)), names, rotation=40, ha="right", fontsize=7)


def _ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)
