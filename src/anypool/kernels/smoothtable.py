"""What the smooth kernels and those who call them agree on: the rows' table, and more behind it."""

from __future__ import annotations

import numpy as np

from .rowtable import AT_PLANES, AT_STRIPS, HEADER

MORE = (
    "strip",
    "room",
    "d_gap",
    "h_gap",
    "d_ring",
    "h_ring",
    "fresh",
    "p0",
    "p1",
    "p2",
    "p3",
    "p4",
)
STRIP, ROOM, D_GAP, H_GAP, D_RING, H_RING, FRESH, P0, P1, P2, P3, P4 = range(
    len(HEADER), len(HEADER) + len(MORE)
)


def widened(table: np.ndarray, sizes: tuple[int, ...], p: np.ndarray) -> np.ndarray:
    """A table of `rows.pack` with seven sizes and five parameters behind its header.

    strip: outputs worked on at once; room: numbers in a line of scratch; gaps between the taps of
    the outer axes; rings: how many rows of them are kept; fresh: each element has one window.
    """
    head = table[: len(HEADER)].copy()
    head[AT_PLANES : AT_STRIPS + 1] += len(MORE)
    middle = np.concatenate([np.array(sizes, np.int64), np.asarray(p, np.float64).view(np.int64)])
    return np.concatenate([head, middle, table[len(HEADER) :]])
