"""Sums over windows, one axis after the other: no more memory than one axis's windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .builtin import product
from .places import Places, cut


def total(x: Tensor, places: Sequence[Places]) -> Tensor:
    """The sum of every window; what is not real must be 0 already."""
    whole = [p.axis.axis for p in places if p.whole]
    if whole:
        x = x.sum(whole, keepdim=True)
    for own in places:  # the first axis first: its windows are taken in long stretches
        if not own.whole:
            x = _summed(x, own)
    return x


def _summed(x: Tensor, own: Places) -> Tensor:
    divided = own.reads is not None and own.span is None and own.axis.low is None
    if divided and x.dtype.is_floating_point and torch.onnx.is_in_onnx_export():
        return product(x, own)
    return kept(cut(x, own), own.real, 0).sum(-1)


def kept(v: Tensor, real: Tensor | None, other: Any) -> Tensor:
    """The elements that are real; ``other`` in the place of the rest."""
    return v if real is None else torch.where(real, v, other)


def seen(real: Tensor | None, places: Sequence[Places]) -> Tensor | None:
    """Whether each window has anything real; None where all surely have."""
    if real is not None:
        return total(real.to(torch.int32), places) > 0
    found = [p.real.any(-1) for p in places if not p.full and p.real is not None]
    return math.prod(found[1:], start=found[0]) if found else None


def count(places: Sequence[Places], padded: bool) -> Any:
    """The divisor of every window's mean: a number, or a tensor that broadcasts."""
    return math.prod(p.spans if padded else p.counts for p in places)
