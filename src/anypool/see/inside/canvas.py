"""What the figures of features and of class maps share: places in inches, words, pictures."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ..showing import dots_checked, named
from ..style import INK, SOFT, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUE, PREDICTED = "#0072b2", "#d55e00"  # blue and vermilion, after Okabe and Ito
EDGE = "#c9ced6"
_MOST_DOTS = 32_000  # matplotlib itself ends at 65 536, and a memory before that
MARGIN = 0.22  # inches around everything


class Canvas:
    """A figure on which things are put by inches from its upper left corner."""

    def __init__(self, width: float, height: float, dpi: int) -> None:
        self.width, self.height = width, height
        dots = int(max(width, height) * dots_checked(dpi))
        if dots > _MOST_DOTS:
            raise PoolError(
                f"the figure would be {dots} dots long, and {_MOST_DOTS} are the most; draw fewer "
                "maps, or with fewer dots per inch"
            )
        self.figure: Figure = sheet((width, height), dpi)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Empty axes without ticks, in a thin frame."""
        w, h = self.width, self.height
        ax = self.figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))
        ax.set(xticks=[], yticks=[])
        for edge in ax.spines.values():
            edge.set(color=EDGE, linewidth=0.6)
        return ax

    def text(self, left: float, top: float, words: str, size: float = 8.0, **how: Any) -> None:
        """Words whose upper edge is at `top`."""
        how = {"color": INK, "va": "top", "ha": "left"} | how
        at = left / self.width, 1 - top / self.height
        self.figure.text(*at, words, fontsize=size, parse_math=False, **how)


@dataclass(frozen=True)
class Head:
    """The lines above everything: a title that breaks where it must, and who is meant."""

    title: str
    lines: tuple[str, ...]
    told: bool

    @classmethod
    def of(cls, title: str, width: float, *told: Any) -> Head:
        """told: what may stand in the line below; where nothing does there is no such line."""
        lines = textwrap.wrap(title, max(20, int(width * 11.5))) or [""]
        return cls(title, tuple(lines), any(one is not None and one != "" for one in told))

    @property
    def height(self) -> float:
        return 0.2 * len(self.lines) + (0.32 if self.told else 0.06)


def headed(
    canvas: Canvas, head: Head, true: int | None, predicted: int | None,
    classes: Sequence[str] | None, note: str,
) -> None:  # fmt: skip
    """The title; under it the true and the predicted class, each with the mark of its frame."""
    for i, line in enumerate(head.lines):
        canvas.text(MARGIN, MARGIN + 0.2 * i, line, 10.5, weight="bold")
    top, left = MARGIN + 0.2 * len(head.lines) + 0.06, MARGIN
    for what, number, colour in (("true", true, TRUE), ("predicted", predicted, PREDICTED)):
        if number is not None:
            words = f"{what}: {clipped(named(number, classes), 28)}"
            canvas.text(left, top, words, 8.5, color=colour, weight="bold")
            left += 0.075 * len(words) + 0.25
    if true is not None and predicted is not None:
        said = "✓ right" if true == predicted else "✗ wrong"
        canvas.text(left, top, said, 8.5, color=SOFT)
        left += 0.75
    if note:
        canvas.text(left, top, note, 8.5, color=SOFT)


def framed(ax: Axes, *, true: bool, predicted: bool) -> None:
    """A solid frame around the predicted class, a dashed one outside it around the true one."""
    if predicted:
        for edge in ax.spines.values():
            edge.set(color=PREDICTED, linewidth=1.8, zorder=5)
    if true:
        from matplotlib.patches import Rectangle

        box = ax.get_window_extent()
        out = 2.6 * ax.figure.dpi / 72
        x, y = out / box.width, out / box.height
        ax.add_patch(Rectangle(
            (-x, -y), 1 + 2 * x, 1 + 2 * y, transform=ax.transAxes, clip_on=False, fill=False,
            edgecolor=TRUE, linewidth=1.2, linestyle=(0, (3, 1.6)),
        ))  # fmt: skip


def drawn(ax: Axes, picture: NDArray[Any]) -> None:
    """A picture in its own shape; a signal as lines."""
    if picture.ndim == 2 and picture.shape[0] <= 8 and picture.shape[1] > 16 * picture.shape[0]:
        ax.plot(picture.T, linewidth=0.9, color=INK, alpha=0.8)
        ax.margins(x=0)
        return
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation=smooth(ax, picture.shape))


def smooth(ax: Axes, shape: Sequence[int]) -> Any:
    """Hard cells where they are larger than dots, else as a good scaler makes them."""
    return "antialiased" if shape[1] > ax.get_window_extent().width else "nearest"


def glow() -> Any:
    """Colours for maps that may go below 0: 0 is black, above it glows warm, below it cold.

    The warm half is matplotlib's magma; lightness grows evenly on both sides, and the two hues
    stay apart for colour-blind eyes.
    """
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    cold = ["#000004", "#061b3f", "#0b3f73", "#14679f", "#3a93c4", "#7cbfe0", "#cdeefb"]
    below = LinearSegmentedColormap.from_list("cold", cold)(np.linspace(1, 0, 256))
    return ListedColormap(np.concatenate([below, colormaps["magma"](np.linspace(0, 1, 256))]))


def fitted(shape: Sequence[float], side: float) -> tuple[float, float]:
    """Width and height in inches of something of this many rows and columns, at most `side`."""
    rows, columns = shape[0], shape[1]
    share = min(max(rows / columns, 0.2), 5.0)
    return (side, side * share) if share <= 1 else (side / share, side)


def number(value: float, digits: int = 3) -> str:
    """A number in few letters, with a real minus sign.

    >>> number(-0.04217), number(1234567.0), number(0.0)
    ('−0.0422', '1.23e6', '0')
    """
    if not math.isfinite(value):
        return str(value)
    text = f"{value:.{digits}g}"
    mantissa, e, power = text.partition("e")
    return (mantissa + (f"e{int(power)}" if e else "")).replace("-", "−")


def places(values: NDArray[Any], digits: int = 4) -> Callable[[float], str]:
    """A way to write numbers of one scale: all with the places that the largest needs.

    >>> places(np.array([-1.0, 20.5]))(6.668), places(np.array([3e-7]))(1.23e-7)
    ('6.67', '1.23e−7')
    """
    real = np.abs(values[np.isfinite(values)])
    most = float(real.max(initial=0)) or 1.0
    if not 1e-3 <= most < 1e5:
        return number
    after = max(0, digits - 1 - math.floor(math.log10(most)))
    return lambda value: f"{round(value, after) + 0.0:.{after}f}".replace("-", "−")


def clipped(words: str, most: int) -> str:
    """Words that fit, the end left out.

    >>> clipped("Ankle boot", 8)
    'Ankle b…'
    """
    words = "".join(c for c in " ".join(words.split()) if c.isprintable()) or "(no name)"
    return words if len(words) <= most else words[: most - 1] + "…"


def chosen_image(images: int, image: int) -> int:
    """The number of an image of the batch; negative ones count from the end."""
    if isinstance(image, bool) or not isinstance(image, int) or not -images <= image < images:
        raise PoolError(f"image is {image!r}; this batch has {images}, from 0")
    return image % images


def picked(values: NDArray[Any] | None, image: int) -> int | None:
    return None if values is None else int(values[image])
