"""What asks to look at numbers: ``fill=None`` and ``nan="raise"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import PoolError
from .places import Places, long
from .totals import total

if TYPE_CHECKING:
    from .pooling import Call, Piece


def look(call: Call, piece: Piece, places: list[Places]) -> None:
    """Raise for empty windows under ``fill=None``, and for NaN under ``nan="raise"``."""
    space, options = call.space, call.plan.options
    if options.fill is None and piece.nothing is not None:
        empty = space.truth(space.any(piece.nothing))
        if empty is None:
            raise PoolError(
                "fill=None looks whether a window has nothing real, which a traced call cannot; "
                "give fill= a number"
            )
        if empty:
            raise PoolError(
                "some windows have nothing real and fill is None; give fill=, or windows that do"
            )
    if options.nan == "raise" and call.plan.dtype.kind in "fVc":
        _look_for_nan(call, places)


def _look_for_nan(call: Call, places: list[Places]) -> None:
    space, x = call.space, call.x
    real = long(space, call.real, x.shape, places)
    nan = x != x if real is None else (x != x) & real
    met = space.truth(space.any(total(space, space.astype(nan, np.dtype(np.int32)), places) > 0))
    if met is None:
        raise PoolError(
            'nan="raise" looks at the numbers, which a traced call cannot; use "propagate" or '
            '"skip"'
        )
    if met:
        raise PoolError('x has NaN in its windows; use nan="propagate", nan="skip" or a mask')
