"""Local importance-based pooling, as an arm of the study."""

from __future__ import annotations

import torch
from torch import nn

import anypool.torch as at


class LIPPool2d(nn.Module):
    """Cells weighted by exp of a learnt importance (Gao et al. 2019, arXiv:1908.04156).

    The importance is a 1x1 convolution, normalised for each image and map and bounded by a sigmoid,
    as the paper bounds it; 2x2 windows.
    """

    LARGEST = 12.0  # the paper's bound: exp stays far from overflow, also in half precision

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.importance = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
            nn.Sigmoid(),
        )
        self.pool = at.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C, H // 2, W // 2)."""
        weights = (self.LARGEST * self.importance(x)).float().exp()
        return (self.pool(x.float() * weights) / self.pool(weights)).to(x.dtype)
