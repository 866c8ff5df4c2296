"""assert_same is the judge of every other test, so it is judged first."""

from __future__ import annotations

import numpy as np
import pytest

from same import assert_same, eps

NAN = float("nan")
INF = float("inf")

EQUAL = {
    "nan": ([1.0, NAN], [1.0, NAN]),
    "zeros of both signs": ([0.0, -0.0], [-0.0, 0.0]),
    "infinities": ([INF, -INF], [INF, -INF]),
    "ints": ([1, 2], [1, 2]),
    "bools": ([True, False], [True, False]),
    "complex": ([1 + 2j], [1 + 2j]),
    "empty": ([], []),
}
DIFFERENT = {
    "a value": ([1.0, 2.0], [1.0, 2.5]),
    "nan got": ([NAN], [1.0]),
    "nan wanted": ([1.0], [NAN]),
    "infinity got": ([INF], [1e308]),
    "infinity wanted": ([1e308], [INF]),
    "sign of infinity": ([INF], [-INF]),
    "an int by one": ([2**53], [2**53 + 1]),
    "a bool": ([True], [False]),
    "the imaginary part": ([1 + 2j], [1 + 3j]),
}


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_equal_passes(pair):
    assert_same(*map(np.array, pair))


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize("ulp", [0, 1000])
def test_different_raises(pair, ulp):
    with pytest.raises(AssertionError, match=r"1 of \d values differ"):
        assert_same(*map(np.array, pair), ulp=ulp)


def test_shape_raises():
    with pytest.raises(AssertionError, match=r"shape \(2,\), wanted \(2, 1\)"):
        assert_same(np.zeros(2), np.zeros((2, 1)))


def test_dtype_raises():
    with pytest.raises(AssertionError, match="dtype float32, wanted float64"):
        assert_same(np.zeros(2, np.float32), np.zeros(2))
    assert_same(np.zeros(2, np.float32), np.zeros(2), check_dtype=False)
    assert_same(np.zeros(2, ">f4"), np.zeros(2, "<f4"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ulp_is_measured_in_the_dtype(dtype):
    one = np.ones(1, dtype)
    next_but_one = np.nextafter(np.nextafter(one, dtype(2)), dtype(2))
    assert_same(next_but_one, one, ulp=2)
    with pytest.raises(AssertionError, match="values differ"):
        assert_same(next_but_one, one, ulp=1)


def test_scale_widens_the_room():
    assert_same(np.array([1e-13]), np.array([0.0]), ulp=1, scale=1e3)
    with pytest.raises(AssertionError, match=r"at \(0,\): .*1e-13"):
        assert_same(np.array([1e-13]), np.array([0.0]), ulp=1, scale=1.0)


def test_eps_of_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    assert eps(ml_dtypes.bfloat16) == float(ml_dtypes.finfo(ml_dtypes.bfloat16).eps)
