"""The way back through sums and means of large windows that move by one place, by `tall`.

What an element of x gets is again a sum over a window of g of the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from . import large, rows, tall
from .traintable import Line


def pays(lines: Sequence[Line], shares: np.ndarray) -> bool:
    """Whether the windows share so much that `large` would serve them forth, too."""
    d, h, w = lines
    worth = h.stride == w.stride == 1 and h.size + w.size >= large.WORTH
    return worth and _is_point(d) and (not shares.size or shares[0] == 1)


def _is_point(axis: Line) -> bool:
    """Whether an axis is not there: one place, one output, one element of it."""
    return axis.n == axis.outs == axis.size == 1 and bool(axis.high[0] > axis.low[0])


def ready(
    kind: str, lines: Sequence[Line], planes: int, channels: int, shares: np.ndarray
) -> tuple[Callable, np.ndarray, int]:
    """The kernel, its table, and over how many units it goes."""
    _, h, w = lines
    divided = shares.size > 0
    flat = _is_point(h) and (not divided or shares[1] == 1)
    if flat and channels >= large.MANY_CHANNELS:
        return _packed(kind, [w], _row_of_channels(channels), planes, channels, divided)
    reach = (w.size - 1) * w.gap
    row = rows.Inner(
        w.outs, channels, channels, w.n, channels, w.size, 1, w.gap, reach + int(w.start[0]), span=1
    )
    return _packed(kind, [h, w], rows.flattened(row, most=1 << 30), planes, channels, divided)


def _row_of_channels(channels: int) -> rows.Inner:
    return rows.Inner(channels, 1, 1, channels, size=1, span=1)


def _packed(
    kind: str, axes: Sequence[Line], row: rows.Inner, planes: int, channels: int, divided: bool
) -> tuple[Callable, np.ndarray, int]:  # fmt: skip
    """The first axis goes down, the second (if any) along the row; the shares are d, h, w."""
    down, outs, n = axes[0], channels, channels
    for axis in axes[1:]:
        outs, n = outs * axis.outs, n * axis.n
    below = large.down(
        down.size, 1, down.gap, (down.size - 1) * down.gap + int(down.start[0]), down.outs, down.n
    )
    first = np.zeros(down.n, np.int64)  # where windows begin is worked out from the rule
    sides = [rows.Outer(first, first + 1, 1, None, outs, n)]
    shares = (-1, -1, 1)
    if divided:
        shares = (1, 1 + down.outs, channels) if len(axes) > 1 else (2, -1, 1)
    wide = kind == "f64" or large.roundings([down.size], row.size) > large.MOST_ROUNDINGS
    acc = "f64" if wide else "f32"
    places = [(planes, down.outs * outs, down.n * n)]
    table, total = large.pack("sum", acc, 0, 0, places, sides, row, below, shares)
    return kernel_of(kind, acc), table, total


@lru_cache(maxsize=16)
def kernel_of(kind: str, accumulator: str) -> Callable:
    return tall.make_slope(kind, accumulator)
