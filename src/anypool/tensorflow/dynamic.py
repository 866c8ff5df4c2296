"""Pooling of axes whose sizes are known only at run time: windows are gathered in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import PoolError, ShapeError
from ..plain.finish import narrowed
from ..plain.real import widened
from ..plan import Plan
from ..windows import Boxes
from .lift import DType, Lifted, Tensor, number, tf
from .places import Spots, cut, lay, outputs, shaped
from .space import Tensors
from .windowed import Call, reduce

__all__ = ["outputs", "pool"]


def pool(
    space: Tensors, plan: Plan, x: Lifted, *, mask: Lifted | None = None,
    weights: Lifted | None = None, sizes: Lifted | None = None, spots: Any = None,
    picks: Lifted | None = None, parameter: Lifted | None = None,
) -> Any:  # fmt: skip
    """What ``plain.pool`` gives, whatever the sizes turn out to be."""
    _refuse(plan, spots)
    real, laid = _hidden(plan, x.t, mask, weights)
    call = Call(space, plan, widened(space, plan, x).t, real, laid, parameter,
                None if picks is None else picks.t)  # fmt: skip
    low, high = _extents(plan, sizes)
    pieces, places, done = [], [], 0
    for rules in plan.rules:
        grid = [
            lay(rule, _size(x.t, a), low and low[i], high and high[i])
            for i, (rule, a) in enumerate(zip(rules, plan.axes, strict=True))
        ]
        y, at, nothing = _grid(call, grid, done)
        done += int(np.prod([g.outputs for g in grid])) if plan.windows.joined else 0
        pieces.append(_filled(space, plan, y, nothing))
        places.append(_at(at, nothing))
    y = Lifted(_rounded(plan, _assembled(plan, pieces)))
    return (y, Lifted(_assembled(plan, places))) if plan.options.indices else y


def _refuse(plan: Plan, spots: Any) -> None:
    """What cannot be laid before sizes are known."""
    if isinstance(plan.windows, Boxes):
        raise ShapeError(f"boxes need known sizes; x has shape {plan.shape}: give a static shape")
    if spots is not None:
        raise ShapeError(
            f"windows at random places need known sizes; x has shape {plan.shape}: give a static "
            "shape, or rng=None"
        )
    if plan.reduction.recipe.user:
        raise PoolError(
            f"{plan.reduction} is made of Python functions, which need known sizes; x has shape "
            f"{plan.shape}: give a static shape"
        )
    for what, word in (("fill", None), ("nan", "raise")):
        if getattr(plan.options, what) == word:
            raise PoolError(
                f"{what}={word!r} looks at numbers, which a graph cannot; give another {what}"
            )
    if plan.options.dtype is not None and plan.result.kind == "u":
        raise PoolError(f"dtype {plan.result} is for known sizes; use a signed or floating dtype")


def _size(x: Tensor, axis: int) -> Any:
    n = x.shape[axis]
    return tf.shape(x)[axis] if n is None else n


def _hidden(plan: Plan, x: Tensor, mask: Any, weights: Any) -> tuple[Any, Any]:
    """Which elements are real, and the weights where they mean more; both of x's shape."""
    real = None if mask is None else _long(mask.t, x)
    if weights is not None:
        weights = _long(weights.t, x)
        real = weights > 0 if real is None else real & (weights > 0)
    if plan.options.nan == "skip" and x.dtype.is_floating:
        there = tf.equal(x, x)
        real = there if real is None else real & there
    return real, weights if plan.reduction.recipe.weighs else None


def _long(a: Tensor, x: Tensor) -> Tensor:
    return tf.broadcast_to(a, tf.shape(x))


def _extents(plan: Plan, sizes: Lifted | None) -> tuple[Any, Any]:
    """The real extent of each sample, axis by axis: (batch,) tensors; or None."""
    if sizes is None:
        return None, None
    a = tf.cast(sizes.t, tf.int32)
    pairs = tf.stack([tf.zeros_like(a), a], -1) if a.shape.rank == 2 else a
    return [pairs[:, o, 0] for o in plan.order], [pairs[:, o, 1] for o in plan.order]


# -- one grid -----------------------------------------------------------------------------------


def _grid(call: Call, grid: list[Spots], done: int) -> tuple[Tensor, Any, Any]:
    """The value of every window, where it stands, and whether there is nothing real."""
    name, options = call.plan.reduction.name, call.plan.options
    if name in ("sum", "mean"):
        return _total(call, grid)
    if name in ("any", "all"):
        x = tf.cast(call.x != 0, tf.int32)
        return _extreme(call._replace(x=x), grid, 1 if name == "any" else -1)
    if name in ("max", "min") and (options.ties == "first" or options.indices):
        return _extreme(call, grid, 1 if name == "max" else -1)
    return reduce(call, grid, done)


def _each(call: Call, x: Tensor, grid: list[Spots], reduce: Any) -> Tensor:
    """One axis after the other, the last first; windows that are everything at once."""
    rank = x.shape.rank
    for spots, axis in reversed(list(zip(grid, call.plan.axes, strict=True))):
        if spots.whole:
            x = reduce(x, None, axis)
            continue
        real = None if spots.real is None else shaped(spots.real, axis, rank)
        x = reduce(cut(x, spots, axis), real, -1)
    return x


def _sum(x: Tensor, real: Any, axis: int) -> Tensor:
    x = x if real is None else tf.where(real, x, tf.zeros((), x.dtype))
    return tf.reduce_sum(x, axis, keepdims=axis >= 0)


def _nothing(call: Call, grid: list[Spots]) -> Any:
    """Which windows have nothing real; None where all surely have something."""
    if call.real is not None:
        return _each(call, tf.cast(call.real, tf.int32), grid, _sum) == 0
    if all(spots.full for spots in grid):
        return None
    rank = call.x.shape.rank
    found = None
    for spots, axis in zip(grid, call.plan.axes, strict=True):
        if spots.full or spots.real is None:
            continue
        none = tf.logical_not(tf.reduce_any(shaped(spots.real, axis, rank), -1))
        found = none if found is None else found | none
    return found


def _total(call: Call, grid: list[Spots]) -> tuple[Tensor, None, Any]:
    x, plan = call.x, call.plan
    zero = tf.zeros((), x.dtype)
    x = x if call.real is None else tf.where(call.real, x, zero)
    w = None
    if call.weights is not None:
        kind = x.dtype.real_dtype
        w = tf.where(call.real, tf.cast(call.weights, kind), tf.zeros((), kind))
        x = x * tf.cast(w, x.dtype)
    y, nothing = _each(call, x, grid, _sum), _nothing(call, grid)
    if plan.reduction.name == "sum":
        return y, None, nothing
    if plan.options.divisor_override is not None:
        divisor = tf.constant(float(plan.options.divisor_override), y.dtype.real_dtype)
    elif w is not None or call.real is not None:
        weighed = tf.cast(call.real, y.dtype.real_dtype) if w is None else w
        divisor = _each(call, weighed, grid, _sum)
    else:
        divisor = _counts(call, grid, y.dtype.real_dtype)
    divisor = tf.cast(divisor, y.dtype)
    some = divisor if nothing is None else tf.where(divisor == 0, tf.ones((), y.dtype), divisor)
    return y / some, None, nothing


def _counts(call: Call, grid: list[Spots], dtype: DType) -> Tensor:
    """How many elements each window counts, declared padding too where that is asked."""
    rank, total = call.x.shape.rank, tf.ones((), dtype)
    for spots, axis in zip(grid, call.plan.axes, strict=True):
        if call.plan.counts_padding and spots.span is not None:
            span = spots.span + tf.zeros([spots.outputs], tf.int32)
            own = shaped(span[:, None], axis, rank)
        elif spots.real is None:
            own = tf.shape(spots.index)[-1]
            total = total * tf.cast(own, dtype)
            continue
        else:
            own = tf.reduce_sum(tf.cast(shaped(spots.real, axis, rank), tf.int32), -1, True)
        total = total * tf.cast(own[..., 0], dtype)
    return total


def _extreme(call: Call, grid: list[Spots], sign: int) -> tuple[Tensor, Any, Any]:
    nothing, worst = _nothing(call, grid), call.worst(sign)
    x = call.x if call.real is None else tf.where(call.real, call.x, worst)
    pick = call.space.max if sign > 0 else call.space.min

    def best(v: Tensor, real: Any, axis: int) -> Tensor:
        v = v if real is None else tf.where(real, v, worst)
        return pick(Lifted(v), axis, axis >= 0).t

    def values(x: Lifted) -> Lifted:
        return Lifted(_each(call, x.t, grid, best))

    def sloped(x: Lifted) -> Lifted:
        return Lifted(_found(call, x.t, grid, sign)[0])

    if call.plan.options.indices:
        y, at = _found(call, x, grid, sign)
        return y, at, nothing
    y = call.space.either(values, sloped, Lifted(x)).t if x.dtype.is_floating else (
        values(Lifted(x)).t)  # fmt: skip
    return y, None, nothing


def _found(call: Call, x: Tensor, grid: list[Spots], sign: int) -> tuple[Tensor, Tensor]:
    """The values and their flat places; the derivative goes to the first in row-major order."""
    rank, inner, at = x.shape.rank, 1, tf.zeros((), tf.int64)
    ok = call.real
    for spots, axis in reversed(list(zip(grid, call.plan.axes, strict=True))):
        v = cut(x, spots, axis)
        real = None if spots.real is None else shaped(spots.real, axis, rank)
        if ok is not None:
            own = cut(ok, spots, axis)
            real = own if real is None else own & real
        chosen = _first(call, v, real, sign)
        stands = shaped(tf.cast(spots.index, tf.int64), axis, rank) * tf.cast(inner, tf.int64)
        if at.shape.rank:
            stands = stands + cut(at, spots, axis)
        stands = tf.broadcast_to(stands, tf.shape(v))
        x = tf.gather(v, chosen, axis=-1, batch_dims=rank)
        at = tf.gather(stands, chosen, axis=-1, batch_dims=rank)
        ok = None if ok is None else tf.reduce_any(real, -1)  # type: ignore[arg-type]
        inner = inner * _size(call.x, axis)
    return x, at


def _first(call: Call, v: Tensor, real: Any, sign: int) -> Tensor:
    """Where along the last axis the extreme is: the first of its equals, or the last NaN."""
    v = tf.stop_gradient(v)
    seen = v if real is None else tf.where(real, v, call.worst(sign))
    pick = call.space.max if sign > 0 else call.space.min
    hit = tf.equal(v, pick(Lifted(seen), -1, True).t)
    bad = tf.not_equal(v, v)
    if real is not None:
        hit, bad = hit & real, bad & real
    most = tf.shape(v)[-1]
    taps = tf.range(most)
    rank = tf.where(bad, most + 1 + taps, tf.where(hit, most - taps, 0))
    return tf.argmax(rank, -1)


def _at(at: Any, nothing: Any) -> Any:
    """Where max and min stand; -1 where a window has nothing real."""
    if at is None or nothing is None:
        return at
    return tf.where(nothing, number(-1, at.dtype), at)


# -- the finish ---------------------------------------------------------------------------------


def _filled(space: Tensors, plan: Plan, y: Tensor, nothing: Any) -> Tensor:
    y = narrowed(space, plan, Lifted(y)).t
    if nothing is None:
        return y
    return tf.where(nothing, number(plan.options.fill, y.dtype), y)


def _rounded(plan: Plan, y: Tensor) -> Tensor:
    if plan.result == plan.natural:
        return y
    whole = plan.result.kind in "iu" and y.dtype.is_floating
    return tf.cast(tf.round(y) if whole else y, tf.as_dtype(plan.result))


def _assembled(plan: Plan, pieces: list[Any]) -> Tensor:
    """A pyramid's pieces as one axis where the first pooled axis stood; dropped axes dropped."""
    if not plan.windows.joined:
        y = pieces[0]
        return y if plan.windows.keepdims else tf.squeeze(y, list(plan.axes))
    at = plan.axes[0]
    order = [*(a for a in plan.outer if a < at), *plan.axes, *(a for a in plan.outer if a > at)]
    flat = []
    for piece in pieces:
        moved = tf.transpose(piece, order)
        shape = tf.shape(moved)
        flat.append(tf.reshape(moved, tf.concat([shape[:at], [-1], shape[at + len(plan.axes) :]],
                                                0)))  # fmt: skip
    return tf.concat(flat, at)
