"""mask, weights and fill on every reduction and every kind of window.

Whatever lies in the padding, NaN and infinity included, changes neither a result nor a gradient.
"""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
import brute
from cases import PLANE, REDUCTIONS, ULP, WINDOWS, result_dtype, sample, scale_of
from same import assert_same
from strategies import mask_of, weights_of

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
EVERY = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS)
DIFFERENTIABLE = {name: r for name, r in REDUCTIONS.items() if r.gradient}
GARBAGE = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "large": 1e300}


def compare(x, spec, reduction, fill=-3, **common) -> None:
    """The pooling with these masks and weights equals brute force."""
    fill = fill if reduction.name not in ("any", "all") else 1
    got = ap.pool(x, spec.build(), reduction.build(), axes=AXES, fill=fill, **common)
    want = brute.pool(
        x, spec, reduction.name, AXES, fill=fill, params=reduction.params, **common
    ).astype(result_dtype(reduction, x.dtype, "weights" in common))
    scale = scale_of(reduction, x, spec.build(), axes=AXES, **common)
    assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=scale)


@EVERY
@EACH
def test_mask(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, mask=mask_of(SHAPE, 1))


@EVERY
@EACH
def test_weights(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, weights=weights_of(SHAPE, 2))


@EVERY
@EACH
def test_mask_and_weights_together(reduction, spec):
    both = {"mask": mask_of(SHAPE, 3, 0.4), "weights": weights_of(SHAPE, 4)}
    compare(sample(SHAPE, float), spec, reduction, **both)


@pytest.mark.parametrize(
    "shape", [(2, 1, 9, 10), (9, 10), (3, 1, 10), (1, 1, 1, 1), (10,)], ids=str
)
@pytest.mark.parametrize("name", ["max", "mean", "median", "gem", "mode"])
def test_masks_and_weights_broadcast(name, shape):
    x, spec, reduction = sample(SHAPE, float), WINDOWS["k3s2p1"], REDUCTIONS[name]
    compare(x, spec, reduction, mask=mask_of(shape, 5))
    compare(x, spec, reduction, weights=weights_of(shape, 6) + 0.25)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8], ids=lambda t: t.__name__)
@pytest.mark.parametrize("name", ["max", "mean", "median"])
def test_masked_dtypes(name, dtype):
    x, reduction = sample(SHAPE, dtype), REDUCTIONS[name]
    compare(x, WINDOWS["k3s2p1"], reduction, fill=1, mask=mask_of(SHAPE, 7))
    compare(x, WINDOWS["adaptive"], reduction, fill=1, mask=mask_of(SHAPE, 7))


@EACH
@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole", "pyramid"])
def test_zero_weight_equals_mask_and_equal_weights_equal_none(reduction, label):
    x, windows, mask = sample(SHAPE, float), WINDOWS[label].build(), mask_of(SHAPE, 8)
    scale = scale_of(reduction, x, windows, axes=AXES)
    if reduction.params.get("q"):
        pytest.skip("a weighted quantile is the inverted CDF, not NumPy's interpolation")

    def pool(**common):
        return ap.pool(x, windows, reduction.build(), axes=AXES, **common)

    got = pool(weights=mask.astype(float))
    assert_same(got, pool(mask=mask), ulp=2 * ULP[reduction.tolerance], scale=scale)
    got = pool(mask=mask, weights=np.ones(SHAPE))
    assert_same(got, pool(mask=mask), ulp=2 * ULP[reduction.tolerance], scale=scale)


WEIGHED = {n: r for n, r in REDUCTIONS.items() if r.weights != "selects" and n != "quantile-q=0.3"}


@pytest.mark.parametrize("reduction", WEIGHED.values(), ids=WEIGHED)
def test_integer_weights_are_repetition(reduction):
    rng = np.random.default_rng(9)
    for _ in range(20):
        x, w = rng.integers(-8, 9, 7) / 4, rng.integers(0, 4, 7)
        w[0] += 1
        windows = ap.windows.whole()
        got = ap.pool(x, windows, reduction.build(), axes=(0,), weights=w.astype(float))
        want = ap.pool(np.repeat(x, w), windows, reduction.build(), axes=(0,))
        assert_same(got, want, ulp=4 * ULP[reduction.tolerance], scale=8.0)


def test_weighted_quantile_is_the_inverted_cdf():
    x, w = np.array([4.0, 1, 3, 2]), np.array([1.0, 0, 2, 1])
    for q in (0, 0.2, 0.25, 0.26, 0.5, 0.75, 0.9, 1):
        reduce = ap.reductions.quantile(q=q)
        got = ap.pool(x, ap.windows.whole(), reduce, axes=(0,), weights=w)
        want = np.quantile(x[[3, 2, 0]], q, weights=w[[3, 2, 0]], method="inverted_cdf")
        assert_same(got, np.array([want]))


# --- what lies in the padding never matters ----------------------------------------------------


def hide(x: np.ndarray, mask: np.ndarray, value: float) -> np.ndarray:
    return np.where(mask, x, value)


@EVERY
@EACH
def test_content_of_the_padding_does_not_matter(reduction, spec):
    x, mask, windows = sample(SHAPE, float), mask_of(SHAPE, 10), spec.build()
    common = {"axes": AXES, "fill": 1}
    want = ap.pool(x, windows, reduction.build(), mask=mask, **common)
    for value in GARBAGE.values():
        dirty = hide(x, mask, value)
        got = ap.pool(dirty, windows, reduction.build(), mask=mask, **common)
        assert_same(got, want)
        got = ap.pool(dirty, windows, reduction.build(), weights=mask * 1.0, **common)
        scale = 0 if not ULP[reduction.tolerance] else scale_of(reduction, x, windows, axes=AXES)
        if "q" not in reduction.params:
            assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=scale)


@EVERY
@pytest.mark.parametrize("reduction", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_content_of_the_padding_does_not_reach_a_gradient(reduction, spec):
    x, mask, windows = sample(SHAPE, float), mask_of(SHAPE, 11), spec.build()
    weights = weights_of(SHAPE, 12)

    def gradients(x, **common):
        y, pullback = ap.vjp(x, windows, reduction.build(), axes=AXES, **common)
        made = pullback(sample(y.shape, float, 13))
        return made if isinstance(made, tuple) else (made,)

    for common in ({"mask": mask}, {"mask": mask, "weights": weights}):
        clean = gradients(hide(x, mask, 0.0), **common)
        assert (clean[0][~mask] == 0).all()
        for value in GARBAGE.values():
            for a, b in zip(clean, gradients(hide(x, mask, value), **common), strict=True):
                assert_same(a, b)


@pytest.mark.parametrize("name", ["max", "min"])
def test_indices_of_masked_windows(name):
    x, mask = sample(SHAPE, float), mask_of(SHAPE, 14, 0.3)
    for spec in WINDOWS.values():
        y, found = ap.pool(
            x, spec.build(), name, axes=AXES, mask=mask, return_indices=True, fill=-9
        )
        assert_same(found, brute.indices(x, spec, AXES, largest=name == "max", mask=mask))
        assert (y[found < 0] == -9).all()


# --- windows with nothing real -----------------------------------------------------------------


@EACH
@pytest.mark.parametrize("fill", [0, 7, -1.5, np.nan, np.inf])
def test_fill(reduction, fill):
    x, mask = sample(SHAPE, float), np.ones(SHAPE, bool)
    mask[:, :, :3, :3] = False
    if reduction.name in ("any", "all"):
        fill = bool(fill)
    y = ap.pool(x, ap.windows.sliding(3), reduction.build(), axes=AXES, mask=mask, fill=fill)
    assert_same(y[:, :, 0, 0], np.full((2, 3), fill, y.dtype))
    assert np.isfinite(y[:, :, 1:, 1:]).all()


@EACH
def test_fill_none_is_an_error(reduction):
    x, mask = sample(SHAPE, float), np.ones(SHAPE, bool)
    common = {"axes": AXES, "mask": mask, "fill": None}
    full = ap.pool(x, ap.windows.sliding(3), reduction.build(), **common)
    assert_same(full, ap.pool(x, ap.windows.sliding(3), reduction.build(), axes=AXES, mask=mask))
    mask[1, 2, 3:6, 3:6] = False
    with pytest.raises(ap.PoolError, match="nothing real"):
        ap.pool(x, ap.windows.sliding(3), reduction.build(), **common)


def test_windows_of_padding_alone_are_filled():
    """More padding than kernel: the outermost windows read nothing."""
    y = ap.max_pool(-np.ones(4), 2, padding=3, fill=5)
    assert_same(y, np.array([5.0, -1, -1, -1, 5]))
    y = ap.avg_pool(np.ones(4), 2, padding=3, fill=5)
    assert_same(y, np.array([5, 0.5, 1, 0.5, 5]))
    with pytest.raises(ap.PoolError, match="nothing real"):
        ap.max_pool(np.ones(4), 2, padding=3, fill=None)


def test_a_masked_mean_divides_by_what_is_real():
    x, mask = np.array([2.0, 4, 6, 8]), np.array([True, True, False, True])
    assert_same(ap.avg_pool(x, 2, padding=1, mask=mask), np.array([2.0, 4, 8]))
