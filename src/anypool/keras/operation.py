"""One pooling as an operation of Keras: what symbolic tensors pass through, and what is saved."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import keras

from .. import reductions
from .. import windows as where
from ..axes import find_axes
from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Windows
from . import formats, home

KINDS = {"Sliding": "sliding", "Adaptive": "adaptive", "Whole": "whole", "Pyramid": "pyramid",
         "Fractional": "fractional", "Boxes": "boxes"}  # fmt: skip
SYMBOLIC = keras.KerasTensor


def pooled(
    inputs: Any, windows: Windows, reduction: Reduction, data_format: str | None,
    options: dict[str, Any], axes: Any = None, mask: Any = None, weights: Any = None,
    sizes: Any = None, parameter: Any = None,
) -> Any:  # fmt: skip
    """What the operation does, for those who need no operation."""
    ndim = len(inputs.shape)
    axes = _axes(ndim, windows, data_format, axes)
    if data_format is not None:
        mask = formats.with_channels(ndim, mask, data_format, "mask")
        weights = formats.with_channels(ndim, weights, data_format, "weights")
    return home.pooled(inputs, windows, reduction, axes=axes, mask=mask, weights=weights,
                       sizes=sizes, parameter=parameter, **options)  # fmt: skip


def _axes(ndim: int, windows: Windows, data_format: str | None, axes: Any) -> tuple[int, ...]:
    if data_format is None:
        return find_axes(ndim, windows, axes)
    return formats.spatial(ndim, data_format)


@keras.saving.register_keras_serializable("anypool")
class Pooling(keras.Operation):
    """Windows times a reduction, over ``axes`` or over those between batch and channels."""

    def __init__(
        self, windows: Any, reduction: Any, data_format: str | None = None,
        options: dict[str, Any] | None = None, axes: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.windows = windows if isinstance(windows, Windows) else windows_of(windows)
        self.reduction = reduction if isinstance(reduction, Reduction) else reduction_of(reduction)
        self.data_format, self.options = data_format, dict(options or {})
        self.axes = tuple(axes) if isinstance(axes, list) else axes

    def call(
        self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None,
        parameter: Any = None,
    ) -> Any:  # fmt: skip
        return pooled(inputs, self.windows, self.reduction, self.data_format, self.options,
                      self.axes, mask, weights, sizes, parameter)  # fmt: skip

    def compute_output_spec(
        self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None,
        parameter: Any = None,
    ) -> Any:  # fmt: skip
        axes = _axes(len(inputs.shape), self.windows, self.data_format, self.axes)
        shape = formats.output_shape(self.windows, inputs.shape, axes)
        dtype = home.result_dtype(self.reduction, inputs.dtype, weights is not None)
        if self.options.get("return_indices"):
            return SYMBOLIC(shape, dtype), SYMBOLIC(shape, home.index_dtype())
        return SYMBOLIC(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name, "windows": windows_config(self.windows),
            "reduction": reduction_config(self.reduction), "data_format": self.data_format,
            "options": self.options, "axes": self.axes,
        }  # fmt: skip


def windows_config(windows: Windows) -> dict[str, Any]:
    """Windows as what a file can hold."""
    told = {f.name: getattr(windows, f.name) for f in fields(windows)}  # type: ignore[arg-type]
    if told.pop("drawn", False) and not isinstance(told.get("rng"), int):
        raise PoolError("windows with a generator cannot be saved; give a seed")
    return {"kind": KINDS[type(windows).__name__], **told}


def windows_of(config: dict[str, Any]) -> Windows:
    told = dict(config)
    return getattr(where, told.pop("kind"))(**told)


def reduction_config(reduction: Reduction) -> dict[str, Any]:
    if reduction.recipe.user:
        raise PoolError(f"{reduction} is made of Python functions, which cannot be saved")
    return {"name": reduction.name, **dict(reduction.params)}


def reduction_of(config: dict[str, Any]) -> Reduction:
    told = dict(config)
    return getattr(reductions, told.pop("name"))(**told)
