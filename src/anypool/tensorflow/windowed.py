"""Windows of unknown sizes side by side: the call, and the reductions by the recipes' ``batch``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..plan import Plan
from .lift import DType, Lifted, Tensor, tf
from .places import Spots, cut, shaped
from .space import Tensors


@dataclass(frozen=True)
class Windowed(Tensors):
    """Plain operations on gathered windows, whose shape is known only at run time."""

    like: Any = None  # the gathered windows

    def arange(self, n: Any) -> Lifted:
        return Lifted(tf.range(tf.shape(self.like)[-1]))

    def zeros(self, shape: Sequence[Any], dtype: Any) -> Lifted:
        return Lifted(tf.zeros(tf.shape(self.like)[:-1], self.dtype(dtype)))


class Call(NamedTuple):
    """One call: x in its working dtype, what of it is real, and what is asked."""

    space: Tensors
    plan: Plan
    x: Tensor
    real: Tensor | None
    weights: Tensor | None
    parameter: Any
    picks: Tensor | None

    def worst(self, sign: int) -> Tensor:
        """What no element is better than."""
        dtype = self.x.dtype
        if dtype.is_integer:
            return tf.constant(dtype.min if sign > 0 else dtype.max, dtype)
        return tf.constant(-sign * float("inf"), dtype)


def reduce(call: Call, grid: list[Spots], done: int) -> tuple[Tensor, None, Any]:
    """Every window by the recipe's own ``batch``."""
    recipe = call.plan.recipe
    v, real = _gathered(call.x, call, grid), _geometry(call, grid)
    if call.real is not None:
        own = _gathered(call.real, call, grid)
        real = own if real is None else own & real
    kind = v.dtype if v.dtype.is_floating else tf.float64
    picks = recipe.family == "pick"
    if picks and call.weights is not None:
        kind = tf.float64
    v = tf.cast(v, kind) if v.dtype.is_floating else v
    w, nothing = tf.ones(tf.shape(v), kind), None
    if real is not None:
        v = tf.where(real, v, tf.zeros((), v.dtype))
        w = tf.cast(real, kind)
        if call.weights is not None:
            own = tf.cast(_gathered(call.weights, call, grid), kind)
            w = tf.where(real, own, tf.zeros((), kind))
        nothing = tf.logical_not(tf.reduce_any(real, -1))
        w = tf.where(nothing[..., None], tf.ones((), kind), w)
    w = tf.broadcast_to(w, tf.shape(v))
    space = Windowed(wary=call.space.wary, like=v)
    args = [Lifted(v), Lifted(w), _numbers(call, v.dtype)]
    if picks:
        args.append(_own_picks(call, grid, done, kind))
    return recipe.batch(space, *args)[0].t, None, nothing


def _numbers(call: Call, dtype: DType) -> tuple[Any, float]:
    first, second = call.plan.numbers
    if call.parameter is None:
        return first, second
    own = tf.cast(call.parameter.t, dtype)
    return Lifted(own[..., None] if own.shape.rank else own), second


def _gathered(a: Tensor, call: Call, grid: list[Spots]) -> Tensor:
    """All windows cut out: their elements in row-major order along one new last axis."""
    rank = a.shape.rank
    for spots, axis in zip(grid, call.plan.axes, strict=True):
        a = cut(a, spots, axis)
    return tf.reshape(a, tf.concat([tf.shape(a)[:rank], [-1]], 0)) if len(grid) > 1 else a


def _geometry(call: Call, grid: list[Spots]) -> Any:
    """What of the gathered windows lies inside the array; None where everything does."""
    if all(spots.real is None for spots in grid):
        return None
    found: Any = None
    rank, more = call.x.shape.rank, len(grid) - 1
    for i, (spots, axis) in enumerate(zip(grid, call.plan.axes, strict=True)):
        real = tf.ones(tf.shape(spots.index), tf.bool) if spots.real is None else spots.real
        real = shaped(real, axis, rank, i)
        real = real[(..., *(None,) * (more - i))]
        found = real if found is None else found & real
    shape = tf.shape(found)
    return tf.reshape(found, tf.concat([shape[:rank], [-1]], 0))


def _own_picks(call: Call, grid: list[Spots], done: int, dtype: DType) -> Lifted | None:
    """The draws of one grid, pooled axes in their places."""
    if call.picks is None:
        return None
    plan, picks = call.plan, tf.cast(call.picks, dtype)
    if not plan.windows.joined:
        for axis in plan.axes if not plan.windows.keepdims else ():
            picks = tf.expand_dims(picks, axis)
        return Lifted(picks)
    at, behind = plan.axes[0], [a for a in plan.outer if a > plan.axes[0]]
    sizes = [spots.outputs for spots in grid]
    own = picks[(slice(None),) * at + (slice(done, done + int(np.prod(sizes))),)]
    shape = tf.shape(own)
    own = tf.reshape(own, tf.concat([shape[:at], sizes, shape[at + 1 :]], 0))
    order = [*(a for a in plan.outer if a < at), *plan.axes, *behind]
    return Lifted(tf.transpose(own, np.argsort(order)))
