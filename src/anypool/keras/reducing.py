"""Layers that Keras lacks: every reduction over sliding, adaptive and whole windows.

``GeMPooling2D(pool_size=2, strides=None, padding="valid", data_format=None, dilation_rate=1, *,
p=3.0, eps=1e-6, learnable=True, per_channel=False, masked=False)``: with ``learnable`` the first
parameter of GeM, LSE and Soft is a weight of the layer, one number, or one for each channel.
``AdaptiveGeMPooling2D(output_size, ...)`` and ``GlobalGeMPooling2D(keepdims=False, ...)`` are its
other forms. ``padding`` may also be numbers, as :func:`anypool.max_pool` takes them.
"""

from __future__ import annotations

from typing import Any

import keras

from .. import reductions
from ..errors import PoolError
from ..reductions import Reduction
from . import formats, home
from .base import Adaptive, Global, PoolingLayer, Sliding, saved
from .ops import KINDS

__all__: list[str] = []

# the name in a class -> the reduction, and whether its parameter is learnt unless told otherwise
NAMES: dict[str, tuple[str, bool]] = {
    "Min": ("min", False), "Sum": ("sum", False), "Lp": ("lp", False), "GeM": ("gem", True),
    "LSE": ("lse", True), "Soft": ("soft", False), "Std": ("std", False), "Var": ("var", False),
    "Median": ("median", False), "Quantile": ("quantile", False), "Mode": ("mode", False),
    "TopK": ("topk", False), "Stochastic": ("stochastic", False),
}  # fmt: skip
LEARNABLE = ("lp", "gem", "lse", "soft")


class Reducing(PoolingLayer):
    """A layer whose reduction has parameters, the first of which may be learnt."""

    kind: str
    learns: bool

    def __init__(self, *args: Any, learnable: bool | None = None, per_channel: bool = False,
                 **kwargs: Any) -> None:  # fmt: skip
        defaults = {} if self.kind == "stochastic" else KINDS[self.kind][1]
        self.params = {n: kwargs.pop(n, default) for n, default in defaults.items()}
        super().__init__(*args, **kwargs)
        self.learnable = self.learns if learnable is None else bool(learnable)
        self.per_channel, self.first, self.value = bool(per_channel), next(iter(defaults), ""), None
        self._fixed = getattr(reductions, self.kind)(**self.params)  # what makes no sense, now
        if (self.learnable or per_channel) and self.kind not in LEARNABLE:
            raise PoolError(
                f"{type(self).__name__} has nothing to learn; learnable= and per_channel= are for "
                "Lp, GeM, LSE and Soft"
            )

    def build(self, input_shape: Any) -> None:
        if self.learnable or self.per_channel:
            channels = input_shape[formats.channel_axis(len(input_shape), self.data_format)]
            if self.per_channel and channels is None:
                raise PoolError(
                    f"{type(self).__name__}(per_channel=True) needs to know how many channels "
                    "there are; give Input a number for them"
                )
            self.value = self.add_weight(
                name=self.first, shape=(channels if self.per_channel else 1,),
                initializer=keras.initializers.Constant(self.params[self.first]),
                trainable=self.learnable, autocast=False,
            )  # fmt: skip
        self.built = True

    def reduction(self) -> Reduction:
        return self._fixed

    def parameter(self) -> Any:
        if self.value is None:
            return None
        value = home.tensor(self.value)
        if not self.per_channel:
            return keras.ops.reshape(value, ())
        ones = (1,) * self.rank if self.data_format == "channels_first" else ()
        return keras.ops.reshape(value, (-1, *ones))

    def get_config(self) -> dict[str, Any]:
        learnt = {"learnable": self.learnable, "per_channel": self.per_channel}
        return {**super().get_config(), **self.params, **(learnt if self.kind in LEARNABLE else {})}


class Drawing(Reducing):
    """Draws in training, with Keras's own seed generator; the expectation otherwise."""

    def __init__(self, *args: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(
        self, inputs: Any, mask: Any = None, weights: Any = None, sizes: Any = None,
        training: bool = False,
    ) -> Any:  # fmt: skip
        if not training:
            return super().call(inputs, mask, weights, sizes)
        return self.pooled(inputs, reductions.stochastic(0), mask, weights=weights, sizes=sizes,
                           rng=seed_of(self.seed_generator.next()))  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def seed_of(state: Any) -> Any:
    """A seed as the backend's front takes it: whole numbers for PyTorch, else the tensor."""
    if keras.backend.backend() in ("torch", "numpy"):
        return tuple(state.tolist())
    return state


WAYS: dict[str, tuple[type, str]] = {
    "": (Sliding, "sliding"), "Adaptive": (Adaptive, "adaptive"), "Global": (Global, "whole"),
}  # fmt: skip


def _class(way: str, name: str, rank: int) -> None:
    kind, learns = NAMES[name]
    base, words = WAYS[way]
    full = f"{way}{name}Pooling{rank}D"
    told = f"{KINDS[kind][0]} of {words} windows over {rank} axes; see this module."
    body = {"kind": kind, "learns": learns, "rank": rank, "__doc__": told, "__module__": __name__}
    over = Drawing if kind == "stochastic" else Reducing
    globals()[full] = saved(type(full, (over, base), body))
    __all__.append(full)


for _rank in (1, 2, 3):
    for _name in NAMES:
        for _way in WAYS:
            _class(_way, _name, _rank)
