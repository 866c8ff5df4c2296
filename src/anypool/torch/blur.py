"""Blur pooling of tensors: see :func:`anypool.blur_pool`, whose numbers these are."""

from __future__ import annotations

from math import comb
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from ..blur import laid
from .tensors import check_beside, check_tensor

Tensor = torch.Tensor
MODES = {"reflect": "reflect", "zero": "constant", "edge": "replicate"}


def blur_pool(
    x: Tensor, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *,
    mode: str = "reflect", axes: Any = None, mask: Tensor | None = None,
    weights: Tensor | None = None, fill: float = 0,
) -> Tensor:  # fmt: skip
    """Smooth with binomial coefficients along the pooled axes and keep every stride-th output."""
    check_tensor(x)
    pooled, kernel, steps, sides = laid(tuple(x.shape), kernel_size, stride, padding, mode, axes)
    wide = torch.float32 if x.dtype.itemsize == 2 and x.dtype.is_floating_point else (
        x.dtype if x.dtype.is_floating_point else torch.float64)  # fmt: skip
    result = x.dtype if x.dtype.is_floating_point else wide

    def all_axes(a: Tensor) -> Tensor:
        for axis, k, step, side in zip(pooled, kernel, steps, sides, strict=True):
            a = _one_axis(a, axis, k, step, side, mode)
        return a

    values = x.to(wide)
    if mask is None and weights is None:
        return all_axes(values).to(result)
    check_beside("mask", mask, x)
    check_beside("weights", weights, x)
    w = torch.ones((), dtype=wide, device=x.device) if weights is None else weights.to(wide)
    w = w.expand(x.shape) if mask is None else torch.where(mask, w, 0).expand(x.shape)
    held = all_axes(torch.where(w > 0, values, 0) * w)
    total = all_axes(w)
    return torch.where(total > 0, held / torch.where(total > 0, total, 1), fill).to(result)


def _one_axis(x: Tensor, axis: int, k: int, step: int, side: tuple[int, int], mode: str) -> Tensor:
    moved = x.movedim(axis, -1)
    flat = moved.reshape(1, -1, moved.shape[-1])
    padded = F.pad(flat, side, mode=MODES[mode]) if any(side) else flat
    taps = [comb(k - 1, tap) / 2 ** (k - 1) for tap in range(k)]
    filter_ = torch.tensor(taps, dtype=x.dtype, device=x.device).reshape(1, 1, k)
    y = F.conv1d(padded.movedim(0, 1), filter_, stride=step)
    return y.reshape(*moved.shape[:-1], y.shape[-1]).movedim(-1, axis)
