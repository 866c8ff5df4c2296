"""Every dtype, every memory layout, and planes of more than 2^31 elements."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import anypool as ap
import brute
from cases import DTYPES, REDUCTIONS, ULP, WINDOWS, result_dtype, sample, scale_of, windows
from same import assert_same
from strategies import LAYOUTS, mask_of, relayout

SHAPE, AXES = (2, 3, 9, 10), (2, 3)
K3S2P1 = WINDOWS["k3s2p1"]
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
TEN = [(reduce, WINDOWS[label]) for reduce in ("max", "mean") for label in WINDOWS]


def bfloat16() -> np.dtype:
    name = "ml_dtypes is not installed"
    return np.dtype(pytest.importorskip("ml_dtypes", reason=name).bfloat16)


def expected(x, spec, name, axes=AXES, **common):
    """Brute force in the dtype that the result has."""
    reduction = REDUCTIONS[name]
    y = brute.pool(x, spec, name, axes, **common)
    return y.astype(result_dtype(reduction, x.dtype, "weights" in common))


# --- dtypes (the case table has max and mean of each) -------------------------------------------


@EVERY_DTYPE
def test_full_range(dtype):
    """The least and the largest value of a dtype survive."""
    x = sample(SHAPE, dtype, kind="plain")
    if dtype.kind in "iu":
        x.flat[::7], x.flat[::11] = np.iinfo(dtype).min, np.iinfo(dtype).max
    assert_same(ap.max_pool(x, 3, 2, 1), expected(x, K3S2P1, "max"))


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.float16], ids=lambda t: t.__name__)
def test_full_range_masked(dtype):
    x, mask = sample(SHAPE, dtype, kind="plain"), mask_of(SHAPE, 0)
    y = ap.max_pool(x, 3, 2, 1, mask=mask, fill=1)
    assert_same(y, expected(x, K3S2P1, "max", mask=mask, fill=1))


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int64, np.uint64], ids=lambda t: t.__name__
)
def test_int_sums_are_exact_and_wide(dtype):
    most = np.iinfo(dtype).max
    x = np.full((1, 1, 50, 60), most if most < 2**60 else most // 4000, dtype)
    want = np.array(
        int(x[0, 0, 0, 0]) * 3000, np.uint64 if np.dtype(dtype).kind == "u" else np.int64
    )
    assert_same(ap.global_pool(x, reduce="sum").ravel(), want.reshape(1))


def test_bool():
    x = sample(SHAPE, bool)
    for name in ("max", "any", "sum", "mean"):
        y = ap.pool(x, K3S2P1.build(), name, axes=AXES)
        assert_same(y, expected(x, K3S2P1, name), ulp=4)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole"])
@pytest.mark.parametrize("reduce", ["max", "median", "mean", "gem"])
def test_half_types_are_rounded_once(reduce, label, name):
    """Computed in float32 at least, so within one rounding of the float64 answer."""
    dtype = bfloat16() if name == "bfloat16" else np.dtype(name)
    x = sample(SHAPE, np.float32, 1).astype(dtype)
    y = ap.pool(x, WINDOWS[label].build(), reduce, axes=AXES)
    want = brute.pool(x.astype(np.float64), WINDOWS[label], reduce, AXES).astype(dtype)
    assert_same(y, want, ulp=0 if reduce in ("max", "min") else 1, scale=0.01)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types_with_nan_and_infinity(name):
    dtype = bfloat16() if name == "bfloat16" else np.dtype(name)
    x = sample(SHAPE, np.float32, 2)
    x.flat[::13], x.flat[::17], x.flat[::19] = np.nan, np.inf, -np.inf
    want = ap.max_pool(x, 3, 2, 1)
    assert_same(ap.max_pool(x.astype(dtype), 3, 2, 1), want.astype(dtype))
    want = -ap.max_pool(-x, 3, 2, 1)
    assert_same(ap.min_pool(x.astype(dtype), 3, 2, 1), want.astype(dtype))


@pytest.mark.parametrize(
    ("dtype", "reduce"),
    [(np.complex64, "sum"), (np.complex64, "mean"), (np.complex128, "mean")],
    ids=str,
)
@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole"])
def test_complex(label, dtype, reduce):
    x = sample(SHAPE, dtype)
    y = ap.pool(x, WINDOWS[label].build(), reduce, axes=AXES)
    assert_same(y, brute.pool(x, WINDOWS[label], reduce, AXES).astype(dtype), ulp=8, scale=99.0)


@pytest.mark.parametrize("code", [">f4", ">f8", ">i2", ">i8", ">u4", ">f2", ">c8"])
@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_big_endian(reduce, code):
    if reduce == "max" and "c" in code:
        pytest.skip("complex numbers have no order")
    native = sample(SHAPE, np.dtype(code).newbyteorder("="))
    got = ap.pool(native.astype(code), K3S2P1.build(), reduce, axes=AXES)
    assert_same(got, ap.pool(native, K3S2P1.build(), reduce, axes=AXES))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32], ids=str)
def test_dtype_of_the_result(dtype):
    x = sample(SHAPE, np.float32)
    y = ap.avg_pool(x, 3, dtype=dtype)
    assert y.dtype == dtype
    want = ap.avg_pool(x.astype(np.float64), 3)
    want = np.rint(want) if np.dtype(dtype).kind == "i" else want
    ulp = 2**30 if dtype == np.float64 else 2  # the sum itself may be a float32
    assert_same(y, want.astype(dtype), ulp=ulp, scale=1.0)


def test_integer_results_round_half_to_even():
    x = np.array([0, 1, 1, 2, 2, 3, 3, 4, -1, 0, -1, -2], np.int8)
    assert_same(ap.avg_pool(x, 2), np.array([0.5, 1.5, 2.5, 3.5, -0.5, -1.5]))
    y = ap.avg_pool(x, 2, dtype=np.int8)
    assert_same(y, np.array([0, 2, 2, 4, 0, -2], np.int8))


def test_float64_result_of_float32_is_as_exact_as_the_kernel():
    x = sample((1, 1, 64, 64), np.float32, kind="plain")
    y = ap.global_avg_pool(x, dtype=np.float64)
    assert abs(y.item() - x.astype(np.float64).mean()) < 1e-6


# --- layouts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8], ids=lambda t: t.__name__)
@pytest.mark.parametrize(("reduce", "spec"), TEN, ids=str)
def test_layouts(reduce, spec, dtype, how):
    x = sample(SHAPE, dtype, 3)
    got = ap.pool(relayout(x, how), spec.build(), reduce, axes=AXES)
    want = ap.pool(x, spec.build(), reduce, axes=AXES)
    ulp = 2 * ULP[REDUCTIONS[reduce].tolerance]
    assert_same(got, want, ulp=ulp, scale=4.0)


@pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
def test_broadcast_views_of_stride_zero(reduction):
    row = sample((1, 3, 1, 10), np.float64, 4)
    view, solid = np.broadcast_to(row, SHAPE), np.tile(row, (2, 1, 9, 1))
    for spec in (K3S2P1, WINDOWS["adaptive"], WINDOWS["whole"]):
        scale = scale_of(reduction, solid, spec.build(), axes=AXES)
        got = ap.pool(view, spec.build(), reduction.build(), axes=AXES)
        want = ap.pool(solid, spec.build(), reduction.build(), axes=AXES)
        assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=scale)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 17, 64])
@pytest.mark.parametrize(("reduce", "spec"), TEN, ids=str)
def test_channels_last_equals_channels_first(reduce, spec, channels):
    first = sample((2, channels, 9, 10), np.float32, 5)
    last = np.ascontiguousarray(first.transpose(0, 2, 3, 1))
    want = ap.pool(first, spec.build(), reduce, axes=(2, 3))
    got = ap.pool(last, spec.build(), reduce, axes=(1, 2))
    ulp = 2 * ULP[REDUCTIONS[reduce].tolerance]
    assert_same(np.moveaxis(got, -1, 1), want, ulp=ulp, scale=4.0)


@pytest.mark.parametrize(("reduce", "spec"), TEN, ids=str)
def test_unaligned_memory(reduce, spec):
    """As numpy.frombuffer of a file with a header gives it."""
    x = sample(SHAPE, np.float32, 6)
    odd = np.frombuffer(b"\0" + x.tobytes(), np.float32, offset=1).reshape(SHAPE)
    assert not odd.flags.aligned
    want = ap.pool(x, spec.build(), reduce, axes=AXES)
    assert_same(ap.pool(odd, spec.build(), reduce, axes=AXES), want, ulp=8, scale=4.0)


@pytest.mark.parametrize("how", LAYOUTS)
def test_the_input_is_never_written_to(how):
    x = relayout(sample(SHAPE, np.float64), how)
    before = x.copy()
    x.flags.writeable = False
    for name in ("max", "mean", "median", "mode", "gem"):
        ap.pool(x, K3S2P1.build(), name, axes=AXES)
        ap.pool(x, K3S2P1.build(), name, axes=AXES, mask=np.ones(SHAPE, bool))
    assert_same(x, before)


# --- more than 2^31 elements, in no memory at all ------------------------------------------------


def huge(rows: int, cols: int, dtype=np.uint8) -> np.ndarray:
    """rows x cols elements over a single row."""
    row = np.random.default_rng(6).integers(0, 250, cols).astype(dtype)
    return as_strided(row, (rows, cols), (0, row.itemsize), writeable=False)


@pytest.mark.timeout(240)
def test_indices_beyond_two_to_the_31():
    x = huge(2**20 + 5, 4096)
    kernel, stride = (2, 5), (2**18, 1000)
    y, found = ap.max_pool(x, kernel, stride, return_indices=True)
    assert y.shape == (5, 5)
    assert found.max() > 2**32
    for (i, j), index in np.ndenumerate(found):
        window = x[0, j * 1000 : j * 1000 + 5]
        assert y[i, j] == window.max()
        assert index == i * 2**18 * 4096 + j * 1000 + window.argmax()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["max", "mean", "median"])
def test_one_long_axis(name):
    x = as_strided(np.arange(3, dtype=np.uint8), (2**31 + 9, 3), (0, 1), writeable=False)
    y = ap.pool(x, windows("sliding", kernel_size=3, stride=2**30).build(), name, axes=(0,))
    assert_same(y, np.tile(np.arange(3.0), (3, 1)), check_dtype=False)
