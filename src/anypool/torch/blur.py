"""Blur pooling of tensors: see :func:`anypool.blur_pool`, whose numbers these are."""

from __future__ import annotations

from math import comb
from typing import Any

import torch

from ..blur import laid
from .tensors import check_beside, check_tensor

Tensor = torch.Tensor


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
    """A filter as a sum of picked slices: no padded copy, and nothing that exporters freeze."""
    n = x.shape[axis]
    outputs = (n + sum(side) - k) // step + 1
    first = torch.arange(outputs, device=x.device) * step - side[0]
    y = None
    for tap in range(k):
        share = comb(k - 1, tap) / 2 ** (k - 1)
        part = _picked(x, axis, first + tap, mode) * share
        y = part if y is None else y + part
    return y  # type: ignore[return-value]


def _picked(x: Tensor, axis: int, spots: Tensor, mode: str) -> Tensor:
    """The slices of x at ``spots``, which may lie outside: mirrored, the nearest, or zeros."""
    last = x.shape[axis] - 1
    if mode == "reflect":
        return x.index_select(axis, last - (last - spots.abs()).abs())
    part = x.index_select(axis, spots.clamp(0, last))
    if mode == "edge":
        return part
    real = (spots >= 0) & (spots <= last)
    return part * real.to(x.dtype)[(slice(None),) + (None,) * (x.ndim - axis - 1)]
