"""The laws every pooling obeys, on random shapes, axes, windows, layouts, masks and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import brute
from anypool import reference
from cases import REDUCTIONS, ULP, Reduction, result_dtype, scale_of
from same import assert_same
from strategies import Problem, common_problems, commons, problems, relayout

EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
# One of each kind of kernel: min runs as max does, sum as mean, and so on.
KINDS = ["max", "mean", "lp-p=3", "gem-p=4.5", "lse-r=-2.5", "soft-beta=0.7", "var", "median"]
KINDS += ["quantile-q=0.3", "mode", "topk-k=2", "stochastic", "any"]
EACH_KIND = pytest.mark.parametrize("reduction", [REDUCTIONS[k] for k in KINDS], ids=KINDS)
COMMON = {name: REDUCTIONS[name] for name in ("max", "mean", "sum", "median")}


def pool(problem: Problem, reduction, x=None, **common):
    """The problem's pooling, of its own array or of x."""
    x = problem.x if x is None else x
    reduce = reduction if isinstance(reduction, str) else reduction.build()
    return ap.pool(x, problem.windows.build(), reduce, axes=problem.axes, **common)


# --- kernel = reference = brute force ---------------------------------------------------------


@EACH
@given(st.data())
def test_kernel_equals_reference(reduction, data):
    problem = data.draw(problems())
    assert_kernel(problem, reduction, **data.draw(commons(problem.x)))


@pytest.mark.parametrize("reduction", COMMON.values(), ids=COMMON)
@given(st.data())
def test_kernel_equals_reference_in_other_dtypes(reduction, data):
    assert_kernel(data.draw(common_problems()), reduction)


def assert_kernel(problem: Problem, reduction: Reduction, **common) -> None:
    windows, common = problem.windows.build(), common | {"axes": problem.axes}
    want = reference.pool(problem.x, windows, reduction.build(), **common)
    got = ap.pool(problem.x, windows, reduction.build(), **common)
    scale = scale_of(reduction, problem.x, windows, **common)
    assert_same(got, want, ulp=ULP[reduction.tolerance], scale=scale)


@EACH
@given(st.data())
def test_reference_equals_brute_force(reduction, data):
    problem = data.draw(problems(dtypes=(np.float64, np.int32), layouts=("C",)))
    common = data.draw(commons(problem.x))
    x, windows = problem.x, problem.windows.build()
    got = reference.pool(x, windows, reduction.build(), axes=problem.axes, **common)
    want = brute.pool(
        x, problem.windows, reduction.name, problem.axes, params=reduction.params, **common
    )
    scale = scale_of(reduction, x, windows, axes=problem.axes, **common)
    want = want.astype(result_dtype(reduction, x.dtype, "weights" in common))
    assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=scale)


@pytest.mark.parametrize("reduce", ["max", "min"])
@given(st.data())
def test_indices_equal_brute_force_and_point_at_the_values(reduce, data):
    problem = data.draw(problems())
    common = data.draw(commons(problem.x)) | {"fill": 0}
    y, found = pool(problem, reduce, return_indices=True, **common)
    del common["fill"]
    want = brute.indices(
        problem.x, problem.windows, problem.axes, largest=reduce == "max", **common
    )
    assert_same(found, want)
    assert_same(y, pool(problem, reduce, **common))


# --- order among the numbers ------------------------------------------------------------------


BETWEEN = {name: r for name, r in REDUCTIONS.items() if r.between}


@pytest.mark.parametrize("reduction", BETWEEN.values(), ids=BETWEEN)
@given(st.data())
def test_result_lies_between_min_and_max(reduction, data):
    problem = data.draw(problems())
    mask = np.ones(problem.x.shape, bool)  # a mean of what is real: padding is not counted
    y = pool(problem, reduction, mask=mask)
    low, high = (pool(problem, name, mask=mask) for name in ("min", "max"))
    # Sums are rounded: a mean of equal numbers may be some ulp away from them.
    room = ULP[reduction.tolerance] * np.finfo(problem.x.dtype).eps
    size = np.maximum(np.abs(low), np.abs(high))
    assert (y >= low - room * size).all()
    assert (y <= high + room * size).all()


@given(problems())
def test_min_is_minus_max_of_minus(problem):
    assert_same(pool(problem, "min"), -pool(problem, "max", x=-problem.x, fill=0))


@given(problems(dtypes=(np.float64, np.int32), data=("ties",)), st.integers(-3, 3))
def test_shift_of_x_shifts_out(problem, shift):
    x, mask = problem.x, np.ones(problem.x.shape, bool)
    moved = (x + shift).astype(x.dtype)
    empty = pool(problem, "sum", x=np.ones(x.shape), mask=mask) == 0
    for reduce in ("max", "min", "median", "mode", "mean"):
        want = pool(problem, reduce, mask=mask) + np.where(empty, 0, shift)
        got = pool(problem, reduce, x=moved, mask=mask)
        assert_same(got, want, ulp=16, scale=8.0, check_dtype=False)


# --- axes, batches, layouts -------------------------------------------------------------------


@EACH_KIND
@given(st.data())
def test_permuting_axes_permutes_the_result(reduction, data):
    kinds = ("sliding", "same", "adaptive", "split", "fractional")
    problem = data.draw(problems(kinds=kinds))
    order = data.draw(st.permutations(range(problem.x.ndim)))
    turned = problem.x.transpose(order)
    axes = tuple(order.index(a) for a in problem.axes)
    got = pool(Problem(turned, axes, problem.windows), reduction)
    want = pool(problem, reduction).transpose(order)
    scale = scale_of(reduction, problem.x, problem.windows.build(), axes=problem.axes)
    scale = scale.transpose(order) if np.ndim(scale) else scale
    # The first of ties in a window depends on the axes' order, its value does not.
    assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=scale)


@EACH_KIND
@given(st.data())
def test_a_batch_equals_its_samples_one_by_one(reduction, data):
    problem = data.draw(problems(outer=(1, 2)))
    axis = next(a for a in range(problem.x.ndim) if a not in problem.axes)
    y = pool(problem, reduction)
    scale = scale_of(reduction, problem.x, problem.windows.build(), axes=problem.axes)
    kept = [pool(problem, reduction, x=part) for part in _slices(problem.x, axis)]
    # The axis of the samples may have moved: whole windows drop axes, pyramids join them.
    at = axis - _dropped_before(problem, axis)
    assert_same(y, np.concatenate(kept, axis=at), ulp=2 * ULP[reduction.tolerance], scale=scale)


def _slices(x: np.ndarray, axis: int) -> list[np.ndarray]:
    return [np.take(x, [i], axis=axis) for i in range(x.shape[axis])]


def _dropped_before(problem: Problem, axis: int) -> int:
    """How many axes in front of this one the windows take away."""
    spec, before = problem.windows, sum(a < axis for a in problem.axes)
    if spec.kind == "pyramid":
        return max(before - 1, 0)
    if spec.kind == "whole" and not spec.kwargs["keepdims"]:
        return before
    return 0


@EACH_KIND
@given(st.data())
def test_memory_layout_does_not_matter(reduction, data):
    problem = data.draw(problems(layouts=("C",)))
    how = data.draw(st.sampled_from(["F", "reversed", "sliced", "turned"]))
    scale = scale_of(reduction, problem.x, problem.windows.build(), axes=problem.axes)
    got = pool(problem, reduction, x=relayout(problem.x, how))
    assert_same(got, pool(problem, reduction), ulp=2 * ULP[reduction.tolerance], scale=scale)


@EACH_KIND
@given(st.data())
def test_threads_do_not_change_a_bit(reduction, data):
    problem = data.draw(problems())
    one = pool(problem, reduction, threads=1)
    for threads in (2, 3, None):
        again = pool(problem, reduction, threads=threads)
        assert one.tobytes() == again.tobytes()
