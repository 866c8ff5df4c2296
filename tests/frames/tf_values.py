"""TensorFlow tensors: the whole case table in every way of calling, with derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import anypool as ap
from cases import CASES, PLANE, REDUCTIONS, ULP, WINDOWS, sample, scale_of
from same import assert_same
from same_tensorflow import WAYS, called, slope
from strategies import mask_of, weights_of

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
STEPS = {"eager": 3, "graph": 12, "batch": 29, "dynamic": 17, "xla": 47}  # of the table, by day


def some(cases: list, step_of: dict[str, int] = STEPS) -> list:
    """Every case in every way; by day one in so many, and at night the rest."""
    made = []
    for way in WAYS:
        for i, case in enumerate(cases):
            marks = () if i % step_of[way] == 0 else pytest.mark.nightly
            made.append(pytest.param(way, case, id=f"{way}-{case}", marks=marks))
    return made


@pytest.mark.parametrize(("way", "case"), some(CASES))
def test_the_case_table(way, case):
    x, windows, reduce = case.data(), case.windows.build(), case.reduction.build()
    want = ap.pool(x, windows, reduce, axes=case.axes)
    got = called(way, lambda t: ap.pool(t, windows, reduce, axes=case.axes), x, axes=case.axes)
    scale = scale_of(case.reduction, x, windows, axes=case.axes)
    assert_same(got, want, ulp=case.ulp, scale=scale)


SLOPED = [c for c in CASES if c.dtype.kind == "f" and c.reduction.gradient]
LESS = {"eager": 7, "graph": 31, "batch": 53, "dynamic": 37, "xla": 71}


@pytest.mark.parametrize(("way", "case"), some(SLOPED, LESS))
def test_derivatives_are_those_of_numpy(way, case):
    x, windows, reduce = case.data(), case.windows.build(), case.reduction.build()
    y, pullback = ap.vjp(x, windows, reduce, axes=case.axes)
    g = sample(y.shape, y.dtype, 3)
    want = pullback(g)
    want = want[0] if isinstance(want, tuple) else want
    back = slope(lambda t: ap.pool(t, windows, reduce, axes=case.axes))
    got = called(way, back, x, g, axes=case.axes)
    assert_same(got, want, ulp=64, scale=float(np.abs(want).max() + 1))


EXTREMES = [c for c in CASES if c.reduction.name in ("max", "min")]


@pytest.mark.parametrize(("way", "case"), some(EXTREMES, LESS))
def test_indices(way, case):
    x, windows, name = case.data(), case.windows.build(), case.reduction.name
    want = ap.pool(x, windows, name, axes=case.axes, return_indices=True, fill=1)
    got = called(way, lambda t: ap.pool(t, windows, name, axes=case.axes, return_indices=True,
                                        fill=1), x, axes=case.axes)  # fmt: skip
    assert_same(got[0], want[0])
    assert_same(got[1], want[1])


PAIRS = [(label, name) for label in WINDOWS for name in REDUCTIONS]


class Pair(tuple):
    """Windows and a reduction by their names."""

    __slots__ = ()

    def __str__(self) -> str:
        return "-".join(self)


FEW = {"eager": 17, "graph": 61, "batch": 97, "dynamic": 79, "xla": 191}


@pytest.mark.parametrize(("way", "pair"), some([Pair(p) for p in PAIRS], FEW))
def test_masks_and_weights(way, pair):
    spec, row = WINDOWS[pair[0]], REDUCTIONS[pair[1]]
    x, windows, reduce = sample(SHAPE, "float64"), spec.build(), row.build()
    mask, weights = mask_of((2, 1, *PLANE), 1), weights_of(SHAPE, 2)
    fill = 1 if row.name in ("any", "all") else -3
    for given in ({"mask": mask}, {"weights": weights}):
        want = ap.pool(x, windows, reduce, axes=AXES, fill=fill, **given)
        got = called(way, lambda t, given=given: ap.pool(t, windows, reduce, axes=AXES, fill=fill,
                                                         **given), x, axes=AXES)  # fmt: skip
        scale = scale_of(row, x, windows, axes=AXES, fill=fill, **given)
        assert_same(got, want, ulp=2 * ULP[row.tolerance], scale=scale)


SIZED = [Pair(p) for p in PAIRS if p[0] not in ("fractional",)]


@pytest.mark.parametrize(("way", "pair"), some(SIZED, FEW))
def test_sizes(way, pair):
    spec, row = WINDOWS[pair[0]], REDUCTIONS[pair[1]]
    x, windows, reduce = sample(SHAPE, "float64"), spec.build(), row.build()
    for sizes in (np.array([[5, 10], [9, 3]]), np.array([[[1, 6], [0, 10]], [[0, 9], [4, 4]]])):
        want = ap.pool(x, windows, reduce, axes=AXES, sizes=sizes)
        got = called(way, lambda t, n: ap.pool(t, windows, reduce, axes=AXES, sizes=n), x, sizes,
                     axes=AXES)  # fmt: skip
        scale = scale_of(row, x, windows, axes=AXES, sizes=sizes)
        assert_same(got, want, ulp=2 * ULP[row.tolerance], scale=scale)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole"])
def test_sizes_after(way, label):
    if way == "dynamic":
        pytest.skip("sizes after pooling need known sizes: test_bad_input has the sentence")
    x, windows, sizes = sample(SHAPE, "float64"), WINDOWS[label].build(), np.array([[5, 9], [9, 3]])
    want = ap.pool(x, windows, "mean", axes=AXES, sizes=sizes, return_sizes=True)[1]
    got = called(way, lambda t, n: ap.pool(t, windows, "mean", axes=AXES, sizes=n,
                                           return_sizes=True), x, sizes, axes=AXES)  # fmt: skip
    assert np.array_equal(got[1], want)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["max", "mean", "gem", "median"])
def test_halves(way, name):
    """Added up in float32, rounded once."""
    x = sample((2, 9, 10, 3), "float32", 3) + 4
    for dtype in (tf.float16, tf.bfloat16):
        half = tf.cast(x, dtype)
        wide = np.asarray(tf.cast(half, tf.float32))
        want = tf.cast(ap.pool(wide, ap.windows.adaptive(4), name, axes=(1, 2)), dtype)
        got = called(way, lambda t, d=dtype: tf.cast(
            ap.pool(tf.cast(t, d), ap.windows.adaptive(4), name, axes=(1, 2)), tf.float32),
            wide, axes=(1, 2))  # fmt: skip
        assert_same(got, np.asarray(tf.cast(want, tf.float32)), ulp=2.0**14, scale=1.0)
    sixty = np.full((1, 128, 128, 1), 60, "float16")
    assert np.asarray(called(way, lambda t: ap.avg_pool(t, 128, axes=(1, 2)), sixty)) == 60


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("windows", [ap.windows.sliding(2), ap.windows.adaptive(3)], ids=str)
def test_nan_and_infinities(way, windows):
    x = np.array([1, np.nan, 3, 4, -np.inf, -np.inf], "float32").reshape(1, 6, 1)
    for name in ("max", "min", "mean"):
        want = ap.pool(x, windows, name, axes=(1,))
        assert_same(called(way, lambda t, n=name: ap.pool(t, windows, n, axes=(1,)), x), want)
        for nan in ("skip", "propagate"):
            y, pullback = ap.vjp(x, windows, name, axes=(1,), nan=nan)
            g = np.ones_like(y)
            back = slope(lambda t, k=nan, n=name: ap.pool(t, windows, n, axes=(1,), nan=k))
            assert_same(called(way, back, x, g), pullback(g))


@pytest.mark.parametrize("size", [(40, 3), (13, 70), (33, 41)])
@pytest.mark.parametrize("m", [2, 5, 7, 12, 31])
def test_overlapping_windows_in_graphs(size, m):
    """Few long windows are slices, short ones go element by element, others are gathered."""
    rng = np.random.default_rng(m)
    x = rng.normal(size=(2, *size, 3)).astype("float32")
    for odd in (np.nan, np.inf, -np.inf):
        x[rng.random(x.shape) < 0.01] = odd
    for function in (ap.adaptive_max_pool, ap.adaptive_avg_pool):
        graph = tf.function(lambda t, f=function: f(t, m, axes=(1, 2)), autograph=False)
        want = function(x, m, axes=(1, 2))
        assert_same(graph(x[:]).numpy(), want, ulp=64, scale=4.0)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
def test_ties_give_their_derivative_to_the_first(way, rank):
    """TensorFlow's own max_pool3d gives each of the equals all of it."""
    x = np.zeros((1, *(4, 4, 4)[:rank], 2), "float32")
    axes = tuple(range(1, rank + 1))
    for windows in (ap.windows.sliding(2), ap.windows.sliding(3, 2, "same"), ap.windows.adaptive(3),
                    ap.windows.whole()):  # fmt: skip
        y, pullback = ap.vjp(x, windows, "max", axes=axes)
        g = sample(y.shape, "float32", 3)
        got = called(way, slope(lambda t, w=windows: ap.pool(t, w, "max", axes=axes)), x, g)
        assert_same(got, pullback(g))


def test_the_tests_notice_a_wrong_number(monkeypatch):
    from anypool.tensorflow import eager

    right = eager.tensor_of
    monkeypatch.setattr(eager, "tensor_of", lambda a: right(a) + tf.constant(1, right(a).dtype))
    with pytest.raises(AssertionError, match="values differ"):
        test_the_case_table("eager", CASES[0])
