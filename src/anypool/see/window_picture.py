"""Pictures of windows: which inputs each output reads, and what comes back to them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Windows
from . import plane, strip
from .figure import check
from .laid import Laid, lay
from .plane import Plane
from .strip import Strip
from .style import INK, SOFT, sheet, styled
from .ways import pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARGIN, _GAP, _LINE = 0.12, 0.3, 0.15
_WIDE = 13.5  # inches; pictures that are wider stand one under the other
_LETTER = 0.603 * 8 / 72
_LEGEND = 0.22


@styled
def windows(
    shape: int | Sequence[int],
    *windows: Windows | tuple[Windows, str | Reduction],
    reduce: str | Reduction = "mean",
    x: Any = None,
    count_include_pad: bool | None = None,
    columns: int | None = None,
    dpi: int = 120,
) -> Figure:
    """A picture of windows of any kind, several side by side.

    Over one axis every output is a row of cells: those it reads, padding and what lies beyond it,
    and the divisor of its mean. Under them stands how often each input is read, and the weight
    with which a gradient of ones comes back to it. Over two axes there are three maps: the
    windows' outlines, how often each input is read, and that weight. All of it is what
    :func:`anypool.explain` and :func:`anypool.vjp` give.

    Args:
        shape: the sizes of one or two pooled axes; at most 256 inputs and outputs of one axis, 64
            of each of two.
        windows: any of ``anypool.windows``, ``see.copied(m)``, or pairs with a reduction.
        reduce: the reduction of those that bring none. All but "mean" and "sum" need `x`.
        x: numbers of that shape: their values are drawn, the pooled ones beside the rows, and who
            gets which share of the gradient.
        count_include_pad: whether a mean's divisor counts padding, as :func:`anypool.avg_pool`.
        columns: how many side by side; None: as many as fit.
        dpi: dots an inch, 20 to 1200.

    Raises:
        PoolError: where windows do not fit, or the shape is too large to draw.

    >>> import anypool as ap
    >>> figure = windows(10, ap.windows.adaptive(7), ap.windows.split(7))
    >>> [text.get_text() for text in figure.texts[:2]]
    ['windows.adaptive(7)', '10 → 7, windows of 2–3, 6 inputs read more than once']
    """
    check(dpi, columns)
    sizes = tuple(int(n) for n in (shape if np.iterable(shape) else (shape,)))
    _check_shape(sizes, len(windows))
    pairs = [pair(one if isinstance(one, tuple) else (one, reduce)) for one in windows]
    laid = [lay(sizes, where, how, x, count_include_pad) for where, how in pairs]
    _check_outputs(laid)
    kind, alike = (Strip, strip.side_by_side) if len(sizes) == 1 else (Plane, plane.side_by_side)
    blocks = [kind(one) for one in laid]
    alike(blocks)
    return _arranged(blocks, columns, dpi)


def _check_shape(sizes: tuple[int, ...], count: int) -> None:
    if not count:
        raise PoolError("say which windows to draw, such as anypool.windows.adaptive(7)")
    if len(sizes) not in (1, 2):
        raise PoolError(
            f"the shape has {len(sizes)} axes; one or two can be drawn: windows over several are "
            "the product of their axes, so draw those one by one"
        )
    most = strip.MOST if len(sizes) == 1 else plane.MOST
    if max(sizes) > most:
        shown = " × ".join(str(min(n, most)) for n in sizes)
        raise PoolError(
            f"{' × '.join(map(str, sizes))} inputs are too many to draw; at most {most} of "
            f"{'an axis' if len(sizes) == 1 else 'each of two axes'}, so {shown} would fit; "
            "anypool.explain gives any size as numbers"
        )


def _check_outputs(laid: Sequence[Laid]) -> None:
    for one in laid:
        most = strip.MOST if len(one.shape) == 1 else plane.MOST**2
        count = int(np.prod(one.output))
        reach = max(n + sum(pads) for n, pads in zip(one.shape, one.pads, strict=True))
        if count > most or reach > 2 * strip.MOST:
            raise PoolError(
                f"{one.call} has {count} outputs and reaches over {reach} places; at most {most} "
                f"and {2 * strip.MOST} can be drawn"
            )


def words_of(laid: Laid) -> str:
    """Sizes, lengths of windows, overlap and what is left out, in one line."""
    told = [f"{_times(laid.shape)} → {_times(laid.output) or 'one number'}"]
    told += [laid.note] if laid.note else []
    sizes = [sorted({len(line.reads) for g in laid.grids for line in g[axis]})
             for axis in range(len(laid.shape))]  # fmt: skip
    told.append(f"windows of {_times(_span(lengths) for lengths in sizes)}")
    for count, words in ((int((laid.coverage > 1).sum()), "read more than once"),
                         (int((laid.coverage == 0).sum()), "never read")):  # fmt: skip
        if count:
            told.append(f"{count} input{'s' * (count > 1)} {words}")
    return ", ".join(told)


def _span(lengths: Sequence[int]) -> str:
    return "–".join(str(n) for n in dict.fromkeys((lengths[0], lengths[-1])))


def _times(numbers: Any) -> str:
    return " × ".join(map(str, numbers))


def _arranged(blocks: Sequence[Any], columns: int | None, dpi: int) -> Figure:
    """The pictures side by side while they fit, and a legend of what was drawn."""
    rows = _rows(blocks, columns)
    titles = {block: _title(block) for block in blocks}
    heads = [max(len(call) + len(note) for call, note in (titles[b] for b in row)) for row in rows]
    heights = [
        head * _LINE + 0.1 + max(block.size[1] for block in row)
        for head, row in zip(heads, rows, strict=True)
    ]
    wide = max(sum(b.size[0] + _GAP for b in row) for row in rows) + 2 * _MARGIN - _GAP / 2
    legend = _legend(blocks, wide)
    below = len(legend) * _LEGEND + 0.05
    high = sum(heights) + _GAP * (len(rows) - 1) + 2 * _MARGIN + below
    figure = sheet((wide, high), dpi)
    top = high - _MARGIN
    for head, height, row in zip(heads, heights, rows, strict=True):
        left = _MARGIN
        for block in row:
            _block(figure, block, titles[block], left, top, head)
            left += block.size[0] + _GAP
        top -= height + _GAP
    for number, kinds in enumerate(reversed(legend)):
        _key(figure, kinds, _MARGIN + number * _LEGEND)
    return figure


def _rows(blocks: Sequence[Any], columns: int | None) -> list[list[Any]]:
    rows: list[list[Any]] = [[]]
    for block in blocks:
        row = rows[-1]
        wide = sum(b.size[0] + _GAP for b in row) + block.size[0]
        if row and (len(row) == columns if columns else wide > _WIDE):
            rows.append(row := [])
        row.append(block)
    return rows


def _title(block: Any) -> tuple[list[str], list[str]]:
    letters = max(int((block.size[0] - block.indent) / _LETTER), 24)
    call = textwrap.wrap(block.laid.call, letters, break_long_words=False)
    return call, textwrap.wrap(words_of(block.laid), int(letters * 1.15))


def _block(
    figure: Figure, block: Any, title: tuple[list[str], list[str]], left: float, top: float,
    head: int,
) -> None:  # fmt: skip
    wide, high = figure.get_size_inches()
    call, note = ("\n".join(lines) for lines in title)
    x = left + block.indent
    figure.text(
        x / wide, top / high, call, fontsize=8, family="monospace", va="top", color=INK,
        weight="bold",
    )  # fmt: skip
    below = top - len(title[0]) * _LINE
    figure.text(x / wide, below / high, note, fontsize=7.5, va="top", color=SOFT, linespacing=1.35)
    y = top - head * _LINE - 0.1 - block.size[1]
    block.draw(figure, left, y)


def _legend(blocks: Sequence[Any], wide: float) -> list[list[str]]:
    """What was drawn of the legend, in rows that fit."""
    rows, left = [], wide
    for kind in strip.LEGEND:
        if any(kind in block.used for block in blocks):
            need = _key_width(kind)
            if left + need > wide - _MARGIN:
                rows.append([])
                left = _MARGIN
            rows[-1].append(kind)
            left += need
    return rows


def _key_width(kind: str) -> float:
    return 0.4 + len(strip.LEGEND[kind][2]) * 0.055


def _key(figure: Figure, kinds: Sequence[str], y: float) -> None:
    """One row of the legend: what the colours mean."""
    from matplotlib.patches import Rectangle

    wide, high = figure.get_size_inches()
    left = _MARGIN
    for kind in kinds:
        face, dash, words = strip.LEGEND[kind]
        figure.add_artist(
            Rectangle(
                (left / wide, y / high),
                0.13 / wide,
                0.13 / high,
                facecolor=face,
                edgecolor=SOFT,
                linestyle=dash,
                linewidth=0.7,
                transform=figure.transFigure,
            )
        )
        figure.text((left + 0.19) / wide, (y + 0.065) / high, words, fontsize=7, va="center")
        left += _key_width(kind)
