"""max_unpool, fractional windows, pyramids, blur, and the converters of indices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import brute
from cases import PLANE, sample
from same import assert_same
from strategies import problems

SHAPE, AXES = (2, 3, *PLANE), (2, 3)

# --- max_unpool -----------------------------------------------------------------------------------

Y, INDICES = np.array([1.0, 5, 3, 2]), np.array([2, 2, 0, 2])
DUPLICATES = {
    "last": [3, 0, 2, 0],
    "sum": [3, 0, 8, 0],
    "mean": [3, 0, 8 / 3, 0],
    "max": [3, 0, 5, 0],
}
PADDINGS = {"reflect": "reflect", "zero": "constant", "edge": "edge"}  # ours: NumPy's


@pytest.mark.parametrize("rule", DUPLICATES)
def test_duplicates(rule):
    y = ap.max_unpool(Y, INDICES, 4, duplicates=rule)
    assert_same(y, np.array(DUPLICATES[rule], float), ulp=2)


def test_last_is_the_default_and_nothing_is_the_fill():
    assert_same(ap.max_unpool(Y, INDICES, 4, fill=-1), np.array([3.0, -1, 2, -1]))
    assert_same(ap.max_unpool(Y, np.array([-1, 0, -1, 3]), 4), np.array([5.0, 0, 0, 2]))


@pytest.mark.parametrize("rule", DUPLICATES)
def test_duplicates_are_the_same_in_every_run(rule):
    """Overlapping windows write many places several times."""
    x = sample((3, 5, 40, 40), np.float32, kind="plain")
    y, found = ap.max_pool(x, 5, 1, return_indices=True)
    first = ap.max_unpool(y, found, (40, 40), duplicates=rule)
    for _ in range(3):
        assert first.tobytes() == ap.max_unpool(y, found, (40, 40), duplicates=rule).tobytes()


@given(problems(dtypes=(np.float64,), kinds=("sliding", "adaptive", "split"), layouts=("C", "F")))
def test_unpool_puts_every_value_back(problem):
    x, axes = problem.x, problem.axes
    y, found = ap.pool(x, problem.windows.build(), "max", axes=axes, return_indices=True, fill=0)
    back = ap.max_unpool(y, found, tuple(problem.lengths), axes=axes)
    assert back.shape == x.shape
    written = back != 0
    assert_same(back[written], x[written])
    assert set(np.unique(y[found >= 0])) <= set(np.unique(back)) | {0.0}


@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (-2, -3)], ids=str)
def test_unpool_channels_last(axes):
    x = sample((2, 9, 10, 3), np.float64, kind="distinct")
    sizes = tuple(x.shape[a] for a in axes)
    y, found = ap.max_pool(x, 2, axes=axes, return_indices=True)
    back = ap.max_unpool(y, found, sizes, axes=axes)
    first, at = ap.max_pool(x.transpose(0, 3, 1, 2), 2, return_indices=True)
    want = ap.max_unpool(first, at, PLANE)
    assert_same(back, want.transpose(0, 2, 3, 1))


# --- indices as TensorFlow and ONNX count them ----------------------------------------------------


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("axes", [(2, 3), (1, 2)], ids=["channels-first", "channels-last"])
def test_indices_of_tensorflow_and_onnx(axes, batch):
    x = sample((2, 4, 5, 3) if axes == (1, 2) else (2, 3, 4, 5), np.float64, kind="distinct")
    y, found = ap.max_pool(x, 2, axes=axes, return_indices=True)
    onnx = ap.indices_to_onnx(found, x.shape, axes=axes)
    nchw = x if axes == (2, 3) else x.transpose(0, 3, 1, 2)  # the only order ONNX knows
    assert_same(nchw.ravel()[onnx], y)
    nhwc = x if axes == (1, 2) else x.transpose(0, 2, 3, 1)
    tf = ap.indices_to_tensorflow(found, x.shape, axes=axes, include_batch=batch)
    assert tf.shape == found.shape
    flat = nhwc.ravel() if batch else nhwc.reshape(2, -1)
    for n in range(2):
        assert_same(flat[tf[n]] if batch else flat[n][tf[n]], y[n])


def test_no_index_stays_no_index():
    found = np.array([[[[-1, 3]]]])
    for convert in (ap.indices_to_onnx, ap.indices_to_tensorflow):
        assert convert(found, (1, 1, 2, 2))[0, 0, 0, 0] == -1


def test_indices_follow_the_arrays_axis_order():
    """Axes may be named in any order; the indices are those of the array's own order."""
    x = sample(SHAPE, np.float64, kind="distinct")
    y, found = ap.max_pool(x, (2, 3), axes=(2, 3), return_indices=True)
    turned = ap.max_pool(x, (3, 2), axes=(3, 2), return_indices=True)
    assert_same(turned[0], y)
    assert_same(turned[1], found)


# --- fractional windows ---------------------------------------------------------------------------


def starts(**kwargs) -> list[int]:
    row = ap.pool(np.arange(10.0), ap.windows.fractional(2, 7, **kwargs), "min", axes=(0,))
    return row.astype(int).tolist()


def test_fractional_sequences():
    """No rng is u = 0.5; every other u gives one of PyTorch's sequences, u = 0.3 among them."""

    def expected(u):
        return [cut.reads[0] for cut in brute.fractional_cuts(10, 2, 7, u)]

    assert starts() == expected(0.5) == [0, 2, 3, 4, 6, 7, 8]
    assert expected(0.3) == [0, 1, 3, 4, 5, 7, 8]
    drawn = {tuple(starts(rng=seed)) for seed in range(40)}
    allowed = {tuple(expected(u)) for u in np.linspace(0, 1, 1000, endpoint=False)}
    assert tuple(expected(0.3)) in drawn <= allowed


def test_fractional_rng_is_repeatable():
    assert starts(rng=5) == starts(rng=5) == starts(rng=np.random.default_rng(5))
    x = sample(SHAPE, np.float64)
    a, b = (ap.fractional_max_pool(x, 2, 5, rng=np.random.default_rng(1)) for _ in range(2))
    assert_same(a, b)


def test_fractional_ratio():
    x = sample((2, 3, 25, 10), np.float64)
    got = ap.fractional_max_pool(x, 2, output_ratio=0.5)
    assert_same(got, ap.fractional_max_pool(x, 2, output_size=(12, 5)))
    assert ap.fractional_max_pool(x, 2, output_ratio=(0.7, 0.3)).shape == (2, 3, 17, 3)


# --- stochastic -----------------------------------------------------------------------------------


def test_stochastic_draws_elements_of_the_window_in_proportion():
    x = np.tile([1.0, 0, 3, -2], 4000)
    y = ap.stochastic_pool(x, 4, rng=np.random.default_rng(0))
    assert set(np.unique(y)) == {1.0, 3.0}
    assert abs((y == 3).mean() - 0.75) < 0.04
    assert_same(y, ap.stochastic_pool(x, 4, rng=np.random.default_rng(0)))
    assert_same(ap.stochastic_pool(x, 4), np.full(4000, 2.5))
    assert_same(ap.stochastic_pool(-x[:4] * 0, 4, rng=1), np.zeros(1))


# --- blur -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", PADDINGS)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_blur(stride, kernel, mode):
    """A binomial filter of an array padded by NumPy."""
    x = sample(SHAPE, np.float64, kind="plain")
    taps = np.poly1d([0.5, 0.5]) ** (kernel - 1) if kernel > 1 else np.poly1d([1.0])
    width = ((kernel - 1) // 2, kernel // 2)
    wide = np.pad(x, ((0, 0), (0, 0), width, width), mode=PADDINGS[mode])
    full = sum(
        a * b * wide[:, :, i : i + 9, j : j + 10]
        for i, a in enumerate(taps.coeffs)
        for j, b in enumerate(taps.coeffs)
    )
    got = ap.blur_pool(x, kernel, stride, mode=mode)
    assert_same(got, full[:, :, ::stride, ::stride], ulp=16, scale=4.0)


def test_blur_keeps_constants_and_dtypes():
    for dtype in (np.float16, np.float32, np.float64):
        x = np.full((1, 2, 7, 8), 3, dtype)
        assert_same(ap.blur_pool(x), np.full((1, 2, 4, 4), 3, dtype))


# --- pyramid --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["adaptive", "split"])
def test_pyramid_is_its_levels_in_a_row(rule):
    x = sample(SHAPE, np.float64)
    for reduce in ("max", "mean"):
        y = ap.pool(x, ap.windows.pyramid((1, 2, 4), rule=rule), reduce)
        levels = [ap.pool(x, ap.windows.adaptive(m, rule=rule), reduce) for m in (1, 2, 4)]
        want = np.concatenate([level.reshape(2, 3, -1) for level in levels], axis=-1)
        assert_same(y, want, ulp=4, scale=4.0)
    assert_same(ap.pyramid_pool(x), ap.pool(x, ap.windows.pyramid((1, 2, 4)), "max"))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_pyramid_lengths(bins):
    y = ap.pyramid_pool(sample((2, 6, 3, 7), np.float64), bins, axes=(1, 3))
    assert y.shape == (2, sum(b * b for b in bins), 3)
