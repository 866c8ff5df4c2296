"""PyTorch's own operations, where they mean the same: for devices and tracers without our kernels.

Nobody is slower or fatter there for having swapped; where PyTorch's operation is missing, wrong,
or not deterministic while determinism is asked for, ``plain`` does it instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from ..reductions import Reduction
from ..windows import Adaptive, Sliding, Whole, Windows
from ..windows.rules import each, pairs_of

Tensor = torch.Tensor
Call = Callable[[Tensor], Any]
# derivatives that CUDA computes with atomic additions (torch.use_deterministic_algorithms)
SHAKY = ("avg_pool3d", "max_pool3d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
         "adaptive_max_pool2d")  # fmt: skip
PLAIN_OPTIONS = {"fill": 0, "nan": "propagate", "ties": "first"}


def find(
    x: Tensor, windows: Windows, reduction: Reduction, axes: tuple[int, ...],
    common: dict[str, Any], indices: bool,
) -> Call | None:  # fmt: skip
    """PyTorch's operation for this pooling of x, or None."""
    rank = len(axes)
    if not _same_meaning(x, windows, reduction, axes, common) or not 1 <= rank <= 3:
        return None
    if isinstance(windows, Sliding):
        made = _sliding(windows, reduction, rank, common, indices)
    elif isinstance(windows, Adaptive) and windows.rule == "adaptive":
        made = _adaptive(windows, reduction, rank, indices)
    elif isinstance(windows, Whole):
        made = _whole(windows, reduction, axes, indices)
    else:
        return None
    if made is None or shaky(made[0], x):
        return None
    return made[1]


def _same_meaning(
    x: Tensor, windows: Windows, reduction: Reduction, axes: tuple[int, ...], common: dict[str, Any]
) -> bool:
    known = {*PLAIN_OPTIONS, "count_include_pad", "divisor_override", "threads"}
    asked = {name for name, value in common.items() if value is not None} - known
    usual = all(common.get(name, usual) == usual for name, usual in PLAIN_OPTIONS.items())
    last = tuple(range(x.ndim - len(axes), x.ndim)) == axes
    return (
        not asked and usual and last and reduction.name in ("max", "mean")
        and x.dtype.is_floating_point and x.ndim - len(axes) in (1, 2)
    )  # fmt: skip


def _sliding(
    w: Sliding, reduction: Reduction, rank: int, common: dict[str, Any], indices: bool
) -> tuple[str, Call] | None:
    kernel = each(w.kernel_size, "kernel_size", rank, 1)
    stride = kernel if w.stride is None else each(w.stride, "stride", rank, 1)
    dilation = each(w.dilation, "dilation", rank, 1)
    pairs = pairs_of(w.padding, rank)
    if isinstance(pairs, str) or any(
        a != b or 2 * a > k for (a, b), k in zip(pairs, kernel, strict=True)
    ):
        return None
    pad = tuple(a for a, _ in pairs)
    name = f"{'max' if reduction.name == 'max' else 'avg'}_pool{rank}d"
    function = getattr(F, name)
    if reduction.name == "max":
        return name, lambda x: function(x, kernel, stride, pad, dilation, w.ceil_mode, indices)
    divisor, counted = common.get("divisor_override"), common.get("count_include_pad")
    if any(d != 1 for d in dilation) or (rank == 1 and divisor is not None):
        return None
    counted = True if counted is None else counted
    more = () if rank == 1 else (divisor,)
    return name, lambda x: function(x, kernel, stride, pad, w.ceil_mode, counted, *more)


def _adaptive(
    w: Adaptive, reduction: Reduction, rank: int, indices: bool
) -> tuple[str, Call] | None:
    size = w.output_size
    name = f"adaptive_{'max' if reduction.name == 'max' else 'avg'}_pool{rank}d"
    if rank == 3 and reduction.name == "mean":
        return name, lambda x: _wide(lambda v: F.adaptive_avg_pool3d(v, size), x)
    function = getattr(F, name)
    if rank == 1 and size is None:
        return None
    if reduction.name == "max":
        return name, lambda x: function(x, size, indices)
    return name, lambda x: function(x, size)


def _wide(function: Call, x: Tensor) -> Tensor:
    """PyTorch adds up halves in halves here; ours are added up in float32."""
    return function(x.float()).to(x.dtype) if x.dtype.itemsize == 2 else function(x)


def _whole(
    w: Whole, reduction: Reduction, axes: tuple[int, ...], indices: bool
) -> tuple[str, Call] | None:
    if reduction.name == "mean":
        return "mean", lambda x: x.mean(axes, keepdim=w.keepdims)
    return None  # torch.amax shares the derivative between equals


def shaky(name: str, x: Tensor) -> bool:
    """Whether PyTorch would refuse its own operation, or do it wrongly, on this device."""
    if x.device.type == "cuda":
        return name in SHAKY and torch.are_deterministic_algorithms_enabled()
    return x.device.type == "mps" and name.startswith("adaptive")
