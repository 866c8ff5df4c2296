"""The way back from max pooling, always the same whatever the machine.

PyTorch's own writes places that several values claim in no fixed order, and hands every one of
them a derivative; its deterministic mode refuses it. Here the last value in row-major order wins,
and only the winner has a derivative.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812
from torch.nn.modules.utils import _ntuple

from ..errors import PoolError
from .errors import PoolRuntimeError, translated

Tensor = torch.Tensor

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def scattered(y: Tensor, indices: Tensor, n: int, fill: float = 0) -> Tensor:
    """(..., m) values at their places among n; -1 is skipped, the last of several wins."""
    order = torch.arange(y.shape[-1], device=y.device).expand(indices.shape)
    # one place more than asked takes what is skipped
    places = torch.where(indices < 0, n, indices)
    empty = torch.full((*y.shape[:-1], n + 1), -1, dtype=torch.int64, device=y.device)
    winner = empty.scatter(-1, places, order)[..., :n]
    return torch.where(winner >= 0, y.gather(-1, winner.clamp(min=0)), fill)


def max_unpool(
    y: Tensor, indices: Tensor, sizes: tuple[int, ...], fill: float = 0, skip: bool = False
) -> Tensor:
    """Pooled values of the last axes back where they stood among ``sizes``.

    ``skip``: an index of -1 is one without a place (PyTorch's own refuses it).
    """
    r, n = len(sizes), math.prod(sizes)
    if not torch.compiler.is_compiling() and indices.numel() and indices.device.type != "meta":
        low, high = (int(v) for v in torch.aminmax(indices))
        if low < -int(skip) or high >= n:
            raise PoolRuntimeError(
                f"indices run from {low} to {high}; output_size {tuple(sizes)} has places 0 to "
                f"{n - 1}: give the indices and the size of the pooling that this undoes"
            )
    flat = scattered(y.flatten(-r), indices.flatten(-r), n, fill)
    return flat.reshape(*y.shape[:-r], *sizes)


def _unpool(
    rank: int, x: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any,
    output_size: Any,
) -> Tensor:  # fmt: skip
    try:
        _check(rank, x, indices)
        tuples = _ntuple(rank)
        kernel, pad = tuples(kernel_size), tuples(padding)
        steps = kernel if stride is None else tuples(stride)
        size = F._unpool_output_size(x, kernel, steps, pad, output_size)  # type: ignore[attr-defined]
    except PoolError:
        raise
    except Exception as error:
        raise translated(error) from None
    return max_unpool(x, indices, tuple(size[-rank:]))


def _check(rank: int, x: Tensor, indices: Tensor) -> None:
    if indices.dtype != torch.int64:
        raise PoolRuntimeError(f"indices are {indices.dtype}; they must be int64")
    if indices.shape != x.shape:
        raise PoolRuntimeError(
            f"indices have shape {tuple(indices.shape)}, the values {tuple(x.shape)}; "
            "they must agree"
        )
    if x.ndim not in (rank + 1, rank + 2):
        raise PoolRuntimeError(
            f"max_unpool{rank}d takes {rank + 1} or {rank + 2} axes; x has {x.ndim}"
        )
    if any(n == 0 for n in x.shape[x.ndim - rank - 1 :]):
        raise PoolRuntimeError(f"x has shape {tuple(x.shape)}; only the batch may be empty")


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.max_unpool1d`; of several values for a place the last wins."""
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.max_unpool2d`; of several values for a place the last wins."""
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.max_unpool3d`; of several values for a place the last wins."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
