"""The reductions at their limits, whole windows beside NumPy, and split windows' single reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
from cases import sample
from same import assert_same
from strategies import problems

R = ap.reductions
INF = float("inf")


# --- a reduction at a limit of its parameter is another reduction -----------------------------

LIMITS = {
    "gem p=1 is the mean": (lambda: R.gem(p=1), "mean", 1e-12),
    "gem p to infinity is the max": (lambda: R.gem(p=4000), "max", 2e-3),
    "lp p=infinity is the largest size": (lambda: R.lp(p=INF), "max", 0),
    "lp p=1 is the sum": (lambda: R.lp(p=1), "sum", 1e-12),
    "lse r to 0 is the mean": (lambda: R.lse(r=1e-6), "mean", 1e-4),
    "lse r to infinity is the max": (lambda: R.lse(r=1e5), "max", 2e-3),
    "lse r to -infinity is the min": (lambda: R.lse(r=-1e5), "min", 2e-3),
    "soft beta=0 is the mean": (lambda: R.soft(beta=0), "mean", 1e-12),
    "soft beta to infinity is the max": (lambda: R.soft(beta=5000), "max", 1e-9),
    "soft beta to -infinity is the min": (lambda: R.soft(beta=-5000), "min", 1e-9),
    "topk k=1 is the max": (lambda: R.topk(k=1), "max", 0),
    "topk k=n is the mean": (lambda: R.topk(k=6), "mean", 1e-12),
    "quantile 0 is the min": (lambda: R.quantile(q=0), "min", 0),
    "quantile 1 is the max": (lambda: R.quantile(q=1), "max", 0),
    "quantile a half is the median": (lambda: R.quantile(q=0.5), "median", 1e-12),
    "var is the square of std": (lambda: R.var(correction=1), "std", None),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_limit(limit):
    build, other, room = limit
    x = sample((2, 3, 6, 9), np.float64, kind="distinct")
    x = x - x.min() + 1 / 16  # positive: GeM clamps and Lp takes sizes
    windows = ap.windows.sliding((2, 3))
    got = ap.pool(x, windows, build(), axes=(2, 3))
    if room is None:
        want, room = ap.pool(x, windows, R.std(correction=1), axes=(2, 3)) ** 2, 1e-12
    else:
        want = ap.pool(x, windows, other, axes=(2, 3))
    np.testing.assert_allclose(got, want, rtol=room)


# --- whole equals NumPy over the axes ---------------------------------------------------------

NUMPY = {
    "max": np.max,
    "min": np.min,
    "mean": np.mean,
    "sum": np.sum,
    "std": np.std,
    "var": np.var,
    "median": np.median,
    "any": np.any,
    "all": np.all,
}
EXACT = ("max", "min", "median", "any", "all")


@pytest.mark.parametrize("reduce", NUMPY)
@given(st.data())
def test_whole_equals_numpy(reduce, data):
    dtypes = (np.float64, np.int32) if reduce in EXACT else (np.float64,)
    problem = data.draw(problems(kinds=("whole",), dtypes=dtypes))
    x, axes = problem.x, problem.axes
    keep = problem.windows.kwargs["keepdims"]
    got = ap.pool(x, problem.windows.build(), reduce, axes=axes)
    wide = x if x.dtype.kind in "iu" or reduce in EXACT else x.astype(np.float64)
    want = np.asarray(NUMPY[reduce](wide, axis=axes, keepdims=keep)).astype(got.dtype)
    size = float(np.abs(x.astype(float)).max())
    scale = {"sum": size * x.size, "var": size**2}.get(reduce, size)
    assert_same(got, want, ulp=0 if reduce in EXACT else 8, scale=scale)


@pytest.mark.parametrize("q", [0, 0.1, 0.5, 0.77, 1])
def test_whole_quantile_equals_numpy(q):
    x = sample((3, 4, 50), np.float64, kind="plain")
    got = ap.pool(x, ap.windows.whole(keepdims=False), ap.reductions.quantile(q=q), axes=(2,))
    assert_same(got, np.quantile(x, q, axis=2), ulp=4, scale=8.0)


def test_whole_planes_of_many_elements():
    """Blocks of sums, more elements than any block holds."""
    x = sample((2, 3, 301, 407), np.float32, kind="plain")
    wide = x.astype(np.float64)
    assert_same(ap.global_max_pool(x), x.max((2, 3), keepdims=True))
    mean = wide.mean((2, 3), keepdims=True).astype(np.float32)
    assert_same(ap.global_avg_pool(x), mean, ulp=4, scale=1.0)
    total = wide.sum((2, 3), keepdims=True).astype(np.float32)
    size = np.abs(wide).sum((2, 3), keepdims=True)
    assert_same(ap.global_pool(x, reduce="sum"), total, ulp=4, scale=size)


# --- split reads every element once; the windows of adaptive cover everything -----------------


@given(problems(kinds=("split",), dtypes=(np.int32,), data=("plain",)))
def test_split_reads_every_element_once(problem):
    y = ap.pool(problem.x, problem.windows.build(), "sum", axes=problem.axes)
    total = problem.x.astype(y.dtype).sum(problem.axes)
    assert_same(y.sum(problem.axes), total)


@given(problems(kinds=("split",), dtypes=(np.float64,)))
def test_split_gives_every_element_one_gradient(problem):
    y, pullback = ap.vjp(problem.x, problem.windows.build(), "sum", axes=problem.axes)
    assert_same(pullback(np.ones_like(y)), np.ones_like(problem.x))


@given(problems(kinds=("adaptive",), dtypes=(np.float64,)))
def test_adaptive_reads_every_element(problem):
    y, pullback = ap.vjp(problem.x, problem.windows.build(), "sum", axes=problem.axes)
    assert (pullback(np.ones_like(y)) >= 1).all()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9))
def test_adaptive_mean_is_two_small_matrices(h, w, m, n):
    x = np.random.default_rng(h * 41 + w).normal(size=(2, h, w))
    want = _matrix(h, m) @ x @ _matrix(w, n).T
    assert_same(ap.adaptive_avg_pool(x, (m, n), axes=(1, 2)), want, ulp=16, scale=4.0)


def _matrix(size: int, out: int) -> np.ndarray:
    """Row i is 1 / length over floor(i size / out) ... ceil((i + 1) size / out)."""
    a = np.zeros((out, size))
    for i in range(out):
        start, stop = i * size // out, -(-(i + 1) * size // out)
        a[i, start:stop] = 1 / (stop - start)
    return a
