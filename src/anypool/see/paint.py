"""The inside of a panel: an image or a heat map with its scale, boxes, a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .panel import Panel
from .style import HUES, INK, PAPER, SOFT
from .tint import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOST = HUES[1]  # NaN and infinite values
HEAT, BOTH_WAYS = "magma", "PuOr_r"


def paint(ax: Axes, panel: Panel, dots: int, dpi: int) -> None:
    """One panel: a map smaller than its frame keeps hard edges, a larger one shrinks smoothly."""
    from matplotlib import colormaps

    (rows, columns), (low, high) = panel.shape, panel.range
    values = np.asarray(panel.values, dtype=np.float32)
    smooth = "antialiased" if values.shape[1] > dots else "nearest"
    colours = colormaps[_colours(panel)].with_extremes(bad=LOST)
    picture = ax.imshow(
        values if values.ndim == 2 else _light(values, low, high),
        cmap=colours, vmin=low, vmax=high, interpolation=smooth, aspect="auto",
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
    )  # fmt: skip
    ax.set(xticks=[], yticks=[])
    for edge in ax.spines.values():
        edge.set_color("0.8" if panel.hue is None else HUES[panel.hue % len(HUES)])
        edge.set_linewidth(0.6 if panel.hue is None else 2)
    for count, box in enumerate(panel.boxes, 1):
        _box(ax, count, box)
    if panel.heat:
        _scale(ax, picture, panel, dots / dpi)


def _colours(panel: Panel) -> str:
    if not panel.heat:
        return "gray"
    return BOTH_WAYS if panel.range[0] < 0 else HEAT


def _light(values: NDArray[Any], low: float, high: float) -> NDArray[Any]:
    """Colours between 0 and 1; what is no number is orange, as in grey."""
    from matplotlib.colors import to_rgb

    light = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    lost = ~np.isfinite(values).all(axis=2)
    if lost.any():
        light[lost] = to_rgb(LOST)
    return light


def _box(ax: Axes, count: int, box: tuple[int, int, int, int]) -> None:
    """A numbered rectangle around rows and columns, dark and bright so that it shows on both."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    top, left, bottom, right = box
    hue = HUES[(count - 1) % len(HUES)]
    edge = Rectangle(
        (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, lw=1.8, ec=hue
    )
    edge.set_path_effects([withStroke(linewidth=3.2, foreground=PAPER)])
    ax.add_patch(edge)
    ax.text(
        left - 0.5, top - 0.5, f"{count}", color=PAPER, fontsize=8, weight="bold",
        va="top", ha="left", bbox={"facecolor": hue, "edgecolor": PAPER, "pad": 1.6, "lw": 0.6},
        clip_on=True,
    )  # fmt: skip


def _scale(ax: Axes, picture: Any, panel: Panel, inches: float) -> None:
    """The heat map's scale under it, with its unit."""
    low, high = panel.range
    place = ax.get_position()
    tall = ax.figure.get_figheight()  # type: ignore[union-attr]
    share, inset = min(1.0, 1.4 / inches), 0.12 / inches if low < 0 else 0.0
    left, wide = place.x0 + inset * place.width, (share - inset) * place.width
    bar = ax.figure.add_axes((left, place.y0 - 0.14 / tall, wide, 0.07 / tall), label="scale")
    ticks = [low, 0, high] if low < 0 else [low, high]
    ax.figure.colorbar(picture, cax=bar, orientation="horizontal", ticks=ticks)
    bar.set_xticklabels([number(tick) for tick in ticks])
    bar.tick_params(labelsize=7, length=2, pad=1.5, color=SOFT, labelcolor=INK)
    for edge in bar.spines.values():
        edge.set(color=SOFT, linewidth=0.6)
    if panel.unit and share < 1:
        bar.text(
            1.06, 0.5, panel.unit, transform=bar.transAxes, fontsize=7, color=SOFT, va="center"
        )
