"""Agreement with PyTorch over a few thousand random calls: values, indices, gradients, layouts.

PyTorch's own known faults are excepted by name: Lp of partial windows and of negative values,
adaptive averages of half types in 3-D, averages of integers (it truncates), and the max of ints
in 1-D (it refuses).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import anypool as ap
from cases import sample
from same import assert_same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

CALLS = 50  # in a block: some four thousand random calls in all
# Mostly float32, PyTorch's own; float64 where rounding must not hide a fault.
EACH_BLOCK = pytest.mark.parametrize(
    ("block", "dtype"), [(i, np.float64 if i % 4 == 0 else np.float32) for i in range(12)]
)
FEW_BLOCKS = pytest.mark.parametrize("block", range(3))


def calls(block: int, salt: int):
    """The generators of one block's random calls."""
    return (np.random.default_rng([salt, block, i]) for i in range(CALLS))


def plane(rng, dtype, longest: int = 11, shortest: int = 1) -> np.ndarray:
    """An array (N, C, one to three lengths): sometimes with many ties, sometimes with none."""
    rank = rng.integers(1, 4)
    lengths = rng.integers(shortest, (2 * longest, longest, 7)[rank - 1] + 1, rank)
    shape = (*rng.integers(1, 4, 2), *lengths)
    return sample(shape, dtype, int(rng.integers(2**32)), str(rng.choice(["ties", "plain"])))


def sliding(rng, lengths, dilations: int = 3, common: bool = False) -> dict[str, Any]:
    """Arguments both sides take; PyTorch wants padding of at most half the kernel.

    The common windows are 3 by 2: other dtypes meet few kernels, so they compile few.
    """
    kernel = [3 if common else int(rng.integers(1, 5)) for _ in lengths]
    return {
        "kernel_size": tuple(kernel),
        "stride": tuple(2 if common else int(rng.integers(1, k + 2)) for k in kernel),
        "padding": tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel),
        "dilation": tuple(int(rng.integers(1, dilations + 1)) for _ in kernel),
        "ceil_mode": bool(rng.integers(2)),
    }


def fits(call: dict[str, Any], lengths) -> bool:
    """Every axis has at least one output: in ceil mode a window may be larger than its axis."""
    names = ("kernel_size", "stride", "padding", "dilation")
    rows = zip(lengths, *(call[name] for name in names), strict=True)
    slack = [s - 1 if call["ceil_mode"] else 0 for s in call["stride"]]
    return all(
        n + 2 * p - d * (k - 1) - 1 + more >= 0
        for (n, k, _, p, d), more in zip(rows, slack, strict=True)
    )


def theirs(name: str, rank: int) -> Any:
    return getattr(F, f"{name}{rank}d")


def tensor(x: np.ndarray, grad: bool = False) -> Any:
    return torch.from_numpy(np.ascontiguousarray(x)).requires_grad_(grad)


def assert_gradient(x, windows, reduce, their_y, their_x, seed: int, **common) -> None:
    """One random incoming gradient through both."""
    g = np.random.default_rng(seed).normal(size=their_y.shape).astype(x.dtype)
    (want,) = torch.autograd.grad(their_y, their_x, torch.from_numpy(g))
    y, pullback = ap.vjp(x, windows, reduce, axes=tuple(range(2, x.ndim)), **common)
    assert_same(y, their_y.detach().numpy(), ulp=8, scale=float(np.abs(x).max()))
    assert_same(pullback(g), want.numpy(), ulp=16, scale=8.0)


def assert_max(x, call: dict[str, Any], t=None) -> tuple[Any, bool]:
    """Values and indices equal PyTorch's; gives its values and whether every window is real.

    Excepted: a window with nothing real, where PyTorch gives the lowest value and an index that
    may lie outside the array. We give the fill and -1.
    """
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    t = tensor(x) if t is None else t
    want, where = theirs("max_pool", x.ndim - 2)(t, **call, return_indices=True)
    y, found = ap.max_pool(x, **call, return_indices=True, fill=lowest)
    assert_same(y, want.detach().numpy())
    assert_same(found, np.where(found < 0, -1, where.numpy()))
    assert_same(ap.max_pool(x, **call, fill=lowest), y)
    return want, bool((found >= 0).all())


@EACH_BLOCK
def test_max(block, dtype):
    for rng in calls(block, 1):
        x = plane(rng, dtype)
        call = sliding(rng, x.shape[2:])
        if not fits(call, x.shape[2:]):
            with pytest.raises(ap.PoolError, match=r"axis \d"):
                ap.max_pool(x, **call)
            continue
        t = tensor(x, grad=True)
        want, real = assert_max(x, call, t)
        if real:
            assert_gradient(x, ap.windows.sliding(**call), "max", want, t, block)


@EACH_BLOCK
def test_avg(block, dtype):
    for rng in calls(block, 2):
        x = plane(rng, dtype)
        call = sliding(rng, x.shape[2:], dilations=1)
        larger = any(k > n for k, n in zip(call["kernel_size"], x.shape[2:], strict=True))
        rank, pad = x.ndim - 2, bool(rng.integers(2))
        if not fits(call, x.shape[2:]) or (larger and rank == 3):
            continue  # avg_pool3d refuses every kernel that is larger than its axis
        del call["dilation"]
        divisor = {"divisor_override": 3} if rank > 1 and rng.integers(4) == 0 else {}
        t = tensor(x, grad=True)
        want = theirs("avg_pool", rank)(t, **call, count_include_pad=pad, **divisor)
        y = ap.avg_pool(x, **call, count_include_pad=pad, **divisor)
        size = float(np.abs(x).max()) * (64 if divisor else 1)
        assert_same(y, want.detach().numpy(), ulp=8, scale=size)
        if pad and not divisor:
            assert_gradient(x, ap.windows.sliding(**call), "mean", want, t, block)


@EACH_BLOCK
def test_adaptive(block, dtype):
    for rng in calls(block, 3):
        x = plane(rng, dtype)
        rank = x.ndim - 2
        size = tuple(int(m) for m in rng.integers(1, 10, rank))
        t = tensor(x, grad=True)
        want, where = theirs("adaptive_max_pool", rank)(t, size, return_indices=True)
        y, indices = ap.adaptive_max_pool(x, size, return_indices=True)
        assert_same(y, want.detach().numpy())
        assert_same(indices, where.numpy())
        assert_gradient(x, ap.windows.adaptive(size), "max", want, t, block)
        mean = theirs("adaptive_avg_pool", rank)(t, size)
        scale = float(np.abs(x).max())
        assert_same(ap.adaptive_avg_pool(x, size), mean.detach().numpy(), ulp=8, scale=scale)
        assert_gradient(x, ap.windows.adaptive(size), "mean", mean, t, block)


@FEW_BLOCKS
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_max_of_ints(block, dtype):
    """PyTorch has no max_pool1d of ints, so two and three axes only."""
    for rng in calls(block, 4):
        x = plane(rng, dtype)
        call = sliding(rng, x.shape[2:], common=True)
        if x.ndim > 3 and fits(call, x.shape[2:]):
            assert_max(x, call)


@FEW_BLOCKS
def test_nan_and_infinity(block):
    """NaN is the max and the last NaN has the index; a window of -inf gives -inf."""
    for rng in calls(block, 5):
        x = plane(rng, np.float64)
        for value, share in ((np.nan, 0.15), (-np.inf, 0.5), (np.inf, 0.05)):
            x[rng.random(x.shape) < share] = value
        call = sliding(rng, x.shape[2:])
        if fits(call, x.shape[2:]):
            assert_max(x, call)


@FEW_BLOCKS
def test_fractional(block):
    """With PyTorch's samples at u = 0.5: values, indices and gradients in two and three axes."""
    for rng in calls(block, 6):
        x = plane(rng, np.float64, shortest=2)
        rank = x.ndim - 2
        if rank == 1:
            continue
        kernel = tuple(int(rng.integers(1, n)) for n in x.shape[2:])
        rows = zip(x.shape[2:], kernel, strict=True)
        size = tuple(int(rng.integers(1, n - k + 1)) for n, k in rows)
        u = torch.full((*x.shape[:2], rank), 0.5, dtype=torch.float64)
        t = tensor(x, grad=True)
        want, where = theirs("fractional_max_pool", rank)(
            t, kernel, size, return_indices=True, _random_samples=u
        )
        y, indices = ap.fractional_max_pool(x, kernel, size, return_indices=True)
        assert_same(y, want.detach().numpy())
        assert_same(indices, where.numpy())
        assert_gradient(x, ap.windows.fractional(kernel, size), "max", want, t, block)


@FEW_BLOCKS
@pytest.mark.parametrize("p", [1, 2, 3, 2.5])
def test_lp(block, p):
    """Excepted: partial windows (PyTorch scales them as if full) and signs (it takes no size)."""
    for rng in calls(block, 7):
        x = np.abs(plane(rng, np.float64)) + 0.1
        call = sliding(rng, x.shape[2:], dilations=1)
        call |= {"padding": (0,) * (x.ndim - 2), "ceil_mode": False}
        if not fits(call, x.shape[2:]):
            continue
        kernel, stride = call["kernel_size"], call["stride"]
        one_axis = x.ndim == 3  # lp_pool1d takes plain numbers
        want = theirs("lp_pool", x.ndim - 2)(
            tensor(x), p, *((kernel[0], stride[0]) if one_axis else (kernel, stride))
        )
        assert_same(ap.lp_pool(x, p, kernel, stride), want.numpy(), ulp=64)


@FEW_BLOCKS
def test_max_unpool(block):
    """Windows that do not overlap, so no place is written twice (PyTorch races there)."""
    for rng in calls(block, 8):
        x = plane(rng, np.float64, shortest=4)
        rank = x.ndim - 2
        want, where = theirs("max_pool", rank)(tensor(x), 2, return_indices=True)
        back = theirs("max_unpool", rank)(want, where, 2, output_size=x.shape[2:])
        y, indices = ap.max_pool(x, (2,) * rank, return_indices=True)
        assert_same(ap.max_unpool(y, indices, x.shape[2:]), back.numpy())


@FEW_BLOCKS
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types(block, name):
    """Max exactly; averages (not 3-D: PyTorch has none or accumulates in half) to one ulp."""
    dtype = (
        np.float16
        if name == "float16"
        else pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed").bfloat16
    )
    for rng in calls(block, 9):
        x = plane(rng, np.float32, longest=9).astype(dtype)
        rank = x.ndim - 2
        call = sliding(rng, x.shape[2:], dilations=1, common=True)
        if not fits(call, x.shape[2:]):
            continue
        t = torch.from_numpy(x.astype(np.float32)).to(getattr(torch, name))
        want = theirs("max_pool", rank)(t, **call).float().numpy().astype(dtype)
        assert_same(ap.max_pool(x, **call, fill=-np.inf), want)
        if rank < 3:
            del call["dilation"]
            want = theirs("avg_pool", rank)(t, **call).float().numpy().astype(dtype)
            assert_same(ap.avg_pool(x, **call), want, ulp=1, scale=1.0)


@FEW_BLOCKS
@pytest.mark.parametrize("how", ["channels_last", "strided", "transposed"])
def test_layouts(block, how):
    """The same numbers from any memory layout, on both sides."""
    for rng in calls(block, 10):
        x = plane(rng, np.float32)
        if x.ndim != 4:
            continue
        call = sliding(rng, x.shape[2:])
        if not fits(call, x.shape[2:]):
            continue
        t = tensor(x)
        if how == "channels_last":
            t = t.to(memory_format=torch.channels_last)
        elif how == "strided":
            t = torch.nn.functional.pad(t, (1, 1, 1, 1))[:, :, 1:-1, 1:-1]
        else:
            t = t.transpose(2, 3).contiguous().transpose(2, 3)
        assert_max(t.numpy(), call, t)
        if fits(call | {"dilation": (1, 1)}, x.shape[2:]):
            del call["dilation"]
            want, y = F.avg_pool2d(t, **call), ap.avg_pool(t.numpy(), **call)
            assert_same(y, want.numpy(), ulp=8, scale=float(np.abs(x).max()))
