"""One call on tensors: its windows, its reduction and the common arguments, for either way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .. import engine, reductions
from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Windows
from .lift import tf
from .tensors import array_of, is_tensor, numpy_dtype

LEARNABLE = ("lp", "gem", "lse", "soft")


class Request(NamedTuple):
    """What is asked; the tensors that have derivatives (x, weights, parameter) come apart."""

    windows: Windows
    reduction: Reduction
    axes: Any
    common: dict[str, Any]  # mask, sizes, fill, nan, ties, dtype, ... as ops.pool knows them
    indices: bool = False

    def prepare(self, x: np.ndarray, weights: Any = None, parameter: Any = None) -> engine.Call:
        """The call as the kernels know it."""
        common = {name: _array(value) for name, value in self.common.items()}
        if weights is not None:
            common["weights"] = _array(weights)
        reduction = self.reduction
        if parameter is not None:
            reduction = with_parameter(reduction, float(parameter))
        return engine.prepare(x, self.windows, reduction, axes=self.axes, indices=self.indices,
                              **common)  # fmt: skip


def with_parameter(reduction: Reduction, value: float) -> Reduction:
    """The reduction with its first parameter set, and its derivative by it wanted."""
    (name, _), *rest = reduction.params
    made = getattr(reductions, reduction.name)(value, *(v for _, v in rest))
    return replace(made, given=(name,))


def check_parameter(reduction: Reduction, parameter: Any) -> None:
    """A parameter is for the reductions that have one with a derivative."""
    if parameter is not None and reduction.name not in LEARNABLE:
        raise PoolError(
            f"{reduction.name} has no parameter with a derivative; {', '.join(LEARNABLE)} have one"
        )


def _array(value: Any) -> Any:
    if is_tensor(value):
        return array_of(tf.convert_to_tensor(value))
    return numpy_dtype(value) if isinstance(value, tf.DType) else value
