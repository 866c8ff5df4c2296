"""Poolings made of several: concatenated, mixed, pyramids, boxes, statistics, attention, blur."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .. import windows as where
from ..reductions import Reduction, resolve
from . import front
from .errors import PoolRuntimeError
from .more import roi_pool

Tensor = torch.Tensor

__all__ = [
    "AttentionPool", "ConcatPool", "MixedPool1d", "MixedPool2d", "MixedPool3d", "PyramidPool",
    "RoIPool", "StatisticsPool", "StridedConv1d", "StridedConv2d", "StridedConv3d",
]  # fmt: skip

WORDS = {"avg": "mean"}


def _reduction(word: str | Reduction) -> Reduction:
    return resolve(WORDS.get(word, word) if isinstance(word, str) else word)


class ConcatPool(nn.Module):
    """Several adaptive poolings side by side along the channels, in the order named.

    fastai and MONAI put max first, timm the average: here ``order`` says it.

    >>> import torch, anypool.torch as at
    >>> at.ConcatPool(("avg", "max"))(torch.rand(2, 3, 5, 5)).shape
    torch.Size([2, 6, 1, 1])
    """

    def __init__(self, order: Any = ("avg", "max"), output_size: Any = 1) -> None:
        super().__init__()
        self.order, self.output_size = tuple(order), output_size
        if not self.order:
            raise PoolRuntimeError('order is empty; name the poolings, such as ("avg", "max")')
        for word in self.order:
            _reduction(word)

    def forward(self, input: Any, **common: Any) -> Tensor:
        """(N, C, ...) to (N, C * poolings, *output_size)."""
        windows = where.adaptive(self.output_size)
        first = input if isinstance(input, Tensor) else input[0][None]
        axes = tuple(range(2, first.ndim))
        parts = [front.pool(input, windows, _reduction(w), axes=axes, **common) for w in self.order]
        return torch.cat(parts, 1)

    def extra_repr(self) -> str:
        return f"order={self.order}, output_size={self.output_size}"


class PyramidPool(nn.Module):
    """Spatial pyramid pooling (He et al. 2014, arXiv:1406.4729): (N, C, sum of bins).

    ``flatten=True`` gives (N, C * sum of bins), one vector whatever the size of the images.

    >>> import torch, anypool.torch as at
    >>> at.PyramidPool((1, 2, 4))(torch.rand(2, 3, 13, 9)).shape
    torch.Size([2, 3, 21])
    """

    def __init__(
        self, bins: Any = (1, 2, 4), reduce: str | Reduction = "max", flatten: bool = False
    ) -> None:
        super().__init__()
        self.bins, self.reduce, self.flatten = tuple(bins), reduce, flatten
        where.pyramid(self.bins).rules(2)
        _reduction(reduce)

    def forward(self, input: Any, **common: Any) -> Tensor:
        """(N, C, ...) or a list of (C, ...) to (N, C, sum of bins)."""
        y = front.pool(input, where.pyramid(self.bins), _reduction(self.reduce), **common)
        return y.flatten(1) if self.flatten else y

    def extra_repr(self) -> str:
        return f"bins={self.bins}, reduce={self.reduce!s}, flatten={self.flatten}"


class RoIPool(nn.Module):
    """One output size for boxes of any size; see :func:`anypool.roi_pool` for the boxes."""

    def __init__(self, output_size: Any, reduce: str | Reduction = "max") -> None:
        super().__init__()
        self.output_size, self.reduce = output_size, reduce
        _reduction(reduce)

    def forward(self, input: Tensor, boxes: Any) -> Tensor:
        """(N, C, H, W) and (n, 5) boxes (sample, top, left, bottom, right) to (n, C, ...)."""
        return roi_pool(input, boxes, self.output_size, _reduction(self.reduce))

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, reduce={self.reduce!s}"


class StatisticsPool(nn.Module):
    """Mean and standard deviation of every channel, side by side: (N, C, ...) to (N, 2 C).

    What speaker recognition makes of utterances (x-vectors); ``sizes`` are their lengths.

    >>> import torch, anypool.torch as at
    >>> x = torch.tensor([[[1.0, 3.0, 99.0]]])
    >>> at.StatisticsPool()(x, sizes=torch.tensor([[2]]))
    tensor([[2., 1.]])
    """

    def forward(self, input: Any, **common: Any) -> Tensor:
        windows = where.whole(keepdims=False)
        return torch.cat([front.pool(input, windows, r, **common) for r in ("mean", "std")], 1)


class AttentionPool(nn.Module):
    """Attention over instances (Ilse et al. 2018, arXiv:1802.04712): (N, C, ...) to (N, C).

    Each place h gets the weight softmax(w . tanh(V h) * sigmoid(U h)); ``gated=False`` leaves the
    sigmoid out. ``mask`` is True where a place is real, of the shape of input without channels.
    A sample with nothing real becomes 0.
    """

    def __init__(self, channels: int, hidden: int = 128, gated: bool = True) -> None:
        super().__init__()
        self.values = nn.Linear(channels, hidden)
        self.gates = nn.Linear(channels, hidden) if gated else None
        self.score = nn.Linear(hidden, 1)

    def forward(
        self, input: Tensor, mask: Tensor | None = None, return_weights: bool = False
    ) -> Any:
        h = input.flatten(2).transpose(1, 2)
        seen = torch.tanh(self.values(h))
        if self.gates is not None:
            seen = seen * torch.sigmoid(self.gates(h))
        score = self.score(seen)[..., 0]
        if mask is not None:
            real = mask.flatten(1)
            h = torch.where(real[..., None], h, 0)
            score = torch.where(real, score, -torch.inf)
            score = torch.where(real.any(1, keepdim=True), score, 0)
            weights = torch.where(real, score.softmax(1), 0)
        else:
            weights = score.softmax(1)
        y = torch.einsum("nl,nlc->nc", weights, h)
        return (y, weights.reshape(len(y), *input.shape[2:])) if return_weights else y


class _Mixed(nn.Module):
    """``share * max + (1 - share) * average`` with a fixed share."""

    rank: int

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        share: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        if not 0 <= share <= 1:
            raise PoolRuntimeError(f"share is {share}; it must be between 0 and 1")
        self.share = share
        self.geometry = {
            "kernel_size": kernel_size, "stride": kernel_size if stride is None else stride,
            "padding": padding, "ceil_mode": ceil_mode,
        }  # fmt: skip
        where.sliding(**self.geometry).rules(self.rank)

    def forward(self, input: Tensor, **common: Any) -> Tensor:
        windows, axes = where.sliding(**self.geometry), tuple(range(-self.rank, 0))
        most = front.pool(input, windows, "max", axes=axes, **common)
        mean = front.pool(input, windows, "mean", axes=axes, **common)
        return self.share * most + (1 - self.share) * mean

    def extra_repr(self) -> str:
        return ", ".join(f"{k}={v}" for k, v in {**self.geometry, "share": self.share}.items())


class MixedPool1d(_Mixed):
    """Half max, half average (or another fixed share) of the last axis."""

    rank = 1


class MixedPool2d(_Mixed):
    """Half max, half average (or another fixed share) of the last two axes."""

    rank = 2


class MixedPool3d(_Mixed):
    """Half max, half average (or another fixed share) of the last three axes."""

    rank = 3


def _strided(base: Any, rank: int) -> Any:
    """A convolution that makes things smaller, as a pooling would."""

    class Strided(base):
        def __init__(
            self, channels: int, kernel_size: Any = 2, stride: Any = None, padding: Any = 0,
            **more: Any,
        ) -> None:  # fmt: skip
            stride = kernel_size if stride is None else stride
            super().__init__(channels, channels, kernel_size, stride, padding, **more)

    Strided.__name__ = Strided.__qualname__ = f"StridedConv{rank}d"
    Strided.__doc__ = (
        f"What is said to do without pooling: a convolution that keeps the channels and moves by "
        f"its own size; arguments as torch.nn.Conv{rank}d. It has weights to learn."
    )
    Strided.__module__ = __name__
    return Strided


StridedConv1d = _strided(nn.Conv1d, 1)
StridedConv2d = _strided(nn.Conv2d, 2)
StridedConv3d = _strided(nn.Conv3d, 3)
