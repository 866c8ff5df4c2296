"""Comparing JAX's arrays with NumPy's answers: what the tests of the JAX front share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from same import assert_same


def narrow(a: Any) -> np.ndarray:
    """NumPy's array at the width that JAX gives it: 32 bits stand for 64 unless x64 is on."""
    a = np.asarray(a)
    return a.astype(jax.dtypes.canonicalize_dtype(a.dtype))


def assert_jax(got: Any, want: Any, *, ulp: float = 0, scale: Any = 0.0) -> None:
    """Raise unless JAX's arrays are NumPy's at JAX's width: kind, shape, dtype and values."""
    if isinstance(want, tuple | list):
        assert isinstance(got, tuple | list), f"got {type(got).__name__}, wanted several"
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            assert_jax(one, other, ulp=ulp, scale=scale)
        return
    assert isinstance(got, jax.Array), f"got {type(got).__name__}, wanted an array of JAX's"
    assert_same(np.asarray(got), narrow(want), ulp=ulp, scale=scale)


def both_ways(function: Callable[..., Any], *args: Any) -> tuple[Any, Any]:
    """What a function gives eagerly, and compiled."""
    arrays = jax.tree.map(jnp.asarray, args)
    return function(*arrays), jax.jit(function)(*arrays)


def whole_numbers(shape: Any, seed: int = 0) -> np.ndarray:
    """An incoming derivative of small whole numbers: their sums are exact in every dtype."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)
