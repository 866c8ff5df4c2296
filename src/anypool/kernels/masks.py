"""Masks, weights and skipped NaN in fast kernels: when they serve a Plan, and how to call them.

What is real is counted first: the mask is summed over the same windows by the row kernels, in
bytes where windows have at most 255 elements, once for all planes (channels) that share it.
Skipped NaN are a mask made from x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plan import Layout, Plan
from . import fast
from .fast import OPS
from .frame import flat, readable
from .masktables import Made, laid, make
from .share import bits


def suits(plan: Plan, places: Any, taps: Any) -> bool:
    """Whether a plan may be served here (as far as shapes tell)."""
    name, options = plan.reduction.name, plan.options
    if name not in OPS or (name in ("any", "all") and plan.dtype.kind != "b"):
        return False
    if not plan.select or places is not None or taps is not None or len(plan.axes) > 3:
        return False
    if options.divisor_override is not None:
        return False
    if plan.fixed is None or fast.read_by(plan) < fast.LEAST_READ:
        return False
    return options.nan != "raise" or plan.dtype.kind in "biu"


def pool(
    plan: Plan, number: int, x: np.ndarray, y: np.ndarray, w: Any, threads: int | None
) -> int | None:
    """Pool one grid into ``y``; how many windows have nothing real. None: no kernel does it."""
    if not x.size:
        return None
    real = real_of(plan, x, w)
    made = ready(plan, number, x, y, real)
    if made is None:
        return None
    own = flat(bits(laid(real, x, plan, made.full))).data
    return made.run(flat(bits(x)).data, own, flat(bits(y)).data, threads)


def real_of(plan: Plan, x: np.ndarray, w: Any) -> np.ndarray:
    """What is real, of x's shape: bool, or float64 where elements have weights."""
    given = None if w is None else w.array
    if plan.options.nan != "skip" or x.dtype.kind not in "fV":
        return given  # type: ignore[return-value]
    if x.dtype.itemsize > 2:
        number = x == x
    else:
        most = 0x7C00 if x.dtype == np.float16 else 0x7F80
        number = (bits(x) & 0x7FFF) <= most
    if given is None:
        return number
    return number & given if given.dtype == bool else np.where(number, given, 0.0)


def ready(plan: Plan, number: int, x: np.ndarray, y: np.ndarray, real: np.ndarray) -> Made | None:
    """What pools grid ``number`` on arrays that lie like these; it is kept with the plan."""
    key = ("masked", number, x.strides, y.strides, real.dtype, real.strides)
    if key not in plan.kept:
        plan.kept[key] = make(plan, number, x, y, real)
    return plan.kept[key]


def quick(
    plan: Plan, layout: Layout, x: np.ndarray, y: np.ndarray, w: Any, mask: Any, threads: int | None
) -> Any:
    """A function of x and the mask that pools what lies alike, or None."""
    if not suits(plan, None, None) or not x.size or readable(x) is not x:
        return None
    if plan.options.nan == "skip" or type(mask) is not np.ndarray or w.kind != "mask":
        return None
    if w.weights is not None:
        return None
    made, shape, work = ready(plan, 0, x, y, w.array), y.shape, plan.work
    if made is None:
        return None
    own = laid(w.array, x, plan, made.full)
    straight = mask.flags.c_contiguous and np.may_share_memory(mask, own)
    straight = straight and mask.flags.writeable

    def masked(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        y = np.empty_like(x, dtype=work, shape=shape)
        if straight:
            own = mask.view(np.uint8).reshape(-1)
        else:
            own = flat(bits(laid(np.broadcast_to(mask, x.shape), x, plan, made.full))).data
        made.run(flat(bits(x)).data, own, flat(bits(y)).data, threads)
        return y

    return masked
