"""Windows that PyTorch's own pooling lays, and matrices for means of adaptive windows in ONNX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from ..windows.rules import Rule, Slide
from .places import Places, plain

if TYPE_CHECKING:
    from .plain import Call

MOST = 64  # elements of a window that PyTorch may sum one after the other


def pooled(call: Call, rules: Sequence[Rule], sized: bool) -> Tensor | None:
    """What PyTorch's own operation gives where it is ours in values and derivatives; or None.

    Not where determinism is asked for: some devices add up its gradient in any order.
    """
    name, x, rank = call.reduction.name, call.x, len(call.axes)
    if name not in ("max", "min", "mean") or call.selects or sized or call.indices:
        return None
    if (name != "mean" and call.ties == "split") or call.divisor_override is not None:
        return None
    if not x.dtype.is_floating_point or torch.are_deterministic_algorithms_enabled():
        return None
    if rank > 3 or call.axes != tuple(range(x.ndim - rank, x.ndim)) or x.ndim - rank not in (1, 2):
        return None
    own = [rule for rule in rules if isinstance(rule, Slide) and _fits(rule)]
    if len(own) < rank or any(plain(n) == 0 for n in x.shape):
        return None
    return _run(call, own, rank)


def _fits(rule: Slide) -> bool:
    even = rule.before == rule.after <= rule.kernel // 2
    return even and rule.dilation == 1 and not rule.same and not rule.ceil


def _run(call: Call, rules: list[Slide], rank: int) -> Tensor | None:
    kernel, stride = [r.kernel for r in rules], [r.stride for r in rules]
    padding = [r.before for r in rules]
    if call.reduction.name == "mean":
        if math.prod(kernel) > MOST:
            return None
        pool = getattr(functional, f"avg_pool{rank}d")
        return pool(call.x, kernel, stride, padding, False, call.count_include_pad)
    pool = getattr(functional, f"max_pool{rank}d")
    if call.reduction.name == "max":
        return pool(call.x, kernel, stride, padding)
    return -pool(-call.x, kernel, stride, padding)


def product(x: Tensor, places: Places) -> Tensor:
    """The sum of each window of one axis as one matrix product; nothing may be infinite or NaN.

    Two products of small matrices are what every runtime of ONNX knows; their weights are made in
    the graph, or are constants where the sizes are.
    """
    axis = places.axis
    kept = (axis.axis, axis.rank)
    reads = places.positions()
    start = reads[tuple(slice(None) if i in kept else 0 for i in range(axis.rank + 1))][:, :1]
    counts: Any = places.counts
    if isinstance(counts, Tensor) and counts.ndim:
        counts = counts.reshape(-1, 1)
    place = torch.arange(axis.n, device=x.device)
    inside = ((place >= start) & (place < start + counts)).to(x.dtype)
    last = x.ndim - 1
    if axis.axis == last - 1:
        return inside @ x
    return (x.transpose(axis.axis, last) @ inside.T).transpose(axis.axis, last)
