"""Comparing tensors, and tensors to compare: what the tests of the PyTorch front share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from cases import sample

Tensor = torch.Tensor


def assert_tensors(
    got: Any, want: Any, *, ulp: float = 0, scale: float = 0.0, layout: bool = True
) -> None:
    """Raise unless both are alike: kind, shape, dtype, strides, requires_grad and values.

    NaN equals NaN, zeros of either sign are equal. Floats may differ by ``ulp`` units in the last
    place of max(|want|, scale). ``layout=False`` lets strides differ.
    """
    if isinstance(want, tuple | list):
        assert isinstance(got, tuple | list), f"got {type(got).__name__}, wanted several"
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            assert_tensors(one, other, ulp=ulp, scale=scale, layout=layout)
        return
    kinds = ("shape", "dtype", "device", "requires_grad") + (("strides",) if layout else ())
    for kind in kinds:
        mine, theirs = (_told(t, kind) for t in (got, want))
        assert mine == theirs, f"{kind} {mine}, wanted {theirs}"
    bad = ~_agree(got.detach(), want.detach(), ulp, scale)
    if bad.any():
        places = [tuple(place) for place in bad.nonzero()[:5].tolist()]
        lines = [f"  at {p}: {got[p].item()!r}, wanted {want[p].item()!r}" for p in places]
        raise AssertionError("\n".join([f"{int(bad.sum())} of {bad.numel()} differ", *lines]))


def _told(t: Tensor, kind: str) -> Any:
    """Strides count only along axes that have more than one element."""
    if kind != "strides":
        return getattr(t, kind)
    return tuple(s for n, s in zip(t.shape, t.stride(), strict=True) if n > 1 and t.numel())


def _agree(got: Tensor, want: Tensor, ulp: float, scale: float) -> Tensor:
    if not want.dtype.is_floating_point:
        return got == want
    unit = torch.finfo(want.dtype).eps
    got, want = got.double(), want.double()
    room = ulp * unit * want.abs().clamp(min=scale)
    near = ((got - want).abs() <= room) & want.isfinite()
    return (got == want) | near | (got.isnan() & want.isnan())


def tensor(
    shape: Any, dtype: torch.dtype = torch.float32, seed: int = 0, kind: str = "ties",
    layout: str = "dense", grad: bool = False,
) -> Tensor:  # fmt: skip
    """Repeatable data (see ``cases.sample``) in a memory layout."""
    x = torch.from_numpy(sample(tuple(shape), np.float64, seed, kind)).to(dtype)
    return relaid(x, layout).requires_grad_(grad)


LAYOUTS = ("dense", "channels_last", "sliced", "transposed", "expanded", "offset")


def relaid(x: Tensor, layout: str) -> Tensor:
    """The same values lying otherwise ("expanded": the first sample or channel for all)."""
    if layout == "channels_last":
        kinds = {4: torch.channels_last, 5: torch.channels_last_3d}
        if x.ndim in kinds:
            return x.contiguous(memory_format=kinds[x.ndim])
        return x.movedim(-2, -1).contiguous().movedim(-1, -2)
    if layout == "sliced":
        room = torch.zeros([2 * n + 1 for n in x.shape], dtype=x.dtype)
        view = room[tuple(slice(1, 2 * n + 1, 2) for n in x.shape)]
        return view.copy_(x)
    if layout == "transposed":
        return x.transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "expanded":
        return x[:1].expand(x.shape)
    if layout == "offset":
        return torch.cat([torch.zeros(3, dtype=x.dtype), x.flatten()])[3:].view(x.shape)
    return x


def whole_numbers(like: Tensor, seed: int = 0) -> Tensor:
    """An incoming gradient of small whole numbers: their sums are exact in every dtype."""
    made = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, like.shape, generator=made).to(like.dtype)


def gradient(y: Any, x: Tensor, seed: int = 0) -> Tensor:
    """The derivative of the first output by x, for incoming whole numbers."""
    y = y[0] if isinstance(y, tuple | list) else y
    return torch.autograd.grad(y, x, whole_numbers(y, seed))[0]
