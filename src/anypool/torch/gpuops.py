"""The same launches as steps of a graph: ``torch.compile`` sees the kernels, not a black box.

Outside graphs the launches are called as they are, which costs less. A graph holds tensors and
plain values, so a step carries its Spec as text, and empty tensors for what it does not make.
"""

import ast
from functools import lru_cache

import torch
from torch import Tensor

from ..kernels.gpu.spec import Line, Spec
from . import gpurun

BYS = ("x", "weights", "parameter")


def traced() -> bool:
    """Whether a graph is in the making."""
    return bool(torch._C._len_torch_dispatch_stack())


def spelled(spec: Spec) -> str:
    """A Spec as text."""
    return repr((*spec[:2], tuple(map(tuple, spec.lines)), *spec[3:]))


@lru_cache(maxsize=1024)
def read(text: str) -> Spec:
    """The Spec that was spelled."""
    shape, axes, lines, *rest = ast.literal_eval(text)
    return Spec(shape, axes, tuple(Line(*line) for line in lines), *rest)  # type: ignore[arg-type]


def pool(
    spec: Spec, x: Tensor, w: Tensor | None, sizes: Tensor | None, par: Tensor | None, taps: bool,
    indices: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:  # fmt: skip
    """The pooled x, the taps and the indices, where they are asked for."""
    if not traced():
        y, (where, index) = gpurun.pool(spec, x, w, sizes, par, taps=taps, indices=indices)
        return y, where, index
    y, where, index = gpu_pool(x, w, sizes, par, spelled(spec), taps, indices)
    return y, where if taps else None, index if indices else None


def spread(
    spec: Spec, g: Tensor, stride: tuple[int, ...], dtype: torch.dtype, taps: Tensor | None,
    x: Tensor | None, w: Tensor | None, sizes: Tensor | None, par: Tensor | None, by: str,
) -> Tensor:  # fmt: skip
    """The derivative by x, the weights or the parameter, for every element of x."""
    if traced():
        how = spelled(spec)
        return gpu_spread(g, taps, x, w, sizes, par, how, list(stride), dtype, BYS.index(by))
    return gpurun.spread(spec, g, stride, dtype, taps=taps, x=x, w=w, sizes=sizes, par=par, by=by)


def places(spec: Spec, taps: Tensor, sizes: Tensor | None) -> Tensor:
    """Taps as PyTorch's indices."""
    return gpu_places(taps, sizes, spelled(spec)) if traced() else gpurun.places(spec, taps, sizes)


@torch.library.triton_op("anypool::gpu_pool", mutates_args=())
def gpu_pool(
    x: Tensor, w: Tensor | None, sizes: Tensor | None, par: Tensor | None, how: str, taps: bool,
    indices: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """:func:`pool` as a step."""
    spec = read(how)
    y, (where, index) = gpurun.pool(spec, x, w, sizes, par, taps=taps, indices=indices)
    nothing = torch.uint8, torch.int64
    made = [torch.empty(0, dtype=dtype, device=x.device) if one is None else one
            for one, dtype in zip((where, index), nothing, strict=True)]  # fmt: skip
    return y, made[0], made[1]


@torch.library.triton_op("anypool::gpu_spread", mutates_args=())
def gpu_spread(
    g: Tensor, taps: Tensor | None, x: Tensor | None, w: Tensor | None, sizes: Tensor | None,
    par: Tensor | None, how: str, stride: list[int], dtype: torch.dtype, by: int,
) -> Tensor:  # fmt: skip
    """:func:`spread` as a step."""
    return gpurun.spread(read(how), g, tuple(stride), dtype, taps=taps, x=x, w=w, sizes=sizes,
                         par=par, by=BYS[by])  # fmt: skip


@torch.library.triton_op("anypool::gpu_places", mutates_args=())
def gpu_places(taps: Tensor, sizes: Tensor | None, how: str) -> Tensor:
    """:func:`places` as a step."""
    return gpurun.places(read(how), taps, sizes)
