"""The random numbers that a plan wants: their shapes, and NumPy's own for a seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..plan import Plan
from ..windows import Boxes
from .finish import assembled
from .space import NUMPY

Shape = tuple[int, ...]


def spots_shape(plan: Plan) -> Shape:
    """The shape of the numbers that windows at random places want: one for each axis and plane."""
    return (len(plan.axes), *(plan.shape[a] for a in plan.outer))


def picks_shape(plan: Plan) -> Shape:
    """The shape of the numbers that a reduction that draws wants: the output's."""
    return assembled(NUMPY, plan, [np.broadcast_to(0.0, s) for s in _grids(plan)]).shape


def numpy_draws(plan: Plan, rng: Any) -> dict[str, np.ndarray]:
    """What NumPy's arrays would be pooled with for this seed: ``spots`` and ``picks``."""
    found = {}
    if plan.windows.random:
        found["spots"] = np.random.default_rng(rng).random(spots_shape(plan))
    if plan.reduction.sampled:
        generator = np.random.default_rng(rng)
        found["picks"] = assembled(NUMPY, plan, [_drawn(plan, s, generator) for s in _grids(plan)])
    return found


def _grids(plan: Plan) -> list[Shape]:
    """The shape of each grid's output, every pooled axis in its place."""
    batch = len(plan.windows.boxes) if isinstance(plan.windows, Boxes) else None
    return [plan.out_shape(grid, batch) for grid in plan.layout().grids]


def _drawn(plan: Plan, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """One number for each output, drawn in plane order."""
    order = (*plan.outer, *plan.axes)
    flat = generator.random(math.prod(shape))
    return flat.reshape([shape[a] for a in order]).transpose(np.argsort(order))
