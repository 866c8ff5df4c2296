"""Ranks by networks: every kernel against the plain loops, bit for bit, wherever x lies."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from anypool import engine, kernels

pytestmark = [
    pytest.mark.skipif(bool(kernels.why_not()), reason="the kernels need numba"),
    pytest.mark.usefixtures("every_kernel"),
]

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, 1.0, 2.0, -3.0])
MEDIAN, LOWER = ap.reductions.median(), ap.reductions.median("lower")
slid = ap.windows.sliding


def numbers(shape: tuple[int, ...], dtype: str, special: bool = False) -> np.ndarray:
    rng = np.random.default_rng(len(shape) + sum(shape))
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(max(info.min, -50), min(info.max, 60), shape).astype(kind)
    x = rng.normal(size=shape).astype(kind)
    if special:
        x = np.where(rng.random(shape) < 0.15, rng.choice(SPECIAL, shape), x).astype(kind)
    return x


def both_ways(
    x: np.ndarray, windows, reduce, axes, kernel: str = "order"
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """By the kernel that serves the plan, which must be this one, and by the plain loops."""
    from anypool.kernels import run

    call = engine.prepare(x, windows, reduce, axes=axes)
    assert kernels.choose(call.plan, x).name == kernel
    fast = engine.run(call).y
    y = np.empty_like(x, dtype=call.plan.work, shape=call.plan.out_shape(call.layout.grids[0]))
    run.forward(call.plan, call.layout, call.layout.grids[0], x, y, None)
    return fast, engine.finish(call.plan, y)


def same(got: np.ndarray, want: np.ndarray) -> bool:
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    wide = got.dtype.kind == "f" or got.dtype.kind == "V"
    got, want = (a.astype(np.float64) if wide else a for a in (got, want))
    return bool(np.array_equal(got, want, equal_nan=wide))


@pytest.mark.parametrize(
    ("reduce", "windows", "kernel"),
    [("max", slid(2), "rows"), ("max", ap.windows.whole(), "flat"), ("max", slid(63, 1), "tall"),
     ("lse", slid(2), "smooth"), ("median", slid(3, 1), "order"), ("median", slid(31, 1), "crowd"),
     ("stochastic", slid(2), "generic")],
)  # fmt: skip
def test_who_is_chosen_says_why(reduce, windows, kernel):
    x = np.ones((1, 2, 80, 80), "float32")
    chosen = kernels.choose(engine.prepare(x, windows, ap.reductions.resolve(reduce)).plan, x)
    assert chosen.name == kernel
    assert chosen.why


SHAPES_2D = ((2, 3, 20, 41), (1, 1, 5, 4), (2, 1, 9, 130), (1, 20, 12, 11))
PADS = (0, 1, ((0, 1), (1, 0)))


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("layout", ["first", "last", "odd"])
def test_median_3x3_wherever_it_lies(dtype: str, layout: str) -> None:
    for shape in SHAPES_2D:
        for special in (False, True):
            x = numbers(shape, dtype, special)
            if layout == "last":
                x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
            elif layout == "odd":
                x = np.repeat(x, 2, -1)[:, :, ::-1, ::2]
            for padding in PADS:
                for dilation in (1, 2) if shape[2] > 5 else (1,):
                    w = slid(3, stride=1, padding=padding, dilation=dilation)
                    assert same(*both_ways(x, w, MEDIAN, (2, 3)))


REDUCTIONS = {
    "lower": LOWER, "median": MEDIAN, "quantile": ap.reductions.quantile(0.3),
    "topk": ap.reductions.topk(3), "mode": ap.reductions.mode(),
}  # fmt: skip
WINDOWS = {
    "2/2": slid(2), "3/2": slid(3, stride=2, padding=1), "4x3": slid((4, 3), stride=(2, 1)),
    "2/3": slid(2, stride=3, padding=1), "1x5": slid((1, 5), stride=1, padding=((0, 0), (2, 2))),
    "ragged": ap.windows.adaptive((7, 5)), "far": slid(2, stride=7),
    "ceil": slid(3, stride=2, ceil_mode=True),
}  # fmt: skip


SOME = [("lower", "2/2"), ("median", "3/2"), ("median", "4x3"), ("median", "far"),
        ("quantile", "2/3"), ("quantile", "ragged"), ("topk", "ceil"), ("mode", "1x5")]  # fmt: skip
EVERY = [(r, w) for r in REDUCTIONS for w in WINDOWS if (r, w) not in SOME]


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "window"), EVERY)
def test_every_reduction_and_window(name: str, window: str) -> None:
    test_some_reductions_and_windows(name, window)


@pytest.mark.parametrize(("name", "window"), SOME)
def test_some_reductions_and_windows(name: str, window: str) -> None:
    windows = WINDOWS[window]
    dtype = {"lower": "float16", "mode": "int16", "topk": "float32"}.get(name, "float32")
    for shape in ((2, 3, 20, 18), (1, 17, 20, 18)):
        x = numbers(shape, dtype, special=name != "topk")
        for last in (False, True):
            a = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x
            try:
                pair = both_ways(a, windows, REDUCTIONS[name], (2, 3))
            except AssertionError:
                assert (name, window) == ("mode", "ragged")  # too many ranks
                continue
            assert same(*pair)


@pytest.mark.parametrize("rank", [1, 3])
def test_one_and_three_axes(rank: int) -> None:
    x = numbers((2, 3, 8, 9, 37), "float32", special=True)
    axes = (4,) if rank == 1 else (2, 3, 4)
    for padding in (0, 1):
        assert same(*both_ways(x, slid(3, stride=1, padding=padding), MEDIAN, axes))
    if rank == 1:  # an axis with others below it
        assert same(*both_ways(x, slid(5, stride=1, padding=2), MEDIAN, (2,)))


@pytest.mark.parametrize("kernel", [5, pytest.param(7, marks=pytest.mark.nightly)])
def test_larger_windows(kernel: int) -> None:
    x = numbers((1, 2, 40, 70), "float32", special=True)
    w = slid(kernel, stride=1, padding=kernel // 2)
    assert same(*both_ways(x, w, MEDIAN, (2, 3)))


def test_the_number_of_threads_changes_nothing() -> None:
    x = numbers((8, 16, 64, 64), "float32")
    one, many = (ap.pool(x, slid(3, stride=1, padding=1), "median", axes=(2, 3), threads=n)
                 for n in (1, 4))  # fmt: skip
    assert one.tobytes() == many.tobytes()


def test_windows_with_nothing_real_are_filled() -> None:
    w = slid(2, stride=2, padding=2)
    y = ap.pool(numbers((1, 1, 4, 4), "float32"), w, "median", axes=(2, 3), fill=7)
    assert y[0, 0, 0, 0] == 7
    assert y[0, 0, -1, -1] == 7
    assert y[0, 0, 1, 1] != 7


LARGE = {
    "20x12": slid((20, 12), stride=(3, 1), padding=2),
    "13/13": slid(13), "dilated": slid(12, stride=1, dilation=2, padding=3),
    "parts": ap.windows.adaptive((2, 3)), "whole": ap.windows.whole(),
}  # fmt: skip


@pytest.mark.parametrize("window", LARGE)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "float16"])
def test_large_windows(window: str, dtype: str) -> None:
    reduce = {"float32": MEDIAN, "uint8": LOWER}.get(dtype, ap.reductions.quantile(0.3))
    x = numbers((2, 3, 33, 40), dtype)
    if dtype != "uint8":
        x[0, 0, 3, 5], x[1, 1, 3, 8], x[1, 2, :20] = np.nan, -np.inf, np.inf
    for how in ("first", "last", "odd"):
        if how == "last":
            x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
        elif how == "odd":
            x = np.repeat(x, 2, -1)[..., ::2]
        assert same(*both_ways(x, LARGE[window], reduce, (2, 3), kernel="crowd"))


def test_large_windows_share_work_among_threads() -> None:
    x = numbers((2, 3, 60, 50), "float32")
    one, many = (ap.pool(x, slid(15, stride=1), "median", axes=(2, 3), threads=n)
                 for n in (1, 4))  # fmt: skip
    assert one.tobytes() == many.tobytes()
