"""A figure as files, and as SVG that lives inside a page."""

from __future__ import annotations

import io
import re
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ...see.style import foreign_letters
from .style import GRID, HUES, INK, PAPER, SOFT, WIDTH, settings

# the page gives these names a value for light and one for dark
_ROLES = {PAPER: "paper", INK: "ink", SOFT: "soft", GRID: "line"} | {
    hue: f"hue{i}" for i, hue in enumerate(HUES)
}
_HEX = re.compile("|".join(_ROLES))
_NUMBER = re.compile(r"-?\d+\.\d+")
# matplotlib escapes < and > in what it writes, so this finds tags and nothing else
_TAG = re.compile(r"<[^>]*>")
_GEOMETRY = re.compile(r'(?<=\s)(?:d|x|y|transform)="[^"]*"')
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*"')
_CURVE = re.compile(r'\sd="[^"]*[CQ]')
_USES = re.compile(r'<g([^>]*)>((?:<use [^>]*( style="[^"]*")/>)+)</g>')
_STYLE = re.compile(r'style="[^"]*"')
_PREAMBLE = re.compile(r"^.*?(?=<svg)|<defs>\s*<style.*?</style>\s*</defs>\s*", re.DOTALL)
_FONT = re.compile(r"; font-family: [^;\"]*")
# ids that something refers to: marks and clips, named by a hash; all others only label groups
_LABEL = re.compile(r' id="(?![mp][0-9a-f]{10}")[^"]*"')
_OWN = re.compile(r'( id="|href="#|url\(#)')


def save(figure: Figure, stem: Path, dpi: int) -> str:
    """Write stem.png at `dpi` and stem.svg; give the SVG's text.

    The same figure gives the same bytes: no date, and names of parts that follow from `stem`.
    """
    with settings(**{"svg.hashsalt": stem.name}), foreign_letters():
        figure.savefig(stem.with_name(f"{stem.name}.png"), format="png", dpi=dpi, facecolor=PAPER)
        figure.set_layout_engine("none")  # the places found for the PNG are as good here
        text = _svg(figure)
    stem.with_name(f"{stem.name}.svg").write_text(text, encoding="utf-8")
    return text


def _svg(figure: Figure) -> str:
    silent: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    page = io.StringIO()
    figure.savefig(page, format="svg", facecolor=PAPER, metadata=silent)
    return page.getvalue()


def inline(svg: str, name: str, title: str) -> str:
    """The SVG as a part of a page: it takes the page's colours and font, and has a spoken title.

    name: what its ids begin with, so that two figures of one page never share one
    """
    text = _TAG.sub(lambda tag: _fitted(tag[0], name), _PREAMBLE.sub("", svg))
    text = _USES.sub(_gathered, re.sub(r">\s+<", "><", text))
    return _opened(text, name, title)


def _fitted(tag: str, name: str) -> str:
    """One tag with ids of its own, colours by role, and no more digits than a screen shows."""
    tag = _OWN.sub(rf"\g<1>{name}-", _LABEL.sub("", tag))
    tag = _UNTURNED.sub("", re.sub(r"\s+", " ", tag))
    tag = _GEOMETRY.sub(_curved if _CURVE.search(tag) else _straight, tag)
    return _STYLE.sub(_themed, tag)


def _curved(found: re.Match[str]) -> str:
    return _rounded(found[0], 2)


def _straight(found: re.Match[str]) -> str:
    """A path of lines alone needs no L between its points, and a tenth of a point is enough."""
    return _rounded(found[0], 1).replace(" L ", " ")


def _rounded(text: str, places: int) -> str:
    return _NUMBER.sub(lambda n: f"{float(n[0]):.{places}f}".rstrip("0").rstrip("."), text)


def _gathered(found: re.Match[str]) -> str:
    """Marks of one style say it once."""
    group, marks, style = found.groups()
    alike = marks.count(style) == marks.count("<use ")
    return f"<g{group}{style}>{marks.replace(style, '')}</g>" if alike else found[0]


def _themed(found: re.Match[str]) -> str:
    return _HEX.sub(lambda colour: f"var(--{_ROLES[colour[0]]})", _FONT.sub("", found[0]))


def _opened(svg: str, name: str, title: str) -> str:
    """The <svg> as wide as its place, with a role and a title for those who hear the page."""
    start, _, body = svg.partition(">")
    box = re.findall(r'viewBox="[^"]*"', start)[0]
    share = float(box.split()[2]) / (72 * WIDTH)
    return (
        f'<svg {box} style="--share: {share:.2f}" role="img" aria-labelledby="{name}-title" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="{name}-title">{escape(title)}</title>{body}'
    )
