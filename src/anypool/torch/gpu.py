"""CUDA tensors: to kernels of our own where Triton is, and a sentence, once, where it is not.

The kernels serve sliding, adaptive, split, whole and pyramid windows over one to three axes;
:func:`find` gives None for everything else, and the caller goes on as on any other device. Triton
is imported for the first CUDA tensor.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from typing import Any

import torch

from ..axes import find_axes
from ..plan import Plan
from ..windows import Adaptive, Pyramid, Sliding, Whole
from . import plain
from .request import Request
from .tensors import ordinary

Tensor = torch.Tensor
DEVICES = {"cuda"}  # a test that runs the kernels in Triton's interpreter adds "cpu"
OLDEST = (7, 0)  # compute capability: Triton knows none before
SWITCHED_OFF = "ANYPOOL_KERNELS=0"
UNROLLED = 25  # windows of so many elements Inductor writes out, and fuses with their neighbours


def find(
    request: Request, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
) -> Any:
    """The pooling by our kernels, or None where they do not serve."""
    if not at_hand(x):
        return None
    others = (weights, parameter, *request.common.values())
    if not all(ordinary(t, t.is_cpu) for t in others if isinstance(t, Tensor)):
        return None
    return _served(request, x, weights, parameter) if available(x.device) else None


def at_hand(x: Tensor) -> bool:
    """Whether x is a tensor of such a device itself: no tracer, no fake, nothing of an exporter."""
    return x.device.type in DEVICES and ordinary(x, x.is_cpu)


def in_graph(
    request: Request, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
) -> Any:
    """:func:`find` in a graph in the making, where Inductor's own code is not as good."""
    known = x.device.type in DEVICES and all(type(n) is int for n in x.shape)
    if not known or _fuses(request, x, weights) or not available(x.device):
        return None
    return _served(request, x, weights, parameter)


def _fuses(request: Request, x: Tensor, weights: Tensor | None) -> bool:
    """Whether Inductor writes these windows out and fuses them with what stands beside them."""
    windows, simple = request.windows, request.reduction.name in ("max", "mean")
    axes = find_axes(x.ndim, windows, request.axes)
    bare = weights is None and not request.common.keys() & {"mask", "sizes"}
    if not (simple and bare and isinstance(windows, Sliding)) or len(axes) > 2:
        return False
    area = 1
    for rule in windows.rules(len(axes))[0]:
        area *= rule.kernel  # type: ignore[attr-defined]
    return area <= UNROLLED


def _served(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    from ..kernels.gpu.spec import spec_of
    from . import gpugrad
    from .ways import plan_of

    one = parameter is None or parameter.numel() == 1
    asked = plan_of(request, x, weights is not None)
    if not one or request.common.get("dtype") is not None:
        return None
    own = _grids(request)
    found = [spec_of(plan_of(grid, x, weights is not None)) for grid in own]
    if any(isinstance(spec, str) or not gpugrad.readable(spec, x) for spec in found):
        return None
    pieces = [gpugrad.pool(spec, grid, x, weights, parameter)  # type: ignore[arg-type]
              for spec, grid in zip(found, own, strict=True)]  # fmt: skip
    return _assembled(asked, pieces, request.indices)


def _grids(request: Request) -> list[Request]:
    """A request for each grid of windows; every one keeps its axes."""
    windows = request.windows
    if isinstance(windows, Pyramid):
        return [request._replace(windows=Adaptive(bins, windows.rule)) for bins in windows.bins]
    return [request._replace(windows=Whole()) if isinstance(windows, Whole) else request]


def _assembled(asked: Plan, pieces: list[Any], indices: bool) -> Any:
    """A pyramid's pieces as one axis, dropped axes dropped."""
    y = plain.assembled([y for y, _ in pieces], asked.axes, asked.windows)
    if not indices:
        return y
    return y, plain.assembled([at for _, at in pieces], asked.axes, asked.windows)


# -- whether there are kernels ------------------------------------------------------------------


def available(device: torch.device) -> bool:
    """Whether our kernels run on this device; if not, the reason is told once."""
    reason = why_not() or (_too_old(device) if device.type == "cuda" else "")
    if reason and reason != SWITCHED_OFF:
        say(reason)
    return not reason


@functools.cache
def why_not() -> str:
    """Why there are no GPU kernels in this process, or "" where there are."""
    if os.environ.get("ANYPOOL_KERNELS", "1") == "0":
        return SWITCHED_OFF
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed; pip install 'anypool[gpu]'"
    try:
        import triton  # noqa: F401  # pyright: ignore[reportMissingImports]
    except Exception as error:  # a broken neighbour must not break pooling
        return f"Triton does not load: {error}"
    return ""


@functools.cache
def _too_old(device: torch.device) -> str:
    if torch.version.hip is not None:
        return ""
    found = torch.cuda.get_device_capability(device)
    if found >= OLDEST:
        return ""
    return (f"{torch.cuda.get_device_name(device)} has compute capability {found[0]}.{found[1]}; "
            f"Triton needs {OLDEST[0]}.{OLDEST[1]}")  # fmt: skip


@functools.cache
def say(reason: str) -> None:
    """Tell, once in a process, why CUDA tensors take the slower way."""
    warnings.warn(
        f"CUDA tensors are pooled in plain PyTorch operations, with equal values: {reason}",
        stacklevel=2,
    )


def describe(device: torch.device | None = None) -> str:
    """Who pools CUDA tensors, in words."""
    if not torch.cuda.is_available():
        return "no CUDA device"
    reason = why_not() or _too_old(device or torch.device("cuda", torch.cuda.current_device()))
    return f"plain operations: {reason}" if reason else "kernels of our own, by Triton"
