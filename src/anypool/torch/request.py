"""One call on tensors: its windows, its reduction and the common arguments, for either way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from .. import engine
from ..axes import find_axes
from ..reductions import Reduction
from ..windows import Windows
from . import plain
from .tensors import array_of

Tensor = torch.Tensor


class Request(NamedTuple):
    """What is asked; the tensors that have derivatives (x, weights, parameter) come apart."""

    windows: Windows
    reduction: Reduction
    axes: Any
    common: dict[str, Any]  # mask, sizes, fill, nan, ties, dtype, ... as ops.pool knows them
    indices: bool = False
    draws: Any = None

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
        axes = sorted(find_axes(x.ndim, self.windows, self.axes))
        known = ("mask", "sizes", "fill", "nan", "ties", "count_include_pad", "divisor_override")
        common = {name: self.common[name] for name in known if name in self.common}
        return plain.pool(x, self.windows, self.reduction, tuple(axes), weights=weights,
                       parameter=parameter, draws=self.draws, return_indices=self.indices,
                       **common)  # fmt: skip

    @staticmethod
    def of(call: engine.Call) -> Request:
        """The request behind a call that has no mask, weights or sizes."""
        options = call.plan.options
        names = ("fill", "nan", "ties", "count_include_pad", "divisor_override")
        common = {name: getattr(options, name) for name in names}
        return Request(call.plan.windows, call.plan.reduction, call.plan.axes, common)


def with_parameter(reduction: Reduction, value: float) -> Reduction:
    """The reduction with its first parameter set, and its derivative by it wanted."""
    (name, _), *rest = reduction.params
    from .. import reductions

    made = getattr(reductions, reduction.name)(value, *(v for _, v in rest))
    return replace(made, given=(name,))


def _array(value: Any) -> Any:
    if isinstance(value, Tensor):
        return array_of(value.cpu())
    if isinstance(value, torch.Generator):
        seed = torch.randint(2**62, (), generator=value).item()
        return np.random.default_rng(seed)  # type: ignore[arg-type]
    if isinstance(value, torch.dtype):
        from .tensors import numpy_dtype

        return numpy_dtype(value)
    return value
