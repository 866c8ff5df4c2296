"""Which axes are pooled, what shape comes out, and how the doors say the same thing."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from cases import REDUCTIONS, WINDOWS, sample
from same import assert_same

ALL = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


# call -> the shape that comes out
SHAPES = {
    # an int: every axis up to two, the axes after the first two from four on
    "1 axis": (lambda: ap.max_pool(ones(9), 2), (4,)),
    "2 axes": (lambda: ap.max_pool(ones(9, 8), 2), (4, 4)),
    "4 axes": (lambda: ap.max_pool(ones(2, 3, 9, 8), 2), (2, 3, 4, 4)),
    "5 axes": (lambda: ap.max_pool(ones(2, 3, 4, 6, 8), 2), (2, 3, 2, 3, 4)),
    "6 axes": (lambda: ap.max_pool(ones(2, 3, 4, 4, 4, 4), 2), (2, 3, 2, 2, 2, 2)),
    # a tuple: the last axes
    "tuple of 1": (lambda: ap.max_pool(ones(3, 5, 8), (2,)), (3, 5, 4)),
    "tuple of 2 of 3": (lambda: ap.max_pool(ones(3, 9, 8), (2, 4)), (3, 4, 2)),
    "tuple of 1 of 4": (lambda: ap.max_pool(ones(2, 3, 4, 8), (4,)), (2, 3, 4, 2)),
    "tuple of 4 of 4": (lambda: ap.max_pool(ones(2, 4, 6, 8), (2, 2, 3, 4)), (1, 2, 2, 2)),
    "list for tuple": (lambda: ap.max_pool(ones(3, 9, 8), [2, 4]), (3, 4, 2)),
    "output size tuple": (lambda: ap.adaptive_max_pool(ones(3, 9, 8), (2, 4)), (3, 2, 4)),
    "output size int": (lambda: ap.adaptive_max_pool(ones(2, 3, 9, 8), 5), (2, 3, 5, 5)),
    "output size None": (lambda: ap.adaptive_max_pool(ones(2, 3, 9, 8), (None, 2)), (2, 3, 9, 2)),
    "output size larger": (lambda: ap.adaptive_max_pool(ones(2, 3), (5, 7)), (5, 7)),
    "split": (lambda: ap.pool(ones(5, 9, 8), ap.windows.split((2, 3)), "max"), (5, 2, 3)),
    # named axes
    "channels last word": (
        lambda: ap.max_pool(ones(2, 9, 8, 3), 2, axes="channels_last"),
        (2, 4, 4, 3),
    ),
    "channels last volume": (
        lambda: ap.adaptive_avg_pool(ones(2, 4, 5, 6, 3), 2, axes="channels_last"),
        (2, 2, 2, 2, 3),
    ),
    "photograph": (lambda: ap.max_pool(ones(9, 8, 3), 2, axes=(0, 1)), (4, 4, 3)),
    "negative axes": (lambda: ap.max_pool(ones(9, 8, 3), 2, axes=(-3, -2)), (4, 4, 3)),
    "one axis": (lambda: ap.max_pool(ones(9, 8, 3), 2, axes=(1,)), (9, 4, 3)),
    "axes in any order": (lambda: ap.max_pool(ones(9, 8), (2, 4), axes=(1, 0)), (2, 4)),
    "stride for each axis": (lambda: ap.max_pool(ones(9, 9), 3, (1, 3)), (7, 3)),
    "padding pairs": (lambda: ap.max_pool(ones(9, 9), 3, 1, ((2, 0), (0, 1))), (9, 8)),
    "padding for each axis": (lambda: ap.max_pool(ones(9, 9), 3, 1, (1, 0)), (9, 7)),
    "same": (lambda: ap.max_pool(ones(9, 8), 3, 2, "same"), (5, 4)),
    "valid": (lambda: ap.max_pool(ones(9, 8), 3, 2, "valid"), (4, 3)),
    "more padding than kernel": (lambda: ap.max_pool(ones(9), 2, 1, 5), (18,)),
    "ceil lets a window be larger": (lambda: ap.max_pool(ones(3), 4, ceil_mode=True), (1,)),
    # whole
    "global": (lambda: ap.global_max_pool(ones(2, 3, 9, 8)), (2, 3, 1, 1)),
    "global of 3": (lambda: ap.global_avg_pool(ones(2, 3, 9)), (2, 3, 1)),
    "global squeezed": (lambda: ap.global_avg_pool(ones(2, 3, 9, 8), keepdims=False), (2, 3)),
    "global named": (lambda: ap.global_pool(ones(9, 8, 3), reduce="sum", axes=(0, 1)), (1, 1, 3)),
    "global of everything": (
        lambda: ap.global_pool(ones(9, 8), reduce="sum", axes=(0, 1), keepdims=False),
        (),
    ),
    # pyramid: one axis where the first of them stood
    "pyramid": (lambda: ap.pyramid_pool(ones(2, 3, 9, 8)), (2, 3, 21)),
    "pyramid channels last": (lambda: ap.pyramid_pool(ones(2, 9, 8, 3), axes=(1, 2)), (2, 21, 3)),
    "pyramid of axes apart": (lambda: ap.pyramid_pool(ones(9, 2, 8), (1, 3), axes=(2, 0)), (10, 2)),
    "fractional": (lambda: ap.fractional_max_pool(ones(2, 3, 9, 8), 2, (4, 5)), (2, 3, 4, 5)),
    "blur": (lambda: ap.blur_pool(ones(2, 3, 9, 8)), (2, 3, 5, 4)),
    "unpool": (
        lambda: ap.max_unpool(ones(2, 3, 4), np.zeros((2, 3, 4), int), (9,)),
        (2, 3, 9),
    ),
    # nothing in, nothing out
    "empty batch": (lambda: ap.max_pool(ones(0, 3, 9, 8), 2), (0, 3, 4, 4)),
    "no channels": (lambda: ap.avg_pool(ones(2, 0, 9, 8), 3, 2, 1), (2, 0, 5, 4)),
    "empty batch, adaptive": (lambda: ap.adaptive_avg_pool(ones(0, 3, 9, 8), 2), (0, 3, 2, 2)),
    "empty batch, global": (lambda: ap.global_max_pool(ones(0, 3, 9, 8)), (0, 3, 1, 1)),
    "empty batch, pyramid": (lambda: ap.pyramid_pool(ones(0, 3, 9, 8)), (0, 3, 21)),
    # nested lists
    "list of numbers": (lambda: ap.max_pool([1, 2, 3, 4], 2), (2,)),
    "lists of lists": (lambda: ap.avg_pool([[1, 2], [3, 4]], 2), (1, 1)),
}


@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES)
def test_shape(row):
    call, want = row
    y = call()
    assert isinstance(y, np.ndarray)
    assert y.shape == want


@ALL
@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole", "pyramid"])
def test_empty_batches(label, reduction):
    x, full = ones(0, 3, 9, 10), ones(2, 3, 9, 10)
    windows = WINDOWS[label].build()
    got = ap.pool(x, windows, reduction.build(), axes=(2, 3))
    like = ap.pool(full, windows, reduction.build(), axes=(2, 3))
    assert_same(got, like[:0])
    if reduction.gradient:
        y, pullback = ap.vjp(x, windows, reduction.build(), axes=(2, 3))
        made = pullback(y)
        assert_same(made[0] if isinstance(made, tuple) else made, x)


def test_unbatched_equals_batched():
    x = sample((3, 9, 8), np.float32)
    y = ap.max_pool(x, 3, 2, 1, axes=(1, 2))
    assert_same(y, ap.max_pool(x[None], 3, 2, 1)[0])
    y = ap.adaptive_avg_pool(x, (4, 3))
    assert_same(y, ap.adaptive_avg_pool(x[None], (4, 3))[0])


# --- the doors say the same thing ---------------------------------------------------------------

X = sample((2, 3, 9, 8), np.float64) ** 2
CALL = (3, 2, 1, 1, True)  # kernel, stride, padding, dilation, ceil mode
NAMES = ("min", "sum", "std", "var", "median", "mode", "stochastic", "any", "all")
DOORS = {name: (getattr(ap, f"{name}_pool"), {}, name) for name in NAMES} | {
    "max": (ap.max_pool, {}, "max"),
    "avg": (ap.avg_pool, {}, "mean"),
    "gem": (ap.gem_pool, {"p": 2}, ap.reductions.gem(p=2)),
    "lse": (ap.lse_pool, {"r": 3}, ap.reductions.lse(r=3)),
    "soft": (ap.soft_pool, {"beta": 2}, ap.reductions.soft(beta=2)),
    "topk 3": (ap.topk_pool, {"k": 3}, ap.reductions.topk(k=3)),
    "quantile": (ap.quantile_pool, {"q": 0.2}, ap.reductions.quantile(q=0.2)),
    "gem default": (ap.gem_pool, {}, ap.reductions.gem(p=3, eps=1e-6)),
    "lse default": (ap.lse_pool, {}, ap.reductions.lse(r=10)),
    "soft default": (ap.soft_pool, {}, ap.reductions.soft(beta=1)),
    "std correction": (ap.std_pool, {"correction": 1}, ap.reductions.std(correction=1)),
    "median lower": (ap.median_pool, {"method": "lower"}, ap.reductions.median(method="lower")),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_door(door):
    function, params, reduce = door
    want = ap.pool(X, ap.windows.sliding(*CALL), reduce)
    assert_same(function(X, *CALL, **params), want)
    words = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    assert_same(function(X, **dict(zip(words, CALL, strict=True)), **params), want)


def test_other_doors():
    windows = ap.windows
    assert_same(ap.lp_pool(X, 3, *CALL), ap.pool(X, windows.sliding(*CALL), ap.reductions.lp(p=3)))
    for reduce in ("max", "gem", "median"):
        want = ap.pool(X, windows.adaptive((4, 3)), reduce)
        assert_same(ap.adaptive_pool(X, (4, 3), reduce=reduce), want)
        assert_same(ap.global_pool(X, reduce=reduce), ap.pool(X, windows.whole(), reduce))
        assert_same(ap.pyramid_pool(X, reduce=reduce), ap.pool(X, windows.pyramid(), reduce))
    want = ap.pool(X, windows.fractional(2, (4, 5)), "max")
    assert_same(ap.fractional_max_pool(X, 2, (4, 5)), want)


def test_stride_defaults_to_the_kernel():
    assert_same(ap.max_pool(X, (3, 2)), ap.max_pool(X, (3, 2), (3, 2)))


def test_counted_padding_defaults():
    """True for explicit padding, False for "same"; the overhang of ceil is never counted."""
    x = np.ones(6)
    assert_same(ap.avg_pool(x, 3, 3, 1), ap.avg_pool(x, 3, 3, 1, count_include_pad=True))
    assert_same(ap.avg_pool(x, 3, 2, "same"), np.ones(3))
    assert_same(ap.avg_pool(x, 4, 3, ceil_mode=True), np.ones(2))


def test_divisor_override():
    assert_same(ap.avg_pool([1.0, 2, 3, 4], 2, divisor_override=4), np.array([0.75, 1.75]))
    y = ap.avg_pool(np.ones(3), 2, ceil_mode=True, divisor_override=4)
    assert_same(y, np.array([0.5, 0.25]))


# --- out= -----------------------------------------------------------------------------------------


@ALL
def test_out(reduction):
    for label in ("k3s2p1", "adaptive", "whole"):
        windows, x = WINDOWS[label].build(), sample((2, 3, 9, 10), np.float32)
        want = ap.pool(x, windows, reduction.build(), axes=(2, 3))
        out = np.empty_like(want)
        assert ap.pool(x, windows, reduction.build(), axes=(2, 3), out=out) is out
        assert_same(out, want)
        view = np.empty((*want.shape, 2), want.dtype)[..., 0]
        ap.pool(x, windows, reduction.build(), axes=(2, 3), out=view)
        assert_same(view, want)


def test_windows_are_frozen_values():
    a, b = ap.windows.sliding(3, stride=2), ap.windows.sliding(3, stride=2)
    assert a == b
    assert hash(a) == hash(b)
    assert a != ap.windows.sliding(3)
    assert "3" in str(a)
    with pytest.raises((AttributeError, TypeError), match=r"."):
        a.kernel_size = 4
