"""The few functions of the array API that the recipes of reductions speak, in PyTorch's words."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Space:
    """A namespace for one call: its device, and what it takes for the widest float."""

    int64 = torch.int64

    def __init__(self, device: torch.device, wide: torch.dtype) -> None:
        self.device, self.float64 = device, wide

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)  # exp, log, sqrt, floor, where, ones_like, finfo, iinfo, ...

    def stop_gradient(self, a: Tensor) -> Tensor:
        return a.detach()

    def sum(self, a: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return a.sum(axis, keepdim=keepdims)

    def max(self, a: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return a.amax(axis, keepdim=keepdims)

    def min(self, a: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return a.amin(axis, keepdim=keepdims)

    def any(self, a: Tensor, axis: int) -> Tensor:
        return a.any(axis)

    def argsort(self, a: Tensor, axis: int, stable: bool) -> Tensor:
        a = (a.to(torch.int32) if a.dtype == torch.bool else a).detach()
        if torch.onnx.is_in_onnx_export():  # ONNX has no sort; its TopK takes equals in order
            return torch.topk(a, a.shape[axis], axis, largest=False).indices
        return torch.sort(a, dim=axis, stable=stable).indices

    def take_along_axis(self, a: Tensor, index: Tensor, axis: int) -> Tensor:
        return torch.gather(a, axis, index)

    def cumulative_sum(self, a: Tensor, axis: int) -> Tensor:
        return a.cumsum(axis)

    def minimum(self, a: Tensor, b: Any) -> Tensor:
        return torch.minimum(a, b) if isinstance(b, Tensor) else a.clamp(max=b)

    def arange(self, n: Any) -> Tensor:
        return torch.arange(n, device=self.device)

    def zeros(self, shape: Any, dtype: torch.dtype) -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def astype(self, a: Tensor, dtype: torch.dtype) -> Tensor:
        return a.to(dtype)

    def asarray(self, a: Any) -> Tensor:
        return a if isinstance(a, Tensor) else torch.tensor(a, device=self.device)

    def isdtype(self, dtype: torch.dtype, kind: Any) -> bool:
        """Whether a dtype is one of the kinds "bool" and "integral"."""
        kinds = (kind,) if isinstance(kind, str) else kind
        found = "bool" if dtype == torch.bool else "integral"
        return not (dtype.is_floating_point or dtype.is_complex) and found in kinds
