"""What the tests of the TensorFlow front share: a call made in each way there is to make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

WAYS = ("eager", "graph", "batch", "dynamic", "xla")


def called(way: str, function: Callable[..., Any], *arrays: np.ndarray, axes: Any = ()) -> Any:
    """The function of these arrays: eager, or in a graph that knows all sizes, all but one that is
    not pooled, none, or that XLA compiles."""
    tensors = [tf.constant(a) for a in arrays]
    if way == "eager":
        return function(*tensors)
    specs = [tf.TensorSpec(_known(way, a, axes), a.dtype) for a in arrays]
    made = tf.function(function, input_signature=specs, autograph=False,
                       jit_compile=True if way == "xla" else None)  # fmt: skip
    return made(*tensors)


def _known(way: str, a: np.ndarray, axes: Any) -> list[int | None]:
    if way == "dynamic":
        return [None] * a.ndim
    free = [i for i in range(a.ndim) if i not in axes][:1] if way == "batch" else []
    return [None if i in free else n for i, n in enumerate(a.shape)]


def slope(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The derivative of a function by its tensor, for an incoming derivative."""

    def backward(x: Any, g: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, g)

    return backward
