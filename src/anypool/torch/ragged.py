"""Images of different sizes as one padded batch with the sizes of each."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from ..arrays import batch_of_sizes
from ..axes import find_axes
from ..errors import PoolError, ShapeError
from ..windows import Windows

Tensor = torch.Tensor


def is_ragged(x: Any) -> bool:
    return not isinstance(x, Tensor) or x.is_nested


def padded(
    x: Any, windows: Windows, axes: Any, mask: Any, sizes: Any
) -> tuple[Tensor, Tensor | None, Any]:
    """The padded batch, the sizes of its samples and the pooled axes."""
    if mask is not None or sizes is not None:
        raise PoolError("ragged tensors have their own sizes; they take no mask and no sizes")
    if isinstance(x, Tensor):
        return _nested(x, windows, axes)
    if not isinstance(x, list | tuple) or not x or not all(isinstance(a, Tensor) for a in x):
        raise PoolError(f"x must be a tensor or a list of tensors, not {type(x).__name__}")
    if len({a.device for a in x}) > 1:
        raise PoolError("the tensors of a list must live on one device; use .to(device)")
    found, axes = batch_of_sizes([tuple(a.shape) for a in x], [a.dtype for a in x], axes, windows)
    most = [max(a.shape[i] for a in x) for i in range(x[0].ndim)]
    batch = torch.stack([F.pad(a, _behind(a, most)) for a in x])
    return batch, torch.as_tensor(found, device=batch.device), axes


def _behind(a: Tensor, most: list[int]) -> list[int]:
    """How much to pad behind each axis, as ``F.pad`` reads it: the last axis first."""
    return [p for n, m in zip(reversed(a.shape), reversed(most), strict=True) for p in (0, m - n)]


def _nested(x: Any, windows: Windows, axes: Any) -> tuple[Tensor, Tensor, Any]:
    if x.layout is not torch.jagged:
        parts = list(x.unbind())
        return padded(parts, windows, axes, None, None)  # type: ignore[return-value]
    ragged = x._ragged_idx
    pooled = find_axes(x.ndim, windows, ragged if axes is None else axes)
    if ragged not in pooled:
        raise ShapeError(
            f"axis {ragged} of the nested tensor is ragged but not pooled; pool axes=({ragged},)"
        )
    if x.lengths() is not None:
        raise ShapeError("this nested tensor has holes; use x.contiguous() first")
    lengths = x.offsets().diff()
    dense = torch.nested.to_padded_tensor(x, 0.0)
    columns = [lengths if a == ragged else torch.full_like(lengths, dense.shape[a]) for a in pooled]
    return dense, torch.stack(columns, 1), pooled
