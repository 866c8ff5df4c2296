"""The one door for tensors: who pools them, and why.

Ordinary CPU tensors go to the kernels (``eager``). Under ``torch.compile`` the call is one opaque
step of the graph or PyTorch's own operation (``compiled``). Everything else (other devices,
tracers, exporters, transforms) gets PyTorch's own operation where it means the same (``native``),
else the same pooling in plain tensor operations (``plain``).
"""

from __future__ import annotations

from typing import Any

import torch

from .. import engine
from ..arrays import as_given
from ..axes import find_axes
from ..errors import PoolError
from ..plan import Options, make
from ..reductions import Reduction, resolve
from ..windows import Sliding, Windows, adaptive
from ..windows.rules import each
from . import compiled, eager, native, ragged, unpool
from .blur import blur_pool
from .errors import PoolRuntimeError, PoolTypeError
from .request import Request, seed_of
from .tensors import check_beside, check_tensor, numpy_dtype, plain, tensor_of

Tensor = torch.Tensor

LEARNABLE = ("lp", "gem", "lse", "soft")
COMMON = {"fill", "nan", "ties", "dtype", "threads", "count_include_pad", "divisor_override", "rng"}
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
    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        tensors = (x, mask, weights, sizes, parameter)
        return compiled.pool(tensors, windows, resolve(reduce), axes, return_indices, common)
    request = _request(x, windows, resolve(reduce), axes, mask, sizes, common, return_indices)
    weights = None if weights is None else _tensor(weights, x)
    _check_over("weights", weights, x)
    _check_parameter(request.reduction, parameter, x)
    y = pooled(request, x, weights, parameter)
    if not return_sizes:
        return y
    found = extents(request, x)
    return (*y, found) if isinstance(y, tuple) else (y, found)


def _check_parameter(reduction: Reduction, parameter: Tensor | None, x: Tensor) -> None:
    if parameter is None:
        return
    if not reduction.given and reduction.name not in LEARNABLE:
        raise PoolRuntimeError(
            f"{reduction.name} has no parameter with a derivative; {', '.join(LEARNABLE)} have one"
        )
    check_beside("parameter", parameter, x)
    if parameter.numel() != 1 and not _broadcasts(parameter, x):
        raise PoolRuntimeError(
            f"the parameter of {reduction.name} has shape {tuple(parameter.shape)}, x has "
            f"{tuple(x.shape)}; give one number, or one for each channel"
        )


def _broadcasts(a: Tensor, x: Tensor) -> bool:
    try:
        return torch.broadcast_shapes(a.shape, x.shape) == x.shape
    except RuntimeError:
        return False


def _check_over(what: str, a: Tensor | None, x: Tensor) -> None:
    """Mask and weights lie over x, and where x is."""
    check_beside(what, a, x)
    if a is not None and not _broadcasts(a, x):
        raise PoolRuntimeError(
            f"{what} has shape {tuple(a.shape)}, which does not broadcast to x's shape "
            f"{tuple(x.shape)}"
        )


def _request(
    x: Tensor, windows: Windows, reduction: Reduction, axes: Any, mask: Any, sizes: Any,
    common: dict[str, Any], indices: bool,
) -> Request:  # fmt: skip
    check_tensor(x)
    common = dict(common)
    for name, value in (("mask", mask), ("sizes", sizes)):
        if value is not None:
            common[name] = _tensor(value, x)
    check_beside("sizes", common.get("sizes"), x)
    _check_over("mask", common.get("mask"), x)
    if mask is not None and common["mask"].dtype != torch.bool:
        raise PoolRuntimeError(
            f"mask has dtype {common['mask'].dtype}; it must be bool, True where x is real"
        )
    if windows.random or reduction.sampled:
        rng = common.get("rng")
        rng = rng if rng is not None else getattr(windows, "rng", None)
        common["rng"] = seed_of(rng if rng is not None else reduction.rng)
    return Request(windows, reduction, axes, common, indices)


def _tensor(value: Any, x: Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else torch.as_tensor(value, device=x.device)


def pooled(
    request: Request, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
) -> Any:
    """Pool, by whoever serves best."""
    many = parameter is not None and parameter.numel() != 1
    others = (weights, parameter, *request.common.values())
    ordinary = plain(x) and all(plain(t) for t in others if isinstance(t, Tensor))
    numpy_dtype(x.dtype)
    if many or not ordinary:
        return elsewhere(request, x, weights, parameter)
    if weights is None and parameter is None:
        job, wanted = eager_job(request, x), x.requires_grad and torch.is_grad_enabled()
        if job is not None and (job.train is not None or not wanted):
            return run_job(job, x, request.indices)
    return _general(request, x, weights, parameter)


def _general(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    if torch.is_grad_enabled() and any(
        t is not None and t.requires_grad for t in (x, weights, parameter)
    ):
        return eager.General.apply(x, weights, parameter, request)
    made = engine.run(request.prepare(x, weights, parameter))
    y = tensor_of(made.y)
    return (y, tensor_of(made.indices)) if made.indices is not None else y


def eager_job(request: Request, x: Tensor) -> eager.Job | None:
    """The fast kernels for this pooling of tensors that lie like x, if they serve."""
    if any(isinstance(value, Tensor) for value in request.common.values()):
        return None  # a mask or sizes: and a key must not keep them alive
    try:
        key = (x.shape, x.stride(), x.dtype, request.windows, request.reduction, request.axes,
               request.indices, tuple(request.common.items()))  # fmt: skip
        known: Any = eager.JOBS.get(key, key)
    except TypeError:  # a list among the arguments
        return None
    return eager.learn(key, request, x) if known is key else known


def run_job(job: eager.Job, x: Tensor, indices: bool) -> Any:
    """Pool by fast kernels, with a derivative where one is wanted."""
    wanted = x.requires_grad and torch.is_grad_enabled()
    if indices:
        return eager.PoolingWithIndices.apply(x, job)
    return eager.Pooling.apply(x, job) if wanted else job.infer(x)


def elsewhere(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    """PyTorch's own operation where it means the same, else the same in tensor operations."""
    check(request, x, weights is not None)
    if weights is None and parameter is None and not misled_at_export(request):
        axes = tuple(sorted(find_axes(x.ndim, request.windows, request.axes)))
        own = native.find(x, request.windows, request.reduction, axes, request.common,
                          request.indices)  # fmt: skip
        if own is not None:
            return own(x)
    return request.plain(x, weights, parameter)


def exporting() -> bool:
    """Whether an exporter or a tracer is at work."""
    return torch.compiler.is_exporting() or torch._C._get_tracing_state() is not None


def misled_at_export(request: Request) -> bool:
    """Whether an exporter is at work that would go wrong with PyTorch's own operation.

    It freezes adaptive windows at the sizes it sees, leaves ``divisor_override`` out without a
    word, and in ceil mode makes the graph promise that sizes divide each other.
    """
    if not exporting():
        return False
    easy = isinstance(request.windows, Sliding) and not request.windows.ceil_mode
    return not easy or request.common.get("divisor_override") is not None


def check(request: Request, x: Tensor, weighted: bool = False) -> tuple[int, ...] | None:
    """Raise the plan's errors, and give the shape of its first output, where sizes are known."""
    if not all(type(n) is int for n in x.shape):
        return None
    known = {name: request.common[name] for name in OPTIONS if name in request.common}
    masked, sizes = "mask" in request.common, request.common.get("sizes")
    options = Options(
        **known, dtype=None, masked=masked, weighted=weighted, indices=request.indices,
        sized="" if sizes is None else str(sizes.ndim),
    )  # fmt: skip
    axes = request.axes if isinstance(request.axes, str | None) else tuple(request.axes)
    plan = make(tuple(x.shape), numpy_dtype(x.dtype), request.windows, request.reduction, axes,
                options)  # fmt: skip
    return None if plan.fixed is None else plan.out_shape(plan.fixed.grids[0])


OPTIONS = ("fill", "nan", "ties", "count_include_pad", "divisor_override")


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
