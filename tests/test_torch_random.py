"""Random calls of torch.nn.functional's pooling: PyTorch and we accept, refuse and give the same.

Every rank, batched or not, any memory layout, NaN, infinities and ties, small whole numbers as
incoming gradients. Even the smallest tensors go through our kernels here.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import contextlib
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("hypothesis", reason="hypothesis is not installed")

from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import anypool.torch.functional as ours
from anypool.torch import call, eager
from same_torch import LAYOUTS, assert_tensors, gradient, relaid, tensor

F = torch.nn.functional
DTYPES = [torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16]
SPOILS = {"none": (), "nan": (float("nan"),), "infinite": (float("inf"), float("-inf")),
          "low": (float("-inf"),) * 5}  # fmt: skip


@pytest.fixture(autouse=True)
def kernels_for_all(monkeypatch):
    monkeypatch.setattr(eager, "JOBS", {})
    monkeypatch.setattr(call, "SMALL", False)


@st.composite
def inputs(draw, rank: int, spoils=tuple(SPOILS)) -> torch.Tensor:
    """(N, C, ...) or (C, ...), lying anyhow."""
    lead = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    longest = (20, 9, 6)[rank - 1]
    lengths = draw(st.lists(st.integers(1, longest), min_size=rank, max_size=rank))
    seed = draw(st.integers(0, 2**16))
    kind, dtype = draw(st.sampled_from(["ties", "plain"])), draw(st.sampled_from(DTYPES))
    x = tensor((*lead, *lengths), dtype, seed, kind)
    made = torch.Generator().manual_seed(seed)
    for value in SPOILS[draw(st.sampled_from(spoils))]:
        x[torch.rand(x.shape, generator=made) < 0.15] = value
    return relaid(x, draw(st.sampled_from(LAYOUTS))).requires_grad_()


def numbers(draw, rank: int, least: int, most: int, lists: bool = True) -> Any:
    """One number, or one for each axis; sometimes a list."""
    if draw(st.booleans()):
        return draw(st.integers(least, most))
    each = tuple(draw(st.integers(least, most)) for _ in range(rank))
    return list(each) if lists and draw(st.integers(0, 5)) == 0 else each


def sliding(draw, rank: int) -> dict[str, Any]:
    """What max and average pooling share; sometimes more padding than PyTorch allows."""
    kernel = numbers(draw, rank, 1, 4)
    least = kernel if isinstance(kernel, int) else min(kernel)
    stride = st.sampled_from(["none", "given", "given"])
    return {
        "kernel_size": kernel,
        "stride": None if draw(stride) == "none" else numbers(draw, rank, 1, 4),
        "padding": numbers(draw, rank, 0, least // 2 + (draw(st.integers(0, 6)) == 0)),
        "ceil_mode": draw(st.booleans()),
    }


def assert_agree(
    name: str, x: torch.Tensor, arguments: dict[str, Any], ulp: float, layout: bool = True
) -> None:
    """Both give the same value, strides and derivative, or both refuse alike."""
    want, kind, told = None, None, ""
    try:
        want = getattr(F, name)(x, **arguments)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as refusal:
        kind, told = type(refusal), str(refusal)
    if "memory format" in told:  # a layout that only PyTorch cannot read
        with contextlib.suppress(ap.PoolError):
            getattr(ours, name)(x, **arguments)
        return
    if kind is not None:
        with pytest.raises(kind, match=r"\w{3}") as error:
            getattr(ours, name)(x, **arguments)
        assert isinstance(error.value, ap.PoolError)
        return
    got = getattr(ours, name)(x, **arguments)
    finite = x.detach()[x.detach().isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    assert_tensors(got, want, ulp=ulp, scale=scale, layout=layout)
    first = want[0] if isinstance(want, tuple) else want
    if x.requires_grad and first.numel():
        assert_tensors(gradient(got, x), gradient(want, x), ulp=2 * ulp, scale=16.0, layout=False)


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_max(rank, data):
    x = data.draw(inputs(rank))
    arguments = sliding(data.draw, rank)
    arguments["dilation"] = numbers(data.draw, rank, 1, 2)
    arguments["return_indices"] = data.draw(st.booleans())
    if hollow(rank, x, arguments) or (rank == 3 and x.isneginf().any()):
        # PyTorch's index lies outside the array then, and its derivative writes there;
        # of windows of -inf its 3-D index forgets the depth in channels_last
        arguments["return_indices"], x = False, x.detach()
    # in 1-D PyTorch's strides depend on whether a derivative is wanted
    assert_agree(f"max_pool{rank}d", x, arguments, 0, layout=rank > 1)


def hollow(rank: int, x: torch.Tensor, arguments: dict[str, Any]) -> bool:
    """Whether some window stands on padding alone, as dilated ones can."""
    try:
        ones = torch.ones_like(x.detach(), memory_format=torch.contiguous_format)
        y = getattr(F, f"max_pool{rank}d")(ones, **{**arguments, "return_indices": False})
    except RuntimeError:
        return False
    return bool((y != 1).any())


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_avg(rank, data):
    x = data.draw(inputs(rank))
    arguments = sliding(data.draw, rank)
    arguments["count_include_pad"] = data.draw(st.booleans())
    if rank > 1:
        arguments["divisor_override"] = data.draw(st.sampled_from([None, None, 1, 3, 7, -2]))
    size = 64 if arguments.get("divisor_override") else 1  # sums of up to 64, hardly divided
    ulp = 8 * size if x.dtype.itemsize > 2 else 1.5 * size
    assert_agree(f"avg_pool{rank}d", x, arguments, ulp)


def output_size(draw, rank: int) -> Any:
    if rank > 1 and draw(st.integers(0, 3)) == 0:
        each = st.one_of(st.none(), st.integers(1, 9))
        return tuple(draw(each) for _ in range(rank))
    return numbers(draw, rank, 0 if draw(st.integers(0, 9)) == 0 else 1, 9)


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_adaptive_max(rank, data):
    x = data.draw(inputs(rank))
    arguments = {"output_size": output_size(data.draw, rank),
                 "return_indices": data.draw(st.booleans())}  # fmt: skip
    assert_agree(f"adaptive_max_pool{rank}d", x, arguments, 0)


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_adaptive_avg(rank, data):
    x = data.draw(inputs(rank))
    if rank == 3 and x.dtype.itemsize == 2:
        x = x.detach().float().requires_grad_()  # PyTorch adds up halves in halves here
    ulp = 8 if x.dtype.itemsize > 2 else 1.5
    arguments = {"output_size": output_size(data.draw, rank)}
    assert_agree(f"adaptive_avg_pool{rank}d", x, arguments, ulp)


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_lp(rank, data):
    """Of positive numbers and full windows, where PyTorch's is right."""
    x = data.draw(inputs(rank, ("none",)))
    if rank == 3 or x.dtype.itemsize == 2:
        x = x.detach().double()  # PyTorch's powers of halves are rounded on the way
    x = (x.detach().abs() + 0.125).requires_grad_()
    arguments: dict[str, Any] = {
        "norm_type": data.draw(st.sampled_from([1, 2, 2.0, 3, 2.5])),
        "kernel_size": numbers(data.draw, rank, 1, 4, lists=False),
        "stride": numbers(data.draw, rank, 1, 4, lists=False),
    }
    if rank == 1:
        arguments |= {name: max(arguments[name]) if isinstance(arguments[name], tuple)
                      else arguments[name] for name in ("kernel_size", "stride")}  # fmt: skip
    assert_agree(f"lp_pool{rank}d", x, arguments, 64, layout=False)


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_unpool(rank, data):
    """Windows that do not overlap, so that no place is claimed twice."""
    x = data.draw(inputs(rank, ("none",)))
    kernel = numbers(data.draw, rank, 1, 3, lists=False)
    if min(x.shape[-rank:]) < (kernel if isinstance(kernel, int) else max(kernel)):
        return
    plain = x.detach().contiguous()
    y, indices = getattr(F, f"max_pool{rank}d")(plain, kernel, return_indices=True)
    arguments = {"indices": indices, "kernel_size": kernel}
    if data.draw(st.integers(0, 3)):
        lead = data.draw(st.sampled_from([(), (1, 1)]))
        arguments["output_size"] = (*lead, *x.shape[-rank:])
    assert_agree(f"max_unpool{rank}d", y.requires_grad_(), arguments, 0, layout=False)
