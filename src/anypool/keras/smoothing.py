"""Layers that smooth before they drop: blur pooling, alone or after a max."""

from __future__ import annotations

from typing import Any

import keras

from .. import windows as where
from ..windows import Windows
from ..windows.rules import each
from . import formats, ops
from .base import PoolingLayer, ranked
from .smooth import blur_pool, blurred_shape, check_blur

__all__: list[str] = []


class _Blur(PoolingLayer):
    """Blur pooling (Zhang 2019, arXiv:1904.11486): a binomial filter, then a stride."""

    def __init__(
        self, kernel_size: Any = 3, strides: Any = 2, padding: Any = None, mode: str = "reflect",
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.kernel_size, self.strides, self.padding = kernel_size, strides, padding
        self.mode = mode
        check_blur(kernel_size, strides, padding, self.rank)
        self._build_at_init()

    def windows(self) -> Windows:
        return where.sliding(self.kernel_size, self.strides, self._sides())

    def _sides(self) -> Any:
        if self.padding is not None:
            return self.padding
        kernel = each(self.kernel_size, "kernel_size", self.rank, 1)
        return tuple(((k - 1) // 2, k // 2) for k in kernel)

    def call(self, inputs: Any, mask: Any = None, weights: Any = None) -> Any:  # type: ignore[override]
        return blur_pool(inputs, self.kernel_size, self.strides, self.padding, mode=self.mode,
                         data_format=self.data_format, mask=self.usable(inputs, mask),
                         weights=weights)  # fmt: skip

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        formats.check_rank(len(input_shape), self.rank, self.data_format)
        return blurred_shape(tuple(input_shape), self.kernel_size, self.strides, self.padding,
                             self.mode, self.axes())  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "kernel_size": self.kernel_size, "strides": self.strides,
            "padding": self.padding, "mode": self.mode,
        }  # fmt: skip


class _MaxBlur(_Blur):
    """Max over windows that move by 1, then blur pooling with the stride (arXiv:1904.11486)."""

    def __init__(
        self, pool_size: Any = 2, strides: Any = 2, kernel_size: Any = 3, mode: str = "reflect",
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, strides, None, mode, data_format, **kwargs)
        self.pool_size = pool_size
        self._dense = where.sliding(pool_size, 1)
        self._dense.rules(self.rank)

    def call(self, inputs: Any, mask: Any = None, weights: Any = None) -> Any:  # type: ignore[override]
        mask = self.usable(inputs, mask)
        dense = ops.pool(inputs, self._dense, "max", data_format=self.data_format, mask=mask,
                         weights=weights)  # fmt: skip
        seen = None if mask is None else self._seen(mask)
        return blur_pool(dense, self.kernel_size, self.strides, mode=self.mode,
                         data_format=self.data_format, mask=seen)  # fmt: skip

    def _seen(self, mask: Any) -> Any:
        mask = formats.with_channels(self.rank + 2, mask, self.data_format, "mask")
        return ops.pool(mask, self._dense, "any", data_format=self.data_format)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        formats.check_rank(len(input_shape), self.rank, self.data_format)
        dense = formats.output_shape(self._dense, tuple(input_shape), self.axes())
        return super().compute_output_shape(dense)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None or not self.masked:
            return None
        mask = keras.ops.cast(previous_mask, "bool")
        seen = super().compute_mask(inputs, self._seen(mask))
        if len(previous_mask.shape) == self.rank + 2:
            return seen
        return keras.ops.squeeze(seen, formats.channel_axis(self.rank + 2, self.data_format))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "pool_size": self.pool_size}
        config.pop("padding")
        return config


for _name, _base in {"Blur": _Blur, "MaxBlur": _MaxBlur}.items():
    for _made in ranked(_name, _base, __name__):
        globals()[_made.__name__] = _made
        __all__.append(_made.__name__)
