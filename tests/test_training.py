"""The kernels made for training: places, gradients, layouts, threads, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import brute
from anypool import engine, kernels
from cases import ULP, WINDOWS, sample, windows
from same import assert_same, eps
from strategies import windows_on

pytestmark = pytest.mark.skipif(bool(kernels.why_not()), reason="the kernels need numba")
ml_dtypes = pytest.importorskip("ml_dtypes")

HALVES = [np.float16, ml_dtypes.bfloat16]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0, 2.0, -3.0])
KINDS = ("sliding", "sliding", "same", "adaptive", "split", "whole")
PARTS = {
    **{label: WINDOWS[label] for label in WINDOWS if label not in ("fractional", "pyramid")},
    "k2s3": windows("sliding", kernel_size=2, stride=3),
    "k3s3": windows("sliding", kernel_size=3),
    "k5s4": windows("sliding", kernel_size=5, stride=4, padding=2),
    "k2s6": windows("sliding", kernel_size=2, stride=6, padding=1),
    "k7s1": windows("sliding", kernel_size=7, stride=1, padding=3),
    "k9s1": windows("sliding", kernel_size=9, stride=1, padding=4),
    "dilated-s3": windows("sliding", kernel_size=3, stride=3, padding=2, dilation=2),
    "padded-whole": windows("sliding", kernel_size=(13, 14), padding=2),
    "even-parts": windows("adaptive", output_size=(3, 5)),
}
PARTS_EACH = pytest.mark.parametrize("spec", PARTS.values(), ids=PARTS)


def laid(x: np.ndarray, how: str, rank: int) -> np.ndarray:
    """Channels first as it is, or with axis 1 behind the pooled ones in memory."""
    if how == "first" or x.ndim != rank + 2:
        return np.ascontiguousarray(x)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def made(x, spec, reduce, axes, **common):
    call = engine.prepare(x, spec.build(), reduce, axes=axes, **common)
    return call.plan, kernels.for_training(call.plan, call.layout, 0, x)


def max_and_places(x, spec, reduce, axes, threads=None):
    """(y, places) as training makes them, and as plain loops do; the pooled axes are the last."""
    plan, training = made(x, spec, reduce, axes)
    y, taps = training.y.empty(x.dtype), training.empty_taps()
    training.forward(x, y, taps, threads)
    kernels.fill_empty(plan, plan.fixed.grids[0], y)
    plain = brute.indices(x.astype(np.float64, order="C"), spec, axes, largest=reduce == "max")
    flat, at = x.reshape(*x.shape[:2], -1), plain.reshape(*x.shape[:2], -1)
    want = np.where(at < 0, x.dtype.type(0), np.take_along_axis(flat, np.maximum(at, 0), -1))
    return (y, training.places(taps)), (want.reshape(y.shape), plain.reshape(y.shape))


def some(shape, dtype, seed: int, kind: str) -> np.ndarray:
    if kind == "special":
        return np.random.default_rng(seed).choice(SPECIAL, shape).astype(dtype)
    return sample(shape, np.float64, seed, kind).astype(dtype)


@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("how", ["first", "last"])
@PARTS_EACH
@pytest.mark.parametrize("kind", ["ties", "special", "flat"])
def test_the_place_of_each_maximum(kind, spec, how, reduce):
    x = laid(some((2, 3, 9, 10), np.float32, 1, kind), how, 2)
    (y, places), (want, wanted) = max_and_places(x, spec, reduce, (2, 3))
    assert_same(places, wanted)
    assert_same(y, want)


@pytest.mark.parametrize("how", ["first", "last"])
@pytest.mark.parametrize("dtype", [np.float64, *HALVES], ids=["f64", "f16", "bf16"])
@pytest.mark.parametrize("label", ["k2", "k3s2p1", "k3s1p1", "adaptive", "empty-windows"])
def test_the_place_of_each_maximum_in_other_dtypes(label, dtype, how):
    x = laid(some((2, 19, 9, 10), dtype, 2, "special"), how, 2)
    (y, places), (want, wanted) = max_and_places(x, PARTS[label], "max", (2, 3))
    assert_same(places, wanted)
    assert_same(y, want)


@st.composite
def dense_problems(draw):
    """An array, dense in memory, whose pooled axes lie side by side; and windows on them."""
    rank = draw(st.integers(1, 3))
    longest = (70, 21, 7)[rank - 1]
    pooled = tuple(draw(st.integers(1, longest)) for _ in range(rank))
    channels = draw(st.sampled_from([1, 2, 17, 70] if rank < 3 else [1, 2, 17]))
    how = draw(st.sampled_from(["first", "last"]))
    kind = draw(st.sampled_from(["ties", "special", "flat"]))
    x = some(
        (draw(st.integers(1, 2)), channels, *pooled), np.float32, draw(st.integers(0, 99)), kind
    )
    spec = draw(windows_on(list(pooled), KINDS))
    return laid(x, how, rank), tuple(range(2, 2 + rank)), spec


@given(dense_problems())
def test_any_windows_on_dense_arrays(problem):
    x, axes, spec = problem
    if made(x, spec, "max", axes)[1] is None:  # every pooled axis has length 1
        assert max(x.shape[a] for a in axes) == 1
        return
    (y, places), (want, wanted) = max_and_places(x, spec, "max", axes)
    assert_same(places, wanted)
    assert_same(y, want)
    check_gradients(x, spec, axes)


def generic(x, spec, reduce, axes, g):
    """The derivative in float64 by the loop that serves everything: padded rows lie apart."""
    room = np.zeros([*x.shape[:-1], 2 * x.shape[-1]])
    apart = room[..., ::2]
    apart[...] = x
    y, pullback = ap.vjp(apart, spec.build(), reduce, axes=axes)
    return pullback(g.reshape(y.shape).astype(np.float64))


def check_gradients(x, spec, axes, reduces=("max", "mean")):
    for reduce in reduces:
        _, training = made(x, spec, reduce, axes)
        rng = np.random.default_rng(3)
        g = training.y.empty(x.dtype)
        g[...] = rng.integers(-16, 17, g.shape) / 8
        gx, taps = training.x.empty(x.dtype), None
        gx[...] = np.nan
        if reduce in ("max", "min"):
            y, taps = training.y.empty(x.dtype), training.empty_taps()
            training.forward(x, y, taps)
        training.backward(g, taps, gx)
        want = generic(x, spec, reduce, axes, g)
        size = generic(x, spec, reduce, axes, np.abs(g))
        near = ULP["sum"] * eps(x.dtype) * size + np.finfo(np.float64).tiny
        assert (np.abs(gx.astype(np.float64) - want) <= near).all()


@pytest.mark.parametrize("reduce", ["max", "min", "mean", "sum"])
@pytest.mark.parametrize("how", ["first", "last"])
@PARTS_EACH
def test_gradients(spec, how, reduce):
    check_gradients(
        laid(some((2, 3, 9, 10), np.float32, 4, "ties"), how, 2), spec, (2, 3), [reduce]
    )


@pytest.mark.parametrize("how", ["first", "last"])
@pytest.mark.parametrize("dtype", [np.float64, *HALVES], ids=["f64", "f16", "bf16"])
@pytest.mark.parametrize("label", ["k3s1p1", "k9s1", "adaptive", "k3s2p1"])
def test_gradients_in_other_dtypes(label, dtype, how):
    """Halves are added up in float32 and rounded once."""
    x = laid(some((2, 19, 9, 10), dtype, 5, "ties"), how, 2)
    check_gradients(x, PARTS[label], (2, 3))


@pytest.mark.parametrize("how", ["first", "last"])
def test_means_with_other_divisors(how):
    x = laid(some((2, 3, 9, 10), np.float64, 6, "ties"), how, 2)
    spec = WINDOWS["k3s2p1-ceil"]
    for common in ({"divisor_override": -5}, {"count_include_pad": False}):
        y, pullback = ap.vjp(x, spec.build(), "mean", axes=(2, 3), **common)
        g = np.cos(np.arange(y.size)).reshape(y.shape)
        room = np.zeros((2, 3, 9, 20))
        room[..., ::2] = x
        slow = ap.vjp(room[..., ::2], spec.build(), "mean", axes=(2, 3), **common)[1]
        np.testing.assert_allclose(pullback(g), slow(g), rtol=1e-14, atol=1e-15)


# --- laws ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", ["first", "last"])
@pytest.mark.parametrize("label", ["k2", "k3s1p1", "k9s1", "adaptive", "whole"])
def test_same_bits_for_any_number_of_threads(label, how):
    x = laid(sample((3, 8, 161, 167), np.float32, 7, "plain"), how, 2)
    for reduce in ("max", "mean"):
        _, training = made(x, PARTS[label], reduce, (2, 3))
        found = set()
        for threads in (1, 2, 3):
            y, taps = training.y.empty(x.dtype), training.empty_taps()
            y[...] = np.cos(np.arange(y.size)).reshape(y.shape)
            g, gx = y.copy(order="K"), training.x.empty(x.dtype)
            if reduce == "max":
                training.forward(x, y, taps, threads)
            training.backward(g, taps if reduce == "max" else None, gx, threads)
            bits = taps.tobytes() if reduce == "max" else b""
            found.add((y.tobytes(), bits, gx.tobytes()))
        assert len(found) == 1


def guarded(like: np.ndarray, dense) -> tuple[np.ndarray, np.ndarray]:
    """An array that lies as asked in the middle of a longer one, and the longer one."""
    room = np.full(like.size + 400, 77, like.dtype)
    inner = room[200 : 200 + like.size].reshape([dense.shape[a] for a in dense.order])
    return room, inner.transpose(np.argsort(dense.order))


@pytest.mark.parametrize("channels", [1, 3, 17])
@pytest.mark.parametrize("how", ["first", "last"])
@PARTS_EACH
def test_nothing_beside_the_results_is_written(spec, how, channels):
    x = laid(sample((2, channels, 9, 10), np.float32, 8), how, 2)
    for reduce in ("max", "mean"):
        _, training = made(x, spec, reduce, (2, 3))
        dense = training.y
        rooms = [guarded(dense.empty(t), dense) for t in (np.float32, training.tap_dtype)]
        (room_y, y), (room_taps, taps) = rooms
        room_x, gx = guarded(x, training.x)
        y[...] = 1
        if reduce == "max":
            training.forward(x, y, taps)
        training.backward(np.ascontiguousarray(y) if how == "first" else y, taps
                          if reduce == "max" else None, gx)  # fmt: skip
        for room in (room_y, room_taps, room_x):
            assert (room[:200] == 77).all()
            assert (room[-200:] == 77).all()


# --- where it serves ----------------------------------------------------------------------------


def test_it_is_made_once():
    x = sample((2, 3, 9, 10), np.float32)
    assert made(x, WINDOWS["k2"], "max", (2, 3))[1] is made(x + 1, WINDOWS["k2"], "max", (2, 3))[1]


@pytest.mark.parametrize(
    ("x", "reduce", "common"),
    [
        (np.zeros((2, 3, 9, 20), np.float32)[..., ::2], "max", {}),
        (np.zeros((2, 9, 3, 10), np.float32).transpose(0, 2, 1, 3), "max", {}),
        (np.zeros((2, 3, 9, 10), np.int32), "max", {}),
        (np.zeros((2, 3, 9, 10), ">f4"), "max", {}),
        (np.zeros((2, 3, 9, 10), np.float32), "max", {"nan": "skip"}),
        (np.zeros((2, 3, 9, 10), np.float32), "max", {"ties": "split"}),
        (np.zeros((2, 3, 9, 10), np.float32), "max", {"mask": np.ones((9, 10), bool)}),
        (np.zeros((2, 3, 9, 10), np.float32), "mean", {"weights": np.ones((9, 10))}),
        (np.zeros((2, 3, 9, 10), np.float32), "gem", {}),
    ],
)
def test_where_it_does_not_serve(x, reduce, common):
    assert made(x, WINDOWS["k2"], reduce, (2, 3), **common)[1] is None


def test_arrays_that_lie_otherwise_are_refused():
    x = sample((2, 3, 8, 8), np.float32)
    _, training = made(x, WINDOWS["k2"], "mean", (2, 3))
    with pytest.raises(ValueError, match="in memory"):
        training.backward(np.zeros((2, 3, 4, 8), np.float32)[..., ::2], None, x)


@pytest.mark.parametrize("how", ["first", "last"])
def test_a_gradient_lies_like_x_and_may_be_of_any_dtype(how):
    x = laid(sample((2, 3, 8, 8), np.float32), how, 2)
    y, pullback = ap.vjp(x, ap.windows.sliding(2), "max", axes=(2, 3))
    first = pullback(np.ones_like(y))
    assert first.strides == x.strides
    for dtype in (np.float64, np.float16, np.int32, bool, ">f4"):
        assert_same(pullback(np.ones(y.shape, dtype)), first)
    frozen = x.copy(order="K")
    frozen.flags.writeable = False
    assert_same(
        ap.vjp(frozen, ap.windows.sliding(2), "max", axes=(2, 3))[1](np.ones_like(y)), first
    )
