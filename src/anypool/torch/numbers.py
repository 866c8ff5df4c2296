"""Which dtype a pooling computes in, and which one comes out."""

from __future__ import annotations

import torch
from torch import Tensor

from ..reductions import Recipe

HALVES = (torch.float16, torch.bfloat16)
UNSIGNED = (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
LOWEST = -(2**63)


def _floats(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point or dtype.is_complex


def natural(dtype: torch.dtype, recipe: Recipe, weighted: bool) -> torch.dtype:
    """The dtype of the result, as ``Plan.natural``."""
    if recipe.result == "bool":
        return torch.bool
    if recipe.result == "same" or _floats(dtype):
        return dtype
    if recipe.result == "sum" and not weighted:
        return torch.uint64 if dtype in UNSIGNED else torch.int64
    return torch.float64


def widened(x: Tensor, recipe: Recipe) -> Tensor:
    """x in the dtype to compute with: halves as float32, integers as their result asks."""
    if _floats(x.dtype):
        return x.to(torch.float32) if x.dtype in HALVES else x
    if recipe.result == "mean":
        return x.to(torch.float64)
    if recipe.result == "sum":
        return x.to(torch.int64)  # uint64 wraps around, and back at the end
    if x.dtype == torch.uint64:  # the same order, in a dtype that everything knows
        return x.to(torch.int64) + LOWEST if recipe.result == "same" else (x != 0).to(torch.uint8)
    if x.dtype == torch.bool:
        return x.to(torch.uint8)
    return x.to(torch.int64) if x.dtype in UNSIGNED[1:] else x


def narrowed(y: Tensor, result: torch.dtype, recipe: Recipe) -> Tensor:
    """The result in its dtype."""
    if result == torch.uint64 and recipe.result == "same":
        y = y - LOWEST
    return y.to(result)
