"""The one door for tensors: who pools them, and why.

Ordinary CPU tensors go to the kernels (``eager``). Under ``torch.compile`` the call is one opaque
step of the graph or PyTorch's own operation (``compiled``). Everything else (other devices,
tracers, exporters, transforms) gets PyTorch's own operation where it means the same (``native``),
else the same pooling in plain tensor operations (``plain``).
"""

from __future__ import annotations

from typing import Any

import torch

from ..arrays import as_given
from ..axes import find_axes
from ..errors import PoolError
from ..ops import ACCEPTED
from ..reductions import Reduction, resolve
from ..windows import Windows, adaptive
from ..windows.rules import each
from . import compiled, ragged, unpool, ways
from .blur import blur_pool
from .errors import PoolTypeError
from .request import Request, seed_of

Tensor = torch.Tensor

COMMON = ACCEPTED - {"axes", "mask", "weights", "sizes"}
__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, axes: Any = None,
    mask: Any = None, weights: Any = None, sizes: Any = None, return_indices: bool = False,
    return_sizes: bool = False, parameter: Tensor | None = None, out: Any = None, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for tensors, with their derivatives.

    ``parameter`` is a tensor in place of the reduction's first parameter (p, r, beta), one number
    or one for each channel; it has a derivative.
    """
    if out is not None:
        raise PoolError("out is for NumPy arrays; tensors get a new tensor")
    if unknown := common.keys() - COMMON:
        raise PoolTypeError(f"pool() got an unexpected keyword argument {min(unknown)!r}")
    if ragged.is_ragged(x):
        x, sizes, axes = ragged.padded(x, windows, axes, mask, sizes)
    reduction = resolve(reduce)
    mask, weights, sizes = (_tensor(a, x) for a in (mask, weights, sizes))
    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        if return_sizes:
            raise PoolError("return_sizes looks at numbers; ask for it outside torch.compile")
        tensors = (x, mask, weights, sizes, parameter)
        return compiled.pool(tensors, windows, reduction, axes, return_indices, common)
    ways.check_arguments(x, mask, weights, sizes, parameter, reduction)
    given = {"mask": mask, "sizes": sizes}
    common |= {name: a for name, a in given.items() if a is not None}
    if windows.random or reduction.sampled:
        common["rng"] = _seed(windows, reduction, common.get("rng"))
    request = Request(windows, reduction, axes, common, return_indices)
    y = ways.pooled(request, x, weights, parameter)
    if not return_sizes:
        return y
    found = extents(request, x)
    return (*y, found) if isinstance(y, tuple) else (y, found)


def _tensor(value: Any, x: Tensor) -> Tensor | None:
    if value is None or isinstance(value, Tensor):
        return value
    return torch.as_tensor(value, device=x.device)


def _seed(windows: Windows, reduction: Reduction, rng: Any) -> Any:
    """The seed of a random call: what it was given, else what its windows or reduction hold."""
    for source in (rng, getattr(windows, "rng", None), reduction.rng):
        if source is not None:
            return seed_of(source)
    return None


def extents(request: Request, x: Tensor) -> Tensor:
    """The sizes of the pooled samples, in the form in which sizes came."""
    if "sizes" not in request.common:
        raise PoolError("return_sizes needs sizes; give sizes= or a list of tensors")
    call = request.prepare(torch.empty(x.shape))
    pairs = call.plan.extents(call.sizes, call.layout)  # type: ignore[arg-type]
    return torch.from_numpy(as_given(call.plan, pairs, call.pairwise)).to(x.device)


def vjp(x: Tensor, windows: Windows, reduce: str | Reduction = "max", **common: Any) -> Any:
    """:func:`anypool.vjp` for tensors: autograd behind the same door."""
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        y = pool(leaf, windows, reduce, **common)

    def pullback(g: Tensor) -> Tensor:
        return torch.autograd.grad(y, leaf, g, retain_graph=True)[0]

    return y.detach(), pullback


def max_unpool(
    y: Tensor, indices: Tensor, output_size: Any, axes: Any, duplicates: str, fill: float
) -> Tensor:
    """:func:`anypool.max_unpool` for tensors."""
    if duplicates != "last":
        raise PoolError(f'duplicates is {duplicates!r}; tensors know only "last"')
    size = tuple(output_size) if isinstance(output_size, list | tuple) else output_size
    pooled = find_axes(y.ndim, adaptive(size), axes)
    sizes = each(size, "output_size", len(pooled), 1)
    pooled, sizes = zip(*sorted(zip(pooled, sizes, strict=True)), strict=True)
    last = tuple(range(-len(pooled), 0))
    full = unpool.max_unpool(y.movedim(pooled, last), indices.movedim(pooled, last), sizes, fill,
                             skip=True)  # fmt: skip
    return full.movedim(last, pooled)
