"""Modules that smooth before they drop: blur pooling, alone or after a max."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .blur import blur_pool
from .more import max_blur_pool

Tensor = torch.Tensor

__all__ = ["BlurPool1d", "BlurPool2d", "BlurPool3d", "MaxBlurPool1d", "MaxBlurPool2d",
           "MaxBlurPool3d"]  # fmt: skip


class _Blur(nn.Module):
    """Blur pooling (Zhang 2019, arXiv:1904.11486)."""

    rank: int

    def __init__(
        self, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, mode: str = "reflect"
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.mode = kernel_size, stride, padding, mode

    def forward(self, input: Tensor, **common: Any) -> Tensor:
        return blur_pool(input, self.kernel_size, self.stride, self.padding, mode=self.mode,
                         axes=tuple(range(-self.rank, 0)), **common)  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"mode={self.mode!r}"
        )


class BlurPool1d(_Blur):
    """A binomial filter and a stride along the last axis."""

    rank = 1


class BlurPool2d(_Blur):
    """A binomial filter and a stride along the last two axes."""

    rank = 2


class BlurPool3d(_Blur):
    """A binomial filter and a stride along the last three axes."""

    rank = 3


class _MaxBlur(nn.Module):
    """Max over windows that move by 1, then blur pooling with the stride."""

    rank: int

    def __init__(self, kernel_size: Any = 2, stride: Any = 2, blur_size: Any = 3) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.blur_size = kernel_size, stride, blur_size

    def forward(self, input: Tensor) -> Tensor:
        axes = tuple(range(-self.rank, 0))
        return max_blur_pool(input, self.kernel_size, self.stride, self.blur_size, axes=axes)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, blur_size={self.blur_size}"


class MaxBlurPool1d(_MaxBlur):
    """Shift-tolerant max pooling of the last axis."""

    rank = 1


class MaxBlurPool2d(_MaxBlur):
    """Shift-tolerant max pooling of the last two axes."""

    rank = 2


class MaxBlurPool3d(_MaxBlur):
    """Shift-tolerant max pooling of the last three axes."""

    rank = 3
