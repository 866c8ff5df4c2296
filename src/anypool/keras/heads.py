"""Layers made of several poolings, or of a pooling and more: pyramids, statistics, attention.

Each has a form for 1, 2 and 3 axes (``PyramidPooling2D``), but ``AttentionPooling``, which takes
any number.
"""

from __future__ import annotations

from typing import Any

import keras

from .. import windows as where
from ..errors import PoolError
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import formats
from .base import Adaptive, Global, PoolingLayer, Sliding, ranked, saved

__all__: list[str] = ["AttentionPooling"]

WORDS = {"average": "mean", "avg": "mean"}


def reduction_named(word: str) -> Reduction:
    return resolve(WORDS.get(word, word))


class _Pyramid(PoolingLayer):
    """Spatial pyramid pooling (He et al. 2014, arXiv:1406.4729): (batch, sum of bins, channels).

    ``flatten=True`` gives (batch, everything), one vector whatever the size of the images.
    """

    def __init__(
        self, bins: Any = (1, 2, 4), reduce: str = "max", data_format: str | None = None,
        flatten: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.bins, self.reduce, self.flatten = tuple(bins), reduce, bool(flatten)
        self._over = where.pyramid(self.bins)
        self._over.rules(self.rank)
        reduction_named(reduce)
        self._build_at_init()

    def windows(self) -> Windows:
        return self._over

    def reduction(self) -> Reduction:
        return reduction_named(self.reduce)

    def call(self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None) -> Any:
        y = super().call(inputs, mask, weights, sizes)
        return keras.ops.reshape(y, (-1, y.shape[1] * y.shape[2])) if self.flatten else y

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        found = super().compute_output_shape(input_shape)
        if not self.flatten:
            return found
        return found[0], None if None in found[1:] else found[1] * found[2]  # type: ignore[operator]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None if self.flatten else super().compute_mask(inputs, previous_mask)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "bins": self.bins, "reduce": self.reduce,
            "flatten": self.flatten,
        }  # fmt: skip


class _Joined(Adaptive):
    """Several adaptive poolings side by side along the channels, in the order named.

    fastai and MONAI put max first, timm the average: here ``order`` says it.
    """

    def __init__(
        self, order: Any = ("average", "max"), output_size: Any = 1,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(output_size, data_format, **kwargs)
        self.order = tuple(order)
        if not self.order:
            raise PoolError('order is empty; name the poolings, such as ("average", "max")')
        for word in self.order:
            reduction_named(word)
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None) -> Any:
        parts = [self.pooled(inputs, reduction_named(word), mask, weights=weights, sizes=sizes)
                 for word in self.order]  # fmt: skip
        return keras.ops.concatenate(parts, axis=self._channels())

    def _channels(self) -> int:
        return formats.channel_axis(self.rank + 2, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        found = list(super().compute_output_shape(input_shape))
        channels = found[self._channels()]
        found[self._channels()] = None if channels is None else channels * len(self.order)
        return tuple(found)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "order": self.order}


class _Statistics(Global):
    """Mean and standard deviation of every channel, side by side: (batch, 2 * channels).

    What speaker recognition makes of utterances (x-vectors).
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, False, **kwargs)
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None) -> Any:
        parts = [self.pooled(inputs, resolve(word), mask, weights=weights, sizes=sizes)
                 for word in ("mean", "std")]  # fmt: skip
        return keras.ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, channels = super().compute_output_shape(input_shape)
        return batch, None if channels is None else 2 * channels

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("keepdims")
        return config


class _Mixed(Sliding):
    """``share * max + (1 - share) * average`` with a fixed share."""

    def __init__(self, *args: Any, share: float = 0.5, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not 0 <= share <= 1:
            raise PoolError(f"share is {share}; it must be between 0 and 1")
        self.share = share
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None) -> Any:
        most, mean = (self.pooled(inputs, resolve(word), mask, weights=weights, sizes=sizes)
                      for word in ("max", "mean"))  # fmt: skip
        return self.share * most + (1 - self.share) * mean

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share}


@saved
class AttentionPooling(keras.layers.Layer):
    """Attention over instances (Ilse et al. 2018, arXiv:1802.04712): to (batch, channels).

    Each place h gets the weight softmax(w . tanh(V h) * sigmoid(U h)); ``gated=False`` leaves the
    sigmoid out. Masks count: they are True where a place is real, of the inputs' shape without
    channels. A sample with nothing real becomes 0.
    """

    def __init__(
        self, hidden: int = 128, gated: bool = True, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.hidden, self.gated = hidden, bool(gated)
        self.data_format = formats.data_format_of(data_format)
        self.supports_masking = True
        dtype = self.dtype_policy
        self.values = keras.layers.Dense(hidden, dtype=dtype, name="values")
        self.gates = keras.layers.Dense(hidden, dtype=dtype, name="gates") if gated else None
        self.score = keras.layers.Dense(1, dtype=dtype, name="score")

    def build(self, input_shape: Any) -> None:
        channels = input_shape[formats.channel_axis(len(input_shape), self.data_format)]
        if channels is None:
            raise PoolError(
                "AttentionPooling needs to know how many channels there are; give Input a number"
            )
        for dense in (self.values, self.gates):
            if dense is not None:
                dense.build((None, None, channels))
        self.score.build((None, None, self.hidden))
        self.built = True

    def call(self, inputs: Any, mask: Any = None, return_weights: bool = False) -> Any:
        formats.spatial(len(inputs.shape), self.data_format)
        o: Any = keras.ops
        h = inputs if self.data_format == "channels_last" else o.moveaxis(inputs, 1, -1)
        places, channels = o.shape(h)[1:-1], h.shape[-1]
        h = o.reshape(h, (o.shape(h)[0], -1, channels))
        real = None
        if mask is not None:
            real = o.reshape(o.cast(mask, "bool"), (o.shape(h)[0], -1))
            h = o.where(real[..., None], h, 0)  # before anything can spread what is not real
        weights = self._weights(h, real)
        y = o.einsum("nl,nlc->nc", o.cast(weights, h.dtype), h)
        if not return_weights:
            return y
        return y, o.reshape(weights, (o.shape(h)[0], *places))

    def _weights(self, h: Any, real: Any) -> Any:
        o: Any = keras.ops
        seen = o.tanh(self.values(h))
        if self.gates is not None:
            seen = seen * o.sigmoid(self.gates(h))
        score = o.cast(self.score(seen)[..., 0], "float32")  # halves are too coarse for a softmax
        if real is None:
            return o.softmax(score, axis=1)
        some = o.any(real, axis=1, keepdims=True)
        score = o.where(real, score, -float("inf"))
        return o.where(real, o.softmax(o.where(some, score, 0.0), axis=1), 0.0)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        channels = formats.channel_axis(len(input_shape), self.data_format)
        return input_shape[0], input_shape[channels]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "hidden": self.hidden, "gated": self.gated,
            "data_format": self.data_format,
        }  # fmt: skip


NAMES = {"Pyramid": _Pyramid, "Concat": _Joined, "Statistics": _Statistics, "Mixed": _Mixed}
for _name, _base in NAMES.items():
    for _made in ranked(_name, _base, __name__):
        globals()[_made.__name__] = _made
        __all__.append(_made.__name__)
