"""The kernels of lse, soft, lp, gem, std and var: there and back, in every way through memory."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import anypool as ap
from anypool import engine, kernels, reference
from same import assert_same

pytest.importorskip("numba", reason="numba is not installed: there are no kernels")

from anypool.kernels import fast, frame, run, smoothtrain

pytestmark = pytest.mark.usefixtures("every_kernel")
R, W = ap.reductions, ap.windows
FORMS = {
    "lse": R.lse(), "lse-": R.lse(-2.5), "soft": R.soft(), "gem": R.gem(), "gem4.5": R.gem(4.5),
    "gem9": R.gem(9), "lp": R.lp(), "lp1.5": R.lp(1.5), "std": R.std(), "var": R.var(0.5),
}  # fmt: skip
# one for each way through memory: the windows, the shape, whether channels are last
WAYS = {
    "1": (W.sliding(3, 1, 1), (2, 3, 9, 37), False),
    "2": (W.sliding(2), (2, 3, 9, 37), False),
    "3": (W.sliding((2, 3), (1, 3), ceil_mode=True), (2, 3, 9, 37), False),
    "any": (W.sliding(3, 5, 1), (2, 3, 9, 37), False),
    "channels": (W.sliding(3, 2, 1), (2, 20, 9, 17), True),
    "runs": (W.adaptive((4, 5)), (2, 3, 9, 37), False),
    "places": (W.adaptive((4, 5)), (2, 20, 9, 17), True),
}
SOME = [(form, way) for i, form in enumerate(FORMS) for j, way in enumerate(WAYS) if i % 7 == j]
SOME += [("lse", way) for way in WAYS]
SOME = sorted(set(SOME))


def data(shape: tuple[int, ...], last: bool, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    x = (2 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x


def pooled(x: np.ndarray, windows: Any, form: Any, **common: Any) -> np.ndarray:
    call = engine.prepare(x, windows, form, axes=(2, 3), **common)
    y = ap.pool(x, windows, form, axes=(2, 3), **common)
    assert kernels.into(call.plan, call.layout, x, y, None) is not None
    return y


def back(x: np.ndarray, windows: Any, form: Any, g: np.ndarray) -> np.ndarray:
    """The derivative by x, by the kernels made for it alone."""
    call = engine.prepare(x, windows, form, axes=(2, 3))
    gx = smoothtrain.backward(call.plan, call.layout, 0, x, g, None)
    assert gx is not None
    return gx


def slowly_back(x: np.ndarray, windows: Any, form: Any, g: np.ndarray) -> np.ndarray:
    """The same by the loop that serves every reduction, in float64."""
    call = engine.prepare(x.astype(np.float64), windows, form, axes=(2, 3))
    plane = np.ascontiguousarray(g, np.float64).reshape(-1)
    made = kernels.slopes(call.plan, call.layout, call.layout.grids[0], call.x, plane, None, None,
                          None, (), False, None)  # fmt: skip
    return made.x.reshape(x.shape)


@pytest.mark.parametrize(("form", "way"), SOME)
def test_float32_lies_within_two_units_of_the_reference(form: str, way: str) -> None:
    windows, shape, last = WAYS[way]
    x = data(shape, last)
    want = reference.pool(x.astype(np.float64), windows, FORMS[form], axes=(2, 3))
    got = pooled(x, windows, FORMS[form])
    assert_same(got, want.astype(np.float32), ulp=2, scale=np.abs(x).max())


BACK = [("lse", "2"), ("std", "1"), ("soft", "channels"), ("gem9", "3"), ("lp1.5", "any")]
BACK += [("gem", "runs"), ("lp", "places")]


@pytest.mark.parametrize(("form", "way"), BACK)
def test_the_way_back_is_that_of_the_slow_loop(form: str, way: str) -> None:
    windows, shape, last = WAYS[way]
    x = data(shape, last)
    g = np.random.default_rng(1).standard_normal(
        ap.pool(x, windows, "mean", axes=(2, 3)).shape).astype(np.float32)  # fmt: skip
    got, want = back(x, windows, FORMS[form], g), slowly_back(x, windows, FORMS[form], g)
    assert got.strides == x.strides
    assert_same(got, want.astype(np.float32), ulp=6, scale=np.abs(want).max())


@pytest.mark.parametrize("seed", range(24))
def test_any_sliding_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, stride = rng.integers(1, 6, 2), rng.integers(1, 6, 2)
    padding, dilation = rng.integers(0, 4, (2, 2)), rng.integers(1, 4, 2)
    windows = W.sliding(tuple(kernel), tuple(stride), [tuple(p) for p in padding],
                        tuple(dilation), bool(seed % 2))  # fmt: skip
    shape = (2, int(rng.choice([1, 3, 20])), *rng.integers(14, 40, 2))
    x = data(tuple(map(int, shape)), bool(seed % 3 == 0), seed=seed)
    form = FORMS["lse"]
    want = reference.pool(x.astype(np.float64), windows, form, axes=(2, 3))
    got = ap.pool(x, windows, form, axes=(2, 3))
    assert_same(got, want.astype(np.float32), ulp=2, scale=np.abs(x).max())
    g = rng.standard_normal(got.shape).astype(np.float32)
    want = slowly_back(x, windows, form, g)
    assert_same(back(x, windows, form, g), want.astype(np.float32), ulp=6,
                scale=np.abs(want).max())  # fmt: skip


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, -1e-42, 3e38, -3e38, 1e-30, 1.0, -1.0]


@pytest.mark.parametrize("form", ["lse", "lse-", "soft", "lp", "gem", "gem4.5", "gem9", "std"])
def test_special_numbers(form: str) -> None:
    """Windows of every pair of special numbers, and of one of them alone."""
    a, b = np.meshgrid(SPECIAL, SPECIAL)
    x = np.stack([a, b], -1).reshape(1, 1, 1, -1).astype(np.float32)
    got = pooled(x, W.sliding((1, 2)), FORMS[form])
    with np.errstate(all="ignore"):
        plan = engine.prepare(x.astype(np.float64), W.sliding((1, 2)), FORMS[form], axes=(2, 3))
        want = np.empty(got.shape)
        run.forward(plan.plan, plan.layout, plan.layout.grids[0], plan.x, want, None)
        # of tiny numbers ours is the mean, as it should be; that loop gives the largest
        assert_same(got, want.astype(np.float32), ulp=4, scale=1e-23)


@pytest.mark.parametrize("name", ["lse", "soft", "gem4.5", "std"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8", "int32"])
def test_other_numbers(dtype: str, name: str) -> None:
    if dtype == "bfloat16":
        kind: Any = pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes").bfloat16
    else:
        kind = dtype
    x = np.random.default_rng(3).integers(0, 99, (2, 3, 9, 37)).astype(kind)
    got = pooled(x, W.sliding(2), FORMS[name])
    want = reference.pool(x.astype(np.float64), W.sliding(2), FORMS[name], axes=(2, 3))
    assert_same(got, want.astype(got.dtype), ulp=2, scale=99)


@pytest.mark.parametrize("name", ["std", "var", "lse", "soft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_numbers_stay_what_they_are(name: str, dtype: Any) -> None:
    x = np.full((1, 1, 6, 36), 0.1, dtype) * np.arange(1, 7, dtype=dtype)[:, None]
    y = ap.pool(x, W.sliding((1, 3), 1), FORMS[name], axes=(2, 3))
    assert_same(y, np.zeros_like(y) if name in ("std", "var") else x[..., 1:-1], ulp=0)


def test_a_small_factor_gives_the_mean() -> None:
    x = data((1, 2, 8, 64), False)
    got = ap.pool(x, W.sliding(2), R.lse(1e-5), axes=(2, 3))
    want = reference.pool(x.astype(np.float64), W.sliding(2), R.lse(1e-5), axes=(2, 3))
    assert_same(got, want.astype(np.float32), ulp=2, scale=np.abs(x).max())


@pytest.mark.parametrize("way", WAYS)
def test_however_the_rows_are_shared_the_bits_are_the_same(way: str) -> None:
    windows, shape, last = WAYS[way]
    x = data(shape, last)
    whole = pooled(x, windows, FORMS["lse"])
    y = np.zeros_like(whole)
    call = engine.prepare(x, windows, FORMS["lse"], axes=(2, 3))
    fx, fy = frame.flat(x), frame.flat(y)
    made: Any = fast.ready(call.plan, call.layout.grids[0], call.plan.rules[0], fx, fy)
    for first in range(0, made.total, 5):
        made.kernel(fx.data, fy.data, made.table, first, min(first + 5, made.total))
    np.testing.assert_array_equal(y, whole)


class Guarded:
    """Memory that ends (and begins) at a page that nobody may touch."""

    def __init__(self, size: int) -> None:
        page = mmap.PAGESIZE
        self.size = -(-size // page) * page
        self.map = mmap.mmap(-1, self.size + 2 * page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        libc = ctypes.CDLL(None)
        for edge in (address, address + page + self.size):
            assert libc.mprotect(ctypes.c_void_p(edge), page, 0) == 0

    def array(self, like: np.ndarray, at_end: bool) -> np.ndarray:
        """An array that lies like ``like``, at the end or the beginning."""
        start = mmap.PAGESIZE + (self.size - like.nbytes if at_end else 0)
        order = np.argsort([-s for s in like.strides], kind="stable")
        shape = [like.shape[a] for a in order]
        dense = np.frombuffer(self.map, like.dtype, like.size, start).reshape(shape)
        made = dense.transpose(np.argsort(order))
        made[...] = like
        return made


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_touched_beyond_the_arrays(way: str, at_end: bool) -> None:
    if not hasattr(ctypes.CDLL(None), "mprotect"):
        pytest.skip("needs mprotect")
    windows, shape, last = WAYS[way]
    x = data(shape, last)
    want = pooled(x, windows, FORMS["lse"])
    g = np.ones_like(want)
    guards = [Guarded(x.nbytes), Guarded(want.nbytes), Guarded(x.nbytes), Guarded(want.nbytes)]
    likes = x, np.zeros_like(want), np.zeros_like(x), g
    gx, gy, ggx, gg = (m.array(a, at_end) for m, a in zip(guards, likes, strict=True))
    call = engine.prepare(gx, windows, FORMS["lse"], axes=(2, 3))
    kernels.pool_grid(call.plan, call.layout, 0, gx, gy, None, None, None, None, 1)
    np.testing.assert_array_equal(gy, want)
    smoothtrain.backward(call.plan, call.layout, 0, gx, gg, 1, ggx)
    np.testing.assert_array_equal(ggx, back(x, windows, FORMS["lse"], g))


def test_a_parameter_has_its_derivative_beside() -> None:
    x = data((1, 2, 8, 8), False, np.float64)
    _, pullback = ap.vjp(x, W.sliding(2), R.gem(3.25), axes=(2, 3))
    gx, dp = pullback(np.ones((1, 2, 4, 4)))
    up, down = (ap.pool(x, W.sliding(2), R.gem(3.25 + h), axes=(2, 3)).sum() for h in (1e-6, -1e-6))
    np.testing.assert_allclose(dp, (up - down) / 2e-6, rtol=1e-6)
    want = slowly_back(x, W.sliding(2), replace(R.gem(3.25), given=()), np.ones((1, 2, 4, 4)))
    np.testing.assert_allclose(gx, want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("reduce", [R.lp(1.5), R.gem(4.5), R.lse(), R.std()], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_beside_an_infinity(monkeypatch, reduce, dtype):
    """What the plain loops say: nothing counts beside an infinity, and it is NaN itself."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, (1, 2, 9, 20)).astype(dtype)
    x[0, 0, 3, 3] = np.inf
    y, back = ap.vjp(x, W.sliding(3, 1, 1), reduce, axes=(2, 3))
    monkeypatch.setattr(fast, "LEAST_READ", 1 << 40)
    _, plain = ap.vjp(x, W.sliding(3, 1, 1), reduce, axes=(2, 3))
    got, must = (b(np.ones_like(y)) for b in (back, plain))
    got, must = (a[0] if isinstance(a, tuple) else a for a in (got, must))
    np.testing.assert_allclose(got, must, rtol=1e-4, atol=1e-6)


def test_whole_derivatives_keep_their_digits(monkeypatch):
    x = np.random.default_rng(0).random((1, 2, 8, 8))
    y, back = ap.vjp(x, W.sliding(2), "lse", axes=(2, 3))
    assert_same(back(np.full(y.shape, 2**24 + 1)), back(np.full(y.shape, 2.0**24 + 1)))
