"""Three made data sets whose answer is known, to hold a study against.

Every image is a board of 5x5 fields of 4x4 pixels; a field carries one of four figures (a bar, a
post, a cross, a ring), brighter or darker. Mirroring an image changes no figure.

- ``target``: the class is the figure of the one brightest field, whatever the others show. The
  brightness of whole images varies, so that no fixed threshold tells the target from the clutter:
  the maximum must win.
- ``texture``: the class is the figure that most fields carry, and every figure is there, at any
  brightness: the average must win.
- ``tie``: every field is the same, so that average and maximum over the fields are one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .draws import Draws

BOARD, FIELD = 5, 4
MOST = 100_000
CLASSES = ("bar", "post", "cross", "ring")
FIGURES = np.array(
    [
        [[0, 0, 0], [1, 1, 1], [0, 0, 0]],
        [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
        [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
        [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
    ],
    np.float64,
)
Fields = NDArray[np.float64]


def target(draws: Draws, n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One bright figure among dimmer ones: (n, 1, 20, 20) bytes and the n classes."""
    labels = draws.below(4, n)
    kinds = draws.below(4, n, BOARD * BOARD)
    light = 0.3 + 0.55 * draws.uniform(n, BOARD * BOARD)
    place = draws.below(BOARD * BOARD, n)
    rows = np.arange(n)
    kinds[rows, place], light[rows, place] = labels, 1.0
    light *= 0.5 + 0.5 * draws.uniform(n, 1)
    return _board(_fields(draws, kinds, light)), labels


def texture(draws: Draws, n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One figure a little more common than the rest: (n, 1, 20, 20) bytes and the n classes."""
    labels = draws.below(4, n)
    fields = BOARD * BOARD
    # 8 of the 25 fields carry the figure of the class, 6, 6 and 5 the others, whichever
    others = 1 + (np.repeat([0, 1, 2], [6, 6, 5]) + draws.below(3, n, 1)) % 3
    kinds = (labels[:, None] + np.pad(others, ((0, 0), (8, 0)))) % 4
    order = np.argsort(draws.uniform(n, fields), axis=1, kind="stable")
    kinds = np.take_along_axis(kinds, order, axis=1)
    light = 0.25 + 0.75 * draws.uniform(n, fields)
    return _board(_fields(draws, kinds, light)), labels


def tie(draws: Draws, n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One field repeated over the whole image: (n, 1, 20, 20) bytes and the n classes."""
    labels = draws.below(4, n)
    field = _fields(draws, labels[:, None], 0.4 + 0.6 * draws.uniform(n, 1))
    return _board(np.repeat(field, BOARD * BOARD, axis=1)), labels


def _fields(draws: Draws, kinds: NDArray[np.int64], light: NDArray[np.float64]) -> Fields:
    """Each figure in one corner or another of its field, then noise: (n, fields, 4, 4)."""
    fields = np.zeros((*kinds.shape, FIELD, FIELD))
    corner = draws.below(4, *kinds.shape)
    for number, (y, x) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        here = np.nonzero(corner == number)
        figures = FIGURES[kinds[here]] * light[here][:, None, None]
        fields[(*here, slice(y, y + 3), slice(x, x + 3))] = figures
    return fields * 223 + draws.uniform(*fields.shape) * 32


def _board(fields: Fields) -> NDArray[np.uint8]:
    """The fields side by side as images."""
    side = BOARD * FIELD
    board = fields.astype(np.uint8).reshape(-1, BOARD, BOARD, FIELD, FIELD)
    return np.ascontiguousarray(board.swapaxes(2, 3)).reshape(-1, 1, side, side)


MAKERS = {"target": target, "texture": texture, "tie": tie}
