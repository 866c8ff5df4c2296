"""Where PyTorch is wrong, anypool.torch.functional is right: each known difference, by hand.

The values are those of anypool.reference or stand here in full.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import anypool.torch.functional as ours
from anypool import reference
from anypool.torch import call, eager
from same_torch import assert_tensors, relaid, tensor

F = torch.nn.functional
INF, NAN = float("inf"), float("nan")


def axes_of(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


# -- Lp -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1, 2, 3, 2.5])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_lp_is_the_norm_of_what_a_window_has(rank, ceil_mode, p):
    """Of |x|, whatever the sign, and of partial windows as they are."""
    x = tensor((2, 3, *(9, 6, 5)[:rank]), torch.float64, kind="plain")
    windows = ap.windows.sliding(3, 2, ceil_mode=ceil_mode)
    want = reference.pool(x.numpy(), windows, ap.reductions.lp(p), axes=axes_of(rank))
    got = getattr(ours, f"lp_pool{rank}d")(x, p, 3, 2, ceil_mode)
    assert_tensors(got, torch.from_numpy(want), ulp=64, layout=False)


def test_lp_by_hand():
    ones, mixed = torch.ones(1, 1, 5), torch.tensor([[-1.0, -2, 3, 4]])
    assert_tensors(ours.lp_pool1d(ones, 2, 2, ceil_mode=True),
                   torch.tensor([[[2**0.5, 2**0.5, 1]]]), ulp=2)  # fmt: skip
    assert_tensors(ours.lp_pool1d(mixed, 3, 2), torch.tensor([[9 ** (1 / 3), 91 ** (1 / 3)]]),
                   ulp=4)  # fmt: skip
    assert F.lp_pool1d(mixed, 3.0, 2).isnan().any()  # what PyTorch makes of it


def test_lp_does_not_overflow():
    large = torch.full((1, 1, 4), 300.0, dtype=torch.float16)
    assert ours.lp_pool1d(large, 2, 4).item() == 600
    larger = torch.full((1, 1, 4), 1e20)
    assert ours.lp_pool1d(larger, 2, 4).item() == pytest.approx(2e20)


def test_lp_has_no_slope_at_zero():
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    ours.lp_pool2d(x, 2, 2).sum().backward()
    assert_tensors(x.grad, torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_derivative_on_partial_windows(p):
    x = tensor((1, 2, 7), torch.float64, seed=3, kind="distinct", grad=True)
    got = torch.autograd.gradcheck(lambda x: ours.lp_pool1d(x, p, 3, 2, True), x)
    assert got


# -- halves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("size", [1, 3, (1, 1, 2)])
def test_adaptive_avg_pool3d_of_halves_adds_in_float32(size, dtype):
    x = tensor((2, 3, 10, 12, 11), dtype, kind="plain", grad=True)
    exact = F.adaptive_avg_pool3d(x.double(), size)
    got = ours.adaptive_avg_pool3d(x, size)
    assert_tensors(got, exact.to(dtype), ulp=1)
    assert_tensors(*(torch.autograd.grad(y.sum(), x)[0] for y in (got, exact)), ulp=2, scale=1e-3)


def test_adaptive_avg_pool3d_of_many_ones_is_one():
    x = torch.ones(1, 2, 10, 10, 10, dtype=torch.bfloat16)
    assert_tensors(ours.adaptive_avg_pool3d(x, (1, 1, 2)), torch.ones_like(x)[..., :1, :1, :2],
                   layout=False)  # fmt: skip
    assert_tensors(at.AdaptiveAvgPool3d(1)(x), torch.ones_like(x)[..., :1, :1, :1], layout=False)


# -- max of nothing but -inf, or of padding alone -----------------------------------------------


def test_index_of_minus_infinity_in_channels_last_3d(monkeypatch):
    """PyTorch's forgets the depth: it gives 0 to 3 twice."""
    monkeypatch.setattr(eager, "JOBS", {})
    monkeypatch.setattr(call, "SMALL", False)
    x = torch.full((1, 32, 2, 2, 32), -INF)
    want = F.max_pool3d(x, 1, return_indices=True)[1]
    x = x.contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    y, indices = ours.max_pool3d(x, 1, return_indices=True)
    assert_tensors(indices, want, layout=False)
    assert_tensors(torch.autograd.grad(y.sum(), x)[0], torch.ones_like(x), layout=False)


# -- fractional ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [2, 3])
def test_output_ratio_may_be_one_number(rank):
    x = tensor((1, 2, *(9, 10, 8)[:rank]))
    samples = torch.full((1, 2, rank), 0.5)
    name = f"fractional_max_pool{rank}d"
    want = getattr(F, name)(x, 2, output_ratio=(0.5,) * rank, _random_samples=samples)
    got = getattr(ours, name)(x, 2, output_ratio=0.5, _random_samples=samples)
    assert_tensors(got, want)
    module = getattr(at, f"FractionalMaxPool{rank}d")(2, output_ratio=0.5, _random_samples=samples)
    assert_tensors(module(x), want)


# -- unpooling ----------------------------------------------------------------------------------


def test_unpool_of_duplicates_gives_the_last():
    y = torch.tensor([[[1.0, 2, 3, 4]]], requires_grad=True)
    indices = torch.tensor([[[0, 5, 0, 5]]])
    full = ours.max_unpool1d(y, indices, 2)
    assert_tensors(full, torch.tensor([[[3.0, 0, 0, 0, 0, 4, 0, 0]]]).requires_grad_())
    full.backward(torch.arange(1.0, 9).reshape(1, 1, 8))
    assert_tensors(y.grad, torch.tensor([[[0.0, 0, 1, 6]]]))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_unpool_of_overlapping_windows(rank):
    """Of the windows that found a place the last in row-major order has its derivative."""
    x = tensor((2, 2, *(7, 6, 5)[:rank]), torch.float64)
    y, indices = getattr(F, f"max_pool{rank}d")(x, 3, 1, return_indices=True)
    y.requires_grad_()
    full = getattr(ours, f"max_unpool{rank}d")(y, indices, 3, 1)
    g = tensor(full.shape, torch.float64, seed=1)
    want, slope = torch.zeros_like(full), torch.zeros_like(y)
    for n in range(2):
        for c in range(2):
            winners = {i: o for o, i in enumerate(indices[n, c].flatten().tolist())}
            for place, output in winners.items():
                want[n, c].view(-1)[place] = y[n, c].flatten()[output].detach()
                slope[n, c].view(-1)[output] = g[n, c].flatten()[place]
    assert_tensors(full.detach(), want.detach(), layout=False)
    assert_tensors(torch.autograd.grad(full, y, g)[0], slope, layout=False)


def test_unpool_in_deterministic_mode():
    """PyTorch refuses its own there."""
    y, indices = F.max_pool2d(tensor((1, 2, 6, 6)), 2, return_indices=True)
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(RuntimeError, match="deterministic"):
            F.max_unpool2d(y, indices, 2)
        full = ours.max_unpool2d(y, indices, 2)
    finally:
        torch.use_deterministic_algorithms(False)
    assert_tensors(full, F.max_unpool2d(y, indices, 2), layout=False)


# -- what is no fault of PyTorch's, and ours must have too --------------------------------------


@pytest.mark.parametrize("layout", ["dense", "channels_last", "transposed"])
@pytest.mark.parametrize("size", [2, 40])
def test_nan_and_ties(size, layout):
    """The last NaN has the index and the derivative; of equals the first has them."""
    window = torch.tensor([[1.0, NAN], [NAN, 2.0]])
    ties = torch.tensor([[1.0, 3.0], [3.0, 0.0]])
    x = torch.stack([window, ties]).repeat(1, 1, size, size)
    x = relaid(x, layout).requires_grad_()
    y, indices = ours.max_pool2d(x, 2, return_indices=True)
    assert y[0, 0].isnan().all()
    assert (y[0, 1] == 3).all()
    wide = 2 * size
    assert [indices[0, 0, 0, 0].item(), indices[0, 1, 0, 0].item()] == [wide, 1]
    y.backward(torch.ones_like(y))
    place = torch.tensor([[[0.0, 0], [1, 0]], [[0, 1], [0, 0]]]).repeat(1, 1, size, size)
    assert_tensors(x.grad, place.reshape(x.shape), layout=False)
