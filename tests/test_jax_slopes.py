"""Derivatives in JAX: those of ap.vjp, of any order, through masks, ties, NaN and parameters."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import anypool as ap
import anypool.kernels
from cases import PLANE, REDUCTIONS, WINDOWS, sample
from same import assert_same
from strategies import mask_of, weights_of

jax = pytest.importorskip("jax", reason="JAX is not installed")
import jax.numpy as jnp  # noqa: E402 - only where JAX is
from jax.test_util import check_grads  # noqa: E402

import anypool.jax as aj  # noqa: E402

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
SMOOTH = {name: r for name, r in REDUCTIONS.items() if r.gradient}
SLOPED = pytest.mark.parametrize("reduction", SMOOTH.values(), ids=SMOOTH)
KNOWN = pytest.mark.usefixtures("wide")


@pytest.fixture(autouse=True)
def numpy_alone(monkeypatch):
    """Compare with NumPy's own operations: the kernels equal them, and take minutes to compile."""
    monkeypatch.setattr(ap.kernels, "why_not", lambda: "not in these tests")


@pytest.fixture
def wide():
    """64 bits for a test."""
    with jax.enable_x64(True):
        yield


def assert_slopes(got, want, g):
    """As ap.vjp: one array, or one for x, the weights and the parameters."""
    got, want = (a if isinstance(a, tuple) else (a,) for a in (got, want))
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert_same(np.asarray(one), np.asarray(other), ulp=1e5, scale=np.abs(g).max())


def slopes(x, g, windows, reduce, **common):
    """The derivatives for the incoming g of one call and its variations."""
    return [ap.vjp(x, windows, reduce, axes=AXES, **given)[1](g) for given in _given(common)]


def _given(common):
    return [{}, *({name: value} for name, value in sorted(common.items()))]


NIGHTLY = pytest.mark.nightly
TWICE = ("max", "mean", "gem", "median")  # a program that derives takes a second to compile
EARLY = [("k3s2p1", r) for r in SMOOTH.values()] + [("adaptive", SMOOTH[n]) for n in TWICE]
LATE = [("adaptive", r) for r in SMOOTH.values() if r.id not in TWICE]


@KNOWN
@pytest.mark.parametrize(
    ("label", "reduction"),
    [*EARLY, *(pytest.param(*p, marks=NIGHTLY) for p in LATE)],
    ids=lambda value: getattr(value, "id", value),
)
def test_derivatives_are_those_of_numpy(reduction, label):
    x, windows, reduce = sample(SHAPE, float), WINDOWS[label].build(), reduction.build()
    common = {"mask": mask_of(SHAPE, 1), "weights": weights_of(SHAPE, 2) + (label == "k3s2p1")}
    if label == "adaptive":
        common["sizes"] = np.array([[9, 10], [7, 5]])
    g = sample(ap.pool(x, windows, reduce, axes=AXES).shape, float, 9, "plain")
    want = slopes(x, g, windows, reduce, **common)
    got = jax.jit(lambda x, g, c: slopes(x, g, windows, reduce, **c))(x, g, common)
    for one, other in zip(got, want, strict=True):
        assert_slopes(one, other, g)
    dx = got[1][0] if isinstance(got[1], tuple) else got[1]  # by the mask
    assert (np.asarray(dx)[~common["mask"]] == 0).all()


@NIGHTLY
@KNOWN
@pytest.mark.parametrize("label", [name for name in WINDOWS if name not in ("k3s2p1", "adaptive")])
@SLOPED
def test_derivatives_over_the_other_windows(reduction, label):
    x, windows, reduce = sample(SHAPE, float), WINDOWS[label].build(), reduction.build()
    g = sample(ap.pool(x, windows, reduce, axes=AXES).shape, float, 9, "plain")
    [want] = slopes(x, g, windows, reduce)
    assert_slopes(jax.jit(lambda x, g: slopes(x, g, windows, reduce)[0])(x, g), want, g)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("ties", ["first", "split"])
def test_ties(name, ties):
    x = np.repeat(sample((1, 1, 5, 6), np.float32), 2, axis=2)
    for windows in (ap.windows.sliding(2), ap.windows.adaptive((4, 5))):
        y, pullback = ap.vjp(x, windows, name, ties=ties)
        g = np.arange(y.size, dtype=np.float32).reshape(y.shape) + 1
        got = jax.jit(lambda x, g, w=windows: ap.vjp(x, w, name, ties=ties)[1](g))(x, g)
        assert_same(np.asarray(got), pullback(g), ulp=4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_content_of_the_padding_does_not_matter(value):
    x, mask = sample(SHAPE, np.float32, kind="plain"), mask_of(SHAPE, 10)
    w = weights_of(SHAPE, 12).astype(np.float32)
    kinds = ("max", "mean", "gem", "soft", "std", "median", "topk")
    reduces = [ap.reductions.topk(2) if k == "topk" else k for k in kinds]

    @jax.jit
    def loss(x, w):
        found = [ap.pool(x, ap.windows.sliding(3, 2, 1), r, mask=mask, weights=w) for r in reduces]
        return sum(jnp.cos(y).sum() for y in found)

    both = [jax.grad(loss, (0, 1))(np.where(mask, x, v).astype(np.float32), w) for v in (0, value)]
    for a, b in zip(*both, strict=True):
        assert_same(np.asarray(a), np.asarray(b))
        assert np.isfinite(a).all()
    assert (np.asarray(both[0][0])[~mask] == 0).all()


def test_a_nan_keeps_its_derivative_as_in_numpy():
    x = np.array([1.0, np.nan, 2.0, 3.0], np.float32)
    want = ap.vjp(x, ap.windows.sliding(2), "max")[1](np.array([1.0, 1.0], np.float32))
    got = jax.grad(lambda x: ap.max_pool(x, 2)[1] + jnp.nan_to_num(ap.max_pool(x, 2)[0]) * 0)(x)
    assert want.tolist() == [0, 1, 0, 1]
    assert got.tolist() == [0, 0, 0, 1]


FIRST = [("max", "k3s1p1"), ("gem", "adaptive"), ("soft", "k3s1p1"), ("mean", "pyramid")]
ALL = [
    (name, label)
    for name in ("max", "mean", "gem", "lse", "soft", "std", "lp", "median")
    for label in ("k3s1p1", "adaptive", "pyramid")
]


@KNOWN
@pytest.mark.parametrize(
    ("name", "label"),
    [*FIRST, *(pytest.param(*one, marks=NIGHTLY) for one in ALL if one not in FIRST)],
)
def test_derivatives_to_the_second_order_and_forward(name, label):
    x = jnp.asarray(sample((1, 1, 5, 6), float, 1, "distinct") / 4 + 5)
    own = jax.jit(partial(ap.pool, windows=WINDOWS[label].build(), reduce=name, axes=AXES))
    check_grads(own, (x,), order=2, modes=("fwd", "rev"), atol=1e-4, rtol=1e-4)


@KNOWN
@pytest.mark.parametrize("name", ["gem", "lse", "soft", "lp"])
def test_parameters_are_learned(name):
    x = jnp.asarray(np.abs(sample(SHAPE, float)) + 0.1)
    function = getattr(aj, f"{name}_pool")
    word = {"gem": "p", "lse": "r", "soft": "beta"}.get(name)

    def own(x, p):
        return function(x, 3, **{word: p}) if word else function(x, p, 3)

    p = jnp.array([1.5, 2.5, 3.5]).reshape(1, 3, 1, 1)
    check_grads(jax.jit(own), (x, p), order=1, modes=("rev",), atol=1e-4, rtol=1e-4)
    single = own(x, jnp.array(2.5))
    assert_same(np.asarray(own(x, p)[:, 1]), np.asarray(single[:, 1]), ulp=64, scale=1)
    assert_same(np.asarray(own(x, 2.5)), np.asarray(single), ulp=64, scale=1)


def test_vjp_gives_a_tuple_where_numpy_does():
    x, w = sample(SHAPE, np.float32), weights_of((9, 10), 3)
    for common in ({}, {"weights": w}, {"reduce": ap.reductions.gem(p=4)}):
        call = {"windows": ap.windows.sliding(3), "reduce": "mean", "axes": AXES, **common}
        y, pullback = ap.vjp(x, **call)
        got, back = ap.vjp(jnp.asarray(x), **call)
        assert_same(np.asarray(got), y, ulp=64, scale=4)
        want, found = pullback(np.ones_like(y)), back(jnp.ones_like(got))
        assert isinstance(found, tuple) == isinstance(want, tuple)
        for a, b in zip(*(t if isinstance(t, tuple) else (t,) for t in (found, want)), strict=True):
            assert np.shape(a) == np.shape(b)
            assert_same(np.float32(a), np.float32(b), ulp=1e3, scale=9)


def test_what_has_no_derivative():
    x = jnp.asarray(sample(SHAPE, np.float32))
    with pytest.raises(ap.PoolError, match="mode has no gradient"):
        ap.vjp(x, ap.windows.sliding(2), "mode")
    with pytest.raises(ap.PoolError, match="mode has no gradient"):
        jax.grad(lambda x: ap.mode_pool(x, 2).sum())(x)
    with pytest.raises(ap.PoolError, match="x is int32; a gradient needs"):
        ap.vjp(jnp.arange(6), ap.windows.sliding(2), "max")
    assert (jax.grad(lambda x: (x * ap.any_pool(x, 3, 1, 1)).sum())(x) >= 0).all()


def test_unpooling_and_blurring_have_derivatives():
    x = jnp.asarray(sample((1, 1, 4, 6), np.float32))
    y, indices = ap.max_pool(x, 2, return_indices=True)
    one = jax.grad(lambda y: (ap.max_unpool(y, indices, (4, 6)) ** 2).sum())(y)
    assert_same(np.asarray(one), np.asarray(2 * y))
    twice = jnp.array([[0, 0, 3]])  # the last of two values for a place wins, and its derivative
    got = jax.grad(lambda v: ap.max_unpool(v, twice, 4, axes=(1,)).sum())(jnp.ones((1, 3)))
    assert got.tolist() == [[0, 1, 1]]
    check_grads(partial(ap.blur_pool, axes=(2, 3)), (x,), order=1, modes=("rev",), atol=1e-2,
                rtol=1e-2)  # fmt: skip
