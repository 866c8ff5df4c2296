"""Max and min: their values, where they stand, and a gradient that goes to one element.

One axis after the other. Each element carries its flat place, so that the first of the equals in
row-major order, or the last NaN, is found whatever the order of the axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .places import Places, cut
from .totals import kept

LAST = -(2**62)  # the score of what is neither an extreme nor NaN


def best(x: Tensor, real: Tensor | None, places: Sequence[Places], sign: int) -> Tensor:
    """The values alone, for where no derivative is asked: a tie's gradient would be shared."""
    x = kept(x, real, worst(x.dtype, sign))
    whole = [p.axis.axis for p in places if p.whole]
    if whole:
        x = _reduce(x, whole, sign, keepdim=True)
    for own in places:
        if not own.whole:
            x = _reduce(kept(cut(x, own), own.real, worst(x.dtype, sign)), [-1], sign)
    return x


def _reduce(x: Tensor, axes: list[int], sign: int, keepdim: bool = False) -> Tensor:
    return x.amax(axes, keepdim) if sign > 0 else x.amin(axes, keepdim)


def found(
    x: Tensor, real: Tensor | None, places: Sequence[Places], sign: int
) -> tuple[Tensor, Tensor]:
    """The values and their flat places over the pooled axes; the gradient goes to one element."""
    flat = None
    for i, own in enumerate(places):
        v, ok = cut(x, own), _real(own, real)
        stands = own.positions() * math.prod(later.axis.n for later in places[i + 1 :])
        stands = stands if flat is None else stands + cut(flat, own)
        at = first(v.detach(), ok, stands, sign)
        x = torch.gather(v, -1, at).squeeze(-1)
        flat = torch.gather(stands.expand(v.shape), -1, at).squeeze(-1)
        real = None if real is None or ok is None else ok.any(-1)
    assert flat is not None  # noqa: S101 - there is at least one pooled axis
    return x, flat


def _real(own: Places, real: Tensor | None) -> Tensor | None:
    if real is None:
        return own.real
    own_real = cut(real, own)
    return own_real if own.real is None else own_real & own.real


def first(v: Tensor, real: Tensor | None, stands: Tensor, sign: int) -> Tensor:
    """Where along the last axis the extreme is: the first of its equals, or the last NaN."""
    v = kept(v, real, worst(v.dtype, sign))
    top = _reduce(v, [-1], sign, keepdim=True)
    hit = v == top if real is None else (v == top) & real
    score = torch.where(hit, -1 - stands, LAST)
    if v.dtype.is_floating_point:
        score = torch.where(v != v, stands, score)
    return score.argmax(-1, keepdim=True)


def worst(dtype: torch.dtype, sign: int) -> Any:
    """What no element is better than."""
    if dtype.is_floating_point:
        return -sign * float("inf")
    info = torch.iinfo(dtype)
    return info.min if sign > 0 else info.max


def shared(v: Tensor, w: Tensor, sign: int) -> Tensor:
    """The extreme of windows along the last axis; equals share its gradient by their weights."""
    y = _reduce(torch.where(w > 0, v.detach(), worst(v.dtype, sign)), [-1], sign, keepdim=True)
    share = torch.where((v.detach() == y) & (w > 0), w, 0.0)
    share = share / torch.where(y == y, share.sum(-1, keepdim=True), 1.0)
    finite = y.abs() < float("inf")
    near = (share * torch.where(finite & (share > 0), v, 0.0)).sum(-1)
    far = (share * torch.where(~finite & (share > 0), v, 0.0)).sum(-1)
    y = y.squeeze(-1)
    return torch.where(finite.squeeze(-1), y + (near - near.detach()), torch.where(y == y, far, y))
