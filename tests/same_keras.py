"""What the tests of the Keras front share: a backend's tensors as numbers, and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()


def numbers(t: Any) -> np.ndarray:
    """A tensor of the backend as a NumPy array; halves as float32."""
    t = t.value if isinstance(t, keras.Variable) else t
    if "16" in keras.backend.standardize_dtype(t.dtype) and "int" not in str(t.dtype):
        t = keras.ops.cast(t, "float32")
    if BACKEND == "torch":
        return t.detach().cpu().numpy()
    return np.asarray(t)


def gradient(function: Callable[[Any], Any], x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The derivative of a function of one tensor, for the incoming ``g``."""
    return numbers(FORMS[BACKEND](function, keras.ops.convert_to_tensor(x), g))


def _tensorflow(function: Any, x: Any, g: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x, tf.constant(g))


def _jax(function: Any, x: Any, g: Any) -> Any:
    import jax

    return jax.vjp(function, x)[1](jax.numpy.asarray(g))[0]


def _torch(function: Any, x: Any, g: Any) -> Any:
    import torch

    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x), x, torch.from_numpy(g))[0]


FORMS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
