"""How the page opens: what follows the # in its address."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import PoolError

MOST_SIDE = 64


def opening(state: str, picture: str, numbers: Any = None) -> str:
    """A state that shows `picture`, unless it names one itself; with a grid of numbers in it.

    >>> opening("#a=max,adaptive,n2&b=none", "numbers", [[1, 2.5], [3, 4]])
    '#image=numbers&numbers=1,2.5;3,4&a=max,adaptive,n2&b=none'
    >>> opening("#image=ramp", "photo")
    '#image=ramp'
    >>> opening("", "")
    ''
    """
    parts = [part for part in state.removeprefix("#").split("&") if part]
    names = {part.partition("=")[0] for part in parts}
    lead = [f"image={picture}"] if picture and "image" not in names else []
    grid = [] if numbers is None else [f"numbers={_spelled(numbers)}"]
    kept = [part for part in parts if not (grid and part.startswith("numbers="))]
    return "#" + "&".join([*lead, *grid, *kept]) if lead or grid or kept else ""


def _spelled(numbers: Any) -> str:
    """Rows of numbers as the address has them: 1,2.5;3,4."""
    try:
        grid = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        raise PoolError(
            "numbers must be rows of as many numbers each, as [[1, 2], [3, 4]]"
        ) from None
    if grid.ndim != 2 or not grid.size or max(grid.shape) > MOST_SIDE:
        raise PoolError(
            f"numbers has shape {grid.shape}; give rows and columns, from 1 to {MOST_SIDE} of each"
        )
    return ";".join(",".join(_word(float(value)) for value in row) for row in grid)


def _word(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
