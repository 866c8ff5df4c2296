"""What the training kernels and those who call them agree on: one array of integers.

Pooled axes are called d, h and w, from the outermost to the innermost; missing ones have length 1.
Arrays are dense: planes of d x h x w places, each of `channels` numbers next to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

HEADER = (
    "channels", "tables",
    "d_n", "d_outs", "d_size", "d_gap", "d_at",
    "h_n", "h_outs", "h_size", "h_gap", "h_at",
    "w_n", "w_outs", "w_size", "w_gap", "w_at",
    "pitch", "ring", "strip", "d_cover", "h_cover", "hollow", "at_hollow", "at_moves",
)  # fmt: skip
(
    CHANNELS, TABLES,
    D_N, D_OUTS, D_SIZE, D_GAP, D_AT,
    H_N, H_OUTS, H_SIZE, H_GAP, H_AT,
    W_N, W_OUTS, W_SIZE, W_GAP, W_AT,
    PITCH, RING, STRIP, D_COVER, H_COVER, HOLLOW, AT_HOLLOW, AT_MOVES,
) = range(len(HEADER))  # fmt: skip
N, OUTS, SIZE, GAP, AT = range(5)  # from the place of an axis: D_N, H_N or W_N


SLACK = 256  # vectors are written whole, whatever their length
MOST_SMALL = 255  # taps that a byte can name; 255 itself says that nothing is real


class Line(NamedTuple):
    """The windows of one axis: tap t of output o reads start[o] + t * gap.

    Taps low <= t < high are real. Outputs first <= o < last may read input i.
    """

    n: int
    size: int  # taps at most
    gap: int
    stride: int  # 0 where windows are not at equal distances
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @property
    def outs(self) -> int:
        return len(self.start)


POINT = Line(1, 1, 1, 1, *(np.array([i], np.int64) for i in (0, 0, 1, 0, 1)))


def line(n: int, start: np.ndarray, stop: np.ndarray, gap: int, stride: int) -> Line | None:
    """The windows start <= i < stop (also beyond the axis), or None if they do not move onward."""
    if (np.diff(start) < 0).any() or (np.diff(stop) < 0).any():
        return None
    taps = -((start - stop) // gap)
    low = np.clip(-(start // gap), 0, taps)
    high = np.maximum(np.clip(-((start - n) // gap), 0, taps), low)
    low = np.where(high > low, low, high)
    i = np.arange(n)
    first, last = np.searchsorted(stop, i, side="right"), np.searchsorted(start, i, side="right")
    return Line(n, int(taps.max(initial=1)), gap, stride, start, low, high, first, last)


def pack(channels: int, axes: Sequence[Line], strip: int) -> np.ndarray:
    """Header and tables for d, h and w. ``strip``: outputs (or places) worked on at once."""
    d, h, w = axes
    hollow = np.flatnonzero(w.low == w.high)
    tables = [t for a in (d, h, w) for t in (a.start, a.low, a.high, a.first, a.last)]
    places = np.cumsum([len(HEADER), *map(len, tables)])
    head = [channels, len(HEADER)]
    for axis, at in zip((d, h, w), places[::5], strict=False):
        head += [axis.n, axis.outs, axis.size, axis.gap, at]
    reach = (w.size - 1) * w.gap + 1
    pitch = min(strip, w.outs) + reach // max(w.stride, 1) + SLACK
    d_cover, h_cover = (int((a.last - a.first).max(initial=1)) for a in (d, h))
    head += [pitch, _ring(h.gap * (h.size - 1) + 1), strip, d_cover, _ring(h_cover)]
    head += [len(hollow), places[-1], places[-1] + len(hollow)]
    tables += [hollow, moves(d, h, w), np.zeros(64)]  # vectors read beyond what they need
    return np.concatenate([np.array(head, np.int64), *tables]).astype(np.int64)


def _ring(rows: int) -> int:
    """A power of two, so that a row finds its place in a ring without a division."""
    return 1 << (rows - 1).bit_length()


def moves(d: Line, h: Line, w: Line) -> np.ndarray:
    """How far each tap is from a window's first, in elements; nothing for windows of many taps."""
    if d.size * h.size * w.size > MOST_SMALL:
        return np.zeros(0, np.int64)
    steps = [np.arange(a.size, dtype=np.int64) * a.gap for a in (d, h, w)]
    return ((steps[0][:, None, None] * h.n + steps[1][:, None]) * w.n + steps[2]).ravel()
