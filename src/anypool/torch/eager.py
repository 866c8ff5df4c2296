"""CPU tensors straight to the kernels, with a derivative.

A :class:`Job` is one pooling of tensors that lie alike: everything but the data, worked out once.
Max and min keep one byte for each output and let go of x; sum and mean keep nothing. Everything
else goes through :class:`General`, which keeps its inputs. Derivatives of derivatives, and
derivatives of many things at once (vmap), are taken in plain tensor operations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .. import engine, kernels
from ..plan import Plan
from ..tape import Tape
from . import tensors
from .request import Request
from .tensors import array_of, bits_of, incoming, tensor_of

Tensor = torch.Tensor


class Job:
    """Pool tensors of one shape, strides and dtype by fast kernels."""

    def __init__(
        self, call: engine.Call, go: Any, train: Any, like: Tensor, stride: tuple[int, ...]
    ) -> None:
        plan: Plan = call.plan
        self.plan, self.go, self.train = plan, go, train
        self.extreme = plan.recipe.family == "extreme"
        self.dtype = tensors.TO_TORCH[plan.work]
        self.x_shape, self.x_stride = plan.shape, dense(plan.shape, like.stride())
        self.y_shape = plan.out_shape(call.layout.grids[0])
        self.y_stride = dense(self.y_shape, like.stride())
        self.stride = stride
        long = [a for a, n in enumerate(self.y_shape) if n > 1]
        self.lies_alike = all(self.y_stride[a] == stride[a] for a in long)
        [grid] = call.layout.grids
        self.whole = all(t.counts.tolist() == [[n]] for t, n in zip(grid, plan.sizes, strict=True))
        self.area = math.prod(int(t.counts.max()) for t in grid)
        reads = math.prod(int(t.counts.sum()) for t in grid)
        self.overlaps = reads > math.prod(plan.sizes)
        self.infers = self.trains = True  # whether to be asked at all: `call` may know better
        self.hollow = any(bool((t.counts == 0).any()) for t in grid)  # windows with nothing real
        self.kept = None
        if train is not None and self.extreme:
            self.kept = tensors.TO_TORCH[np.dtype(train.tap_dtype)]
        self.call = call._replace(x=None)  # type: ignore[arg-type]

    def infer(self, x: Tensor) -> Tensor:
        """Pool, with nothing kept."""
        y = torch.empty_strided(self.y_shape, self.stride, dtype=self.dtype)
        self.go(bits_of(x), bits_of(y))
        return y

    def keep(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pool max or min, and keep where in its window each output stood."""
        y = torch.empty_strided(self.y_shape, self.y_stride, dtype=self.dtype)
        taps = torch.empty_strided(self.y_shape, self.y_stride, dtype=self.kept)
        self.train.forward(bits_of(x), bits_of(y), taps.numpy(), self.call.threads)
        if self.hollow:
            kernels.fill_empty(self.plan, self.call.layout.grids[0], array_of(y))
        return (y if self.lies_alike else alike(y, self.stride)), taps

    def back(self, g: Tensor, taps: Tensor | None = None) -> Tensor:
        """The derivative by x, for the incoming ``g``."""
        if not incoming(g):
            return self.scatter(g, taps)
        gx = torch.empty_strided(self.x_shape, self.x_stride, dtype=self.dtype)
        g = alike(g, self.y_stride)
        spots = None if taps is None else taps.numpy()
        self.train.backward(array_of(g), spots, array_of(gx), self.call.threads)
        return gx if self.lies_alike else gx.contiguous()

    def places(self, taps: Tensor) -> Tensor:
        """Taps as PyTorch's indices: flat over the pooled axes."""
        found = torch.from_numpy(self.train.places(taps.numpy()))
        return found if self.lies_alike else alike(found, self.stride)

    def scatter(self, g: Tensor, taps: Tensor | None) -> Tensor:
        """:meth:`back` in plain tensor operations."""
        if taps is None:
            x = torch.zeros(self.x_shape, dtype=self.dtype, requires_grad=True)
            with torch.enable_grad():
                y = Request.of(self.call).plain(x)
            return torch.autograd.grad(y, x, g, create_graph=torch.is_grad_enabled())[0]
        places, lead = self._flat_places(taps)
        real, n = places >= 0, math.prod(self.plan.sizes)
        g = torch.where(real, g.reshape(places.shape), 0)
        gx = g.new_zeros((*lead, n)).scatter_add(-1, places.clamp(min=0), g)
        return gx.reshape(self.x_shape)

    def take(self, gg: Tensor, taps: Tensor) -> Tensor:
        """What stood where max or min was found: the transpose of :meth:`scatter`."""
        places, lead = self._flat_places(taps)
        found = gg.reshape(*lead, -1).gather(-1, places.clamp(min=0))
        return torch.where(places >= 0, found, 0).reshape(self.y_shape)

    def _flat_places(self, taps: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """The places with the pooled axes as one (jobs pool the last axes), and the axes before."""
        lead = self.x_shape[: -len(self.plan.axes)]
        return self.places(taps).reshape(*lead, -1), lead


JOBS: dict[Any, Job | None] = {}
MOST_JOBS = 4096


def learn(key: Any, request: Request, x: Tensor) -> Job | None:
    """Work out the job for tensors that lie like x, and remember it (or that there is none)."""
    if len(JOBS) >= MOST_JOBS:
        JOBS.clear()
    JOBS[key] = job = make_job(request, x)
    return job


def make_job(request: Request, x: Tensor, stride: tuple[int, ...] | None = None) -> Job | None:
    """The job for this request, or None where the fast kernels do not serve it.

    ``stride`` is how the result lies; None: its axes in memory as those of x.
    """
    if not x.numel():
        return None
    call = request.prepare(x)
    plan, threads = call.plan, call.threads
    last = tuple(range(x.ndim - len(plan.axes), x.ndim))
    simple = call.path == "kernels" and not plan.windows.joined and plan.windows.keepdims
    exact = plan.result == plan.work and plan.options.fill is not None
    if not (simple and exact and plan.axes == last and plan.fixed is not None):
        return None
    shape = plan.out_shape(call.layout.grids[0])
    stride = dense(shape, x.stride()) if stride is None else stride
    y = torch.empty_strided(shape, stride, dtype=tensors.TO_TORCH[plan.work])
    go = kernels.into(plan, call.layout, array_of(x), array_of(y), threads)
    train = kernels.for_training(plan, call.layout, 0, array_of(x))
    if (train if request.indices else go) is None:
        return None
    return Job(call, go, train, x, stride)


def dense(shape: tuple[int, ...], like: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a new tensor of ``shape`` with the axes in the order of ``like`` in memory."""
    order = sorted(range(len(shape)), key=lambda a: (-like[a], a))
    strides, step = [0] * len(shape), 1
    for a in reversed(order):
        strides[a] = step
        step *= max(shape[a], 1)
    return tuple(strides)


def alike(g: Tensor, stride: tuple[int, ...]) -> Tensor:
    """``g``, or a copy of it that lies as wanted."""
    if g.stride() == stride:
        return g
    return torch.empty_strided(g.shape, stride, dtype=g.dtype, device=g.device).copy_(g)


class Pooling(torch.autograd.Function):
    """Max, min, sum and mean by fast kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, job: Job) -> Tensor:
        ctx.job = job
        if not job.extreme:
            return job.infer(x)
        y, taps = job.keep(x)
        ctx.save_for_backward(taps)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return derivative(g, ctx.job, *ctx.saved_tensors), None


class PoolingWithIndices(torch.autograd.Function):
    """As :class:`Pooling`, and where each output stood."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, job: Job) -> tuple[Tensor, Tensor]:
        y, taps = job.keep(x)
        indices = job.places(taps)
        ctx.job = job
        ctx.save_for_backward(taps)
        ctx.mark_non_differentiable(indices)
        return y, indices

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Any) -> tuple[Tensor, None]:  # type: ignore[override]
        return derivative(g, ctx.job, *ctx.saved_tensors), None


def derivative(g: Tensor, job: Job, *taps: Tensor) -> Tensor:
    return Back.apply(g, job, *taps) if torch.is_grad_enabled() else job.back(g, *taps)


class Back(torch.autograd.Function):
    """The derivative as a function of its own: it is linear, and so is its derivative."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, job: Job, *taps: Tensor) -> Tensor:
        ctx.job = job
        ctx.save_for_backward(*taps)
        return job.back(g, *taps)

    @staticmethod
    def backward(ctx: Any, gg: Tensor) -> Any:  # type: ignore[override]
        job, taps = ctx.job, ctx.saved_tensors
        if taps:
            return job.take(gg, *taps), None, None
        if not incoming(gg):
            return Request.of(job.call).plain(gg), None
        return Pooling.apply(alike(gg, job.x_stride), job), None


class General(torch.autograd.Function):
    """Any reduction over any windows, with mask, weights and a learnable parameter."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weights: Tensor | None, parameter: Tensor | None, request: Request
    ) -> Any:
        call = request.prepare(x, weights, parameter)
        tape = Tape(call)
        y = tensor_of(tape.forward())
        mask = request.common.get("mask")
        kept = mask if isinstance(mask, Tensor) else None
        ctx.save_for_backward(x, weights, parameter, kept)
        ctx.tape, ctx.request = tape.without_x(), request
        if not request.indices:
            return y
        indices = tensor_of(engine.run(call).indices)  # type: ignore[arg-type]
        ctx.mark_non_differentiable(indices)
        return y, indices

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: Any) -> Any:  # type: ignore[override]
        x, weights, parameter, _mask = ctx.saved_tensors
        if torch.is_grad_enabled() or not incoming(g):
            return (*again(ctx, x, weights, parameter, g), None)
        found = ctx.tape.with_x(array_of(x)).backward(array_of(g))
        dx, *rest = found if isinstance(found, tuple) else (found,)
        dw = tensor_of(np.asarray(rest.pop(0))).to(weights.dtype) if weights is not None else None
        dp = None
        if parameter is not None:
            dp = torch.full_like(parameter, rest.pop(0))
        return tensor_of(dx), dw, dp, None


def again(
    ctx: Any, x: Tensor, weights: Tensor | None, parameter: Tensor | None, g: Tensor
) -> list[Tensor | None]:
    """The derivatives by a second way, which can itself be differentiated."""
    wanted = [t for t in (x, weights, parameter) if t is not None and t.requires_grad]
    with torch.enable_grad():
        y = ctx.request.plain(x, weights, parameter)
    y = y[0] if isinstance(y, tuple) else y
    found = iter(torch.autograd.grad(y, wanted, g, create_graph=torch.is_grad_enabled(),
                                     allow_unused=True))  # fmt: skip
    return [
        next(found) if t is not None and t.requires_grad else None for t in (x, weights, parameter)
    ]
