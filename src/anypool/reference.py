"""The meaning, slowly: cut out each window, reduce it whole. NumPy only; every test's oracle."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from . import engine
from .reductions import Reduction
from .windows import Windows


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, return_indices: bool = False,
    **common: Any,
) -> Any:  # fmt: skip
    """What :func:`anypool.pool` must give: windows cut one by one, each handed to NumPy.

    >>> import anypool as ap
    >>> pool([1, 5, 2, 3], ap.windows.sliding(2), "max")
    array([5, 3])
    """
    call = engine.prepare(x, windows, reduce, indices=return_indices, **common)
    plan = call.plan
    values, places = zip(
        *map(functools.partial(_grid, call), range(len(call.layout.grids))), strict=True
    )
    with np.errstate(all="ignore"):
        y = engine.finish(plan, engine.joined(plan, values))
    return (y, engine.squeezed(plan, engine.joined(plan, places))) if return_indices else y


def _grid(call: engine.Call, number: int) -> tuple[np.ndarray, np.ndarray]:
    plan, layout = call.plan, call.layout
    grid, draws = layout.grids[number], call.draws[number]
    shape = engine.plane_shape(plan, layout, grid)
    half = plan.work.itemsize == 2 and plan.work.kind in "fV"
    y = np.empty(shape, np.float64 if half else plan.work)
    places = np.empty(shape, np.int64)
    outer, groups = len(plan.outer), grid[0].start.shape[0]
    planes = math.prod(shape[:outer])
    for spot in np.ndindex(*shape):
        plane = int(np.ravel_multi_index(spot[:outer], shape[:outer])) if outer else 0
        group = plane * groups // planes
        ranges = [
            range(t.start[group, o], t.stop[group, o], t.step)
            for t, o in zip(grid, spot[outer:], strict=True)
        ]
        source = layout.source
        read = spot[:outer] if source is None else (int(source[spot[0]]), *spot[1:outer])
        v, w, where = _window(call, read, ranges)
        u = 0.0 if draws is None else draws[np.ravel_multi_index(spot, shape)]
        y[spot] = _value(call, grid, group, spot[outer:], v, w, u)
        places[spot] = _place(v, where, y[spot])
    return engine.in_place(plan, y), engine.in_place(plan, places)


def _place(v: np.ndarray, where: list[int], y: Any) -> int:
    """Where a window's extreme stands: the first of its equals, or the last NaN."""
    if not v.size:
        return -1
    nan = np.flatnonzero(v != v)
    return where[nan[-1]] if nan.size else where[np.argmax(v == y)]


def _window(
    call: engine.Call, outer: Any, ranges: list[range]
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The real elements of one window in row-major order, their weights and their flat places."""
    plan, values, weights, where = call.plan, [], [], []
    for inner in itertools.product(*ranges):
        place = [0] * call.x.ndim
        for a, i in zip((*plan.outer, *plan.axes), (*outer, *inner), strict=True):
            place[a] = i
        x = call.x[tuple(place)]
        w = 1.0 if call.weighing is None else float(call.weighing.array[tuple(place)])
        if w > 0 and not (plan.options.nan == "skip" and x != x):
            values.append(x)
            weights.append(w if plan.reduction.recipe.weighs else 1.0)
            where.append(int(np.ravel_multi_index(inner, plan.sizes)))
    return np.array(values, dtype=call.x.dtype), np.array(weights), where


def _value(
    call: engine.Call, grid: Any, group: int, spot: Any, v: np.ndarray, w: np.ndarray, u: float
) -> Any:
    plan, recipe = call.plan, call.plan.reduction.recipe
    if not v.size:
        return plan.options.fill or 0
    exact = recipe.result in ("same", "sum", "bool") and v.dtype.kind in "biuc"
    if recipe.result == "sum" and v.dtype.kind in "biu":
        w = w.astype(plan.natural)
        v = v.astype(plan.natural)
    elif not exact:
        v = v.astype(np.result_type(v.dtype, np.float64) if v.dtype.kind != "V" else np.float64)
    with np.errstate(all="ignore"):
        if plan.reduction.sampled:
            return recipe.pick(v, w, v.size, plan.numbers, u, np.empty(0))  # type: ignore[misc]
        if plan.scaled:
            own = plan.divisors(grid)
            return v.sum() / math.prod(d[group, o] for d, o in zip(own, spot, strict=True))
        return recipe.meaning(v, w, plan.numbers)
