"""The figure of a layer: the image, and beside it every map on one colour scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ..style import INK, SOFT, styled
from .canvas import (
    MARGIN,
    Canvas,
    Head,
    chosen_image,
    clipped,
    drawn,
    fitted,
    framed,
    glow,
    headed,
    picked,
    places,
    smooth,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..features import Features

_GAP = 0.14
_SIDE = 2.1  # inches of the image


@dataclass(frozen=True)
class _Cell:
    """How large a map is drawn, and the type around it."""

    side: float
    title: float
    below: float
    lines: int

    @classmethod
    def of(cls, count: int) -> _Cell:
        if count <= 2:
            return cls(2.1, 9, 8, 1)
        if count <= 24:
            return cls(1.08, 7.5, 6.6, 2)
        return cls(0.82, 6.4, 5.8, 1) if count <= 60 else cls(0.72, 6.0, 5.4, 1)

    @property
    def above(self) -> float:
        return self.title / 72 * 1.4 + 0.06

    @property
    def under(self) -> float:
        return self.below / 72 * 1.35 * self.lines + 0.08


@styled
def grid(seen: Features, image: int, most: int, channels: Sequence[int] | None, dpi: int) -> Figure:
    """The figure; see `Features.figure`."""
    image = chosen_image(len(seen.maps), image)
    maps, slice_ = _flat(seen.maps[image])
    wanted = _wanted(maps, most, channels)
    if maps.ndim == 1:
        from .bars import bars

        return bars(seen, image, maps, wanted, dpi)
    note = " · ".join(filter(None, (seen.note, slice_, _left_out(len(maps), wanted, channels))))
    return _Grid(seen, image, maps, wanted, note, dpi).drawn()


class _Grid:
    """One figure while it is laid out."""

    def __init__(
        self, seen: Features, image: int, maps: NDArray[Any], wanted: list[int], note: str,
        dpi: int,
    ) -> None:  # fmt: skip
        self.seen, self.image, self.maps, self.wanted = seen, image, maps, wanted
        self.cell = _Cell.of(len(wanted))
        shape = maps.shape[1:] if maps.ndim == 3 else (0.6, 1)
        self.box = fitted(shape, self.cell.side)
        self.columns = _columns(len(wanted), self.box)
        rows = -(-len(wanted) // self.columns)
        self.step = (
            self.box[0] + _GAP, self.box[1] + self.cell.above + self.cell.under + _GAP / 2,
        )  # fmt: skip
        wide = self.columns * self.step[0] - _GAP
        tall = rows * self.step[1] - _GAP / 2
        self.left = MARGIN + _SIDE + 0.35
        width = self.left + wide + 0.75 + MARGIN
        self.note = note
        self.head = Head.of(
            seen.title, width - 2 * MARGIN, picked(seen.true, image), picked(seen.predicted, image),
            self.note,
        )  # fmt: skip
        self.top = MARGIN + self.head.height + 0.12
        self.tall = max(tall, _SIDE * 0.7)
        picture = fitted(seen.pictures[image].shape, _SIDE)[1] + 0.42
        height = self.top + max(tall, picture) + (0.3 if len(wanted) > 2 else 0.1) + MARGIN
        self.canvas = Canvas(width, height, dpi)
        self.wide = wide

    def drawn(self) -> Figure:
        """The figure, whole."""
        seen, image = self.seen, self.image
        true, predicted = picked(seen.true, image), picked(seen.predicted, image)
        headed(self.canvas, self.head, true, predicted, seen.classes, self.note)
        self._picture()
        shown = self.maps[self.wanted]
        self.low, self.high = _scale(shown)
        self.signed = self.low < 0
        self.write = places(shown, 4 if len(self.wanted) <= 24 else 3)
        last = None
        for place, channel in enumerate(self.wanted):
            last = self._map(place, channel)
            if seen.of_classes:
                framed(last, true=channel == true, predicted=channel == predicted)
        if last is not None and last.images:
            self._bar(last.images[0])
        if len(self.wanted) > 2:
            key = "under each map: mean | peak; " if self.cell.lines == 1 else ""
            at = self.left, self.canvas.height - MARGIN - 0.06
            self.canvas.text(*at, f"{key}one colour scale for all", 7, color=SOFT, va="bottom")
        return self.canvas.figure

    def _picture(self) -> None:
        picture = self.seen.pictures[self.image]
        width, height = fitted(picture.shape, _SIDE)
        ax = self.canvas.axes(MARGIN, self.top + self.cell.above, width, height)
        drawn(ax, picture)
        size = " × ".join(map(str, picture.shape[:2]))
        which = f"image {self.image}" if len(self.seen.pictures) > 1 else "image"
        words = f"{which}, {size}, as the network takes it"
        self.canvas.text(MARGIN, self.top + self.cell.above + height + 0.07, words, 7, color=SOFT)

    def _map(self, place: int, channel: int) -> Axes:
        row, column = divmod(place, self.columns)
        left = self.left + column * self.step[0]
        top = self.top + row * self.step[1] + self.cell.above
        ax = self.canvas.axes(left, top, *self.box)
        values = self.maps[channel]
        if values.ndim == 1:
            _line(ax, values, self.low, self.high)
        else:
            far = max(-self.low, self.high)
            ax.imshow(values, cmap=glow() if self.signed else "magma", aspect="auto",
                      vmin=-far if self.signed else 0, vmax=far,
                      interpolation=smooth(ax, values.shape))  # fmt: skip
        middle, cell = left + self.box[0] / 2, self.cell
        room = int(self.step[0] * 72 / (cell.title * 0.6))
        name = clipped(self.seen.names[channel], room)
        self.canvas.text(middle, top - 0.055, name, cell.title, ha="center", va="bottom")
        self.canvas.text(middle, top + self.box[1] + 0.055, self._numbers(values), cell.below,
                         ha="center", color=SOFT, linespacing=1.25)  # fmt: skip
        return ax

    def _numbers(self, values: NDArray[Any]) -> str:
        """Mean and peak of one map."""
        mean, peak = self.write(float(values.mean())), self.write(float(values.max()))
        if len(self.wanted) <= 2:
            return f"mean {mean}   peak {peak}"
        return f"mean {mean}\npeak {peak}" if self.cell.lines == 2 else f"{mean} | {peak}"

    def _bar(self, picture: Any) -> None:
        """The colour scale, beside the maps."""
        left = self.left + self.wide + 0.16
        tall = min(self.tall - self.cell.above - self.cell.under, 2.6)
        ax = self.canvas.axes(left, self.top + self.cell.above, 0.11, tall)
        self.canvas.figure.colorbar(picture, cax=ax)
        ax.set_ylim(self.low, self.high)  # of a scale even about 0, what there is
        ax.tick_params(labelsize=7, length=2, pad=2, colors=INK)
        ax.spines["outline"].set(color=SOFT, linewidth=0.5)


def _left_out(count: int, wanted: list[int], channels: Sequence[int] | None) -> str:
    """What the figure does not show, in words."""
    if len(wanted) >= count:
        return ""
    told = f"{len(wanted)} of {count} maps"
    return told if channels is not None else f"the {told} with the highest peak"


def _columns(count: int, box: tuple[float, float]) -> int:
    """As many columns as make the whole about half as wide again as high, with full rows."""
    ideal = math.sqrt(count * 1.6 * (box[1] + 0.3) / (box[0] + _GAP))
    tries = range(max(1, int(ideal * 0.8)), max(2, int(ideal * 1.3) + 2))
    return min(min(tries, key=lambda c: (-count % c > 0.4 * c, abs(c - ideal))), count)


def _flat(maps: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """(C, H, W), (C, L), or (C,) of maps of one cell; of volumes the middle slice."""
    if maps[0].size == 1:
        return maps.reshape(-1), ""
    if maps.ndim < 4:
        return maps, ""
    depth = maps.shape[1]
    return maps[:, depth // 2], f"slice {depth // 2} of {depth}"


def _wanted(maps: NDArray[Any], most: int, channels: Sequence[int] | None) -> list[int]:
    """The maps to draw, in their order: those asked for, else those with the highest peak."""
    count = len(maps)
    if channels is not None:
        wrong = next((c for c in channels if not 0 <= c < count), None)
        if wrong is not None or not len(channels):
            asked = "names none" if wrong is None else f"names {wrong}"
            raise PoolError(f"channels {asked}; this layer has {count}, from 0")
        return [int(c) for c in channels]
    if most < 1:
        raise PoolError(f"most is {most}; at least 1 map must be drawn")
    peaks = maps.reshape(count, -1).max(1)
    order = np.argsort(-peaks, kind="stable")[:most]
    return sorted(order.tolist())


def _scale(shown: NDArray[Any]) -> tuple[float, float]:
    """From 0, or from the smallest where some are negative, to the largest."""
    real = shown[np.isfinite(shown)]
    low, high = float(real.min(initial=0)), float(real.max(initial=0))
    return (low, high) if high > low else (0.0, 1.0)


def _line(ax: Axes, values: NDArray[Any], low: float, high: float) -> None:
    hue = "#b5367a"  # the middle of magma
    ax.fill_between(range(len(values)), values, 0, color=hue, alpha=0.35, linewidth=0)
    ax.plot(values, color=hue, linewidth=0.9)
    room = 0.05 * (high - low or 1)
    ax.set(xlim=(0, max(len(values) - 1, 1)), ylim=(low - room, high + room))
