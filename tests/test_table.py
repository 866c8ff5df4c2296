"""Every row of the case table: the kernels equal the reference, and the reference brute force."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
import brute
from anypool import reference
from cases import CASES, ULP, Case, result_dtype, scale_of
from same import assert_same

EXTREMES = [c for c in CASES if c.reduction.name in ("max", "min")]


def brute_answer(case: Case, x: np.ndarray) -> np.ndarray:
    r = case.reduction
    y = brute.pool(x, case.windows, r.name, case.axes, params=r.params)
    return y.astype(result_dtype(r, x.dtype))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernel_equals_reference_equals_brute_force(case):
    x, windows = case.data(), case.windows.build()
    want = reference.pool(x, windows, case.reduction.build(), axes=case.axes)
    scale = scale_of(case.reduction, x, windows, axes=case.axes)
    assert_same(want, brute_answer(case, x), ulp=ULP["smooth"] if case.ulp else 0, scale=scale)
    got = ap.pool(x, windows, case.reduction.build(), axes=case.axes)
    assert_same(got, want, ulp=case.ulp, scale=scale)


OWN = ("median", "quantile", "topk", "mode", "lse", "soft", "lp", "gem", "std", "var")
MADE = [c for c in CASES if c.reduction.name in OWN]


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if i % 29 == 0 else pytest.mark.nightly, id=str(c))
             for i, c in enumerate(MADE)]
)  # fmt: skip
@pytest.mark.usefixtures("every_kernel")
def test_kernels_made_for_their_windows(case):
    """The arrays of the table are too small for them; here they are asked all the same."""
    test_kernel_equals_reference_equals_brute_force(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_second_call_gives_the_same_bits(case):
    """A call that was made before takes a shorter way: same numbers, and no memory of the first."""
    call = {"windows": case.windows.build(), "reduce": case.reduction.build(), "axes": case.axes}
    x, other = case.data(), case.data(seed=1)
    first, between, again = ap.pool(x, **call), ap.pool(other, **call), ap.pool(x, **call)
    assert first.tobytes() == again.tobytes()
    scale = scale_of(case.reduction, other, call["windows"], axes=case.axes)
    assert_same(between, reference.pool(other, **call), ulp=case.ulp, scale=scale)


@pytest.mark.parametrize("case", EXTREMES, ids=str)
def test_indices_equal_reference_equal_brute_force(case):
    x, windows, name = case.data(), case.windows.build(), case.reduction.name
    found = brute.indices(x, case.windows, case.axes, largest=name == "max")
    y, got = ap.pool(x, windows, name, axes=case.axes, return_indices=True)
    assert_same(got, found)
    want, places = reference.pool(x, windows, name, axes=case.axes, return_indices=True)
    assert_same(places, found)
    assert_same(y, want)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_result_shape_and_dtype(case):
    x = case.data()
    y = ap.pool(x, case.windows.build(), case.reduction.build(), axes=case.axes)
    assert y.dtype == result_dtype(case.reduction, x.dtype)
    assert y.shape == brute_answer(case, x).shape
