"""Boxes on a photograph, and what pooling makes of each: one size, whatever theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import PoolError
from ..ops import roi_pool
from .panel import Panel
from .picture import Picture
from .spell import reduction_call

Box = tuple[int, int, int, int]


def boxes_of(given: Any, number: int, picture: Picture) -> tuple[Box, ...]:
    """The boxes of the picture of this number, in its own pixels."""
    if given is None:
        return ()
    rows = np.asarray(given)
    if rows.ndim != 2 or rows.shape[1] not in (4, 5) or rows.dtype.kind not in "iu":
        raise PoolError(
            f"boxes have shape {rows.shape} and dtype {rows.dtype}; give rows of whole numbers "
            "(row, column, row, column), or with the image's number in front"
        )
    if rows.shape[1] == 5:
        rows = rows[rows[:, 0] == number, 1:]
    shrink = picture.factor
    starts, stops = rows[:, :2] // shrink, -(-rows[:, 2:] // shrink)
    return tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in np.hstack([starts, stops]))


def box_panels(picture: Picture, boxes: tuple[Box, ...], size: Any, reduce: Any) -> Iterator[Panel]:
    """What `roi_pool` makes of every box, in a frame of the box's own shape and colour."""
    if not boxes:
        return
    made = roi_pool(picture.values[None], [(0, *box) for box in boxes], size, reduce, axes=(1, 2))
    for number, (box, values) in enumerate(zip(boxes, made, strict=True)):
        top, left, bottom, right = box
        call = f"roi_pool(x[None], [{(0, *box)}], {size}, {reduction_call(reduce)}, axes=(1, 2))[0]"
        yield Panel(
            call, values, limits=(picture.low, picture.high),
            clip=picture.given, hue=number,
            note=f"of box {number + 1}, {bottom - top} × {right - left}",
            aspect=(bottom - top) / (right - left),
        )  # fmt: skip
