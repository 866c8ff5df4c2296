"""Windows so large that their work is shared: against NumPy, wherever x lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import anypool as ap
from anypool import engine, kernels

pytestmark = [
    pytest.mark.skipif(bool(kernels.why_not()), reason="the kernels need numba"),
    pytest.mark.usefixtures("every_kernel"),
]
slid = ap.windows.sliding

# kernel, stride, padding, dilation
WINDOWS: list[Any] = [
    (31, 1, 15, 1), ((31, 20), 1, (10, 10), 1), ((20, 3), 1, 1, 1), ((1, 21), 1, (0, 10), 1),
    (9, 1, 8, 2), (16, 2, 3, 1), ((17, 16), (3, 1), 5, 1), ((11, 12), (1, 2), 2, (2, 1)),
    (40, 1, 20, 1), ((12, 64), (5, 4), (3, 9), 1),
]  # fmt: skip


def laid(x: np.ndarray, last: bool) -> np.ndarray:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x


def by_hand(x: np.ndarray, *spec: Any) -> np.ndarray:
    """Axis by axis, in float64; padding is the identity. spec: as WINDOWS, and the operation."""
    kernel, stride, padding, dilation, op = spec
    y, empty = x.astype(np.float64), {"max": -np.inf, "min": np.inf}.get(op, 0.0)
    for axis, k, s, p, d in zip(
        (2, 3), *map(pairs, (kernel, stride, padding, dilation)), strict=True
    ):
        pad = [(0, 0)] * 4
        pad[axis] = (p, p)
        y = np.pad(y, pad, constant_values=empty)
        v = np.lib.stride_tricks.sliding_window_view(y, (k - 1) * d + 1, axis)
        y = getattr(np, op)(np.moveaxis(np.moveaxis(v[..., ::d], axis, 0)[::s], 0, axis), axis=-1)
    return y


def pairs(value) -> tuple:
    return tuple(value) if isinstance(value, tuple) else (value, value)


def pooled(x: np.ndarray, spec, op: str) -> np.ndarray:
    k, s, p, d = spec
    call = engine.prepare(x, slid(k, stride=s, padding=p, dilation=d), op, axes=(2, 3))
    assert kernels.choose(call.plan, x).name == "tall" or not x.flags.c_contiguous
    return engine.run(call).y


@pytest.mark.parametrize("spec", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_max_is_exact(spec, dtype: str) -> None:
    rng = np.random.default_rng(1)
    for channels, last in ((2, False), (3, True), (33, True)):
        x = (rng.normal(size=(2, channels, 50, 71)) * 40 + 120).astype(dtype)
        y = pooled(laid(x, last), spec, "max")
        assert np.array_equal(y.astype(np.float64), by_hand(x, *spec, "max"))


@pytest.mark.parametrize("spec", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_sums_stay_within_24_roundings(spec, dtype: str) -> None:
    rng = np.random.default_rng(2)
    for channels, last in ((2, False), (3, True)):
        x = (rng.normal(size=(2, channels, 50, 71)) * 40 + 120).astype(dtype)
        error = np.abs(pooled(laid(x, last), spec, "sum") - by_hand(x, *spec, "sum"))
        bound = 25 * 2.0**-24 * by_hand(np.abs(x), *spec, "sum") if dtype == "float32" else 0
        assert (error <= bound).all()


def test_means_divide_by_what_is_real_or_by_all() -> None:
    x = np.random.default_rng(3).normal(size=(1, 2, 40, 45)).astype(np.float32)
    w = slid(21, stride=1, padding=10)
    ones = by_hand(np.ones_like(x), 21, 1, 10, 1, "sum")
    total = by_hand(x, 21, 1, 10, 1, "sum")
    for flag, divisor in ((False, ones), (True, 441)):
        y = ap.pool(x, w, "mean", axes=(2, 3), count_include_pad=flag)
        assert np.allclose(y, total / divisor, rtol=0, atol=2e-6)


@pytest.mark.parametrize("op", ["max", "min", "sum"])
def test_one_nan_or_infinity_stays_in_its_windows(op: str) -> None:
    for bad in (np.nan, np.inf, -np.inf):
        x = np.random.default_rng(4).normal(size=(1, 2, 60, 60)).astype(np.float32)
        x[0, 0, 30, 31] = bad
        y = pooled(x, (17, 1, 8, 1), op)
        want = by_hand(x, 17, 1, 8, 1, op)
        assert np.allclose(y, want, rtol=1e-5, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("shape", [(3, 5, 900), (3, 900, 40)])
def test_one_axis(shape) -> None:
    x = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    axis = 2 if shape[1] == 5 else 1
    v = np.lib.stride_tricks.sliding_window_view(x, 63, axis)
    w = slid(63, stride=1)
    assert np.array_equal(ap.pool(x, w, "max", axes=(axis,)), v.max(-1))
    want = v.astype(np.float64).mean(-1)
    assert np.allclose(ap.pool(x, w, "mean", axes=(axis,)), want, rtol=0, atol=1e-6)


def test_three_axes() -> None:
    x = np.random.default_rng(6).normal(size=(1, 2, 9, 30, 33)).astype(np.float32)
    w = slid((4, 15, 12), stride=1, padding=(1, 5, 6))
    wide = ap.pool(x.astype(np.float64), w, "sum", axes=(2, 3, 4), nan="skip")
    assert np.allclose(ap.pool(x, w, "sum", axes=(2, 3, 4)), wide, rtol=0, atol=2e-4)


@pytest.mark.parametrize("op", ["max", "mean"])
def test_the_number_of_threads_changes_no_bit(op: str) -> None:
    x = np.random.default_rng(7).normal(size=(4, 8, 90, 90)).astype(np.float32)
    w = slid(31, stride=1, padding=15)
    one, many = (ap.pool(x, w, op, axes=(2, 3), threads=n) for n in (1, 5))
    assert one.tobytes() == many.tobytes()


BACK: list[Any] = [(31, 15, 1), ((20, 9), (3, 4), 1), (9, 8, 2)]  # kernel, padding, dilation


@pytest.mark.parametrize("spec", BACK, ids=str)
@pytest.mark.parametrize("how", ["sum", "mean", "real"])
@pytest.mark.parametrize("channels", [1, 3, 33])
def test_the_way_back_is_the_transpose(spec, how: str, channels: int) -> None:
    kernel, padding, dilation = spec
    rng = np.random.default_rng(8)
    common: dict[str, Any] = {"count_include_pad": False} if how == "real" else {}
    x = rng.normal(size=(2, 45, 50, channels)).astype(np.float32)
    w = slid(kernel, stride=1, padding=padding, dilation=dilation)
    call = engine.prepare(x, w, how.replace("real", "mean"), axes=(1, 2), **common)
    training = kernels.for_training(call.plan, call.layout, 0, x)
    g = rng.normal(size=engine.run(call).y.shape).astype(np.float32)
    gx = np.full_like(x, np.nan)
    training.backward(g, None, gx, 1)
    for _ in range(3):  # <g, A v> = <A^T g, v> for the linear A that pools
        v = rng.normal(size=x.shape)
        wide = engine.prepare(v, w, how.replace("real", "mean"), axes=(1, 2), **common)
        left, right = (g * engine.run(wide).y).sum(), (gx * v).sum()
        assert abs(left - right) < 1e-5 * np.sqrt(g.size) * np.abs(gx).max()


def test_one_axis_on_the_way_back() -> None:
    rng = np.random.default_rng(9)
    for channels in (1, 17):
        x = rng.normal(size=(2, 200, channels)).astype(np.float32)
        call = engine.prepare(x, slid(31, stride=1), "sum", axes=(1,))
        training = kernels.for_training(call.plan, call.layout, 0, x)
        g = rng.normal(size=(2, 170, channels)).astype(np.float32)
        gx = np.empty_like(x)
        training.backward(g, None, gx, 1)
        full = np.pad(g.astype(np.float64), ((0, 0), (30, 30), (0, 0)))
        want = np.lib.stride_tricks.sliding_window_view(full, 31, 1).sum(-1)
        assert np.allclose(gx, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize(
    ("shape", "windows"),
    [((1, 2, 1, 20, 20), slid((2, 9, 9), stride=1, padding=(1, 4, 4))),
     ((1, 2, 1, 20, 40), slid((1, 9, 31), stride=1, padding=(0, 4, 15))),
     ((2, 1, 1, 1, 40), slid((1, 3, 31), stride=1, padding=(0, 1, 15)))],
    ids=str,
)  # fmt: skip
def test_the_way_back_where_padding_surrounds_an_axis_of_one(reduce, shape, windows) -> None:
    """Such an axis has outputs, or a share, of its own: the pullback is the transpose."""
    rng = np.random.default_rng(0)
    x, line, axes = rng.random(shape), rng.random(shape), (2, 3, 4)
    y, back = ap.vjp(x, windows, reduce, axes=axes)
    g = rng.random(y.shape)
    along = ap.pool(line, windows, reduce, axes=axes)
    np.testing.assert_allclose((back(g) * line).sum(), (g * along).sum(), rtol=1e-9)
