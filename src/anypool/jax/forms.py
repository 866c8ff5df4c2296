"""The steps of ``steps`` in plain operations: what they mean on any device.

A tap is the place of an element in its window, row by row, padding counted, as the kernels know it:
255, or -1 where windows are large, says that nothing is real.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import plain
from ..plain.places import lay
from ..plain.taps import Taps
from ..plan import Plan
from . import jobs
from .space import SPACE

Array = Any
MOST = 36  # taps that are taken one by one; beyond, one gather costs less


def values(x: Array, plan: Plan) -> Array:
    """The pooled array, pooled axes of length 1 kept."""
    return plain.pool(SPACE, plan, x).reshape(jobs.out_shape(plan))


def found(x: Array, plan: Plan) -> tuple[Array, Array]:
    """Max or min, and the tap of each."""
    y, at = plain.pool(SPACE, replace(plan, options=replace(plan.options, indices=True)), x)
    y, at = y.reshape(jobs.out_shape(plan)), at.reshape(jobs.out_shape(plan))
    nothing, taps, inner = at < 0, 0, 1
    for axis, line in reversed(_lines(plan)):
        own = (at % line.n - _along(plan, axis, line.start)) // line.gap
        at, taps, inner = at // line.n, taps + own * inner, inner * line.size
    dtype = jobs.tap_dtype(plan)
    return y, jnp.where(nothing, _none(dtype), taps).astype(dtype)


def taken(v: Array, taps: Array, plan: Plan) -> Array:
    """What stands in ``v`` where max or min was found, 0 where nothing was."""
    size = math.prod(line.size for _, line in _lines(plan))
    return _one_by_one(v, taps, plan) if size <= MOST else _gathered(v, taps, plan)


def spread(g: Array, taps: Array, plan: Plan) -> Array:
    """The transpose of :func:`taken`: each derivative to where max or min was found."""
    return _transposed(lambda v: taken(v, taps, _wide(plan)), g, plan)


def back(g: Array, plan: Plan) -> Array:
    """The transpose of :func:`values` for sums and means."""
    return _transposed(lambda v: values(v, _wide(plan)), g, plan)


def _transposed(linear: Any, g: Array, plan: Plan) -> Array:
    """Derivatives are added up in float32 at least."""
    wide = _wide(plan).dtype
    like = jax.typeof(g).update(shape=plan.shape, dtype=wide)
    return jax.linear_transpose(linear, like)(g.astype(wide))[0].astype(plan.dtype)


def _wide(plan: Plan) -> Plan:
    return replace(plan, dtype=np.dtype(np.float32)) if plan.dtype.itemsize == 2 else plan


# -- taps ----------------------------------------------------------------------------------------


def _lines(plan: Plan) -> list[tuple[int, Any]]:
    """The windows of each pooled axis, as the kernels lay them."""
    lines = jobs.training(plan).lines
    return list(zip(plan.axes, lines[len(lines) - len(plan.axes) :], strict=True))


def _along(plan: Plan, axis: int, numbers: np.ndarray) -> np.ndarray:
    return numbers.reshape(*(1,) * axis, -1, *(1,) * (len(plan.shape) - 1 - axis))


def _none(dtype: np.dtype) -> int:
    return -1 if dtype.kind == "i" else 255


def _one_by_one(v: Array, taps: Array, plan: Plan) -> Array:
    parts = [(v, 0)]
    for own in lay(SPACE, plan, 0, None, None):
        parts = [
            (each[j], tap * each.number + j)
            for each, tap in ((Taps(SPACE, part, own, 0), tap) for part, tap in parts)
            for j in range(each.number)
        ]
    return sum(jnp.where(taps == tap, part, 0) for part, tap in parts)


def places(taps: Array, plan: Plan) -> Array:
    """Where each tap stands: flat over the pooled axes, -1 where nothing is real."""
    rest, flat, inner = taps.astype(SPACE.int64), 0, 1
    for axis, line in reversed(_lines(plan)):
        place = _along(plan, axis, line.start) + rest % line.size * line.gap
        flat, rest, inner = flat + place * inner, rest // line.size, inner * line.n
    return jnp.where(taps == _none(jobs.tap_dtype(plan)), -1, flat).astype(SPACE.int64)


def _gathered(v: Array, taps: Array, plan: Plan) -> Array:
    flat, inner = places(taps, plan), math.prod(plan.sizes)
    order = (*plan.outer, *plan.axes)
    lead, back = [plan.shape[a] for a in plan.outer], np.argsort(order)
    planes = v.transpose(order).reshape(*lead, inner)
    spots = jnp.where(flat < 0, inner, flat)  # beyond the plane: nothing
    spots = spots.transpose(order).reshape(*lead, -1)
    found = jnp.take_along_axis(planes, spots, axis=-1, mode="fill", fill_value=0)
    return found.reshape([taps.shape[a] for a in order]).transpose(back)
