"""Ready-made values from the threads of other projects, from the notes and from the tutorials."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from same import assert_same

INF = float("inf")


def grid(h: int, w: int, first: float = 0) -> np.ndarray:
    return np.arange(first, first + h * w, dtype=np.float64).reshape(h, w)


ONES5, ONES7, ONE_TO_SIX = np.ones(5), np.ones(7), np.arange(1.0, 7)
TWO_OF_THREE = np.array([[True, True, False]])
T9 = np.array([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]])

# case -> (call, answer)
VALUES = {
    # found in issues
    "adaptive max 5 to 3 (pytorch 190064)": (
        lambda: ap.adaptive_max_pool(grid(5, 5), 3),
        [[6, 8, 9], [16, 18, 19], [21, 23, 24]],
    ),
    "adaptive avg 6 to 8 (SO 53841509)": (
        lambda: ap.adaptive_avg_pool(ONE_TO_SIX, 8),
        [1, 1.5, 2.5, 3, 4, 4.5, 5.5, 6],
    ),
    "avg k3 s2 p1 ceil with padding (pytorch 183528)": (
        lambda: ap.avg_pool(grid(4, 4, 1), 3, 2, 1, ceil_mode=True, count_include_pad=True),
        [[14 / 9, 10 / 3, 2], [19 / 3, 11, 6], [4.5, 7.5, 4]],
    ),
    "avg k2 s3 ceil (coremltools 2844)": (
        lambda: ap.avg_pool(grid(7, 7), 2, 3, ceil_mode=True),
        [[4, 7, 9.5], [25, 28, 30.5], [42.5, 45.5, 48]],
    ),
    "same avg without padding (flax 2401)": (
        lambda: ap.avg_pool([1.0, 2.0], 2, 1, "same"),
        [1.5, 2],
    ),
    "same avg with padding (flax 2401)": (
        lambda: ap.avg_pool([1.0, 2.0], 2, 1, "same", count_include_pad=True),
        [1.5, 1],
    ),
    "uneven padding counted (Paddle 54404)": (
        lambda: ap.avg_pool(np.ones((8, 5)), 4, padding=((1, 2), (1, 2)), count_include_pad=True),
        [[0.5625, 0.375], [0.75, 0.5]],
    ),
    "masked max of negatives (Keras gives 0)": (
        lambda: ap.global_max_pool([[-1.0, -3.0, 9.0]], axes=(1,), mask=TWO_OF_THREE),
        [[-1]],
    ),
    "partial windows divide by what is real (equinox)": (
        lambda: ap.avg_pool(ONES5, 2, ceil_mode=True),
        [1, 1, 1],
    ),
    # systems.md, section 5
    "avg ceil with padding, 5": (
        lambda: ap.avg_pool(ONES5, 3, 3, 1, ceil_mode=True),
        [2 / 3, 1],
    ),
    "avg ceil without padding, 5": (
        lambda: ap.avg_pool(ONES5, 3, 3, 1, ceil_mode=True, count_include_pad=False),
        [1, 1],
    ),
    "avg ceil with padding, 7": (
        lambda: ap.avg_pool(ONES7, 3, 3, 1, ceil_mode=True),
        [2 / 3, 1, 2 / 3],
    ),
    "avg ceil without padding, 7": (
        lambda: ap.avg_pool(ONES7, 3, 3, 1, ceil_mode=True, count_include_pad=False),
        [1, 1, 1],
    ),
    "corners and edges of padded ones": (
        lambda: ap.avg_pool(np.ones((5, 5)), 3, 2, 1),
        [[4 / 9, 2 / 3, 4 / 9], [2 / 3, 1, 2 / 3], [4 / 9, 2 / 3, 4 / 9]],
    ),
    "same": (lambda: ap.avg_pool(ONE_TO_SIX, 3, 2, "same"), [2, 4, 5.5]),
    "same with padding counted": (
        lambda: ap.avg_pool(ONE_TO_SIX, 3, 2, "same", count_include_pad=True),
        [2, 4, 11 / 3],
    ),
    "same_lower": (lambda: ap.avg_pool(ONE_TO_SIX, 3, 2, "same_lower"), [1.5, 3, 5]),
    "same on an odd length pads both ends": (
        lambda: ap.max_pool(np.arange(5.0), 3, 2, "same"),
        [1, 3, 4],
    ),
    "adaptive avg 10 to 7": (
        lambda: ap.adaptive_avg_pool(np.arange(10.0), 7),
        [0.5, 1.5, 3, 4.5, 6, 7.5, 8.5],
    ),
    "adaptive max 10 to 7": (
        lambda: ap.adaptive_max_pool(np.arange(10.0), 7),
        [1, 2, 4, 5, 7, 8, 9],
    ),
    "adaptive avg 3 to 5": (
        lambda: ap.adaptive_avg_pool(np.arange(3.0), 5),
        [0, 0.5, 1, 1.5, 2],
    ),
    "adaptive avg 7 to 3": (
        lambda: ap.adaptive_avg_pool(grid(7, 7), 3),
        [[8, 10, 12], [22, 24, 26], [36, 38, 40]],
    ),
    "split avg 7 to 3 (equinox)": (
        lambda: ap.pool(grid(7, 7), ap.windows.split(3), "mean"),
        [[8, 10.5, 12.5], [25.5, 28, 30], [39.5, 42, 44]],
    ),
    "split mean 10 to 4 (equinox 641)": (
        lambda: ap.pool(np.arange(10.0), ap.windows.split(4), "mean"),
        [1, 4, 6.5, 8.5],
    ),
    "adaptive mean 10 to 4": (lambda: ap.adaptive_avg_pool(np.arange(10.0), 4), [1, 3, 6, 8]),
    "var is not taken twice (equinox)": (
        lambda: ap.adaptive_pool(np.arange(12.0) ** 1.5, 4, reduce="var"),
        [np.var((np.arange(12.0) ** 1.5)[i : i + 3]) for i in range(0, 12, 3)],
    ),
    "lp 2": (lambda: ap.lp_pool([-1.0, -2, 3, 4], 2, 2), [5**0.5, 5]),
    "lp 3 takes sizes": (lambda: ap.lp_pool([-1.0, -2, 3, 4], 3, 2), [9 ** (1 / 3), 91 ** (1 / 3)]),
    "lp of a partial window": (
        lambda: ap.lp_pool(ONES5, 2, 2, ceil_mode=True),
        [2**0.5, 2**0.5, 1],
    ),
    "lp of large values": (lambda: ap.lp_pool([3e200, 4e200], 2, 2), [5e200]),
    "lp of small values": (lambda: ap.lp_pool([3e-200, 4e-200], 2, 2), [5e-200]),
    "max of all -inf": (lambda: ap.max_pool([-INF, -INF], 2), [-INF]),
    "average of a window that left a giant": (
        lambda: ap.avg_pool([1e17, 0.1, 0.1, 0.1], 3, 1)[1:],
        [0.1],
    ),
    # tutorials T9 and T10
    "T9 max": (lambda: ap.max_pool(T9, 2), [[9, 9], [9, 5]]),
    "T9 average": (lambda: ap.avg_pool(T9, 2), [[7.5, 4.25], [5.5, 4.25]]),
    "T10 average": (lambda: ap.avg_pool(grid(4, 4, 1), 2), [[3.5, 5.5], [11.5, 13.5]]),
    "T10 max": (lambda: ap.max_pool(grid(4, 4, 1), 2), [[6, 8], [14, 16]]),
    "T10 global average": (lambda: ap.global_avg_pool(grid(4, 4, 1), axes=(0, 1)), [[8.5]]),
    "T10 global max": (lambda: ap.global_max_pool(grid(4, 4, 1), axes=(0, 1)), [[16]]),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_value(value):
    call, want = value
    assert_same(call(), np.array(want, float), ulp=8, check_dtype=False)


@pytest.mark.parametrize(
    ("length", "k", "s", "p", "count"),
    [
        (5, 2, 2, 0, 3),
        (6, 3, 2, 0, 3),
        (5, 2, 3, 0, 2),
        (5, 3, 3, 1, 2),
        (4, 1, 2, 0, 2),
        (7, 3, 3, 1, 3),
        (5, 2, 4, 1, 2),
        (4, 2, 3, 1, 2),
        (10, 1, 2, 0, 5),  # pytorch 148123
    ],
)
def test_ceil_lengths(length, k, s, p, count):
    y = ap.max_pool(np.arange(float(length)), k, s, p, ceil_mode=True)
    assert y.shape == (count,)
    assert np.isfinite(y).all()


def test_ceil_makes_no_row_of_nothing():
    """pytorch 45357: 6 x 7 with k1 s2 gave a row of -inf."""
    y = ap.max_pool(grid(6, 7), 1, 2, ceil_mode=True)
    assert_same(y, grid(6, 7)[::2, ::2])


def test_blocks_of_a_long_axis():
    """dask 6102: 768 in blocks of 3 are 256, wherever the work is cut."""
    y = ap.avg_pool(np.arange(768.0), 3)
    assert_same(y, np.arange(1.0, 768, 3))


def test_adaptive_average_of_noise_is_floor_and_ceil():
    """FlagGems 4915."""
    x = np.random.default_rng(0).normal(size=(10, 10))
    cuts = [(0, 4), (3, 7), (6, 10)]
    want = [[x[a:b, c:d].mean() for c, d in cuts] for a, b in cuts]
    assert_same(ap.adaptive_avg_pool(x, 3), np.array(want), ulp=4, scale=1.0)


def test_edge_blocks_are_not_mixed_with_zeros():
    """scikit-image pads with 0: edges 0.5, corner 0.25, and a max of -1 becomes 0."""
    assert_same(ap.avg_pool(np.ones((5, 5)), 2, ceil_mode=True), np.ones((3, 3)))
    assert_same(ap.max_pool(-np.ones((5, 5)), 2, ceil_mode=True), -np.ones((3, 3)))


# --- half types and integers have wide accumulators --------------------------------------------


def test_half_mean_of_ones():
    """cubek 639: 4096 half ones averaged to 0.5."""
    assert_same(ap.global_avg_pool(np.ones((1, 1, 64, 64), np.float16)).ravel(), np.float16([1]))


def test_half_mean_does_not_overflow():
    x = np.full((1, 1, 128, 128), 60, np.float16)
    assert_same(ap.global_avg_pool(x).ravel(), np.float16([60]))
    assert_same(ap.avg_pool(x, 64).ravel(), np.full(4, 60, np.float16))


def test_bfloat16_mean_of_ones():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    x = np.ones((1, 2, 10, 10, 10), ml_dtypes.bfloat16)
    y = ap.adaptive_avg_pool(x, (1, 1, 2))
    assert_same(y, np.ones((1, 2, 1, 1, 2), ml_dtypes.bfloat16))


@pytest.mark.parametrize("dtype", [None, np.int16])
def test_int16_mean_does_not_overflow(dtype):
    """tvm 20298."""
    x = np.full((17, 17), 32767, np.int16)
    y = ap.global_avg_pool(x, axes=(0, 1), dtype=dtype)
    assert_same(y, np.full((1, 1), 32767, dtype or np.float64))


@pytest.mark.parametrize(("dtype", "value"), [(np.float16, 300), (np.float32, 1e20)])
def test_lp_does_not_overflow(dtype, value):
    x = np.full(4, value, dtype)
    assert_same(ap.lp_pool(x, 2, 4), (2 * x[:1]).astype(dtype), ulp=2)


def test_float32_sums_are_blocked():
    """One sum after the other loses one in a hundred million: 24414.06 where 24415.06 is right."""
    x = np.ones(4096, np.float32)
    x[0] = 1e8
    y = ap.global_avg_pool(x, axes=(0,))
    assert abs(float(y[0]) - 24415.0622) < 0.2
