"""Make the pictures of the pages: `python scripts/pictures.py`, or some by name.

The photographs are scikit-image's own (chelsea and coffee, both in the public domain); everything
else is made up here. Each file keeps what it shows, as words and numbers, and a test makes the
figures anew and compares.
"""

import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kernel_pictures
import numpy as np
from numpy.typing import NDArray

import anypool as ap
from anypool import see
from anypool.see.style import HUES, INK, SOFT, settings, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
W = ap.windows
DPI = 100


def photograph(name: str) -> str:
    """Where a photograph lies in the installed scikit-image."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        sys.exit("pictures: the photographs come with scikit-image: pip install scikit-image")
    return str(Path(found.origin).parent / "data" / name)


# --- how adaptive pooling really works ------------------------------------------------------------


def three_rules() -> "Figure":
    return see.windows(10, W.adaptive(7), see.copied(7), W.split(7), dpi=DPI)


def two_axes() -> "Figure":
    return see.windows((7, 10), W.adaptive((3, 4)), dpi=DPI)


def larger() -> "Figure":
    return see.windows(4, W.adaptive(7), W.adaptive(4), W.adaptive(3), dpi=DPI)


def copied_error(n: int, m: int) -> float:
    """How far the copied formula is off for n x n -> m x m, as a share of the true result.

    The root mean square over white noise, exactly: an average is a matrix, and for noise the mean
    square of its result is the sum of its squares. Two axes multiply.
    """
    eye = np.eye(n)
    true, wrong = (ap.pool(eye, w, "mean", axes=(0,)) for w in (W.adaptive(m), see.copied(m)))
    size, own, both = (float((a * b).sum()) for a, b in
                       ((true, true), (wrong, wrong), (true, wrong)))  # fmt: skip
    return float(np.sqrt(max(size**2 + own**2 - 2 * both**2, 0.0)) / size)


def errors() -> "Figure":
    """How far off the copied formula is, for many input sizes."""
    figure = sheet((7.6, 3.1), DPI)
    ax = figure.add_axes((0.085, 0.16, 0.9, 0.74))
    sizes = range(7, 71)
    ax.plot(sizes, [copied_error(n, 7) for n in sizes], color=HUES[1], linewidth=1.4)
    exact = [n for n in sizes if copied_error(n, 7) < 1e-6]
    ax.plot(exact, [0] * len(exact), "o", color=HUES[0], markersize=5, clip_on=False)
    _plain(ax, "rows and columns of the input", "error / true values")
    ax.set(xlim=(6.5, 70.5), ylim=(0, 1), xticks=range(7, 71, 7))
    words = "the copied formula to 7 × 7 on white noise: right (dots) where n mod 7 is 0 or 1"
    ax.set_title(words, loc="left", fontsize=9, color=INK)
    return figure


def photo_by_both() -> "Figure":
    ways = [(W.adaptive((160, 240)), "mean"), (see.copied((160, 240)), "mean")]
    return see.images(photograph("chelsea.png"), ways, differences=[tuple(ways)], columns=2, dpi=80)


# --- what max and average see ---------------------------------------------------------------------


def scenes() -> list[NDArray[Any]]:
    """A bright dot in clutter, a faint square in noise, a texture beside plain grey, an edge."""
    rng = np.random.default_rng(3)
    dot = 0.6 * rng.random((24, 24))
    dot[9, 14] = 1.0
    faint = 0.45 + 0.15 * rng.normal(size=(24, 24))
    faint[8:16, 8:16] += 0.15
    faint = faint.clip(0, 1)
    texture = np.full((24, 24), 0.5)
    texture[:, :12] = np.indices((24, 12)).sum(axis=0) % 2
    edge = np.full((24, 24), 0.2)
    edge[:, 10:] = 0.8
    return [scene.astype(np.float32) for scene in (dot, faint, texture, edge)]


def four_scenes() -> "Figure":
    names = ("a dot in clutter", "a faint square in noise", "a texture beside grey", "an edge")
    named = dict(zip(names, scenes(), strict=True))
    return see.images(named, ["max", "avg"], kernel=4, differences=[("max", "avg")], dpi=80)


def photo() -> "Figure":
    return see.images(photograph("coffee.png"), ["max", "avg"], kernel=8,
                      differences=[("avg", "max")], columns=2, dpi=80)  # fmt: skip


def maxima() -> "Figure":
    x = [9, 0, 0, 0, 9, 9, 0, 0, 9, 9, 9, 9]
    return see.windows(12, (W.sliding(4), "max"), (W.sliding(4), "mean"), x=x, dpi=DPI)


def flow() -> "Figure":
    """Where the gradient of each output goes, for one scene."""
    x = (100 * scenes()[0][6:12, 12:18]).round()
    ways = [(W.sliding(3), name) for name in ("max", "gem", "mean")]
    return see.windows((6, 6), *ways, x=x, dpi=DPI)


def shifts() -> "Figure":
    """Two outputs of windows of 8, while an edge and a dot move by one pixel after the other."""
    figure = sheet((7.6, 2.9), DPI)
    for i, (name, moved) in enumerate((("an edge", edge_at), ("a bright dot", dot_at))):
        ax = figure.add_axes((0.075 + 0.5 * i, 0.17, 0.41, 0.68))
        places = range(17)
        for j, reduce in enumerate(("max", "mean")):
            y = [float(ap.pool(moved(at), W.sliding(8), reduce)[1]) for at in places]
            ax.plot(places, y, "o-", color=HUES[j], markersize=3.5, linewidth=1.2, label=reduce,
                    markerfacecolor=HUES[j] if j else "white")  # fmt: skip
        _plain(ax, "how far it has moved, in pixels", "output 1 of windows of 8" if not i else "")
        ax.set(ylim=(-0.05, 1.09), xticks=range(0, 17, 4))
        ax.set_title(name, loc="left", fontsize=9, color=INK)
        if i == 0:
            ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(0.02, 0.72))
    return figure


def edge_at(place: int) -> NDArray[Any]:
    """24 pixels, bright from this place on."""
    return (np.arange(24) >= 20 - place).astype(np.float64)


def dot_at(place: int) -> NDArray[Any]:
    """24 pixels, one of them bright."""
    return (np.arange(24) == place + 4).astype(np.float64)


def _plain(ax: Any, across: str, up: str) -> None:
    ax.set_xlabel(across, fontsize=8, color=SOFT)
    ax.set_ylabel(up, fontsize=8, color=SOFT)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8, color=SOFT)
    ax.grid(visible=True, color="#dfe3e8", linewidth=0.6)
    ax.set_axisbelow(True)


PICTURES: dict[str, Callable[[], "Figure"]] = {
    "adaptive-10-7.svg": three_rules,
    "adaptive-two-axes.svg": two_axes,
    "adaptive-larger.svg": larger,
    "copied-error.svg": errors,
    "copied-photo.png": photo_by_both,
    "scenes.png": four_scenes,
    "max-and-average.png": photo,
    "three-maxima.svg": maxima,
    "gradient.svg": flow,
    "shift.svg": shifts,
    **kernel_pictures.PICTURES,
}


def made(name: str) -> "Figure":
    with settings():
        return PICTURES[name]()


def about(figure: "Figure") -> str:
    """What a figure shows, as JSON: its words, and what its lines and maps are made of."""
    words = [text.get_text() for text in figure.texts]
    numbers: list[list[float]] = []
    for ax in figure.axes:
        words += [ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)]
        for image in ax.images:
            values = np.ma.filled(np.ma.asarray(image.get_array()), 0.0)
            numbers.append([float(f(values)) for f in (np.min, np.mean, np.max, np.std)])
        numbers += [np.asarray(line.get_ydata(), dtype=float).tolist() for line in ax.lines]
    rounded = [[round(n, 4) for n in some] for some in numbers]
    return json.dumps({"words": [w for w in words if w], "numbers": rounded}, ensure_ascii=True)


def kept(path: Path) -> dict[str, Any]:
    """What a committed picture says that it shows."""
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            return json.loads(str(image.info["Description"]))
    text = path.read_text("utf-8")
    found = re.search(r"<dc:description>(.*?)</dc:description>", text, re.DOTALL)
    if found is None:
        sys.exit(f"pictures: {path} does not say what it shows")
    from html import unescape

    return json.loads(unescape(found[1]))


def smaller(path: Path) -> None:
    """A PNG in 256 colours, an SVG without digits that no screen shows."""
    if path.suffix == ".png":
        from PIL import Image, PngImagePlugin

        with Image.open(path) as image:
            told = PngImagePlugin.PngInfo()
            told.add_text("Description", str(image.info["Description"]))
            few = image.convert("RGB").quantize(256, kmeans=2)
            few.save(buffer := io.BytesIO(), "png", optimize=True, pnginfo=told)
        path.write_bytes(buffer.getvalue())
        return
    text = path.read_text("utf-8")
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r'(?<=\s)(?:d|x|y)="[^"]*"', lambda found: _rounded(found[0]), text)
    path.write_text(re.sub(r"\n\s*", "\n", text), "utf-8")


def _rounded(text: str) -> str:
    short = re.sub(r"-?\d+\.\d+", lambda n: f"{float(n[0]):.2f}".rstrip("0").rstrip("."), text)
    return re.sub(r"\s+", " ", short)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        figure = made(name)
        path = see.save(figure, FOLDER / name, about=about(figure))
        smaller(path)
        print(f"{path.relative_to(FOLDER.parent.parent)}: {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
