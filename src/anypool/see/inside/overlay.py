"""The figure of class maps: the predicted class laid over the image, every class beside it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ..showing import named
from ..style import INK, SOFT, styled
from .canvas import (
    EDGE,
    MARGIN,
    Canvas,
    Head,
    chosen_image,
    clipped,
    drawn,
    fitted,
    framed,
    headed,
    number,
    picked,
    places,
    smooth,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..classmaps import ClassMaps

_COLOURS = "RdBu_r"  # red adds, blue takes away: told apart by colour-blind eyes too
_SIDE, _CELL, _GAP = 2.15, 1.5, 0.2
_UP, _DOWN = "#b2182b", "#2166ac"  # the ends of that scale


@styled
def overlay(
    found: ClassMaps, image: int, classes: Sequence[Any] | None, most: int, dpi: int
) -> Figure:
    """The figure; see `ClassMaps.figure`."""
    image = chosen_image(len(found.contributions), image)
    return _Overlay(found, image, _wanted(found, image, classes, most), dpi).drawn()


class _Overlay:
    """One figure while it is laid out."""

    def __init__(self, found: ClassMaps, image: int, wanted: list[int], dpi: int) -> None:
        self.found, self.image, self.wanted = found, image, wanted
        self.parts = _flat(found.contributions[image])
        self.picture = found.pictures[image]
        plane = self.parts.ndim == 3 and self.picture.shape[0] > 1
        self.panels = 3 if plane else 1
        self.big = fitted(self.picture.shape, _SIDE)
        top_wide = max(self.panels * (_SIDE + _GAP) - _GAP, 5.2)
        self.columns = _columns(len(wanted))
        side = min((top_wide + _GAP) / max(self.columns, 4) - _GAP, _CELL)
        self.box = fitted(self.parts.shape[1:] if self.parts.ndim == 3 else (0.5, 1), side)
        rows = -(-len(wanted) // self.columns)
        bias = found.bias[image]
        self.biased = bool((np.abs(bias) > 1e-6 * np.abs(found.scores[image]).max()).any())
        self.write = places(np.concatenate([found.scores[image][wanted], bias[wanted]]))
        self.step = side + _GAP, self.box[1] + (0.72 if self.biased else 0.5)
        width = top_wide + 0.75 + 2 * MARGIN
        self.note = "" if found.exact else "approximate: Grad-CAM, which only says more or less"
        told = picked(found.true, image), picked(found.predicted, image), self.note
        self.head = Head.of(self._title(), width - 2 * MARGIN, *told)
        self.top = MARGIN + self.head.height + 0.3
        self.below = self.top + self.big[1] + 0.5
        self.why = textwrap.wrap(self._why(), int((width - 2 * MARGIN) * 16.5))
        height = self.below + rows * self.step[1] + 0.14 * len(self.why) + 0.06 + MARGIN
        self.canvas = Canvas(width, height, dpi)
        self.most = float(np.abs(self.parts[wanted]).max(initial=0)) or 1.0

    def drawn(self) -> Figure:
        """The figure, whole."""
        found, image = self.found, self.image
        true, predicted = picked(found.true, image), picked(found.predicted, image)
        headed(self.canvas, self.head, true, predicted, found.classes, self.note)
        alone = len(found.pictures) == 1
        self._panel(0, "image" if alone else f"image {image}", None, "")
        shown = predicted if predicted is not None else self.wanted[0]
        if self.panels == 3:
            name = clipped(named(shown, found.classes), 20)
            self._panel(1, f"{name}: its cells", self.parts[shown], "nearest")
            self._panel(2, "the same, smooth", self.parts[shown], "smooth")
        last = None
        for place, k in enumerate(self.wanted):
            last = self._cell(place, k)
            framed(last, true=k == true, predicted=k == predicted)
        self._scale()
        bottom = self.canvas.height - MARGIN - 0.14 * len(self.why)
        for i, line in enumerate(self.why):
            self.canvas.text(MARGIN, bottom + 0.14 * i, line, 7, color=SOFT)
        return self.canvas.figure

    def _title(self) -> str:
        what = (
            "What each cell adds to a class's score"
            if self.found.exact
            else "Where classes are seen"
        )
        return f"{what}: {self.found.layer}"

    def _why(self) -> str:
        found = self.found
        step = f" The score is the one before the last {found.step}." if found.step else ""
        if not found.exact:
            return f"Not exact: {found.why}.{step}"
        missed = f"within {number(found.error, 1)} of it" if found.error else "to the last digit"
        return f"Exact: {found.why}; cells and bias add up to the score {missed}, measured.{step}"

    def _panel(self, place: int, title: str, part: NDArray[Any] | None, how: str) -> None:
        left = MARGIN + place * (_SIDE + _GAP)
        ax = self.canvas.axes(left, self.top, *self.big)
        self.canvas.text(left, self.top - 0.05, title, 8.5, va="bottom")
        if part is None:
            drawn(ax, self.picture)
            return
        ax.imshow(_faded(self.picture), interpolation=smooth(ax, self.picture.shape))
        rows, columns = self.picture.shape[:2]
        ax.imshow(_layer(part, self.most, how, (rows, columns)), interpolation="nearest",
                  extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))  # fmt: skip

    def _cell(self, place: int, k: int) -> Axes:
        row, column = divmod(place, self.columns)
        left = MARGIN + column * self.step[0] + (self.step[0] - _GAP - self.box[0]) / 2
        top = self.below + row * self.step[1]
        ax = self.canvas.axes(left, top, *self.box)
        part, middle = self.parts[k], left + self.box[0] / 2
        if part.ndim == 1:
            _line(ax, part, self.most)
        else:
            ax.imshow(part, cmap=_COLOURS, vmin=-self.most, vmax=self.most, aspect="auto",
                      interpolation=smooth(ax, part.shape))  # fmt: skip
        name = clipped(named(k, self.found.classes), 17)
        self.canvas.text(middle, top - 0.055, name, 7.5, ha="center", va="bottom")
        for i, line in enumerate(self._sum(k)):
            self.canvas.text(middle, top + self.box[1] + 0.065 + 0.115 * i, line, 6.6, ha="center",
                             color=SOFT)  # fmt: skip
        return ax

    def _sum(self, k: int) -> list[str]:
        """What is printed under a map: the sum that makes its score."""
        score = self.write(float(self.found.scores[self.image, k]))
        if not self.found.exact:
            return [f"score {score}"]
        if not self.biased:
            return [f"sum = score {score}"]
        cells, bias = float(self.parts[k].sum()), float(self.found.bias[self.image, k])
        return [f"sum {self.write(cells)}", f"bias {self.write(bias)}", f"score {score}"]

    def _scale(self) -> None:
        """The colour scale, beside the large panels."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        left = MARGIN + self.panels * (_SIDE + _GAP) - _GAP + 0.16
        ax = self.canvas.axes(left, self.top, 0.11, self.big[1])
        colours = ScalarMappable(Normalize(-self.most, self.most), _COLOURS)
        low = -self.most if self.found.exact else 0.0
        bar = self.canvas.figure.colorbar(colours, cax=ax, ticks=[low, 0, self.most])
        bar.ax.set_ylim(low, self.most)
        bar.ax.set_yticklabels([number(low, 2), "0", number(self.most, 2)])
        ax.tick_params(labelsize=7, length=2, pad=2, colors=INK)
        ax.spines["outline"].set(color=EDGE, linewidth=0.5)


def _wanted(found: ClassMaps, image: int, classes: Sequence[Any] | None, most: int) -> list[int]:
    """The classes to draw: those asked for, else all, or those with the highest scores."""
    scores = found.scores[image]
    if classes is not None:
        from .labels import numbers_of

        asked = numbers_of(list(classes), found.classes, len(scores), len(classes))
        if asked is None or not len(asked):
            raise PoolError("classes names none; give at least one to draw")
        return asked.tolist()
    if most < 1:
        raise PoolError(f"most is {most}; at least 1 class must be drawn")
    order = np.argsort(-scores, kind="stable")[:most].tolist()
    true = picked(found.true, image)
    if true is not None and true not in order:
        order[-1] = true
    return sorted(order)


def _flat(parts: NDArray[Any]) -> NDArray[Any]:
    """(K, H, W) or (K, L); volumes summed over their depth, so that sums stay."""
    return parts.sum(1) if parts.ndim == 4 else parts


def _faded(picture: NDArray[Any]) -> NDArray[Any]:
    """The picture in pale grey, so that colours can lie on it."""
    grey = picture if picture.ndim == 2 else picture @ np.array([0.299, 0.587, 0.114], np.float32)
    pale = 0.5 + 0.5 * np.clip(grey, 0, 1)
    return np.repeat(pale[..., None], 3, 2)


def _layer(part: NDArray[Any], most: float, how: str, size: tuple[int, int]) -> NDArray[Any]:
    """The map as a layer of colours, the stronger the more a cell counts."""
    from matplotlib.colors import to_rgba
    from PIL import Image

    values = (part / most).astype(np.float32)
    if how == "smooth":
        zoom = max(1, math.ceil(320 / max(size)))
        wide = Image.fromarray(values).resize(
            (size[1] * zoom, size[0] * zoom), Image.Resampling.BILINEAR
        )
        values = np.asarray(wide)
    layer = np.where(values[..., None] > 0, to_rgba(_UP), to_rgba(_DOWN))
    layer[..., 3] = 0.92 * np.clip(np.abs(values), 0, 1)
    return layer


def _columns(count: int) -> int:
    """Four to six columns with the fewest empty places."""
    return min(count, min((5, 6, 4), key=lambda columns: -count % columns))


def _line(ax: Axes, values: NDArray[Any], most: float) -> None:
    for side, colour in ((np.maximum(values, 0), _UP), (np.minimum(values, 0), _DOWN)):
        ax.fill_between(range(len(values)), side, 0, color=colour, linewidth=0)
    ax.axhline(0, color=EDGE, linewidth=0.6)
    ax.set(xlim=(0, max(len(values) - 1, 1)), ylim=(-1.05 * most, 1.05 * most))
