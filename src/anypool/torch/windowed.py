"""Reductions that need every window's elements side by side: the recipes' own ``batch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .places import Places, cut
from .space import Space

if TYPE_CHECKING:
    from .plain import Call


def silent(x: Tensor) -> bool:
    """Whether surely nobody asks for a derivative of x."""
    if torch.onnx.is_in_onnx_export():
        return True
    if torch.compiler.is_compiling() or _transformed():
        return False
    if torch.autograd.forward_ad._current_level >= 0:
        return False
    return not (torch.is_grad_enabled() and x.requires_grad)


def _transformed() -> bool:
    """Whether torch.func runs this."""
    return torch._C._functorch.peek_interpreter_stack() is not None  # type: ignore[attr-defined]


def reduce(call: Call, places: Sequence[Places], draws: Tensor | None) -> Any:
    """Every window by the recipe; and whether there is nothing real."""
    recipe = call.reduction.recipe
    picks = recipe.family == "pick"
    wide = call.x.dtype if call.x.dtype.is_floating_point else torch.float64
    exact = wide if call.x.device.type == "mps" else torch.float64
    v, w, nothing = gather(call, places, exact if picks else wide)
    space = Space(call.x.device, wide)
    p = _parameters(call, v.dtype, exact)
    if picks:  # they take weights by their places
        return recipe.batch(space, v, w.expand(v.shape), p, draws)[0], None, nothing
    return recipe.batch(space, v, w, p)[0], None, nothing


def _parameters(call: Call, dtype: torch.dtype, exact: torch.dtype) -> tuple[Any, float]:
    first, second = call.reduction.numbers
    if call.reduction.name == "quantile":  # exporters store plain numbers as float32
        coarse = round(first * 2**23) / 2**23
        number = torch.full((), coarse, dtype=exact, device=call.x.device) + (first - coarse)
        return number, float(call.weights is not None)
    if call.parameter is None:
        return first, second
    own = call.parameter.to(dtype)
    return (own.unsqueeze(-1) if own.ndim else own), second


def gather(
    call: Call, places: Sequence[Places], dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The elements of every window along a last axis, their weights, and which are empty.

    The weights broadcast. What is not real is 0 and weighs 0; but an empty window's elements weigh
    1, so that no recipe divides by 0 there: what it gives is replaced.
    """
    v, real = side_by_side(call.x, places), _geometry(places)
    if call.real is not None:
        own = side_by_side(long(call.real, call, places), places)
        real = own if real is None else own & real
    if real is None:
        ones = (1,) * (v.ndim - 1)
        return v, torch.ones((*ones, v.shape[-1]), dtype=dtype, device=v.device), None
    v = torch.where(real, v, 0)
    if call.weights is None:
        w = real.to(dtype)
    else:
        own = side_by_side(long(call.weights, call, places), places).to(dtype)
        w = torch.where(real, own, 0)
    if call.real is None and all(p.full for p in places):
        return v, w, None
    nothing = ~real.any(-1)
    return v, torch.where(nothing.unsqueeze(-1), 1, w), nothing


def side_by_side(x: Tensor, places: Sequence[Places]) -> Tensor:
    """All windows cut out: their elements in row-major order along one new last axis."""
    rank = x.ndim
    for own in places:
        x = cut(x, own)
    return x.flatten(rank)


def long(a: Any, call: Call, places: Sequence[Places]) -> Any:
    """A mask or weights at full length along the pooled axes, so that windows can be cut;

    along every axis where samples have windows of their own.
    """
    if a is None:
        return None
    own = any(p.own for p in places)
    return a.expand([n if own or i in call.axes else -1 for i, n in enumerate(call.x.shape)])


def _geometry(places: Sequence[Places]) -> Tensor | None:
    """What of the gathered windows lies inside the array; None where everything does."""
    found, more = None, len(places) - 1
    if all(p.real is None for p in places):
        return None
    for i, own in enumerate(places):
        real = own.real
        if real is None:
            real = torch.ones(own.positions().shape, dtype=torch.bool, device=own.axis.device)
        rank = real.ndim - 1
        shaped = real.reshape(*real.shape[:rank], *(1,) * i, real.shape[-1], *(1,) * (more - i))
        found = shaped if found is None else found & shaped
    assert found is not None  # noqa: S101 - there is at least one pooled axis
    return found.flatten(found.ndim - 1 - more)
