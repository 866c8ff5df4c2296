"""Panels drawn as one figure: a clean grid, every panel's call and true size above it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_INCHES = 3.6
_TITLE_INCHES = 0.46


@dataclass(frozen=True)
class Panel:
    """One picture of a figure: what made it, and its values; `heat` draws them as a heat map."""

    title: str
    values: NDArray[Any]
    heat: bool = False

    @property
    def size(self) -> str:
        """The true size, as rows × columns."""
        return f"{self.values.shape[0]} × {self.values.shape[1]}"

    @property
    def top(self) -> float:
        """The value drawn brightest: 1, but a heat map's or a sum's own largest value."""
        largest = float(np.nanmax(self.values, initial=0))
        return largest or 1.0 if self.heat else max(largest, 1.0)


def draw(panels: Sequence[Panel], *, dpi: int = 120) -> Figure:
    """The panels as a figure; each is stretched to the frame of the first one's shape."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PoolError("pictures need matplotlib: pip install 'anypool[image]'") from None
    rows, cols = _grid(len(panels))
    height, width = panels[0].values.shape[:2]
    shape = min(max(height / width, 0.25), 4.0)
    inches = (cols * _PANEL_INCHES, rows * (_PANEL_INCHES * shape + _TITLE_INCHES))
    figure = Figure(figsize=inches, dpi=dpi, layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        _frame(ax, panel, shape, _PANEL_INCHES * dpi)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    return figure


def _grid(count: int) -> tuple[int, int]:
    """Rows and columns: few empty places, then near a square."""
    cols = min(range(2, 5), key=lambda c: (-count % c, abs(c - math.sqrt(count))))
    return -(-count // cols), cols


def _frame(ax: Axes, panel: Panel, shape: float, pixels: float) -> None:
    """One panel: a map smaller than its frame keeps hard edges, a larger one shrinks smoothly."""
    values = np.asarray(panel.values, dtype=np.float32)
    smooth = "antialiased" if values.shape[1] > pixels else "nearest"
    colours = "magma" if panel.heat else "gray"
    bright = values if values.ndim == 2 else np.clip(values / panel.top, 0, 1)
    picture = ax.imshow(
        bright, cmap=colours, vmin=0, vmax=panel.top, interpolation=smooth, aspect="auto"
    )
    ax.set(xticks=[], yticks=[])
    ax.set_box_aspect(shape)
    for edge in ax.spines.values():
        edge.set_color("0.8")
    ax.set_title(_heading(panel), fontsize=8.5, family="monospace", parse_math=False)
    if panel.heat:
        _scale(ax, picture, panel.top)


def _heading(panel: Panel) -> str:
    dimmed = "" if panel.heat or panel.top == 1 else f", shown divided by {panel.top:.3g}"
    return f"{panel.title}\n{panel.size}{dimmed}"


def _scale(ax: Axes, picture: Any, top: float) -> None:
    """A small scale inside the heat map's lower corner, from 0 to its largest value."""
    bar = ax.inset_axes((0.62, 0.09, 0.34, 0.04))
    ax.figure.colorbar(picture, cax=bar, orientation="horizontal", ticks=[0, top])
    bar.set_xticklabels(["0", f"{top:.2f}"])
    bar.tick_params(labelsize=8, colors="white", length=0, pad=2)
    for edge in bar.spines.values():
        edge.set_color("white")
