"""torch.nn's pooling modules by their own names: the same attributes, repr, state and errors.

Each is a subclass of PyTorch's own module, so that isinstance, pickles and hooks go on working.
The forward of each also takes ``mask``, ``weights`` and ``sizes`` (see :func:`anypool.pool`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .. import reductions
from .. import windows as where
from . import front
from . import functional as F  # noqa: N812

Tensor = torch.Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


def _real(common: dict[str, Any]) -> bool:
    """Whether anything says which elements are real."""
    return any(value is not None for value in common.values())


def _last(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


class _Max:
    """The forward of max pooling."""

    rank: int

    def forward(self: Any, input: Tensor, **common: Any) -> Any:
        if _real(common):
            windows = where.sliding(self.kernel_size, self.stride, self.padding, self.dilation,
                                    self.ceil_mode)  # fmt: skip
            return front.pool(input, windows, "max", axes=_last(self.rank),
                              return_indices=self.return_indices, **common)  # fmt: skip
        return getattr(F, f"max_pool{self.rank}d")(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip


class _Avg:
    """The forward of average pooling."""

    rank: int

    def forward(self: Any, input: Tensor, **common: Any) -> Tensor:
        own = () if self.rank == 1 else (self.divisor_override,)
        if _real(common):
            windows = where.sliding(self.kernel_size, self.stride, self.padding, 1, self.ceil_mode)
            divisor = own[0] if own else None
            return front.pool(input, windows, "mean", axes=_last(self.rank),
                              divisor_override=divisor, **common)  # fmt: skip
        return getattr(F, f"avg_pool{self.rank}d")(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, *own,
        )  # fmt: skip


class _LP:
    """The forward of Lp pooling."""

    rank: int

    def forward(self: Any, input: Tensor, **common: Any) -> Tensor:
        if _real(common):
            windows = where.sliding(self.kernel_size, self.stride, 0, 1, self.ceil_mode)
            return front.pool(input, windows, reductions.lp(self.norm_type),
                              axes=_last(self.rank), **common)  # fmt: skip
        return getattr(F, f"lp_pool{self.rank}d")(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class _AdaptiveMax:
    """The forward of adaptive max pooling."""

    rank: int

    def forward(self: Any, input: Any, **common: Any) -> Any:
        if _real(common) or not isinstance(input, Tensor):
            return front.pool(input, where.adaptive(self.output_size), "max",
                              axes=_last(self.rank), return_indices=self.return_indices,
                              **common)  # fmt: skip
        function = getattr(F, f"adaptive_max_pool{self.rank}d")
        return function(input, self.output_size, self.return_indices)


class _AdaptiveAvg:
    """The forward of adaptive average pooling."""

    rank: int

    def forward(self: Any, input: Any, **common: Any) -> Tensor:
        if _real(common) or not isinstance(input, Tensor):
            return front.pool(input, where.adaptive(self.output_size), "mean",
                              axes=_last(self.rank), **common)  # fmt: skip
        return getattr(F, f"adaptive_avg_pool{self.rank}d")(input, self.output_size)


class _Fractional:
    """The forward of fractional max pooling."""

    rank: int

    def forward(self: Any, input: Tensor) -> Any:
        function = getattr(F, f"fractional_max_pool{self.rank}d")
        return function(input, self.kernel_size, self.output_size, self.output_ratio,
                        self.return_indices, self._random_samples)  # fmt: skip


class _Unpool:
    """The forward of max unpooling."""

    rank: int

    def forward(self: Any, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        function = getattr(F, f"max_unpool{self.rank}d")
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


def _class(name: str, way: type) -> type:
    """The module of ours with PyTorch's name."""
    theirs = getattr(nn, name)
    told = f"torch.nn.{name}, faster, deterministic, and with mask, weights and sizes."
    body = {"__doc__": told, "__module__": __name__, "rank": int(name[-2])}
    return type(name, (way, theirs), body)


MaxPool1d, MaxPool2d, MaxPool3d = (_class(f"MaxPool{r}d", _Max) for r in (1, 2, 3))
AvgPool1d, AvgPool2d, AvgPool3d = (_class(f"AvgPool{r}d", _Avg) for r in (1, 2, 3))
LPPool1d, LPPool2d, LPPool3d = (_class(f"LPPool{r}d", _LP) for r in (1, 2, 3))
MaxUnpool1d, MaxUnpool2d, MaxUnpool3d = (_class(f"MaxUnpool{r}d", _Unpool) for r in (1, 2, 3))
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = (
    _class(f"AdaptiveMaxPool{r}d", _AdaptiveMax) for r in (1, 2, 3)
)
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = (
    _class(f"AdaptiveAvgPool{r}d", _AdaptiveAvg) for r in (1, 2, 3)
)
FractionalMaxPool2d, FractionalMaxPool3d = (
    _class(f"FractionalMaxPool{r}d", _Fractional) for r in (2, 3)
)
