"""What a plan may not be: each rule that a call can break, and the sentence that says so."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PoolError, ReductionError, ShapeError
from ..windows import Boxes

if TYPE_CHECKING:
    from . import Options, Plan


def check(plan: Plan) -> None:
    """Raise where a plan's arguments do not go together."""
    for axis in plan.axes:
        if plan.shape[axis] == 0:
            raise ShapeError(f"axis {axis} has no elements; pooled axes need at least one")
    options, name = plan.options, plan.reduction.name
    if plan.dtype.kind == "c" and name not in ("sum", "mean"):
        raise ReductionError(f"{name} has no meaning on complex numbers; use sum or mean")
    if plan.dtype.kind == "c" and options.nan == "skip":
        raise PoolError('nan="skip" needs real numbers; use a mask')
    _check_words(options)
    if options.indices and name not in ("max", "min"):
        raise ReductionError(f"{name} has no indices; return_indices is for max and min")
    if options.divisor_override is not None and name != "mean":
        raise ReductionError(f"{name} has no divisor; divisor_override is for mean")
    _check_padding(plan)
    _check_fill(plan)
    needs_batch = options.sized or isinstance(plan.windows, Boxes)
    if needs_batch and (0 in plan.axes or not plan.outer):
        what = "sizes" if options.sized else "boxes"
        raise ShapeError(f"{what} speaks of samples along axis 0; axis 0 must not be pooled")


def _check_words(options: Options) -> None:
    for what, word, words in (
        ("nan", options.nan, ("propagate", "skip", "raise")),
        ("ties", options.ties, ("first", "split")),
    ):
        if word not in words:
            known = " or ".join(f'"{w}"' for w in words)
            raise PoolError(f"{what} is {word!r}; use {known}")
    if options.divisor_override is not None:
        try:
            zero = operator.index(options.divisor_override) == 0
        except TypeError:
            zero = True
        if zero:
            raise PoolError(
                f"divisor_override is {options.divisor_override!r}; give a whole number, not 0"
            )


def _check_padding(plan: Plan) -> None:
    options = plan.options
    if options.count_include_pad is None:
        return
    if plan.reduction.name != "mean":
        raise ReductionError(f"{plan.reduction.name} counts no padding; count_include_pad is "
                             "for mean")  # fmt: skip
    if options.count_include_pad and (plan.select or options.sized):
        raise PoolError(
            "count_include_pad=True does not go with mask, weights, sizes or skipped NaN: "
            "there a mean divides by what is real; leave it None or False"
        )


def _check_fill(plan: Plan) -> None:
    fill = plan.options.fill
    if fill is None:
        return
    if isinstance(fill, complex) and plan.result.kind != "c":
        raise PoolError(f"fill is {fill!r}, but the result is {plan.result}; give a real number")
    try:
        value = complex(fill)
    except (TypeError, ValueError):
        raise PoolError(f"fill must be a number or None, not {fill!r}") from None
    if not _holds(plan.result, value):
        raise PoolError(
            f"fill {fill!r} cannot be stored as {plan.result}; give one that can, or dtype="
        )


def _holds(dtype: np.dtype, value: complex) -> bool:
    """Whether an array of ``dtype`` can hold the number, up to rounding."""
    if dtype.kind == "b":
        return value in (0, 1)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return value.real % 1 == 0 and info.min <= value.real <= info.max
    kind = dtype if dtype.kind in "fV" else np.dtype(np.float64)
    with np.errstate(over="ignore"):
        stored = float(np.array(value.real).astype(kind).astype(np.float64))
    return abs(stored) < np.inf or not abs(value.real) < np.inf


def check_boxes(batch: np.ndarray, low: Any, high: Any, plan: Plan) -> None:
    """Raise where boxes leave the array."""
    if batch.size and (batch.min() < 0 or batch.max() >= plan.shape[0]):
        raise ShapeError(
            f"boxes name samples {batch.min()} to {batch.max()}; "
            f"axis 0 has {plan.shape[0]}, so use 0 to {plan.shape[0] - 1}"
        )
    for a, lo, hi in zip(plan.axes, low, high, strict=True):
        n = plan.shape[a]
        wrong = np.flatnonzero((lo < 0) | (hi > n) | (lo >= hi))
        if wrong.size:
            w = wrong[0]
            raise ShapeError(
                f"box {w} reads {lo[w]} to {hi[w]} of axis {a}, which has {n} elements; "
                "use 0 <= start < stop <= that"
            )
