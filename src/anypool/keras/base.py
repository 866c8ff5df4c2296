"""What every pooling layer shares: windows, data format, masks, shapes, config."""

from __future__ import annotations

from typing import Any

import keras

from .. import windows as where
from ..errors import PoolError
from ..reductions import Reduction, resolve
from ..windows import Windows
from ..windows.rules import each
from . import formats, ops
from .errors import PoolTypeError


def saved(cls: type) -> type:
    """Let Keras find the class in files it has saved, once anypool.keras is imported."""
    return keras.saving.register_keras_serializable("anypool")(cls)


def ranked(name: str, base: type, module: str) -> list[type]:
    """The layers ``{name}Pooling1D`` to ``3D`` of a base that only lacks its rank."""
    made = []
    for rank in (1, 2, 3):
        body = {"rank": rank, "__doc__": base.__doc__, "__module__": module}
        made.append(saved(type(f"{name}Pooling{rank}D", (base,), body)))
    return made


def mask_of(x: Any) -> Any:
    """The mask that came attached to a tensor."""
    try:
        from keras.src.backend.common.masking import get_keras_mask
    except ImportError:
        return getattr(x, "_keras_mask", None)
    return get_keras_mask(x)


class PoolingLayer(keras.layers.Layer):
    """A pooling of the ``rank`` axes between batch and channels.

    ``masked=True`` turns masks on: unreal steps take no part, and the output carries the mask of
    its own steps. Without it a mask is dropped with Keras's warning, as by Keras's own layers.
    """

    rank: int
    reduce: str = "max"
    takes_masks = False

    def __init__(self, data_format: str | None = None, masked: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = formats.data_format_of(data_format)
        self.masked = bool(masked)
        self.supports_masking = self.masked or self.takes_masks
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def windows(self) -> Windows:
        raise NotImplementedError

    def reduction(self) -> Reduction:
        return resolve(self.reduce)

    def parameter(self) -> Any:
        """The tensor in place of the reduction's first parameter, where one is learnt."""
        return None

    def axes(self) -> tuple[int, ...]:
        return formats.spatial(self.rank + 2, self.data_format)

    def call(self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None) -> Any:
        return self.pooled(inputs, self.reduction(), mask, weights=weights, sizes=sizes)

    def pooled(self, inputs: Any, reduction: Reduction, mask: Any = None, **common: Any) -> Any:
        mask = self.usable(inputs, mask)
        return ops.pool(inputs, self.windows(), reduction, data_format=self.data_format, mask=mask,
                        parameter=self.parameter(), **common)  # fmt: skip

    def usable(self, inputs: Any, mask: Any) -> Any:
        """The mask if this layer is to use it; None for one that only came with the inputs."""
        if mask is None or self.supports_masking:
            return None if mask is None else keras.ops.cast(mask, "bool")
        if mask is mask_of(inputs):
            return None
        raise PoolError(
            f"{type(self).__name__} was given a mask that it would drop; make the layer with "
            "masked=True"
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        formats.check_rank(len(input_shape), self.rank, self.data_format)
        return formats.output_shape(self.windows(), tuple(input_shape), self.axes())

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Which outputs read anything real; None where no steps are left."""
        windows = self.windows()
        if previous_mask is None or not self.masked or isinstance(windows, where.Whole):
            return None
        mask = formats.with_channels(self.rank + 2, keras.ops.cast(previous_mask, "bool"),
                                     self.data_format, "mask")  # fmt: skip
        seen = ops.pool(mask, windows, "any", data_format=self.data_format)
        if len(previous_mask.shape) == self.rank + 2:
            return seen
        return keras.ops.squeeze(seen, formats.channel_axis(self.rank + 2, self.data_format))

    def get_config(self) -> dict[str, Any]:
        more = {"masked": True} if self.masked else {}
        return {**super().get_config(), "data_format": self.data_format, **more}


class Sliding(PoolingLayer):
    """Windows of one size that move by a stride."""

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: Any = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.pool_size = _tuple(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else _tuple(strides, self.rank, "strides")
        self.padding, self.dilation_rate = padding, dilation_rate
        self._over = where.sliding(self.pool_size, self.strides, self._padding(), dilation_rate)
        self._over.rules(self.rank)  # windows that make no sense, found now

    def _padding(self) -> Any:
        return self.padding.lower() if isinstance(self.padding, str) else self.padding

    def windows(self) -> Windows:
        return self._over

    def get_config(self) -> dict[str, Any]:
        more = {} if self.dilation_rate == 1 else {"dilation_rate": self.dilation_rate}
        return {
            **super().get_config(), "pool_size": self.pool_size, "strides": self.strides,
            "padding": self.padding, **more,
        }  # fmt: skip


class Adaptive(PoolingLayer):
    """As many windows as asked, whatever the input size; None keeps an axis."""

    def __init__(
        self, output_size: Any, data_format: str | None = None, rule: str = "adaptive",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.output_size = _output_size(output_size, self.rank)
        self.rule = rule
        self._over = where.adaptive(self.output_size, rule)
        self._over.rules(self.rank)

    def windows(self) -> Windows:
        return self._over

    def get_config(self) -> dict[str, Any]:
        more = {} if self.rule == "adaptive" else {"rule": self.rule}
        return {**super().get_config(), "output_size": self.output_size, **more}


class Global(PoolingLayer):
    """One window over everything."""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def windows(self) -> Windows:
        return where.whole(self.keepdims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


def _tuple(value: Any, rank: int, what: str) -> tuple[int, ...]:
    try:
        return each(value, what, rank, 1)
    except TypeError:
        raise PoolError(f"{what} is {value!r}; give a whole number, or {rank}") from None


def _output_size(value: Any, rank: int) -> tuple[int | None, ...]:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * rank
    if isinstance(value, list | tuple):
        if len(value) == rank:
            return tuple(value)
        raise (PoolError if rank == 1 else PoolTypeError)(
            f"output_size is {value!r}; {rank}D pooling takes one number or {rank}"
        )
    raise PoolTypeError(f"output_size is {value!r}; give a whole number, or a tuple of {rank}")
