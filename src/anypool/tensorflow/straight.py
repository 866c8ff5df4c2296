"""Plain windows of max, min, mean and sum: few operations forth, and a derivative made by hand.

TensorFlow would differentiate gathers into scatters, and shares the derivative of a maximum among
equals (its ``max_pool3d`` even gives each of them all of it: 2.21, measured). Here every element
asks the few windows that read it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..plain.finish import narrowed, rounded
from ..plain.real import widened
from ..plan import Plan
from . import builtin, export
from .lift import DType, Lifted, Tensor, gathered, number, tf
from .lines import Line, lines_of, step_of
from .space import Tensors


def serves(plan: Plan, beside: Any) -> bool:
    """Whether this is a plain pooling of floats whose pooled sizes are known."""
    options = plan.options
    simple = (
        plan.reduction.name in ("max", "min", "mean", "sum") and not plan.select
        and not options.indices and not options.sized and options.ties == "first"
        and options.nan == "propagate" and options.fill is not None
    )  # fmt: skip
    known = (
        plan.dtype.kind in "fV"
        and all(a is None for a in beside)
        and all(plan.shape[a] is not None for a in plan.axes)
    )
    return simple and known and not plan.windows.joined and plan.fixed is not None and (
        lines_of(plan) is not None
    )  # fmt: skip


def pool(space: Tensors, plan: Plan, x: Tensor) -> Tensor:
    """The values by whatever is fastest here; the derivative by asking the readers."""
    lines: list[Line] = lines_of(plan)  # type: ignore[assignment]

    @tf.custom_gradient
    def run(x: Tensor) -> Any:
        def slope(g: Tensor) -> Tensor:
            wide = widened(space, plan, Lifted(x)).t
            g = tf.cast(g, wide.dtype)
            for axis in () if plan.windows.keepdims else plan.axes:
                g = tf.expand_dims(g, axis)
            return tf.cast(back(space, plan, lines, wide, g), x.dtype)

        return values(space, plan, lines, x), slope

    return run(x)


def values(space: Tensors, plan: Plan, lines: list[Line], x: Tensor) -> Tensor:
    """What comes out, dtype and all."""
    wide = widened(space, plan, Lifted(x)).t
    own = None if space.wary else builtin.find(plan)
    if own is None:
        y = _by_axes(space, plan, lines, wide)
    elif plan.reduction.name in ("mean", "sum") or export.FINITE.get():
        y = own(wide)
    else:  # TensorFlow's max loses NaN, and makes the lowest number of nothing but -inf
        finite = tf.math.is_finite(tf.reduce_sum(wide))
        y = tf.cond(finite, lambda: own(wide), lambda: _by_axes(space, plan, lines, wide))
    y = narrowed(space, plan, Lifted(_filled(plan, lines, y)))
    y = rounded(space, plan, y).t
    return y if plan.windows.keepdims else tf.squeeze(y, list(plan.axes))


def _by_axes(space: Tensors, plan: Plan, lines: list[Line], x: Tensor) -> Tensor:
    name = plan.reduction.name
    for own in lines:
        x = _one_axis(space, name, own, x)
    return x / divisors(plan, lines, x.dtype) if name == "mean" else x


def _one_axis(space: Tensors, name: str, own: Line, x: Tensor) -> Tensor:
    if len(own.reads) == 1 and own.tiled and own.reads.size == own.n:
        return _reduced(space, name, x, own.axis, True)
    many, taps = own.reads.shape
    if space.wary and taps <= MOST_TAPS:
        return _by_taps(space, name, own, x)
    if not own.tiled and taps <= SHORT:
        return _by_taps(space, name, own, x)
    if not own.tiled and many <= MOST_CUTS and own.real.any(1).all():
        return _by_cuts(space, name, own, x)
    tiles = _tiles(own, x)
    if not own.real.all():
        tiles = tf.where(_along(own.real, own.axis, x), tiles, number(NEUTRAL[name], x.dtype))
    return _reduced(space, name, tiles, own.axis + 1, False)


def _by_taps(space: Tensors, name: str, own: Line, x: Tensor) -> Tensor:
    """One element of every window after the other; XLA makes one loop of it."""
    join, y = JOIN[name], None
    for spots, there in zip(own.reads.T, own.real.T, strict=True):
        part = space.pick(Lifted(x), own.axis, spots)
        if not there.all():
            part = space.where(Lifted(_along(there, own.axis, x)), part, NEUTRAL[name])
        y = part if y is None else join(space, y, part)
    return y.t  # type: ignore[union-attr]


def _by_cuts(space: Tensors, name: str, own: Line, x: Tensor) -> Tensor:
    """Few windows, each a slice reduced on its own: nothing is gathered."""
    step, before = step_of(own), (slice(None),) * own.axis
    cuts = [
        slice(int(spots[0]), int(spots[real.sum() - 1]) + 1, step)
        for spots, real in zip(own.reads, own.real, strict=True)
    ]
    return tf.concat([_reduced(space, name, x[(*before, c)], own.axis, True) for c in cuts],
                     own.axis)  # fmt: skip


MOST_CUTS = MOST_TAPS = 32
SHORT = 4  # elements of a window: up to here taking one after the other is fastest without XLA
JOIN: dict[str, Any] = {
    "max": lambda space, a, b: space.maximum(a, b), "min": lambda space, a, b: space.minimum(a, b),
    "mean": lambda space, a, b: a + b, "sum": lambda space, a, b: a + b,
}  # fmt: skip


def _reduced(space: Tensors, name: str, x: Tensor, axis: int, keepdims: bool) -> Tensor:
    reduce = {"max": space.max, "min": space.min}.get(name, space.sum)
    return reduce(Lifted(x), axis, keepdims).t


NEUTRAL = {"max": -math.inf, "min": math.inf, "mean": 0.0, "sum": 0.0}


def _tiles(own: Line, x: Tensor) -> Tensor:
    """Every window of one axis, its elements along an axis behind it."""
    m, most = own.reads.shape
    a, shape = own.axis, list(x.shape)
    if not own.tiled:
        x = gathered(x, own.reads.ravel(), a)
    elif m * most < own.n:
        x = x[(slice(None),) * a + (slice(0, m * most),)]
    parted = [*shape[:a], m, most, *shape[a + 1 :]]
    return tf.reshape(x, [-1 if n is None else n for n in parted])


def _along(a: np.ndarray, axis: int, x: Tensor) -> Tensor:
    """Numbers of one axis (or of it and the next) shaped to broadcast."""
    return tf.constant(a.reshape(*(1,) * axis, *a.shape, *(1,) * (x.shape.rank - 1 - axis)))


def divisors(plan: Plan, lines: list[Line], dtype: DType) -> Tensor:
    """What each window's sum is divided by; 1 where it reads nothing."""
    total = np.ones((1,) * len(plan.shape))
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    for own, counts in zip(lines, plan.divisors(grid), strict=True):
        shape = [1] * len(plan.shape)
        shape[own.axis] = counts.shape[1]
        total = total * np.where(counts == 0, 1, counts).reshape(shape)
    return tf.constant(total, dtype)


def _filled(plan: Plan, lines: list[Line], y: Tensor) -> Tensor:
    """``fill`` where a window has nothing real."""
    for own in lines:
        hollow: Any = ~own.real.any(1)
        if hollow.any():
            y = tf.where(_along(hollow, own.axis, y), number(plan.options.fill, y.dtype), y)
    return y


# -- the derivative -----------------------------------------------------------------------------


def back(space: Tensors, plan: Plan, lines: list[Line], x: Tensor, g: Tensor) -> Tensor:
    """The derivative by x: TensorFlow's own where that is right, else by asking the readers."""
    linear = plan.reduction.name in ("sum", "mean")
    if space.wary or builtin.find(plan) is None:
        return by_readers(space, plan, lines, x, g)
    if linear:
        return builtin.backward(plan, x, g)
    if len(lines) == 3:
        return by_readers(space, plan, lines, x, g)
    if export.FINITE.get():
        return builtin.backward(plan, x, g)
    return tf.cond(tf.math.is_finite(tf.reduce_sum(x)), lambda: builtin.backward(plan, x, g),
                   lambda: by_readers(space, plan, lines, x, g))  # fmt: skip


def by_readers(space: Tensors, plan: Plan, lines: list[Line], x: Tensor, g: Tensor) -> Tensor:
    """The derivative by x, axis by axis."""
    name = plan.reduction.name
    if name in ("sum", "mean"):
        g = g / divisors(plan, lines, g.dtype) if name == "mean" else g
        for own in lines:
            g = spread(own, g, None)
        return g
    met, sign = [], 1 if name == "max" else -1
    for own in reversed(lines):
        x, stands = first(space, own, x, sign)
        met.append(stands)
    for own, stands in zip(lines, reversed(met), strict=True):
        g = spread(own, g, stands)
    return g


def spread(own: Line, g: Tensor, stands: Tensor | None) -> Tensor:
    """What each element of an axis gets of its windows' ``g``: all, or where it is the one."""
    total = None
    spots = _along(np.arange(own.n, dtype=np.int32), own.axis, g)
    for readers, asked in zip(own.readers, own.asked, strict=True):
        part, zero = _read(g, readers, own.axis), tf.zeros((), g.dtype)
        if stands is not None:
            part = tf.where(tf.equal(_read(stands, readers, own.axis), spots), part, zero)
        if not asked.all():
            part = tf.where(_along(asked, own.axis, g), part, zero)
        total = part if total is None else total + part
    return total  # type: ignore[return-value]


def _read(a: Tensor, spots: np.ndarray, axis: int) -> Tensor:
    """The slices of a at known spots."""
    if a.shape[axis] == len(spots) and (spots == np.arange(len(spots))).all():
        return a
    return gathered(a, spots, axis)


def first(space: Tensors, own: Line, x: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    """The extreme of each window of one axis, and where on the axis it stands.

    It is the first of its equals, or the last NaN; -1 where a window reads nothing.
    """
    tiles, most = _tiles(own, x), own.reads.shape[1]
    there = _along(own.real, own.axis, x)
    worst = number(-sign * math.inf, x.dtype)
    pick = space.max if sign > 0 else space.min
    seen = tiles if own.real.all() else tf.where(there, tiles, worst)
    y = pick(Lifted(seen), own.axis + 1, True).t
    taps = np.arange(most, dtype=np.int32)
    early, late = _along((most - taps)[None], own.axis, x), _along((most + 1 + taps)[None],
                                                                   own.axis, x)  # fmt: skip
    none = tf.zeros((), tf.int32)
    rank = tf.where(tf.not_equal(tiles, tiles), late,
                    tf.where(tf.equal(tiles, y), early, none))  # fmt: skip
    rank = tf.reduce_max(rank if own.real.all() else tf.where(there, rank, none), own.axis + 1)
    tap = tf.where(rank > most, rank - (most + 1), most - rank)
    start = _along(own.reads[:, 0].astype(np.int32), own.axis, x)
    place = start + tap * step_of(own)
    return tf.squeeze(y, own.axis + 1), tf.where(rank > 0, place, -1)
