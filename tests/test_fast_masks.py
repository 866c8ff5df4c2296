"""Masks, weights, sizes and skipped NaN in the fast kernels equal the reference.

`test_masks`, `test_sizes` and `test_nan` hold the meaning for every reduction; here are the cases
that only these kernels know: layouts, masks that are shared, memory next to a forbidden page.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anypool as ap
from anypool import kernels, reference
from same import assert_same

pytest.importorskip("numba", reason="these are the compiled kernels")

from anypool.kernels import run

pytestmark = pytest.mark.usefixtures("every_kernel")
W = ap.windows
NAN, INF = np.nan, np.inf
WINDOWS = {
    "k2s2": W.sliding(2, 2),
    "k3s2p1": W.sliding(3, 2, 1),
    "k4s3d2": W.sliding(4, 3, 2, 2),
    "adaptive": W.adaptive((3, 4)),
    "whole": W.whole(),
}
SHARED = ["full", "channels", "samples", "columns"]
LAYOUTS = ["first", "last", "flipped", "sliced"]
SOME = [
    pytest.param(w, layout, id=f"{name}-{layout}",
                 marks=() if i % 2 == j % 2 else pytest.mark.nightly)
    for i, (name, w) in enumerate(WINDOWS.items()) for j, layout in enumerate(LAYOUTS)
]  # fmt: skip


@pytest.fixture
def only_fast(monkeypatch):
    """The loop that serves everything is not there."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the generic loop ran")

    monkeypatch.setattr(run, "forward", refuse)
    monkeypatch.setattr(run, "slopes", refuse)


def mask_of(shape, shared: str, seed: int = 0) -> np.ndarray:
    n, _, h, w = shape
    small = {"full": shape, "channels": (n, 1, h, w), "samples": (h, w), "columns": (n, 1, 1, w)}
    return np.random.default_rng(seed).random(small[shared]) < 0.5


def data(shape, dtype, real: np.ndarray, seed: int = 1) -> np.ndarray:
    """Numbers with many ties; NaN wherever they are not real."""
    x = np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype)
    if x.dtype.kind == "f":
        x.flat[::5] = -INF
        x = np.where(np.broadcast_to(real, shape), x, np.array(NAN, dtype))
    return x


def laid(x: np.ndarray, how: str) -> np.ndarray:
    if how == "last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    if how == "flipped":
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if how == "sliced":
        room = np.zeros([2 * n for n in x.shape], x.dtype)
        room[tuple(slice(0, 2 * n, 2) for n in x.shape)] = x
        return room[tuple(slice(0, 2 * n, 2) for n in x.shape)]
    return x


def compare(x, windows, reduce, **common) -> np.ndarray:
    got = ap.pool(x, windows, reduce, axes=(2, 3), fill=3, **common)
    want = reference.pool(x, windows, reduce, axes=(2, 3), fill=3, **common)
    assert_same(got, want, ulp=8, scale=18.0)
    for threads in (1, 2):
        again = ap.pool(x, windows, reduce, axes=(2, 3), fill=3, threads=threads, **common)
        assert again.tobytes() == got.tobytes()
    return got


@pytest.mark.parametrize(("windows", "layout"), SOME)
@pytest.mark.usefixtures("only_fast")
def test_max_and_mean_equal_the_reference(windows, layout):
    for channels, shared in (*((33, how) for how in SHARED), (3, "channels")):
        shape = (2, channels, 9, 11)
        mask = mask_of(shape, shared)
        x = laid(data(shape, np.float32, mask), layout)
        compare(x, windows, "max", mask=mask)
        compare(np.where(x == -INF, np.float32(2), x), windows, "mean", mask=mask)


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float16, np.uint8, np.int32], ids=lambda t: t.__name__
)
@pytest.mark.parametrize("reduce", ["max", "min", "mean", "sum"])
@pytest.mark.usefixtures("only_fast")
def test_dtypes(reduce, dtype):
    shape = (2, 3, 8, 70)
    mask = mask_of(shape, "channels")
    x = data(shape, dtype, mask)
    if reduce in ("mean", "sum") and x.dtype.kind == "f":
        x = np.where(x == -INF, np.array(2, dtype), x)
    compare(x, WINDOWS["k2s2"], reduce, mask=mask)


@pytest.mark.parametrize("reduce", ["any", "all"])
@pytest.mark.usefixtures("only_fast")
def test_any_and_all(reduce):
    shape = (2, 3, 8, 70)
    x = np.random.default_rng(2).random(shape) < 0.5
    got = ap.pool(x, WINDOWS["k2s2"], reduce, axes=(2, 3), mask=mask_of(shape, "full"), fill=1)
    want = reference.pool(
        x, WINDOWS["k2s2"], reduce, axes=(2, 3), mask=mask_of(shape, "full"), fill=1
    )
    assert_same(got, want)


@pytest.mark.parametrize("shared", ["full", "channels"])
@pytest.mark.parametrize("reduce", ["mean", "sum", "max"])
@pytest.mark.usefixtures("only_fast")
def test_weights(reduce, shared):
    shape = (2, 3, 9, 20)
    mask = mask_of(shape, shared)
    weights = mask * np.random.default_rng(3).random(mask.shape)
    x = np.where(np.broadcast_to(mask, shape), np.float32(1.5), np.float32(NAN))
    compare(x, WINDOWS["k3s2p1"], reduce, weights=weights)


@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=lambda t: t.__name__)
@pytest.mark.usefixtures("only_fast")
def test_skipped_nan_are_a_mask(dtype):
    shape = (2, 3, 9, 20)
    mask = mask_of(shape, "full")
    x = data(shape, dtype, mask)
    got = compare(x, WINDOWS["k2s2"], "max", nan="skip")
    assert_same(got, ap.pool(x, WINDOWS["k2s2"], "max", axes=(2, 3), mask=mask, fill=3))
    other = mask_of(shape, "channels", 7)
    compare(x, WINDOWS["k2s2"], "max", nan="skip", mask=other)


@pytest.mark.parametrize("shape", [(3, 70), (2, 2, 5, 6, 9)], ids=str)
@pytest.mark.usefixtures("only_fast")
def test_other_ranks(shape):
    axes = tuple(range(2, len(shape))) or (1,)
    mask = (
        np.random.default_rng(4).random((*shape[:1], *[1] * (len(axes) > 1), *shape[-len(axes) :]))
        < 0.5
    )
    x = data(shape, np.float32, mask)
    for windows in (W.sliding(2, 2), W.adaptive(2)):
        got = ap.pool(x, windows, "max", axes=axes, mask=mask)
        assert_same(got, reference.pool(x, windows, "max", axes=axes, mask=mask))


def test_a_window_with_nothing_real_is_an_error_without_fill():
    x, mask = np.ones((1, 2, 4, 40), np.float32), np.ones((1, 1, 4, 40), bool)
    assert (ap.max_pool(x, 2, mask=mask, fill=None) == 1).all()
    mask[..., :2, 4:6] = False
    with pytest.raises(ap.PoolError, match="nothing real"):
        ap.max_pool(x, 2, mask=mask, fill=None)
    got = ap.max_pool(x, 2, mask=mask, fill=-5)
    assert (got[:, :, 0, 2] == -5).all()
    assert (got == 1).sum() == got.size - 2


def test_the_short_way_reads_the_mask_of_its_call():
    x = data((2, 3, 8, 20), np.float32, np.ones((8, 20), bool))
    for seed in range(4):
        mask = mask_of(x.shape, "channels", seed)
        for turned in (mask, np.asfortranarray(mask), mask[..., ::-1]):
            for _ in range(2):
                got = ap.max_pool(x, 2, mask=turned)
                assert_same(got, reference.pool(x, W.sliding(2), "max", axes=(2, 3), mask=turned))


# --- memory -------------------------------------------------------------------------------------


def guarded(a: np.ndarray) -> np.ndarray:
    """The same numbers right before a page that no one may touch."""
    page = mmap.PAGESIZE
    pages = -(-a.nbytes // page)
    room = mmap.mmap(-1, (pages + 1) * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert libc.mprotect(start + pages * page, page, 0) == 0
    made = np.frombuffer(room, a.dtype, a.size, pages * page - a.nbytes).reshape(a.shape)
    made[...] = a
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="mprotect as Linux has it")
@pytest.mark.parametrize("shape", [(1, 2, 4, 6), (1, 2, 6, 35), (2, 1, 5, 17)], ids=str)
@pytest.mark.parametrize("windows", ["k2s2", "k3s2p1", "whole"])
@pytest.mark.usefixtures("only_fast")
def test_no_read_or_write_beyond_the_arrays(windows, shape):
    mask = guarded(mask_of(shape, "full"))
    for reduce, number in (("max", np.float32), ("mean", np.float32), ("max", np.uint8)):
        x = guarded(np.nan_to_num(data(shape, number, np.ones(shape, bool)), neginf=1))
        want = reference.pool(x, WINDOWS[windows], reduce, axes=(2, 3), mask=mask)
        out = guarded(np.zeros(want.shape, want.dtype))
        ap.pool(x, WINDOWS[windows], reduce, axes=(2, 3), mask=mask, out=out)
        assert_same(out, want, ulp=4, scale=18.0)
    last = laid(np.ones((1, 40, *shape[2:]), np.float32), "last")
    x = guarded(last.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    few = mask[:1, :1]
    got = ap.pool(x, WINDOWS[windows], "max", axes=(2, 3), mask=few)
    assert_same(got, reference.pool(x, WINDOWS[windows], "max", axes=(2, 3), mask=few))


# --- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("shared", ["full", "channels"])
@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_the_way_back_equals_the_generic_one(monkeypatch, reduce, layout, shared):
    """Half of the numbers are -inf: a tie with what is hidden must not go there."""
    shape = (2, 17, 9, 20)
    mask = mask_of(shape, shared)
    x = laid(data(shape, np.float32, mask), layout)
    x = np.where(x == -INF, np.float32(2), x) if reduce == "mean" else x
    common = {"axes": (2, 3), "mask": mask}
    for windows in (W.sliding(3, 2, 1), W.adaptive((3, 4)), W.pyramid((1, 2))):
        y, back = ap.vjp(x, windows, reduce, **common)
        g = np.random.default_rng(5).integers(-4, 5, y.shape).astype(np.float32)
        gx = back(g)
        assert (gx[~np.broadcast_to(mask, shape)] == 0).all()
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "for_masked_training", lambda *_: None)
            same, back = ap.vjp(x, windows, reduce, **common)
            assert_same(y, same, ulp=8, scale=18.0)
            assert_same(gx, back(g), ulp=8, scale=18.0)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_way_back_through_large_windows(reduce):
    """It has kernels, and tables, of its own."""
    for shape, axes in (((2, 40, 45, 3), (1, 2)), ((2, 3, 40, 45), (2, 3)), ((3, 90, 2), (1,))):
        x = data(shape, np.float64, np.ones(shape, bool))
        x = np.where(np.isfinite(x), x, 1)
        mask = np.random.default_rng(3).random(shape) < 0.6
        y, back = ap.vjp(x, W.sliding(31, 1, 15), reduce, axes=axes, mask=mask)
        g, line = np.cos(np.arange(y.size)).reshape(y.shape), np.sin(x * 3 + 1)
        by_line = ap.pool(line, W.sliding(31, 1, 15), reduce, axes=axes, mask=mask)
        gx = back(g)
        np.testing.assert_allclose((gx * line).sum(), (g * by_line).sum(), rtol=1e-9)
        assert (gx[~mask] == 0).all()


@pytest.mark.parametrize("reduce", ["max", "min", "mean", "sum"])
def test_pooled_axes_in_the_order_of_the_user(reduce):
    """Windows belong to axes as the user named them, with a mask as without."""
    x = data((2, 3, 4), np.float64, np.ones((2, 3, 4), bool))
    call = {"windows": W.adaptive((None, 2, 3)), "reduce": reduce, "axes": (0, 2, 1)}
    (y, back), (want, plain) = ap.vjp(x, mask=np.ones(x.shape, bool), **call), ap.vjp(x, **call)
    assert_same(y, want)
    assert_same(back(y), plain(y))


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.usefixtures("only_fast")
def test_indices(reduce, layout):
    shape = (2, 17, 9, 20)
    mask = mask_of(shape, "channels")
    x = laid(data(shape, np.float32, mask), layout)
    common = {"axes": (2, 3), "mask": mask, "return_indices": True}
    for windows in (W.sliding(3, 2, 1), W.adaptive((3, 4))):
        got, want = (
            ap.pool(x, windows, reduce, **common),
            reference.pool(x, windows, reduce, **common),
        )
        for ours, theirs in zip(got, want, strict=True):
            assert_same(ours, theirs)


# --- windows of each sample's own ---------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pairs", [False, True], ids=["extents", "pairs"])
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.usefixtures("only_fast")
def test_sizes(windows, pairs, layout):
    sizes = np.array([[9, 20], [4, 6], [0, 5], [7, 1]])
    if pairs:
        sizes = np.array([[[0, 9], [3, 20]], [[4, 8], [2, 12]], [[5, 5], [0, 3]], [[2, 3], [7, 8]]])
    inside = np.zeros((4, 3, 9, 20), bool)
    for i, row in enumerate(sizes.tolist()):
        h, w = row if pairs else [(0, n) for n in row]
        inside[i, :, slice(*h), slice(*w)] = True
    x = laid(data(inside.shape, np.float32, inside), layout)
    compare(x, windows, "max", sizes=sizes)
    compare(np.where(x == -INF, np.float32(2), x), windows, "mean", sizes=sizes)


@pytest.mark.usefixtures("only_fast")
def test_boxes_and_fractions():
    x = data((3, 5, 12, 20), np.float32, np.ones((12, 20), bool))
    boxes = np.array([[0, 0, 0, 9, 8], [1, 2, 3, 5, 8], [0, 4, 4, 5, 5], [2, 1, 0, 8, 20]])
    got = ap.roi_pool(x, boxes, (3, 2))
    for y, (n, top, left, bottom, right) in zip(got, boxes.tolist(), strict=True):
        crop = x[n : n + 1, :, top:bottom, left:right]
        assert_same(y[None], reference.pool(crop, W.adaptive((3, 2)), "max", axes=(2, 3)))
    windows = W.fractional(2, output_size=(5, 9), rng=3)
    assert_same(ap.pool(x, windows, axes=(2, 3)), reference.pool(x, windows, axes=(2, 3)))


@given(st.data())
@settings(max_examples=40)
def test_random_masks(draws):
    """Any sliding windows, any shape and layout; max and mean of float32."""
    draw = draws.draw
    shape = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 20)),
        draw(st.integers(4, 9)),
        draw(st.integers(4, 40)),
    )
    mask = mask_of(shape, draw(st.sampled_from(SHARED)), draw(st.integers(0, 99)))
    x = laid(
        data(shape, np.float32, mask, draw(st.integers(0, 99))), draw(st.sampled_from(LAYOUTS))
    )
    pads = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(2)]
    windows = W.sliding((draw(st.integers(1, 4)), 4), draw(st.integers(3, 5)), pads)
    compare(x, windows, "max", mask=mask)
    compare(np.where(x == -INF, np.float32(2), x), windows, "mean", mask=mask)


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_an_x_that_repeats(reduce):
    """The mask of an x that steps by nothing along its channels lies otherwise than x."""
    rng = np.random.default_rng(0)
    x = np.broadcast_to(rng.random((2, 1, 24, 24), np.float32), (2, 8, 24, 24))
    mask = rng.random(x.shape) < 0.6
    got, want = (ap.pool(a, W.sliding(3, 1, 1), reduce, axes=(2, 3), mask=mask)
                 for a in (x, x.copy()))  # fmt: skip
    assert_same(got, want, ulp=4, scale=1.0)


@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize("shared", [(2, 9, 11, 1, 1), (2, 9, 11, 3, 1), (1, 9, 11, 1, 5)], ids=str)
def test_training_with_two_axes_of_channels(monkeypatch, reduce, shared):
    """A mask may be one for all of them, or for those of one axis."""
    from anypool.kernels import fast

    rng = np.random.default_rng(1)
    x, mask = rng.random((2, 9, 11, 3, 5)), rng.random(shared) < 0.6
    call = {"windows": W.sliding(3, 2, 1), "reduce": reduce, "axes": (1, 2), "mask": mask}
    y, back = ap.vjp(x, **call)
    monkeypatch.setattr(fast, "LEAST_READ", 1 << 40)
    want, plain = ap.vjp(x, **call)
    g = rng.random(y.shape)
    np.testing.assert_allclose(y, want, rtol=1e-12)
    np.testing.assert_allclose(back(g), plain(g), rtol=1e-12)


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_nan_is_raised_in_training_too(reduce):
    x = np.ones((1, 2, 8, 8))
    x[0, 0, 3, 3] = np.nan
    with pytest.raises(ap.PoolError, match="NaN"):
        ap.vjp(x, W.sliding(2), reduce, axes=(2, 3), mask=np.ones(x.shape, bool), nan="raise")


def test_the_short_way_keeps_weights_given_as_numbers():
    x, mask = np.arange(64.0).reshape(1, 1, 8, 8), np.ones((1, 1, 8, 8), bool)
    weights = (1.0,) * 7 + (0.0,)
    want = ap.max_pool(x, 2, axes=(2, 3), mask=mask, weights=np.array(weights))
    for _ in range(2):
        assert_same(ap.max_pool(x, 2, axes=(2, 3), mask=mask, weights=weights), want)
