"""NaN in three modes, indices of NaN, windows of -inf, infinities in the smooth reductions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import brute
from anypool import reference
from cases import PLANE, REDUCTIONS, ULP, WINDOWS, sample, scale_of
from same import assert_same
from strategies import problems

NAN, INF = float("nan"), float("inf")
SHAPE, AXES = (2, 3, *PLANE), (2, 3)
NUMERIC = {n: r for n, r in REDUCTIONS.items() if n not in ("any", "all")}
EACH = pytest.mark.parametrize("reduction", NUMERIC.values(), ids=NUMERIC)
EVERY = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS)


def with_nan(dtype=np.float64, share: float = 0.1, shape=SHAPE) -> np.ndarray:
    x = sample(shape, dtype)
    return np.where(np.random.default_rng(1).random(shape) < share, np.array(NAN, dtype), x)


@EVERY
@EACH
def test_propagate(reduction, spec):
    propagate(with_nan(), reduction, spec)


@EVERY
@pytest.mark.parametrize("name", ["max", "mean"])
def test_propagate_in_float32(name, spec):
    propagate(with_nan(np.float32), REDUCTIONS[name], spec)


def propagate(x, reduction, spec) -> None:
    windows = spec.build()
    y = ap.pool(x, windows, reduction.build(), axes=AXES)
    clean = np.nan_to_num(x)
    want = brute.pool(x, spec, reduction.name, AXES, params=reduction.params).astype(x.dtype)
    scale = scale_of(reduction, clean, windows, axes=AXES)
    assert_same(y, want, ulp=2 * ULP[reduction.tolerance], scale=scale)
    hit = ap.pool(np.isnan(x), windows, "any", axes=AXES)
    assert (np.isnan(y) == hit).all()


@EVERY
@EACH
def test_skip_equals_a_mask_of_the_nans(reduction, spec):
    x, windows = with_nan(share=0.4), spec.build()
    got = ap.pool(x, windows, reduction.build(), axes=AXES, nan="skip", fill=3)
    want = ap.pool(x, windows, reduction.build(), axes=AXES, mask=~np.isnan(x), fill=3)
    assert_same(got, want)


@EACH
def test_skip_on_top_of_a_mask(reduction):
    x, windows = with_nan(), WINDOWS["k3s2p1"].build()
    mask = np.random.default_rng(2).random(SHAPE) < 0.6
    got = ap.pool(x, windows, reduction.build(), axes=AXES, nan="skip", mask=mask)
    want = ap.pool(x, windows, reduction.build(), axes=AXES, mask=mask & ~np.isnan(x))
    assert_same(got, want)


@EVERY
@EACH
def test_raise(reduction, spec):
    x, windows = sample(SHAPE, np.float64), spec.build()
    common = {"axes": AXES, "nan": "raise"}
    want = ap.pool(x, windows, reduction.build(), axes=AXES)
    assert_same(ap.pool(x, windows, reduction.build(), **common), want)
    x[1, 2] = NAN
    with pytest.raises(ap.PoolError, match="NaN"):
        ap.pool(x, windows, reduction.build(), **common)
    mask = np.ones(SHAPE, bool)
    mask[1, 2] = False
    ap.pool(x, windows, reduction.build(), mask=mask, **common)


def test_raise_minds_only_what_is_read():
    x = np.array([1.0, 2, NAN, 4, 5, NAN])
    assert_same(ap.max_pool(x, 2, 3, nan="raise"), np.array([2.0, 5]))


@pytest.mark.parametrize("mode", ["propagate", "skip", "raise"])
def test_every_mode_takes_integers(mode):
    assert_same(ap.max_pool(np.arange(4), 2, nan=mode), np.array([1, 3]))


@given(problems(), st.integers(0, 99))
def test_random_nan_and_infinity(problem, seed):
    rng = np.random.default_rng(seed)
    x = problem.x.copy()
    for value in (NAN, INF, -INF):
        x[rng.random(x.shape) < 0.1] = value
    for name in ("max", "min", "median", "mode", "topk-k=2"):
        r = REDUCTIONS[name]
        windows = problem.windows.build()
        got = ap.pool(x, windows, r.build(), axes=problem.axes)
        assert_same(got, reference.pool(x, windows, r.build(), axes=problem.axes), ulp=4, scale=9.0)
    for name in ("max", "min"):
        _, found = ap.pool(x, windows, name, axes=problem.axes, return_indices=True)
        want = brute.indices(x, problem.windows, problem.axes, largest=name == "max")
        assert_same(found, want)


@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_index_of_the_last_nan(dtype, reduce):
    x = np.array([1, NAN, 4, NAN, 2, 3, NAN, 9], dtype)
    y, found = ap.pool(x, ap.windows.sliding(4), reduce, return_indices=True)
    assert_same(y, np.array([NAN, NAN], dtype))
    assert_same(found, np.array([3, 6]))
    y, found = ap.pool(x, ap.windows.sliding(4), reduce, return_indices=True, nan="skip")
    assert_same(found, np.array([2, 7]) if reduce == "max" else np.array([0, 4]))


# window -> what max, min and their indices are
CORNERS = {
    "number and nan": ([1, NAN], NAN, 1, NAN, 1),
    "nan and number": ([NAN, 4], NAN, 0, NAN, 0),
    "all -inf": ([-INF, -INF], -INF, 0, -INF, 0),
    "all inf": ([INF, INF], INF, 0, INF, 0),
    "inf and nan": ([INF, NAN], NAN, 1, NAN, 1),
    "infinities": ([-INF, INF], INF, 1, -INF, 0),
}


@pytest.mark.parametrize("corner", CORNERS.values(), ids=CORNERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_corner(dtype, corner):
    window, *want = corner
    x = np.array(window, dtype)
    got = [*ap.max_pool(x, 2, return_indices=True), *ap.min_pool(x, 2, return_indices=True)]
    for have, must in zip(got, want, strict=True):
        assert_same(have, np.array([must]), check_dtype=False)


# reduction -> the value of a window, of x = [a, b, c]
INFINITIES = [
    ("mean", {}, [INF, 1, 2], INF),
    ("mean", {}, [INF, -INF, 2], NAN),
    ("sum", {}, [-INF, 1, 2], -INF),
    ("lp", {"p": 3}, [-INF, 1, 2], INF),
    ("gem", {"p": 3}, [INF, 1, 2], INF),
    ("lse", {"r": 10}, [INF, 1, 2], INF),
    ("lse", {"r": 10}, [INF, INF, INF], INF),
    ("lse", {"r": 10}, [-INF, -INF, -INF], -INF),
    ("lse", {"r": 1}, [-INF, 0, 0], float(np.log(2 / 3))),
    ("lse", {"r": -2}, [-INF, 1, 2], -INF),
    ("lse", {"r": -2}, [INF, INF, INF], INF),
    ("soft", {"beta": 1}, [INF, 1, 2], INF),
    ("soft", {"beta": 1}, [INF, 1, -INF], INF),
    ("soft", {"beta": 1}, [-INF, -INF, -INF], -INF),
    ("soft", {"beta": 1}, [-INF, 3, 3], 3.0),
    ("soft", {"beta": -1}, [-INF, 1, 2], -INF),
    ("std", {}, [INF, 1, 2], NAN),
    ("median", {}, [INF, -INF, 2], 2.0),
    ("median", {}, [INF, INF, 2], INF),
    ("mode", {}, [INF, 2, INF], INF),
    ("topk", {"k": 2}, [INF, 1, -INF], INF),
]


@pytest.mark.parametrize("row", INFINITIES, ids=str)
def test_infinities(row):
    name, params, window, want = row
    reduce = getattr(ap.reductions, name)(**params)
    for windows in (ap.windows.sliding(3), ap.windows.whole()):
        y = ap.pool(np.array(window), windows, reduce, axes=(0,))
        assert_same(y, np.array([want]), ulp=4)


@pytest.mark.parametrize("value", [700.0, -700.0, 80000.0, 1e300])
@pytest.mark.parametrize("name", ["lse", "soft", "gem", "mean"])
def test_large_values_do_not_overflow(name, value):
    """A window of one value has that value."""
    y = ap.pool(np.full(6, value), ap.windows.sliding(3), name)
    assert_same(y, np.full(2, max(value, 1e-6) if name == "gem" else value), ulp=8)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("make", [ap.reductions.lp, ap.reductions.gem])
def test_a_norm_of_endless_power_keeps_a_nan_wherever_it_stands(make, place):
    x = np.array([1.0, 2.0, 3.0])
    x[place] = np.nan
    assert np.isnan(ap.pool(x, ap.windows.whole(), make(np.inf))).all()


@pytest.mark.parametrize("method", ["midpoint", "lower"])
def test_the_derivative_of_a_median_that_is_nan_is_nan_there(method):
    x = np.array([1.0, np.nan, 3.0])
    _, pullback = ap.vjp(x, ap.windows.whole(), ap.reductions.median(method))
    np.testing.assert_array_equal(pullback(np.ones(1)), [0.0, np.nan, 0.0])
