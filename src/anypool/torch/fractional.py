"""Fractional max pooling: PyTorch's own operation, its random numbers drawn in the same order."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from .errors import translated

Tensor = torch.Tensor

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]  # fmt: skip


def _pool(
    rank: int, x: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, indices: bool,
    samples: Tensor | None,
) -> Any:  # fmt: skip
    """PyTorch's fractional max pooling; one output ratio is meant for every axis."""
    if isinstance(output_ratio, float):
        output_ratio = (output_ratio,) * rank
    function = F.fractional_max_pool2d if rank == 2 else F.fractional_max_pool3d
    try:
        return function(x, kernel_size, output_size, output_ratio, indices, samples)
    except Exception as error:
        raise translated(error) from None


def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """:func:`torch.nn.functional.fractional_max_pool2d`; ``output_ratio`` may be one number."""
    return _pool(2, input, kernel_size, output_size, output_ratio, return_indices,
                           _random_samples)  # fmt: skip


def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """:func:`torch.nn.functional.fractional_max_pool3d`; ``output_ratio`` may be one number."""
    return _pool(3, input, kernel_size, output_size, output_ratio, return_indices,
                           _random_samples)  # fmt: skip


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool2d` and the indices."""
    return _pool(2, input, kernel_size, output_size, output_ratio, True,
                           _random_samples)  # fmt: skip


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool3d` and the indices."""
    return _pool(3, input, kernel_size, output_size, output_ratio, True,
                           _random_samples)  # fmt: skip
