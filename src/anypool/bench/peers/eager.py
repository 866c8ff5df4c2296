"""PyTorch as it comes; channels last are its own channels_last tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from ..job import Job
from ..recipes import CannotError, Space, lowest, recipe
from . import Ready, joined


def start(threads: int) -> None:
    torch.set_num_threads(threads)


class Tensors(Space):
    """torch's functions; every tensor is batch x channels x sides."""

    m = torch

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.sides = tuple(range(2, 2 + job.rank))

    def _named(self, name: str) -> Any:
        return getattr(F, f"{name}{self.job.rank}d")

    def top(self, t: Any) -> Any:
        job = self.job
        if job.kind == "sliding":
            args = (job.kernel, job.stride, job.padding, job.dilation)
            return self._named("max_pool")(t, *args)
        if job.kind == "whole":
            return t.amax(self.sides, keepdim=True)
        return self._adaptive("adaptive_max_pool", t)

    def mean(self, t: Any, padded: bool) -> Any:
        job = self.job
        if job.kind == "sliding":
            if job.dilation != (1,) * job.rank:
                raise CannotError("its average has no dilation")
            return self._named("avg_pool")(
                t, job.kernel, job.stride, job.padding, count_include_pad=padded
            )
        if job.kind == "whole":
            return t.mean(self.sides, keepdim=True)
        return self._adaptive("adaptive_avg_pool", t)

    def _adaptive(self, name: str, t: Any) -> Any:
        function = self._named(name)
        if self.job.kind == "adaptive":
            return function(t, self.job.outputs)
        parts = [function(t, (bins,) * self.job.rank).flatten(2) for bins in self.job.bins]
        return torch.cat(parts, 2)

    def total(self, t: Any) -> Any:
        if self.job.kind == "whole":
            return t.sum(self.sides, keepdim=True)
        counted = torch.from_numpy(self.job.counts(padded=True)).to(t.dtype)
        return self.mean(t, True) * counted

    def wide(self, t: Any) -> Any:
        if t.dtype == torch.bool:
            return t.to(getattr(torch, self.job.dtype) if self.job.floating else torch.float64)
        return t.double()

    def least(self, t: Any, number: float) -> Any:
        return t.clamp(min=number)

    def number(self, value: float, like: Any) -> Any:
        return value


def tensor(a: np.ndarray, job: Job) -> Any:
    """The array as a tensor on the same memory."""
    if a.dtype.name == "bfloat16":
        t = torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
    else:
        t = torch.from_numpy(a)
    return t.movedim(-1, 1) if job.layout == "last" else t


def array(t: Any, job: Job) -> np.ndarray:
    """A tensor's numbers in the array's layout."""
    t = t.detach().to("cpu", torch.float64)
    return (t.movedim(1, -1) if job.layout == "last" else t).numpy()


def function(job: Job) -> Callable[..., Any]:
    """What is called: a function of x and of the mask where there is one."""
    space = Tensors(job)
    if job.operation == "max and indices":
        return partial(_indices, space)
    if job.operation == "median":
        return partial(_median, space)
    return recipe(space)


def _indices(space: Tensors, x: Any, mask: Any = None) -> Any:
    """torch's own, which it keeps for its derivative in any case; -1 where nothing is real."""
    if mask is None:
        return _found(space, x)
    values, places = _found(space, torch.where(mask, x, lowest(space.job)))
    none = space.mean(space.wide(mask), True) == 0
    return torch.where(none, 0, values), torch.where(none, -1, places)


def _found(space: Tensors, x: Any) -> Any:
    job = space.job
    if job.kind == "sliding":
        args = (job.kernel, job.stride, job.padding, job.dilation)
        return space._named("max_pool")(x, *args, return_indices=True)
    function = space._named("adaptive_max_pool")
    if job.kind != "pyramid":
        outputs = (1,) * job.rank if job.kind == "whole" else job.outputs
        return function(x, outputs, return_indices=True)
    pairs = [function(x, (bins,) * job.rank, return_indices=True) for bins in job.bins]
    return tuple(torch.cat([part.flatten(2) for part in parts], 2)
                 for parts in zip(*pairs, strict=True))  # fmt: skip


def _median(space: Tensors, x: Any, mask: Any = None) -> Any:
    """Windows as an axis of their own, and torch's median along it."""
    job = space.job
    plain = job.kind in ("sliding", "whole") and mask is None
    if not plain or job.dilation != (1,) * job.rank or any(job.padding):
        raise CannotError("a median of such windows is not written by hand here")
    sliding = job.kind == "sliding"
    t = x
    for axis, (k, s) in enumerate(zip(job.kernel, job.stride, strict=True) if sliding else [], 2):
        t = t.unfold(axis, k, s)
    t = t.flatten(2 + job.rank) if sliding else t.flatten(2)
    if t.shape[-1] % 2:
        y = t.median(-1).values
    else:  # the midpoint of the two in the middle, as quantile has it
        y = (t if t.dtype in (torch.float32, torch.float64) else t.double()).quantile(0.5, -1)
    return y if sliding else y.reshape(*y.shape, *(1,) * job.rank)


def make(job: Job, wrap: Callable[[Any], Any] = lambda function: function) -> Ready:
    """Ready to call; ``wrap`` is what torch.compile does."""
    x, mask = tensor(job.data(), job), job.mask()
    args = () if mask is None else (tensor(mask, job),)
    called = wrap(function(job))
    if not job.backward:
        return Ready(partial(_lightly, called, x, *args), partial(_numbers, job))
    x.requires_grad_()
    y = called(x, *args)
    g = tensor(job.incoming(tuple(array(y, job).shape)), job)
    return Ready(partial(_back, y, x, g), partial(array, job=job))


def _lightly(called: Callable[..., Any], *args: Any) -> Any:
    """Without anything kept for a derivative."""
    with torch.inference_mode():
        return called(*args)


def _back(y: Any, x: Any, g: Any) -> Any:
    return torch.autograd.grad(y, x, g, retain_graph=True)[0]


def _numbers(job: Job, result: Any) -> np.ndarray:
    if isinstance(result, tuple):
        return joined(*(array(part, job) for part in result))
    return array(result, job)
