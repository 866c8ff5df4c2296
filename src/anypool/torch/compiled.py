"""Inside ``torch.compile``: one opaque step of the graph, or what Inductor does better itself.

Dynamo carries the arguments, as plain words and numbers, to :func:`traced`, which runs as ordinary
Python while the graph is made. The kernels of anypool take max, min, mean and sum over sliding and
adaptive windows, where Inductor's own code was slower on a CPU (``python -m bench --only torch``):
large windows, adaptive ones that do not divide the input, three axes, and max of large tensors.
Small windows that fuse into their neighbours, whole windows and small tensors are Inductor's.
"""

from __future__ import annotations

import ast
import math
from functools import lru_cache
from typing import Any

import torch
from torch._prims_common import suggest_memory_format

from .. import kernels, reductions
from .. import windows as where
from ..axes import find_axes
from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Adaptive, Sliding, Whole, Windows
from ..windows.rules import each, pairs_of
from . import eager, gpu, ways
from .request import Request

Tensor = torch.Tensor
SMALL = 1 << 15  # fewer elements are left to Inductor, which needs no call for them
UNROLLED = 25  # Inductor writes windows of up to this many elements out
LARGE = 1 << 20  # from here our max is faster even so


def pool(
    tensors: tuple[Any, ...], windows: Windows, reduction: Reduction, axes: Any, indices: bool,
    common: dict[str, Any],
) -> Any:  # fmt: skip
    """The call, spelled in words and numbers that a graph can hold."""
    if reduction.sampled or windows.random:
        raise PoolError("random pooling cannot be compiled; call it outside torch.compile")
    how, what = spelled(Request(windows, reduction, axes, common))
    return traced(tensors, how, what, axes, indices, tuple(common.items()))


@torch.compiler.allow_in_graph
def traced(
    tensors: tuple[Any, ...], windows: Any, what: Any, axes: Any, indices: bool, common: Any
) -> Any:
    """The call on the tensors of a graph in the making."""
    x, mask, weights, sizes, parameter = tensors
    request = rebuilt(windows, what, axes, common)
    ways.check_arguments(x, mask, weights, sizes, parameter, request.reduction)
    arrays = {"mask": mask, "sizes": sizes}
    given = {name: value for name, value in arrays.items() if value is not None}
    request = request._replace(common={**request.common, **given}, indices=indices)
    bare = not given and weights is None and parameter is None and not indices
    if bare and ours_is_faster(request, x):
        return opaque(request, x)
    own = gpu.in_graph(request, x, weights, parameter)
    return ways.elsewhere(request, x, weights, parameter) if own is None else own


def opaque(request: Request, x: Tensor) -> Tensor:
    """The pooling as one step of the graph."""
    how = repr((*spelled(request), request.axes, tuple(request.common.items())))
    return torch.ops.anypool.pool(x, how, torch.is_grad_enabled() and x.requires_grad)[0]


def spelled(request: Request | Any) -> tuple[Any, Any]:
    """Windows and reduction in words and numbers."""
    windows, reduction = request.windows, request.reduction
    fields = [getattr(windows, name) for name in windows.__dataclass_fields__]
    # numbers as text: a graph with dynamic shapes would make symbols of them
    params = tuple([(name, f"{value}") for name, value in reduction.params])
    return (type(windows).__name__, *fields), (reduction.name, params)


@lru_cache(maxsize=1024)
def rebuilt(windows: Any, what: Any, axes: Any, common: Any) -> Request:
    """The request that was spelled."""
    name, params = what
    if name not in reductions.CATALOGUE:
        raise PoolError(f"{name} is a reduction of your own; it cannot be compiled")
    kind, *arguments = windows
    given = {key: value if key == "method" else float(value) for key, value in params}
    reduction = reductions.CATALOGUE[name](**given)
    return Request(getattr(where, kind)(*arguments), reduction, axes, dict(common))


def ours_is_faster(request: Request, x: Tensor) -> bool:
    """The policy inside graphs: which poolings the kernels of anypool take."""
    windows, common = request.windows, request.common
    simple = request.reduction.name in ("max", "min", "mean", "sum") and not common
    fits = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64, torch.bfloat16)
    if not (simple and fits) or kernels.why_not() or _small(x):
        return False
    axes = find_axes(x.ndim, windows, request.axes)
    if tuple(axes) != tuple(range(x.ndim - len(axes), x.ndim)) or len(axes) > 3:
        return False
    if all(type(x.shape[a]) is int and x.shape[a] == 1 for a in axes):
        return False  # nothing to train on
    if isinstance(windows, Sliding):
        rank = len(axes)
        return _ordinary(windows, rank) and not _fuses(windows, rank, request.reduction.name, x)
    whole = windows.output_size in (1, (1,) * len(axes)) if isinstance(windows, Adaptive) else True
    return not whole and None not in each_size(windows, len(axes))


def _fuses(windows: Sliding, rank: int, name: str, x: Tensor) -> bool:
    """Small windows that Inductor writes out and fuses, as fast as we are or faster."""
    area = math.prod(each(windows.kernel_size, "kernel_size", rank, 1))
    known = all(type(n) is int for n in x.shape)
    large = name in ("max", "min") and (not known or x.numel() >= LARGE)
    return rank < 3 and area <= UNROLLED and not large


def _small(x: Tensor) -> bool:
    return all(type(n) is int for n in x.shape) and x.numel() < SMALL


def usual(request: Request, x: Tensor) -> bool:
    """Whether PyTorch, too, would take these windows."""
    rank = len(find_axes(x.ndim, request.windows, request.axes))
    return not isinstance(request.windows, Sliding) or _ordinary(request.windows, rank)


def _ordinary(windows: Sliding, rank: int) -> bool:
    """Not where windows may lie in the padding alone."""
    kernel = each(windows.kernel_size, "kernel_size", rank, 1)
    padding = pairs_of(windows.padding, rank)
    if isinstance(padding, str):
        return False
    return all(2 * max(p) <= k for p, k in zip(padding, kernel, strict=True))


def each_size(windows: Any, rank: int) -> tuple[Any, ...]:
    """The output size of every axis."""
    size = windows.output_size
    return size if isinstance(size, tuple) else (size,) * rank


# -- the steps of the graph ---------------------------------------------------------------------

LIBRARY = torch.library.Library("anypool", "DEF")
LIBRARY.define("pool(Tensor x, str how, bool keep) -> (Tensor, Tensor)")
LIBRARY.define("pool_back(Tensor g, Tensor kept, SymInt[] shape, str how) -> Tensor")


@lru_cache(maxsize=1024)
def read(how: str) -> Request:
    """The request that stands in a step of a graph."""
    return rebuilt(*ast.literal_eval(how))


def job_of(request: Request, x: Tensor) -> eager.Job:
    job = ways.eager_job(request, x)
    if job is None:
        raise PoolError(f"anypool::pool does not serve {request.reduction} of {x.dtype} here")
    return job


def kept_dtype(request: Request, x: Tensor) -> torch.dtype | None:
    """The dtype of what is kept for the derivative; None where nothing is.

    One byte where windows are known to have at most 255 elements.
    """
    if request.reduction.name not in ("max", "min"):
        return None
    axes, windows = find_axes(x.ndim, request.windows, request.axes), request.windows
    if isinstance(windows, Sliding):
        longest: Any = each(windows.kernel_size, "kernel_size", len(axes), 1)
    else:
        sizes = each_size(windows, len(axes))
        longest = [_longest(x.shape[a], m) for a, m in zip(axes, sizes, strict=True)]
    return torch.uint8 if math.prod(longest) <= 255 else torch.int32


def _longest(n: Any, m: int) -> int:
    """The longest of m adaptive windows over n elements; a large number where n is a symbol."""
    if type(n) is not int:
        return 256
    return max(-(-(i + 1) * n // m) - i * n // m for i in range(m))


@torch.library.impl(LIBRARY, "pool", "CPU")
def _pool(x: Tensor, how: str, keep: bool) -> tuple[Tensor, Tensor]:
    request = read(how)
    x = x.contiguous(memory_format=suggest_memory_format(x))
    job, dtype = job_of(request, x), kept_dtype(request, x)
    if not keep or dtype is None:
        return job.infer(x), torch.empty(0, dtype=torch.uint8)
    y, taps = job.keep(x)
    return y, _as_kept(taps, dtype)


def _as_kept(taps: Tensor, dtype: torch.dtype) -> Tensor:
    """Taps in the dtype that the graph expects: it may not know how large the windows are."""
    if taps.dtype == dtype:
        return taps
    none = taps == 255 if taps.dtype == torch.uint8 else taps < 0
    wide = taps.to(dtype)
    return wide.masked_fill_(none, 255 if dtype == torch.uint8 else -1)


@torch.library.impl(LIBRARY, "pool_back", "CPU")
def _pool_back(g: Tensor, kept: Tensor, shape: list[int], how: str) -> Tensor:
    layout = suggest_memory_format(g)
    like = torch.empty(shape, dtype=g.dtype, memory_format=layout)
    request = read(how)
    job = job_of(request, like)
    if not job.extreme:
        return job.back(g)
    return job.back(g, eager.alike(_as_kept(kept, job.kept), job.y_stride))  # type: ignore[arg-type]


@torch.library.register_fake("anypool::pool", lib=LIBRARY)
def _fake_pool(x: Tensor, how: str, keep: bool) -> tuple[Tensor, Tensor]:
    request = read(how)
    dtype, shape, layout = kept_dtype(request, x), out_shape(request, x), suggest_memory_format(x)
    y = x.new_empty(shape).contiguous(memory_format=layout)
    if not keep or dtype is None:
        return y, x.new_empty((0,), dtype=torch.uint8)
    return y, x.new_empty(shape, dtype=dtype).contiguous(memory_format=layout)


@torch.library.register_fake("anypool::pool_back", lib=LIBRARY)
def _fake_back(g: Tensor, kept: Tensor, shape: list[int], how: str) -> Tensor:
    return g.new_empty(shape).contiguous(memory_format=suggest_memory_format(g))


def out_shape(request: Request, x: Tensor) -> list[Any]:
    """The shape of the output, in whatever integers x's shape is told."""
    axes = find_axes(x.ndim, request.windows, request.axes)
    shape: list[Any] = list(x.shape)
    for axis, rule in zip(axes, request.windows.rules(len(axes))[0], strict=True):
        if isinstance(request.windows, Sliding):
            shape[axis] = rule.outputs(shape[axis])  # type: ignore[attr-defined]
        else:
            shape[axis] = 1 if isinstance(request.windows, Whole) else rule.m  # type: ignore[attr-defined]
    return shape


def _setup(ctx: Any, inputs: Any, output: Any) -> None:
    x, ctx.how, _ = inputs
    ctx.shape = x.shape
    ctx.save_for_backward(output[1])
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, g: Tensor | None, _: Any) -> tuple[Tensor | None, None, None]:
    if g is None:
        return None, None, None
    (kept,) = ctx.saved_tensors
    return torch.ops.anypool.pool_back(g, kept, ctx.shape, ctx.how), None, None


torch.library.register_autograd("anypool::pool", _backward, setup_context=_setup, lib=LIBRARY)
