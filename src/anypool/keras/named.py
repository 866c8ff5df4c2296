"""The pooling layers that Keras has, by its names, arguments and defaults.

They take what Keras's take and give its numbers; where Keras is wrong (it stops the process, adds
up halves in halves, drops NaN) they are right: ``docs/keras.md`` tells all. ``masked=True``, which
Keras has not, turns masks on.
"""

from __future__ import annotations

from typing import Any

from .base import Adaptive, Global, Sliding, saved
from .ops import keras_padding

__all__: list[str] = []


class _Sliding(Sliding):
    """The arguments of Keras's MaxPooling and AveragePooling."""

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)
        self._build_at_init()

    def _padding(self) -> str:
        return keras_padding(self.padding)


class _Adaptive(Adaptive):
    """The arguments of Keras's adaptive layers."""

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(output_size, data_format, **kwargs)
        self._build_at_init()


class _Global(Global):
    """The arguments of Keras's global layers."""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self._build_at_init()


# the words of a name -> its base, its reduction, what it says, and its shorter name
FAMILIES: dict[str, tuple[type, str, str, str | None]] = {
    "MaxPooling": (_Sliding, "max", "The largest element of every window", "MaxPool"),
    "AveragePooling": (_Sliding, "mean", "The mean of every window", "AvgPool"),
    "GlobalMaxPooling": (_Global, "max", "The largest element of each channel", "GlobalMaxPool"),
    "GlobalAveragePooling": (_Global, "mean", "The mean of each channel", "GlobalAvgPool"),
    "AdaptiveMaxPooling": (
        _Adaptive, "max", "The largest of as many windows as asked, whatever the size", None
    ),
    "AdaptiveAveragePooling": (
        _Adaptive, "mean", "The mean of as many windows as asked, whatever the size", None
    ),
}  # fmt: skip
SHAPES = {1: "(batch, steps, channels)", 2: "(batch, rows, columns, channels)",
          3: "(batch, planes, rows, columns, channels)"}  # fmt: skip
EXAMPLES = {
    _Sliding: ("2, strides=1", "(2, 4{more}, 3)"),
    _Adaptive: ("3", "(2, 3{more}, 3)"),
    _Global: ("", "(2, 3)"),
}
MORE = {_Sliding: ", 4", _Adaptive: ", 3", _Global: ""}


def _told(base: type, says: str, name: str, rank: int) -> str:
    arguments, shape = EXAMPLES[base]
    shape = shape.format(more=MORE[base] * (rank - 1))
    sizes = ", ".join(["5"] * rank)
    return (
        f"{says}, over {SHAPES[rank]}; ``keras.layers.{name}``.\n\n"
        f'    ``data_format="channels_first"`` puts the channels before the pooled axes; '
        f"``masked=True`` lets masks count.\n\n"
        f"    >>> import numpy as np, anypool.keras as ak\n"
        f'    >>> x = np.ones((2, {sizes}, 3), "float32")\n'
        f"    >>> ak.{name}({arguments})(x).shape == {shape}\n"
        f"    True\n    "
    )


def _class(family: str, rank: int) -> None:
    base, reduce, says, short = FAMILIES[family]
    name = f"{family}{rank}D"
    body = {
        "rank": rank, "reduce": reduce, "takes_masks": name == "GlobalAveragePooling1D",
        "__doc__": _told(base, says, name, rank), "__module__": __name__,
    }  # fmt: skip
    globals()[name] = saved(type(name, (base,), body))
    __all__.append(name)
    if short is not None:
        globals()[f"{short}{rank}D"] = globals()[name]
        __all__.append(f"{short}{rank}D")


for _family in FAMILIES:
    for _rank in (1, 2, 3):
        _class(_family, _rank)
