"""One call on tensors: its windows, its reduction and the common arguments, for either way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from .. import engine
from ..axes import find_axes
from ..reductions import Reduction
from ..windows import Windows
from . import plain
from .tensors import array_of, numpy_dtype

Tensor = torch.Tensor
OPTIONS = ("fill", "nan", "ties", "count_include_pad", "divisor_override")  # of a Plan


class Request(NamedTuple):
    """What is asked; the tensors that have derivatives (x, weights, parameter) come apart."""

    windows: Windows
    reduction: Reduction
    axes: Any
    common: dict[str, Any]  # mask, sizes, fill, nan, ties, dtype, ... as ops.pool knows them
    indices: bool = False

    def prepare(
        self, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
    ) -> engine.Call:
        """The call as the kernels know it."""
        common = {name: _array(value) for name, value in self.common.items()}
        if weights is not None:
            common["weights"] = _array(weights)
        reduction = self.reduction
        if parameter is not None:
            reduction = with_parameter(reduction, float(parameter.detach()))
        return engine.prepare(array_of(x), self.windows, reduction, axes=self.axes,
                              indices=self.indices, **common)  # fmt: skip

    def plain(
        self, x: Tensor, weights: Tensor | None = None, parameter: Tensor | None = None
    ) -> Any:
        """The same in tensor operations."""
        given = find_axes(x.ndim, self.windows, self.axes)
        common = {n: self.common[n] for n in ("mask", *OPTIONS) if n in self.common}
        order = sorted(range(len(given)), key=given.__getitem__)
        if (sizes := self.common.get("sizes")) is not None:
            common["sizes"] = sizes[:, order]
        y = plain.pool(x, self.windows, self.reduction, tuple(sorted(given)), weights=weights,
                       parameter=parameter, draws=self.draws(x), return_indices=self.indices,
                       order=order, **common)  # fmt: skip
        return _cast(y, self.common.get("dtype"))

    def draws(self, x: Tensor) -> Tensor | None:
        """The random numbers of this call: those that the kernels would draw."""
        if not (self.windows.random or self.reduction.sampled):
            return None
        call = self.prepare(torch.empty(x.shape))
        plan = call.plan
        if self.windows.random:
            shape = [plan.shape[a] for a in plan.outer]
            generator = np.random.default_rng(self.common["rng"])
            found = generator.random((len(plan.axes), math.prod(shape))).T.reshape(*shape, -1)
        else:
            grids = zip(call.draws, call.layout.grids, strict=True)
            pieces = [
                engine.in_place(plan, d.reshape(engine.plane_shape(plan, call.layout, grid)))
                for d, grid in grids
                if d is not None
            ]
            found = engine.squeezed(plan, engine.joined(plan, pieces))
        return torch.from_numpy(np.ascontiguousarray(found)).to(x.device)

    @staticmethod
    def of(call: engine.Call) -> Request:
        """The request behind a call that has no mask, weights or sizes."""
        options = call.plan.options
        common = {name: getattr(options, name) for name in OPTIONS}
        return Request(call.plan.windows, call.plan.reduction, call.plan.given, common)


def with_parameter(reduction: Reduction, value: float) -> Reduction:
    """The reduction with its first parameter set, and its derivative by it wanted."""
    (name, _), *rest = reduction.params
    from .. import reductions

    made = getattr(reductions, reduction.name)(value, *(v for _, v in rest))
    return replace(made, given=(name,))


def _array(value: Any) -> Any:
    if isinstance(value, Tensor):
        return array_of(value.cpu())
    return numpy_dtype(value) if isinstance(value, torch.dtype) else value


def _cast(y: Any, dtype: torch.dtype | None) -> Any:
    if dtype is None:
        return y
    if isinstance(y, tuple):
        return _cast(y[0], dtype), *y[1:]
    whole = not dtype.is_floating_point and not dtype.is_complex and y.dtype.is_floating_point
    return (y.round() if whole else y).to(dtype)


def seed_of(rng: Any) -> Any:
    """A seed in place of a generator, so that one call can draw the same numbers twice."""
    if isinstance(rng, torch.Generator):
        return int(torch.randint(2**62, (), generator=rng, device=rng.device))
    return int(rng.integers(2**62)) if isinstance(rng, np.random.Generator) else rng
