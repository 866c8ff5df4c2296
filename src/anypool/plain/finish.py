"""The finish common to all: empty windows filled, the result's dtype and shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import PoolError
from ..plan import Plan
from .space import Array, Space


def narrowed(space: Space, plan: Plan, y: Array) -> Array:
    """The result before ``dtype=`` has its say: in x's own dtype unless it will be rounded on."""
    later = plan.result != plan.natural and plan.natural.kind in "fV"
    return y if later else space.astype(y, plan.natural)


def filled(
    space: Space, plan: Plan, y: Array, at: Array | None, nothing: Array | None
) -> tuple[Array, Array | None]:
    """``fill`` where a window has nothing real."""
    y = narrowed(space, plan, y)
    if nothing is None:
        return y, at
    fill = plan.options.fill or 0
    kind = plan.natural
    if kind.kind in "biu":
        return space.where(nothing, space.asarray(np.array(fill).astype(kind), kind), y), at
    return space.where(nothing, fill, y), at


def assembled(space: Space, plan: Plan, pieces: Sequence[Any]) -> Array:
    """A pyramid's pieces as one axis where the first pooled axis stood; dropped axes dropped."""
    y = pieces[0]
    if plan.windows.joined:
        at = plan.axes[0]
        behind = [a for a in plan.outer if a > at]
        order = [*(a for a in plan.outer if a < at), *plan.axes, *behind]
        return space.concat([_flat(space, p, order, at, len(plan.axes)) for p in pieces], at)
    return y if plan.windows.keepdims else space.reshape(y, [y.shape[a] for a in plan.outer])


def _flat(space: Space, piece: Array, order: list[int], at: int, axes: int) -> Array:
    moved = space.transpose(piece, order)
    shape = moved.shape
    return space.reshape(
        moved, (*shape[:at], math.prod(shape[at : at + axes]), *shape[at + axes :])
    )


def rounded(space: Space, plan: Plan, y: Array) -> Array:
    """The result in its dtype; integers are rounded half to even, and must fit where one can look.

    A traced value cannot be looked at: it is cut off at the dtype's own ends.
    """
    if plan.result == plan.natural:
        return y
    if plan.result.kind in "iu":
        whole = plan.natural.kind in "fV"
        return _fitting(space, plan, space.round(y) if whole else y)
    return space.astype(y, plan.result)


def _fitting(space: Space, plan: Plan, y: Array) -> Array:
    info = np.iinfo(plan.result)
    if not math.prod(y.shape):
        return space.astype(y, plan.result)
    every = tuple(range(len(y.shape)))
    low, high = space.min(y, axis=every), space.max(y, axis=every)
    if space.truth((low >= info.min) & (high <= info.max)) is False:
        raise PoolError(
            f"the result, {float(low):g} to {float(high):g}, does not fit {plan.result}; use a "
            "wider dtype"
        )
    return space.astype(y, plan.result)
