"""Blur pooling (Zhang 2019, arXiv:1904.11486): a function, and what passes symbolic tensors."""

from __future__ import annotations

from typing import Any

import keras

from .. import blur, doors
from ..axes import find_axes
from ..windows import sliding
from ..windows.rules import each, pairs_of
from . import formats, home

SYMBOLIC = keras.KerasTensor


@keras.saving.register_keras_serializable("anypool")
class Blurring(keras.Operation):
    """A binomial filter and a stride over ``axes``, or over those between batch and channels."""

    def __init__(
        self, kernel_size: Any, strides: Any, padding: Any, mode: str,
        data_format: str | None = None, fill: float = 0, axes: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.axes = axes
        self.told = {
            "kernel_size": kernel_size, "strides": strides, "padding": padding, "mode": mode,
            "data_format": data_format, "fill": fill,
        }  # fmt: skip

    def pooled_axes(self, ndim: int) -> tuple[int, ...]:
        data_format = self.told["data_format"]
        if data_format is not None:
            return formats.spatial(ndim, data_format)
        return find_axes(ndim, sliding(self.told["kernel_size"], self.told["strides"]), self.axes)

    def call(self, inputs: Any, mask: Any = None, weights: Any = None) -> Any:
        told, ndim = self.told, len(inputs.shape)
        if told["data_format"] is not None:
            mask = formats.with_channels(ndim, mask, told["data_format"], "mask")
            weights = formats.with_channels(ndim, weights, told["data_format"], "weights")
        there = doors.front(inputs) or blur
        return there.blur_pool(inputs, told["kernel_size"], told["strides"], told["padding"],
                               mode=told["mode"], axes=self.pooled_axes(ndim), mask=mask,
                               weights=weights, fill=told["fill"])  # fmt: skip

    def compute_output_spec(self, inputs: Any, mask: Any = None, weights: Any = None) -> Any:
        told, axes = self.told, self.pooled_axes(len(inputs.shape))
        shape = blurred_shape(tuple(inputs.shape), told["kernel_size"], told["strides"],
                              told["padding"], told["mode"], axes)  # fmt: skip
        whole = "int" in inputs.dtype or inputs.dtype == "bool"
        return SYMBOLIC(shape, keras.config.floatx() if whole else inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.told, "axes": self.axes}


def blurred_shape(
    shape: formats.Shape, kernel_size: Any, strides: Any, padding: Any, mode: str,
    axes: tuple[int, ...],
) -> formats.Shape:  # fmt: skip
    """What comes out of blur pooling; checked where all sizes are known."""
    if all(n is not None for n in shape):
        blur.laid(shape, kernel_size, strides, padding, mode, axes)  # type: ignore[arg-type]
    sides = padding
    if padding is None:
        kernel = each(kernel_size, "kernel_size", len(axes), 1)
        sides = tuple(((k - 1) // 2, k // 2) for k in kernel)
    return formats.output_shape(sliding(kernel_size, strides, sides), shape, axes)


def blur_pool(
    inputs: Any, kernel_size: Any = 3, strides: Any = 2, padding: Any = None, *,
    mode: str = "reflect", data_format: str | None = None, mask: Any = None, weights: Any = None,
    fill: float = 0,
) -> Any:  # fmt: skip
    """Smooth with binomial coefficients and keep every stride-th output; :func:`anypool.blur_pool`.

    >>> import numpy as np, anypool.keras as ak
    >>> x = np.array([0.0, 0, 4, 0, 0], "float32").reshape(1, 5, 1)
    >>> [float(v) for v in ak.ops.blur_pool(x)[0, :, 0]]
    [0.0, 2.0, 0.0]
    """
    made = Blurring(kernel_size, strides, padding, mode, formats.data_format_of(data_format), fill)
    tensors = {name: a for name, a in (("mask", mask), ("weights", weights)) if a is not None}
    if any(isinstance(t, SYMBOLIC) for t in (inputs, *tensors.values())):
        return made.symbolic_call(inputs, **tensors)
    return made.call(home.tensor(inputs), **tensors)


def check_blur(kernel_size: Any, strides: Any, padding: Any, rank: int) -> None:
    """Arguments that make no sense, found when a layer is made."""
    each(kernel_size, "kernel_size", rank, 1)
    each(strides, "strides", rank, 1)
    if padding is not None:
        pairs_of(padding, rank)
