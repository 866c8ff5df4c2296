"""Vector exponentials, logarithms and powers against NumPy's widest type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed: there are no kernels")

from numba.core import types

from anypool.kernels import curves, registers, vectors
from anypool.kernels import numbers as nm
from anypool.kernels.cache import compile

KINDS = {"f32": np.float32, "f64": np.float64}


@lru_cache
def vectorised(name: str, kind: str, short: bool = False) -> Any:
    """go(x, y, high, low): the curve of every element."""
    lanes, power = nm.lanes_of(kind), name == "power"

    @vectors.intrinsic
    def curve(typing: Any, v: Any, high: Any, low: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Any:
            real = curves.Real(b, args[0], kind)
            parts = [curves.Real(b, registers.splat(b, nm.convert(b, a, "f64", kind), lanes), kind)
                     for a in args[1:]]  # fmt: skip
            function = getattr(curves, name)
            return (function(real, *parts, short) if power else function(real)).v

        return v(v, types.float64, types.float64), code

    load, put = vectors.load(kind, kind, lanes), vectors.store(kind, lanes)
    memory, keep = vectors.memory, vectors.keep

    def go(x_array, y_array, high, low):
        x, y = memory(x_array), memory(y_array)
        for i in range(0, x_array.size, lanes):
            put(y, i, curve(load(x, i), high, low))
        keep(x_array)
        keep(y_array)

    return compile(go, f"test_curve_{name}_{kind}_{short}", disk=False)


def apply(name: str, x: np.ndarray, high: float = 0.0, low: float = 0.0, short: bool = False):
    kind = "f32" if x.dtype == np.float32 else "f64"
    room = -(-x.size // 16) * 16
    held, y = np.ones(room, x.dtype), np.empty(room, x.dtype)
    held[: x.size] = x
    vectorised(name, kind, short)(held, y, high, low)
    return y[: x.size]


def worst(got: np.ndarray, want: np.ndarray) -> float:
    """The largest error in units in the last place."""
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(want).astype(got.dtype)).astype(np.longdouble)
    return float((np.abs(got.astype(np.longdouble) - want) / unit).max())


def arguments(name: str, dtype: Any) -> np.ndarray:
    rng, n, far = np.random.default_rng(7), 1 << 16, 86.0 if dtype == np.float32 else 700.0
    near = np.exp(rng.uniform(-40, 0, n))
    x = {
        "exp": -np.concatenate([near, rng.uniform(0, far, n)]),
        "expm1": -np.concatenate([near, rng.uniform(0, far, n)]),
        "log": np.concatenate([rng.uniform(0.4, 2, n), np.exp(rng.uniform(-far, far, n))]),
        "log1p": np.concatenate([-near * 0.9999, near, rng.uniform(-0.99, 3, n)]),
    }
    return x[name].astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "most"), [("exp", 2), ("expm1", 2), ("log", 3), ("log1p", 3)])
def test_a_curve_is_right_to_few_units(name: str, most: float, kind: str) -> None:
    x = arguments(name, KINDS[kind])
    assert worst(apply(name, x), getattr(np, name)(x.astype(np.longdouble))) < most


@pytest.mark.parametrize("p", [3.0, 4.5, 0.7, 6.0, 1 / 3, 1 / 7, -0.25])
@pytest.mark.parametrize("short", [False, True])
def test_a_power_is_right_to_few_units(p: float, short: bool) -> None:
    x = np.exp(np.random.default_rng(8).uniform(-100, 100, 1 << 15))
    high = float(np.float32(p))
    exact = np.longdouble(high) + np.longdouble(p - high)
    want = x.astype(np.longdouble) ** exact
    error = worst(apply("power", x, high, p - high, short), want)
    assert error < (2.0**26 * (1 + abs(p)) if short else 2 + abs(p))


@pytest.mark.parametrize("dtype", KINDS.values())
def test_the_ends_of_the_line(dtype: Any) -> None:
    infinity, tiny = np.inf, np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, -infinity, np.nan, -1000.0, -tiny], dtype)
    assert apply("exp", x).tolist()[:3] == [1, 1, 0]
    assert apply("expm1", x).tolist()[:3] == [0, 0, -1]
    assert [*apply("exp", x)[4:], *apply("expm1", x)[4:]] == [0, 1, -1, -tiny]
    for name in ("exp", "expm1", "log", "log1p"):
        assert np.isnan(apply(name, x)[3])
    assert apply("log", np.array([0.0, infinity, 1.0], dtype)).tolist() == [-infinity, infinity, 0]


def test_powers_of_nothing_and_of_everything() -> None:
    tiny = np.finfo(np.float64).smallest_subnormal
    x = np.array([0.0, np.inf, np.nan, 1.0, 1e-200, 1e200, tiny])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(apply("power", x, 3.0)[:6], (x**3)[:6], rtol=1e-15)
        np.testing.assert_allclose(apply("power", x, 0.5), x**0.5, rtol=1e-15)
