"""The pictures of docs/performance.md: what a kernel does to a few numbers, worked out anew here
and held against the library, so that no picture can show what is not so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import anypool as ap
from anypool.see.style import GRID, HUES, INK, PAPER, SOFT, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
W = ap.windows
PALE = ("#dceaf4", "#f9e3d5", "#d9efe7", "#f6e7f0")  # the house's hues, thinned
X = np.array([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3], [2, 3, 8, 4, 6, 2, 6, 4]], float)


def _agree(found: Any, wanted: Any) -> None:
    """What is drawn is what the library gives."""
    if not np.array_equal(np.asarray(found, float), np.asarray(wanted, float)):
        raise RuntimeError(f"the picture shows {found}, anypool gives {wanted}")


def _paper(width: float, height: float, cells: float) -> tuple[Figure, Any]:
    """A sheet on which one unit is one cell; the top is 0 and rows go down."""
    size = width / cells
    figure = sheet((width, height * size), DPI)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, cells), ylim=(height, 0))
    ax.axis("off")
    return figure, ax


def _say(ax: Any, left: float, top: float, words: str, **how: Any) -> None:
    ax.text(left, top, words, **{"fontsize": 8.5, "va": "center", "color": INK} | how)


def _strip(
    ax: Any, top: float, label: str, values: Any, left: float = 5.2,
    fill: Callable[[int], str] = lambda i: PAPER, step: float = 1.0,
) -> None:  # fmt: skip
    """A row of cells with numbers, and its name before it."""
    from matplotlib.patches import Rectangle

    ax.text(left - 0.25, top + 0.5, label, ha="right", va="center", fontsize=8.5, color=SOFT)
    for i, value in enumerate(values):
        at = left + i * step
        ax.add_patch(Rectangle((at, top), 1, 0.9, facecolor=fill(i), edgecolor=SOFT, linewidth=0.7))
        ax.text(
            at + 0.5, top + 0.47, _digit(value), ha="center", va="center", fontsize=9, color=INK
        )


def _digit(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "−∞" if value == -np.inf else f"{value:g}".replace("-", "−")


def rows() -> Figure:
    """Rows into a buffer, then windows along it: max 3x3, stride 2, padding 1."""
    figure, ax = _paper(7.4, 7.6, 16)
    for i, line in enumerate(X):
        _strip(ax, 0.4 + i, f"row {i} of the input", line, 6.2, lambda _: PALE[0])
    buffer = [-np.inf, *X.max(0), -np.inf]
    _strip(ax, 3.9, "buffer: the larger of each column", buffer, 5.2,
           lambda i: PALE[1] if 0 < i < 9 else GRID)  # fmt: skip
    found = [max(buffer[i : i + 3]) for i in range(0, 8, 2)]
    _agree(found, ap.max_pool(X, (3, 3), (3, 2), (0, 1))[0])
    for i in range(4):
        ax.plot([5.7 + 2 * i, 6.7 + 2 * i, 7.7 + 2 * i], [5.05] * 3, color=HUES[i % 2], lw=1.4)
        ax.plot([6.7 + 2 * i] * 2, [5.05, 5.75], color=HUES[i % 2], lw=1.0)
    _strip(ax, 5.8, "outputs, every second place", found, 6.2, lambda _: PALE[2], 2.0)
    _say(ax, 0.2, 7.1, "Both steps run over the width, as vectors do; the ends are padding.")
    return figure


def large() -> Figure:
    """Van Herk's blocks down the columns, doubling along the row: windows of 4."""
    x = X[:2].ravel()[:12]
    figure, ax = _paper(7.4, 11.6, 18)
    k, n = 4, len(x)
    prefix = np.concatenate([np.maximum.accumulate(x[i : i + k]) for i in range(0, n, k)])
    suffix = np.concatenate(
        [np.maximum.accumulate(x[i : i + k][::-1])[::-1] for i in range(0, n, k)]
    )
    found = [max(suffix[i], prefix[i + k - 1]) for i in range(n - k + 1)]
    wanted = ap.pool(x, W.sliding(k, 1), "max")
    _agree(found, wanted)

    def block(i: int) -> str:
        return PALE[i // k]

    _strip(ax, 0.9, "a column of the input", x, fill=block)
    _strip(ax, 2.0, "largest since its block began", prefix, fill=block)
    _strip(ax, 3.1, "largest until its block ends", suffix, fill=block)
    _strip(ax, 4.2, "windows of 4", found, fill=lambda _: PALE[2])
    _say(ax, 0.2, 0.4, "Down: blocks as long as a window, which joins the end of one to the next.")
    two = np.maximum(x[:-1], x[1:])
    four = np.maximum(two[:-2], two[2:])
    _agree(four, wanted)
    _strip(ax, 6.7, "a row", x, fill=lambda _: PALE[0])
    _strip(ax, 7.8, "2 neighbours: one shifted read", two, fill=lambda _: PALE[1])
    _strip(ax, 8.9, "4 neighbours: another", four, fill=lambda _: PALE[2])
    _say(ax, 0.2, 6.1, "Along: each level combines twice as many; 63 takes six, not 62.")
    _say(ax, 0.2, 10.6, "Nothing is ever subtracted: an infinity stays in its own windows.")
    return figure


def places() -> Figure:
    """The way back of max: one byte an output, gathered by each input."""
    x = X[0]
    y, back = ap.vjp(x, W.sliding(3, 2, 1), "max")
    g = np.array([1.0, 2.0, 3.0, 4.0])
    slope = back(g)
    padded = np.concatenate([[-np.inf], x, [-np.inf]])
    taps = [int(np.argmax(padded[2 * i : 2 * i + 3])) for i in range(4)]
    gathered = [sum(g[o] for o in range(4) if 2 * o - 1 + taps[o] == i) for i in range(8)]
    _agree(gathered, slope)
    figure, ax = _paper(7.4, 7.3, 16)
    _strip(ax, 0.4, "input", x, fill=lambda _: PALE[0])
    _strip(ax, 1.7, "max of 3, stride 2, padding 1", y, fill=lambda _: PALE[2], step=2.0)
    _strip(ax, 2.8, "kept: its place in the window, a byte", taps, fill=lambda _: PALE[3], step=2.0)
    _strip(ax, 4.1, "derivative that comes in", g, fill=lambda _: PALE[2], step=2.0)
    for o in range(4):
        ax.plot([5.7 + 2 * o, 5.7 + 2 * o - 1 + taps[o]], [5.0, 5.5], color=HUES[1], lw=1.2)
    _strip(ax, 5.5, "derivative of the input", gathered, fill=lambda _: PALE[1])
    _say(ax, 0.2, 6.9, "Each input asks the few outputs that read it: is your place mine?")
    return figure


def network() -> Figure:
    """The median of 3x3 from sorted columns, which neighbouring windows share."""
    figure, ax = _paper(7.4, 9.3, 17)
    window = X[:, 2:5]
    columns = np.sort(X, 0)
    low, middle, high = columns[:, 2:5]
    three = [low.max(), float(np.median(middle)), high.min()]
    found = float(np.median(three))
    _agree(found, ap.pool(window, W.whole(), "median")[0, 0])

    def inside(i: int) -> str:
        return PALE[1] if 2 <= i < 5 else PALE[0]

    for i, line in enumerate(X):
        _strip(ax, 0.9 + i, f"row {i}", line, fill=inside)
    for i, line in enumerate(columns):
        name = ("smallest", "middle", "largest")[i]
        _strip(ax, 4.5 + i, f"{name} of each column", line, fill=inside)
    _say(ax, 0.2, 0.4, "Columns are sorted once, for all windows that share them.")
    for i, words in enumerate(("the largest of these", "their middle", "the smallest of these")):
        _say(ax, 13.35, 4.97 + i, words, color=SOFT)
    _strip(ax, 7.9, "one of each row of the window", three, fill=lambda _: PALE[3])
    _say(ax, 8.6, 8.37, "their middle is the median:", color=SOFT)
    _strip(ax, 7.9, "", [found], 13.35, lambda _: PALE[2])
    return figure


def mask() -> Figure:
    """A mask selects; what is real is counted once for all channels."""
    x = np.array([3.0, np.nan, 4, 1, 5, np.nan, 2, 6])
    real = np.array([1, 0, 1, 1, 1, 0, 0, 0], bool)
    chosen = np.where(real, x, 0.0)
    sums, counts = chosen.reshape(4, 2).sum(1), real.reshape(4, 2).sum(1)
    found = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
    _agree(found, ap.avg_pool(x, 2, mask=real))
    figure, ax = _paper(7.4, 7.4, 16)
    _strip(ax, 0.4, "input", ["NaN" if np.isnan(v) else v for v in x], fill=lambda _: PALE[0])
    _strip(ax, 1.5, "what is real", ["yes" if r else "no" for r in real], fill=lambda i:
           PALE[2] if real[i] else GRID)  # fmt: skip
    _strip(ax, 2.8, "selected; the rest is 0", chosen, fill=lambda i: PALE[0] if real[i] else GRID)
    _strip(ax, 4.1, "sums of 2", sums, fill=lambda _: PALE[1], step=2.0)
    _strip(ax, 5.2, "counts, once for all channels", counts, fill=lambda _: PALE[3], step=2.0)
    _strip(ax, 6.3, "means; 0 where nothing is real", found, fill=lambda _: PALE[2], step=2.0)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "kernel-rows.svg": rows,
    "kernel-large.svg": large,
    "kernel-places.svg": places,
    "kernel-network.svg": network,
    "kernel-mask.svg": mask,
}
