"""Reductions made by the user: three plain Python functions, compiled."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest

import anypool as ap
import brute
from anypool import reference
from cases import PLANE, WINDOWS, result_dtype, sample
from cases import REDUCTIONS as TABLE
from same import assert_same
from strategies import mask_of

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
EVERY = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS)


def keep(x):
    return x


def product(state, x):
    return state * x


def larger(state, x):
    return x if x > state else state


def square(x):
    return x * x


def add_square(state, x):
    return state + x * x


def root_mean(state, n):
    return (state / n) ** 0.5


def last(_state, x):
    return x


def count(_x):
    return 1.0


def count_on(state, _x):
    return state + 1.0


def share(state, n):
    return state / n


def both(x):
    return x, x


def wider(state, x):
    return min(state[0], x), max(state[1], x)


def spread(state, _n):
    return state[1] - state[0]


R = ap.reductions
# name -> (the reduction, the same in NumPy on the real values of a window, in order)
CUSTOM = {
    "product": (R.custom(keep, product, name="product"), np.prod),
    "own max": (R.custom(keep, larger), np.max),
    "root mean square": (
        R.custom(square, add_square, root_mean, name="rms"),
        lambda v: np.sqrt((v * v).mean()),
    ),
    "range, of a state of two": (R.custom(both, wider, spread), np.ptp),
    "last in row-major order": (R.custom(keep, last), lambda v: v[-1]),
    "n counts the real elements": (R.custom(count, count_on, share), lambda v: 1.0),
}
EACH = pytest.mark.parametrize("custom", CUSTOM.values(), ids=CUSTOM)


def by_hand(x, spec, function, **common):
    """Brute force with a NumPy function in place of a row of its table."""
    brute.REDUCE["by hand"] = lambda v, _w: function(v)
    try:
        return brute.pool(x, spec, "by hand", AXES, **common)
    finally:
        del brute.REDUCE["by hand"]


@EVERY
@EACH
def test_custom(custom, spec):
    x = sample(SHAPE, np.float64, 1)
    got = ap.pool(x, spec.build(), custom[0], axes=AXES)
    assert_same(got, by_hand(x, spec, custom[1]), ulp=16)
    assert_same(reference.pool(x, spec.build(), custom[0], axes=AXES), got, ulp=16)


@EVERY
@EACH
def test_custom_sees_only_what_is_real(custom, spec):
    x, mask = sample(SHAPE, np.float64, 2), mask_of(SHAPE, 3)
    got = ap.pool(np.where(mask, x, np.nan), spec.build(), custom[0], axes=AXES, mask=mask, fill=-1)
    assert_same(got, by_hand(x, spec, custom[1], mask=mask, fill=-1), ulp=16)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32], ids=lambda t: t.__name__)
def test_custom_in_other_dtypes(dtype):
    x = sample(SHAPE, dtype)
    y = ap.pool(x, WINDOWS["k3s2p1"].build(), CUSTOM["root mean square"][0], axes=AXES)
    assert y.dtype == result_dtype(TABLE["mean"], x.dtype)
    want = by_hand(x.astype(np.float64), WINDOWS["k3s2p1"], CUSTOM["root mean square"][1])
    assert_same(y, want.astype(y.dtype), ulp=16)


def test_custom_in_any_layout_and_threads():
    first = sample((2, 5, 40, 41), np.float64, 4)
    last_axis = np.ascontiguousarray(first.transpose(0, 2, 3, 1))
    reduce = CUSTOM["last in row-major order"][0]
    want = ap.max_pool(first[:, :, 1::2, 1::2], 1)
    for threads in (1, 2, 4):
        got = ap.pool(first, ap.windows.sliding(2), reduce, axes=(2, 3), threads=threads)
        assert_same(got[:, :, :20, :20], want[:, :, :20, :20])
        got = ap.pool(last_axis, ap.windows.sliding(2), reduce, axes=(1, 2), threads=threads)
        assert_same(np.moveaxis(got, -1, 1)[:, :, :20, :20], want[:, :, :20, :20])


def test_two_customs_with_one_name_do_not_meet():
    """Same name, same code but for a constant: each compiles to its own kernel."""
    x = np.array([1.0, 2, 3, 4])

    def scaled(by):
        return ap.reductions.custom(lambda x: x * by, lambda s, x: s + x * by, name="scaled")

    assert_same(ap.pool(x, ap.windows.sliding(2), scaled(2.0)), np.array([6.0, 14]))
    assert_same(ap.pool(x, ap.windows.sliding(2), scaled(3.0)), np.array([9.0, 21]))


def test_custom_has_no_gradient():
    with pytest.raises(ap.PoolError, match="gradient"):
        ap.vjp(np.ones(4), ap.windows.sliding(2), CUSTOM["product"][0])


def test_custom_has_no_indices():
    with pytest.raises(ap.PoolError, match="indices"):
        ap.pool(np.ones(4), ap.windows.sliding(2), CUSTOM["product"][0], return_indices=True)


@pytest.mark.parametrize("functions", [(None, product), (keep, None), (keep, 3), ("x", product)])
def test_custom_takes_functions(functions):
    with pytest.raises(ap.PoolError, match=r"(?s)(start|step).*function|function.*(start|step)"):
        ap.reductions.custom(*functions)


def test_a_custom_that_cannot_be_compiled_says_so():
    """Or runs in plain Python: either way no compiler's traceback reaches the user."""
    cannot = ap.reductions.custom(keep, lambda state, x: math.fsum([state, x]))
    with contextlib.suppress(ap.PoolError):
        y = ap.pool(np.array([1.0, 2, 3, 4]), ap.windows.sliding(2), cannot)
        assert_same(y, np.array([3.0, 7]))
