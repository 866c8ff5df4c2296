"""MLX: a library with a namespace and DLPack that differentiates Python's own functions."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from anypool.errors import PoolError
from cases import sample
from same import assert_same

mx = pytest.importorskip("mlx.core", reason="mlx is not installed")
SHAPE = (2, 3, 9, 10)


@pytest.fixture
def x():
    return sample(SHAPE, np.dtype("float32"))


POOLINGS = {
    "max": lambda x: ap.max_pool(x, 3, 2, 1), "average": lambda x: ap.avg_pool(x, 2),
    "adaptive": lambda x: ap.adaptive_avg_pool(x, (4, 7)), "lse": lambda x: ap.lse_pool(x, 2),
    "gem": lambda x: ap.gem_pool(abs(x) + 0.5, 3), "global": ap.global_avg_pool,
    "pyramid": lambda x: ap.pyramid_pool(x, (1, 2, 3)), "std": lambda x: ap.std_pool(x, 3),
    "masked": lambda x: ap.max_pool(x, 2, mask=x > 0, fill=0), "blur": ap.blur_pool,
    "median": lambda x: ap.median_pool(x, 3), "edge": lambda x: ap.blur_pool(x, mode="edge"),
}  # fmt: skip


@pytest.mark.parametrize("name", POOLINGS)
def test_values(name, x):
    y = POOLINGS[name](mx.array(x))
    assert isinstance(y, mx.array)
    np.testing.assert_allclose(np.asarray(y), POOLINGS[name](x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int32", "bool_"])
def test_dtypes(dtype, x):
    given = mx.array(x).astype(getattr(mx, dtype))
    y = ap.max_pool(given, 2)
    assert y.dtype == given.dtype
    assert_same(np.asarray(y), ap.max_pool(np.asarray(given), 2))


def test_bfloat16(x):
    y = ap.max_pool(mx.array(x).astype(mx.bfloat16), 2)
    assert y.dtype == mx.bfloat16


def test_indices_and_back(x):
    y, at = ap.max_pool(mx.array(x), 2, return_indices=True)
    want = ap.max_pool(x, 2, return_indices=True)
    assert_same((np.asarray(y), np.asarray(at)), want)
    assert_same(np.asarray(ap.max_unpool(y, at, SHAPE[2:])), ap.max_unpool(*want, SHAPE[2:]))


@pytest.mark.parametrize("name", ["max", "average", "adaptive", "lse", "global", "pyramid", "std"])
def test_its_own_derivative(name, x):
    """``mx.grad`` would take what comes back from NumPy for a constant, and its slope for 0."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pooled = POOLINGS[name]
    got = mx.grad(lambda x: (pooled(x) ** 2).sum())(mx.array(x))
    leaf = torch.tensor(x, requires_grad=True)
    (pooled(leaf) ** 2).sum().backward()
    np.testing.assert_allclose(np.asarray(got), leaf.grad, rtol=1e-4, atol=1e-5)


def test_the_derivative_of_a_blur(x):
    probe = np.ones(SHAPE, "float32")
    sent = np.asarray(mx.grad(lambda x: ap.blur_pool(x).sum())(mx.array(x)))
    assert np.isclose((sent * probe).sum(), ap.blur_pool(probe).sum(), rtol=1e-4)


def test_the_derivative_by_weights(x):
    w = np.linspace(0.5, 1.5, 90, dtype="float32").reshape(9, 10)
    by_both = mx.grad(lambda x, w: ap.avg_pool(x, 3, weights=w).sum(), argnums=(0, 1))
    got = by_both(mx.array(x), mx.array(w))
    y, back = ap.vjp(x, ap.windows.sliding(3), "mean", weights=w)
    for own, wanted in zip(got, back(np.ones_like(y)), strict=True):
        np.testing.assert_allclose(np.asarray(own), wanted, rtol=1e-4, atol=1e-5)


def test_what_has_no_derivative(x):
    with pytest.raises(PoolError, match="no second, for mlx array"):
        mx.eval(mx.grad(lambda x: mx.grad(lambda x: ap.lse_pool(x, 2).sum())(x).sum())(mx.array(x)))
    y, at = ap.max_pool(mx.array(x), 2, return_indices=True)
    with pytest.raises(PoolError, match="max_unpool has no derivative for mlx array"):
        mx.grad(lambda y: ap.max_unpool(y, at, SHAPE[2:]).sum())(y)
    with pytest.raises(PoolError, match="a list of arrays is pooled without a derivative for mlx"):
        mx.grad(lambda x: ap.global_avg_pool([x, x], axes=(1, 2)).sum())(mx.array(x[0]))
    with pytest.raises(PoolError, match="mode has no gradient"):
        mx.grad(lambda x: ap.mode_pool(x, 2).sum())(mx.array(x))


def test_inside_its_compiler(x):
    """A compiled function has no numbers yet: MLX says so itself."""
    with pytest.raises(RuntimeError, match="not allowed"):
        mx.compile(lambda x: ap.max_pool(x, 2))(mx.array(x))
