"""The poolings that torch.nn.functional lacks, by rank as there, each with mask, weights, sizes.

``gem_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, *, p=3,
**common)`` pools the last two axes of (N, C, H, W) or (C, H, W); the others alike. The common
arguments (mask, weights, sizes, fill, nan, ties, ...) are those of :func:`anypool.pool`. p, r and
beta may be tensors, with a derivative: one number, or one for each channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .. import reductions
from .. import windows as where
from ..reductions import Reduction
from ..windows import Windows
from . import front
from .blur import blur_pool
from .errors import PoolRuntimeError

Tensor = torch.Tensor

__all__: list[str] = [
    "blur_pool",
    "global_pool",
    "max_blur_pool",
    "pool",
    "pyramid_pool",
    "roi_pool",
]
pool = front.pool

# name -> what it does, and its own parameters with their defaults
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "min": ("The smallest element", {}),
    "sum": ("The sum", {}),
    "gem": ("The generalised mean ``mean(max(x, eps)**p) ** (1/p)`` (arXiv:1711.02512)",
            {"p": 3.0, "eps": 1e-6}),
    "lse": ("The smooth max ``log(mean(exp(r x))) / r`` (arXiv:1411.6228)", {"r": 10.0}),
    "soft": ("The mean with weights ``exp(beta x)`` (arXiv:2101.00440)", {"beta": 1.0}),
    "std": ("The standard deviation", {"correction": 0.0}),
    "var": ("The variance", {"correction": 0.0}),
    "median": ("The median", {"method": "midpoint"}),
    "quantile": ("The q-quantile", {"q": 0.5}),
    "mode": ("The most frequent element", {}),
    "topk": ("The mean of the k largest elements", {"k": 1}),
    "stochastic": ("An element drawn in proportion to its value (arXiv:1301.3557)", {"rng": None}),
}  # fmt: skip


def reduction_of(kind: str, params: dict[str, Any], channels: int) -> tuple[Reduction, Any]:
    """The reduction with these parameters, and the tensor among them with a pooled axis each."""
    first = next(iter(KINDS[kind][1]), None) if kind in KINDS else None
    value = params.get(first) if first is not None else None
    if not isinstance(value, Tensor):
        return getattr(reductions, kind)(**params), None
    if kind not in ("gem", "lse", "soft"):
        raise PoolRuntimeError(f"{first} of {kind} has no derivative; give a number")
    rest = {name: v for name, v in params.items() if name != first}
    return getattr(reductions, kind)(**rest), value


def per_channel(value: Tensor, ndim: int, rank: int) -> Tensor:
    """One number, or one for each channel with an axis of length 1 for every pooled one."""
    return value.reshape(()) if value.numel() == 1 else value.reshape(-1, *(1,) * rank)


def reduced(
    kind: str, rank: int, x: Any, windows: Windows, params: dict[str, Any], common: dict[str, Any]
) -> Any:
    """Pool the last ``rank`` axes."""
    reduction, parameter = reduction_of(kind, params, rank)
    if parameter is not None:
        parameter = per_channel(parameter, rank + 2, rank)
    axes = tuple(range(-rank, 0))
    return front.pool(x, windows, reduction, axes=axes, parameter=parameter, **common)


def sliding(kind: str, rank: int) -> Callable[..., Any]:
    """The function ``{kind}_pool{rank}d``."""
    told, defaults = KINDS[kind]

    def function(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, **more: Any,
    ) -> Any:  # fmt: skip
        windows = where.sliding(kernel_size, stride, padding, dilation, ceil_mode)
        params = {name: more.pop(name) for name in defaults if name in more}
        return reduced(kind, rank, input, windows, params, more)

    own = ", ".join(f"{name}={default!r}" for name, default in defaults.items())
    function.__name__ = function.__qualname__ = f"{kind}_pool{rank}d"
    function.__doc__ = (
        f"{told} of every window over the last {rank} axes"
        f"{f' (keyword arguments {own})' if own else ''}; arguments as :func:`anypool.pool`."
    )
    return function


def _adaptive(rank: int) -> Callable[..., Any]:
    def function(
        input: Any, output_size: Any, reduce: Any = "mean", *, rule: str = "adaptive",
        **common: Any,
    ) -> Any:  # fmt: skip
        return front.pool(input, where.adaptive(output_size, rule), reduce,
                          axes=tuple(range(-rank, 0)), **common)  # fmt: skip

    function.__name__ = function.__qualname__ = f"adaptive_pool{rank}d"
    function.__doc__ = f"Any reduction over adaptive windows of the last {rank} axes."
    return function


for _rank in (1, 2, 3):
    for _kind in KINDS:
        globals()[f"{_kind}_pool{_rank}d"] = sliding(_kind, _rank)
        __all__.append(f"{_kind}_pool{_rank}d")
    globals()[f"adaptive_pool{_rank}d"] = _adaptive(_rank)
    __all__.append(f"adaptive_pool{_rank}d")


def global_pool(
    input: Any, reduce: str | Reduction = "mean", *, keepdims: bool = True, **common: Any
) -> Any:
    """One window over every axis after the first two; see :func:`anypool.global_pool`."""
    return front.pool(input, where.whole(keepdims), reduce, **common)


def pyramid_pool(
    input: Any, bins: Any = (1, 2, 4), reduce: str | Reduction = "max", **common: Any
) -> Any:
    """Adaptive pooling with several numbers of bins, side by side; (N, C, sum of bins)."""
    return front.pool(input, where.pyramid(bins), reduce, **common)


def roi_pool(
    input: Any, boxes: Any, output_size: Any, reduce: str | Reduction = "max", **common: Any
) -> Any:
    """Adaptive windows laid on boxes; see :func:`anypool.roi_pool`."""
    boxes = boxes.cpu().numpy() if isinstance(boxes, Tensor) else boxes
    return front.pool(input, where.boxes(boxes, output_size), reduce, **common)


def max_blur_pool(
    input: Tensor, kernel_size: Any = 2, stride: Any = 2, blur_size: Any = 3, *, axes: Any = None
) -> Tensor:
    """Max over windows that move by 1, then blur pooling with the stride (arXiv:1904.11486)."""
    axes = tuple(range(2, input.ndim)) if axes is None else axes
    dense = front.pool(input, where.sliding(kernel_size, 1), "max", axes=axes)
    return blur_pool(dense, blur_size, stride, axes=axes)
