"""Tensors through the GPU's kernels: what is allocated, and what is launched.

Nothing here looks at a number in a tensor, so nothing waits for the device.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from ..errors import PoolError
from ..kernels.gpu import backward as back
from ..kernels.gpu import forward as ahead
from ..kernels.gpu import names
from ..kernels.gpu.spec import Spec
from . import gpulay

Tensor = torch.Tensor
BY = {"x": names.BY_X.value, "weights": names.BY_WEIGHT.value,
      "parameter": names.BY_PARAMETER.value}  # fmt: skip
ACC = {"f32": torch.float32, "f64": torch.float64, "i32": torch.int32, "i64": torch.int64,
       "u32": torch.uint32, "u64": torch.uint64}  # fmt: skip


def launch(kernel: Any, how: gpulay.Launch, like: Tensor, **tensors: Any) -> None:
    """Run a kernel where ``like`` lives; in a graph in the making it becomes a step that shows."""
    if torch._C._len_torch_dispatch_stack():
        torch.library.wrap_triton(kernel)[how.grid](**tensors, **how.words)
        return
    with torch.cuda.device(like.device) if like.is_cuda else contextlib.nullcontext():
        kernel[how.grid](**tensors, **how.words)


def bits(a: Tensor | None) -> Tensor | None:
    """The memory of a tensor as kernels read it: bool as bytes."""
    return a.view(torch.uint8) if a is not None and a.dtype == torch.bool else a


def weight_kind(w: Tensor | None) -> int:
    """0: none, 1: a mask, 2: weights."""
    return 0 if w is None else 1 if w.dtype == torch.bool else 2


def odd(what: str) -> PoolError:
    return PoolError(f"the kernels cannot read how {what} lies in memory; use {what}.contiguous()")


def pool(
    spec: Spec, x: Tensor, w: Tensor | None = None, sizes: Tensor | None = None,
    par: Tensor | None = None, *, keep: bool = False, taps: bool = False, indices: bool = False,
) -> tuple[Tensor, Any]:  # fmt: skip
    """The pooled x; with ``keep`` the three numbers of every window, else (taps, indices)."""
    how = gpulay.pooling(spec, x.stride(), None if w is None else w.stride(), weight_kind(w),
                         par is not None, keep, taps, indices)  # fmt: skip
    if how is None:
        raise odd("x")
    result = getattr(torch, spec.result)

    def new(dtype: torch.dtype) -> Tensor:
        return torch.empty_strided(spec.out_shape, how.y_stride, dtype=dtype, device=x.device)

    y = new(result)
    acc = ACC[spec.acc]
    kept = tuple(new(acc) for _ in range(3)) if keep else (None,) * 3
    where = new(torch.uint8 if spec.taps <= 255 else torch.int32) if taps else None
    index = new(torch.int64) if indices else None
    out: dict[str, Any] = {"y": bits(y), "taps": where, "index": index, "par": par}
    if how.join is None:
        launch(ahead.pool, how.pool, x, x=bits(x), w=bits(w), sizes=sizes, k0=kept[0], k1=kept[1],
               k2=kept[2], **out)  # fmt: skip
        return y, kept if keep else (where, index)
    parts = [torch.empty((how.pieces, how.total), dtype=dtype, device=x.device)
             for dtype in (acc, torch.int32 if spec.extreme else acc, acc)]  # fmt: skip
    launch(ahead.pool, how.pool, x, x=bits(x), w=bits(w), sizes=sizes, k0=parts[0], k1=parts[1],
           k2=parts[2], **out)  # fmt: skip
    launch(ahead.join, how.join, x, s0=parts[0], s1=parts[1], s2=parts[2], k0=kept[0], k1=kept[1],
           k2=kept[2], **out)  # fmt: skip
    return y, kept if keep else (where, index)


def spread(
    spec: Spec, g: Tensor, x_stride: tuple[int, ...], dtype: torch.dtype, *,
    taps: Tensor | None = None, x: Tensor | None = None, w: Tensor | None = None,
    sizes: Tensor | None = None, par: Tensor | None = None, by: str = "x",
) -> Tensor:  # fmt: skip
    """The derivative by x (or by the weights or the parameter, element by element) for ``g``."""
    y_stride = gpulay.dense(spec.out_shape, x_stride)
    kept: Any = (None,) * 3
    if spec.op not in ("max", "min", "sum"):
        kept = pool(spec, x, w, sizes, par, keep=True)[1]  # type: ignore[arg-type]
    how = gpulay.spreading(
        spec, g.stride(), y_stride, x_stride if x is None else x.stride(),
        None if w is None else w.stride(), weight_kind(w), par is not None, BY[by],
    )  # fmt: skip
    if how is None:
        raise odd("the incoming gradient")
    wanted = dtype if by == "x" else ACC[spec.acc]
    gx = torch.empty_strided(spec.shape, gpulay.dense(spec.shape, x_stride), dtype=wanted,
                             device=g.device)  # fmt: skip
    launch(back.spread, how, g, g=g, taps=taps, x=x, w=bits(w), sizes=sizes, par=par, k0=kept[0],
           k1=kept[1], k2=kept[2], gx=gx)  # fmt: skip
    return gx


def places(spec: Spec, taps: Tensor, sizes: Tensor | None = None) -> Tensor:
    """Taps as PyTorch's indices."""
    how = gpulay.finding(spec, taps.stride())
    if how is None:
        raise odd("the output")
    index = torch.empty_strided(taps.shape, taps.stride(), dtype=torch.int64, device=taps.device)
    launch(back.places, how, taps, taps=taps, sizes=sizes, index=index)
    return index
