"""Gradients at the places where they could go wrong: ties, zeros, constants, NaN, wrong calls."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from cases import REDUCTIONS, sample
from same import assert_same

SMOOTH = {name: r for name, r in REDUCTIONS.items() if r.gradient}


def gradient(x, windows, reduce, g=None, **common):
    y, pullback = ap.vjp(x, windows, reduce, **common)
    made = pullback(np.ones_like(y) if g is None else g)
    return made[0] if isinstance(made, tuple) else made


@pytest.mark.parametrize("reduce", ["max", "min"])
def test_first_of_ties_in_row_major_order(reduce):
    x = np.zeros((4, 4))
    gx = gradient(x, ap.windows.sliding(2), reduce)
    assert_same(gx, np.array([[1.0, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]))


@pytest.mark.parametrize("reduce", ["max", "min"])
def test_split_ties(reduce):
    x = np.array([1.0, 1, 0, 1, 2, 2]) * (1 if reduce == "max" else -1)
    gx = gradient(x, ap.windows.sliding(3), reduce, np.array([6.0, 10]), ties="split")
    assert_same(gx, np.array([3.0, 3, 0, 0, 5, 5]))


def test_split_ties_of_overlapping_padded_and_masked_windows():
    x, mask = np.ones(5), np.array([True, True, False, True, True])
    gx = gradient(x, ap.windows.sliding(3, 1, 1), "max", ties="split", mask=mask)
    assert_same(gx, np.array([1.0, 1.5, 0, 1.5, 1]))


def test_split_agrees_with_first_without_ties():
    x = sample((2, 3, 9, 10), np.float64, kind="distinct")
    windows = ap.windows.sliding(3, 2, 1)
    first, split = (gradient(x, windows, "max", axes=(2, 3), ties=t) for t in ("first", "split"))
    assert_same(first, split)


def test_gradient_goes_to_the_last_nan():
    x = np.array([np.nan, 1, np.nan, 2])
    assert_same(gradient(x, ap.windows.sliding(4), "max"), np.array([0.0, 0, 1, 0]))


def test_skipped_nan_gets_no_gradient():
    x = np.array([np.nan, 1, np.nan, 2])
    for reduction in SMOOTH.values():
        gx = gradient(x, ap.windows.sliding(4), reduction.build(), nan="skip")
        assert np.isfinite(gx).all()
        assert_same(gx[[0, 2]], np.zeros(2))


@pytest.mark.parametrize("reduction", SMOOTH.values(), ids=SMOOTH)
@pytest.mark.parametrize("value", [0.0, 0.3, -2.0, 1e-30])
def test_constant_windows_have_a_finite_gradient(reduction, value):
    gx = gradient(np.full((6, 6), value), ap.windows.sliding(3, 2, 1), reduction.build())
    assert np.isfinite(gx).all()


def test_gradient_of_nothing_at_zero():
    zeros = np.zeros(4)
    for reduce in ("std", "lp", "stochastic", "gem"):
        assert_same(gradient(zeros, ap.windows.whole(), reduce), zeros)
    assert_same(gradient(zeros + 5, ap.windows.whole(), "std"), zeros)


def test_gem_below_eps_has_no_gradient():
    x = np.array([-1.0, 2.0])
    gx = gradient(x, ap.windows.whole(), "gem")
    assert gx[0] == 0
    assert gx[1] > 0


@pytest.mark.parametrize("p", [1, 2, 3, 2.3, np.inf])
def test_lp_of_signed_values_has_a_finite_gradient(p):
    x = sample((6, 6), np.float64, kind="plain")
    gx = gradient(x, ap.windows.sliding(3, 2, 1), ap.reductions.lp(p=p))
    assert np.isfinite(gx).all()
    assert (np.sign(gx) * np.sign(x) >= 0).all()


def test_mean_gradient_counts_the_padding():
    gx = gradient(np.ones(2), ap.windows.sliding(2, 2, 1), "mean")
    assert_same(gx, np.array([0.5, 0.5]))
    gx = gradient(np.ones(2), ap.windows.sliding(2, 2, 1), "mean", mask=np.ones(2, bool))
    assert_same(gx, np.array([1.0, 1]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_gradient_has_the_dtype_of_x(reduce, dtype):
    x = sample((2, 3, 6, 6), dtype)
    assert gradient(x, ap.windows.sliding(2), reduce, axes=(2, 3)).dtype == dtype


# --- what is kept for the backward pass ---------------------------------------------------------


@pytest.mark.parametrize(
    "windows",
    [ap.windows.sliding(3, 2, 1), ap.windows.sliding(2), ap.windows.adaptive(7)],
    ids=["k3s2p1", "k2", "adaptive"],
)
def test_max_keeps_one_byte_an_output(windows):
    x = sample((2, 3, 32, 33), np.float32)
    y, pullback = ap.vjp(x, windows, "max", axes=(2, 3))
    assert pullback.saved_bytes <= y.size


def test_max_of_a_large_window_keeps_more():
    x = sample((2, 3, 32, 33), np.float32, kind="distinct")
    y, pullback = ap.vjp(x, ap.windows.whole(), "max", axes=(2, 3))
    assert y.size < pullback.saved_bytes <= 8 * y.size
    gx = pullback(np.ones_like(y))
    assert_same(gx, (x == y).astype(np.float32))


@pytest.mark.parametrize("taps", [(16, 16), (255,), (256,), (257,), (1, 300), (40, 7)], ids=str)
@pytest.mark.parametrize("ties", ["first", "split"])
def test_the_place_of_the_max_fits_what_keeps_it(ties, taps):
    """A byte names 256 places: the first, the last and those about the edge."""
    axes = tuple(range(1, len(taps) + 1))
    for at in (0, 1, 127, 128, 254, 255, 256, 257, 299, int(np.prod(taps)) - 1):
        x = np.zeros((2, int(np.prod(taps))))
        x[1, min(at, x.shape[1] - 1)] = 1
        gx = gradient(x.reshape(2, *taps), ap.windows.sliding(taps), "max", axes=axes, ties=ties)
        assert_same(gx.reshape(2, -1)[1], x[1])


def test_a_sampled_element_gets_the_gradient():
    x = sample((2, 3, 6, 6), np.float64, kind="distinct") + 20
    reduce, windows = ap.reductions.stochastic(rng=3), ap.windows.sliding(2)
    y, pullback = ap.vjp(x, windows, reduce, axes=(2, 3))
    assert_same(y, ap.pool(x, windows, reduce, axes=(2, 3)))
    chosen = np.isin(x, y)
    assert_same(pullback(np.ones_like(y)), chosen.astype(float))


def test_random_windows_have_a_gradient():
    x = sample((2, 3, 9, 9), np.float64, kind="distinct")
    windows = ap.windows.fractional(2, 5, rng=4)
    y, pullback = ap.vjp(x, windows, "max", axes=(2, 3))
    assert_same(y, ap.pool(x, windows, "max", axes=(2, 3)))
    assert_same(pullback(np.ones_like(y)) > 0, np.isin(x, y))


def test_pullback_may_be_called_again_after_x_has_changed():
    """Max keeps its places, not x."""
    x = sample((2, 3, 8, 8), np.float64, kind="distinct")
    y, pullback = ap.vjp(x, ap.windows.sliding(2), "max", axes=(2, 3))
    g = sample(y.shape, np.float64, 1)
    first = pullback(g)
    x[:] = 0
    assert_same(pullback(g), first)


# --- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", ["mode", "any", "all"])
def test_no_gradient(reduce):
    with pytest.raises(ap.PoolError, match=f"{reduce} has no (derivative|gradient)"):
        ap.vjp(np.ones(4), ap.windows.sliding(2), reduce)


def test_no_gradient_of_integers():
    with pytest.raises(ap.PoolError, match=r"int64"):
        ap.vjp(np.arange(4), ap.windows.sliding(2), "max")


def test_no_gradient_of_the_wrong_shape():
    _, pullback = ap.vjp(np.ones(4), ap.windows.sliding(2), "max")
    with pytest.raises(ap.PoolError, match=r"\(3,\).*\(2,\)|\(2,\).*\(3,\)"):
        pullback(np.ones(3))
