"""Pooling on a GPU with derivatives: twice, and of many things at once in plain operations.

Max and min keep one byte for each output where their windows allow, and let go of x; sum and mean
keep nothing; the others keep x, and make their windows' numbers again on the way back.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from ..axes import find_axes
from ..kernels.gpu.spec import Spec
from . import gpulay, gpuops, gpurun
from .eager import alike, dense
from .request import Request
from .tensors import ordinary

Tensor = torch.Tensor


class Given(NamedTuple):
    """The tensors of a call as the kernels read them."""

    x: Tensor
    w: Tensor | None  # bool, or weights in the dtype that is computed in; of x's shape
    sizes: Tensor | None  # int32 (batch, pooled axes, start and stop)
    par: Tensor | None  # one number

    @staticmethod
    def of(
        request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None, spec: Spec
    ) -> Given:
        """Plain tensor operations, so that derivatives go through them too."""
        acc = gpurun.ACC[spec.acc]
        w: Any = request.common.get("mask")
        if weights is not None:
            own = weights.to(acc) if spec.weighs else weights > 0
            w = own if w is None else torch.where(w, own, 0) if spec.weighs else own & w
        w = None if w is None else w.expand(x.shape)
        if not _foldable(spec, x, w):
            x, w = x.contiguous(), None if w is None else w.contiguous()
        par = None if parameter is None else parameter.to(acc).reshape(1)
        return Given(x, w, _pairs(request, x), par)


def _foldable(spec: Spec, x: Tensor, w: Tensor | None) -> bool:
    y = dense(spec.out_shape, x.stride())
    return gpulay.fold(spec, (x.stride(), x.stride() if w is None else w.stride(), y)) is not None


def _pairs(request: Request, x: Tensor) -> Tensor | None:
    sizes = request.common.get("sizes")
    if sizes is None:
        return None
    given = find_axes(x.ndim, request.windows, request.axes)
    order = sorted(range(len(given)), key=given.__getitem__)
    sizes = torch.stack((torch.zeros_like(sizes), sizes), -1) if sizes.ndim == 2 else sizes
    if order != sorted(order):  # a list as an index would be copied to the device, and waited for
        sizes = torch.stack([sizes[:, i] for i in order], 1)
    return sizes.to(torch.int32).contiguous()


def readable(spec: Spec, x: Tensor) -> bool:
    """Whether the kernels can read x, or a dense copy of it."""
    straight = dense(x.shape, tuple(range(x.ndim, 0, -1)))
    return gpulay.fold(spec, (straight, dense(spec.out_shape, straight))) is not None


def pool(
    spec: Spec, request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """The pooled x and, where asked for, PyTorch's indices."""
    return run(spec, request, Given.of(request, x, weights, parameter, spec))


def run(spec: Spec, request: Request, given: Given) -> tuple[Tensor, Tensor | None]:
    """The same for tensors as the kernels read them."""
    x, w, sizes, par = given
    wanted = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, w, par))
    if not wanted:
        y, _, index = gpuops.pool(spec, x, w, sizes, par, False, request.indices)
        return y, index
    found = Pool.apply(x, w, par, sizes, spec, request)
    return found if request.indices else (found, None)


class Pool(torch.autograd.Function):
    """Any reduction that the kernels know."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor | None, par: Tensor | None, sizes: Tensor | None,
        spec: Spec, request: Request,
    ) -> Any:  # fmt: skip
        y, taps, index = gpuops.pool(spec, x, w, sizes, par, spec.extreme, request.indices)
        ctx.spec, ctx.request, ctx.stride, ctx.dtype = spec, request, x.stride(), x.dtype
        plainly = spec.extreme or (spec.linear and (w is None or not w.requires_grad))
        ctx.plainly = plainly
        ctx.save_for_backward(None if plainly else x, w, par, sizes, taps)
        if index is None:
            return y
        ctx.mark_non_differentiable(index)
        return y, index

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: Any) -> Any:  # type: ignore[override]
        x, w, par, sizes, taps = ctx.saved_tensors
        if ctx.plainly:
            return Back.apply(g, w, sizes, taps, ctx), None, None, None, None, None
        if torch.is_grad_enabled() or not _usual(g):
            return (*again(ctx.request, x, w, par, g), None, None, None)
        needs = ctx.needs_input_grad
        found = [
            _spread(ctx, g, x, w, sizes, par, by) if need else None
            for by, need in zip(("x", "weights", "parameter"), needs, strict=False)
        ]
        dp = None if found[2] is None else found[2].sum().reshape(1)
        return found[0], found[1], dp, None, None, None


def _usual(g: Tensor) -> bool:
    """Whether an incoming derivative is one derivative, be it one of a graph in the making."""
    batched = torch._C._functorch.is_legacy_batchedtensor(g)  # type: ignore[attr-defined]
    return not batched and (ordinary(g, g.is_cpu) or bool(torch._C._len_torch_dispatch_stack()))


def _spread(
    ctx: Any, g: Tensor, x: Tensor | None, w: Tensor | None, sizes: Any, par: Any, by: str,
    taps: Tensor | None = None,
) -> Tensor:  # fmt: skip
    g = g if _foldable_back(ctx.spec, g, ctx.stride, w) else g.contiguous()
    return gpuops.spread(ctx.spec, g, ctx.stride, ctx.dtype, taps, x, w, sizes, par, by)


def _foldable_back(spec: Spec, g: Tensor, x: tuple[int, ...], w: Tensor | None) -> bool:
    y, z = dense(spec.out_shape, x), dense(spec.shape, x)
    own = x if w is None else w.stride()
    return gpulay.fold(spec, (g.stride(), y, x, own, z)) is not None


class Back(torch.autograd.Function):
    """The derivative of max, min, sum and mean as a function of its own, which is linear."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, w: Tensor | None, sizes: Tensor | None, taps: Tensor | None, way: Any
    ) -> Tensor:
        ctx.way = way
        ctx.save_for_backward(w, sizes, taps)
        if _usual(g):
            return _spread(way, g, None, w, sizes, None, "x", taps)
        return scatter(way, g, sizes, taps) if taps is not None else transposed(way, g, w)

    @staticmethod
    def backward(ctx: Any, gg: Tensor) -> Any:  # type: ignore[override]
        w, sizes, taps = ctx.saved_tensors
        return forth(ctx.way, gg, w, sizes, taps), None, None, None, None


def forth(
    way: Any, gg: Tensor, w: Tensor | None, sizes: Tensor | None, taps: Tensor | None
) -> Tensor:
    """The transpose of :class:`Back`: pooling again, or what stood where the extremes were."""
    if taps is not None:
        places, lead = _places(way.spec, taps, sizes)
        moved = gg.movedim(way.spec.axes, tuple(range(-len(way.spec.axes), 0)))
        found = moved.reshape(*lead, -1).gather(-1, places.clamp(min=0))
        return _back_in_place(way.spec, torch.where(places >= 0, found, 0), way.spec.out_shape)
    spec = way.spec._replace(fill=0.0)
    given = Given(alike(gg, dense(spec.shape, way.stride)), w, sizes, None)
    return run(spec, way.request._replace(indices=False), given)[0].to(gg.dtype)


def _places(spec: Spec, taps: Tensor, sizes: Tensor | None) -> tuple[Tensor, list[int]]:
    """Where extremes stood, with the pooled axes last and as one, and the axes before."""
    last = tuple(range(-len(spec.axes), 0))
    found = gpuops.places(spec, taps, sizes).movedim(spec.axes, last)
    lead = list(found.shape[: -len(spec.axes)])
    return found.reshape(*lead, -1), lead


def _back_in_place(spec: Spec, flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    last = tuple(range(-len(spec.axes), 0))
    full = flat.reshape(*flat.shape[:-1], *(shape[a] for a in spec.axes))
    return full.movedim(last, spec.axes)


def scatter(way: Any, g: Tensor, sizes: Tensor | None, taps: Tensor) -> Tensor:
    """The way back of max and min in plain tensor operations, for many derivatives at once."""
    spec = way.spec
    places, lead = _places(spec, taps, sizes)
    moved = g.movedim(spec.axes, tuple(range(-len(spec.axes), 0))).reshape(places.shape)
    n = math.prod(spec.shape[a] for a in spec.axes)
    moved = torch.where(places >= 0, moved, 0)
    gx = g.new_zeros((*lead, n)).scatter_add(-1, places.clamp(min=0), moved)
    return _back_in_place(spec, gx, spec.shape)


def transposed(way: Any, g: Tensor, w: Tensor | None) -> Tensor:
    """The way back of sums in plain tensor operations."""
    x = torch.zeros(way.spec.shape, dtype=way.dtype, device=g.device, requires_grad=True)
    with torch.enable_grad():
        y = plainly(way.request, x, w, None)
    return torch.autograd.grad(y, x, g, create_graph=torch.is_grad_enabled())[0]


def again(
    request: Request, x: Tensor, w: Tensor | None, par: Tensor | None, g: Tensor
) -> list[Tensor | None]:
    """The derivatives by a second way, which can itself be differentiated."""
    leaves = (x, w, par)
    wanted = [t for t in leaves if t is not None and t.requires_grad]
    with torch.enable_grad():
        y = plainly(request, x, w, par)
    found = iter(torch.autograd.grad(y, wanted, g, create_graph=torch.is_grad_enabled(),
                                     allow_unused=True))  # fmt: skip
    return [next(found) if t is not None and t.requires_grad else None for t in leaves]


def plainly(request: Request, x: Tensor, w: Tensor | None, par: Tensor | None) -> Tensor:
    """The same in tensor operations: the kernels' weights are a mask or weights again."""
    common = {name: value for name, value in request.common.items() if name != "mask"}
    if w is not None and w.dtype == torch.bool:
        common["mask"], w = w, None
    own = None if par is None else par.reshape(())
    return request._replace(indices=False, common=common).plain(x, w, own)
