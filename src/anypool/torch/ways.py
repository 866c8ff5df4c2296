"""Who pools a tensor: the kernels, PyTorch's own operation, or plain tensor operations."""

from __future__ import annotations

from typing import Any

import torch

from .. import engine
from ..axes import find_axes
from ..plan import Options, Plan, make
from ..reductions import Reduction
from ..windows import Sliding
from . import eager, gpu, native
from .errors import PoolRuntimeError
from .request import OPTIONS, Request
from .tensors import check_beside, check_tensor, numpy_dtype, ordinary, tensor_of

Tensor = torch.Tensor
LEARNABLE = ("lp", "gem", "lse", "soft")


def pooled(
    request: Request, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
) -> Any:
    """Pool, by whoever serves best."""
    many = parameter is not None and parameter.numel() != 1
    others = (weights, parameter, *request.common.values())
    usual = ordinary(x) and all(ordinary(t) for t in others if isinstance(t, Tensor))
    numpy_dtype(x.dtype)  # raises for what no array can hold
    if many or not usual:
        own = gpu.find(request, x, weights, parameter)
        return own if own is not None else elsewhere(request, x, weights, parameter)
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
    axes = tuple(find_axes(x.ndim, request.windows, request.axes))
    straight = list(axes) == sorted(axes)  # PyTorch takes kernels in the order of x's axes
    if weights is None and parameter is None and straight and not misled_at_export(request):
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
    plan = plan_of(request, x, weighted)
    return None if plan.fixed is None else plan.out_shape(plan.fixed.grids[0])


def plan_of(request: Request, x: Tensor, weighted: bool = False) -> Plan:
    """The plan of a request, but for the result's dtype."""
    known = {name: request.common[name] for name in OPTIONS if name in request.common}
    masked, sizes = "mask" in request.common, request.common.get("sizes")
    options = Options(
        **known, dtype=None, masked=masked, weighted=weighted, indices=request.indices,
        sized="" if sizes is None else str(sizes.ndim),
    )  # fmt: skip
    axes = request.axes if isinstance(request.axes, str | None) else tuple(request.axes)
    return make(tuple(x.shape), numpy_dtype(x.dtype), request.windows, request.reduction, axes,
                options)  # fmt: skip


def check_arguments(
    x: Tensor, mask: Tensor | None, weights: Tensor | None, sizes: Tensor | None,
    parameter: Tensor | None, reduction: Reduction,
) -> None:  # fmt: skip
    """One sentence for tensors that do not go together."""
    check_tensor(x)
    check_beside("sizes", sizes, x)
    check_over("mask", mask, x)
    if mask is not None and mask.dtype != torch.bool:
        raise PoolRuntimeError(
            f"mask has dtype {mask.dtype}; it must be bool, True where x is real"
        )
    check_over("weights", weights, x)
    check_parameter(reduction, parameter, x)


def check_parameter(reduction: Reduction, parameter: Tensor | None, x: Tensor) -> None:
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


def check_over(what: str, a: Tensor | None, x: Tensor) -> None:
    """Mask and weights lie over x, and where x is."""
    check_beside(what, a, x)
    if a is not None and not _broadcasts(a, x):
        raise PoolRuntimeError(
            f"{what} has shape {tuple(a.shape)}, which does not broadcast to x's shape "
            f"{tuple(x.shape)}"
        )
