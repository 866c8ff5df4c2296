"""Who pools for Keras: the front of the framework that Keras runs on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .. import doors, ops, reductions
from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Windows

BACKENDS = ("tensorflow", "jax", "torch", "numpy")


def backend() -> str:
    """Keras's backend, if it is one that has a front here."""
    found = keras.backend.backend()
    if found not in BACKENDS:
        raise PoolError(
            f'Keras runs on "{found}", which anypool.keras does not know; set KERAS_BACKEND to '
            '"tensorflow", "jax" or "torch"'
        )
    return found


def tensor(x: Any) -> Any:
    """A tensor of the backend; Keras's variables are read, which TensorFlow's own does not do."""
    return keras.ops.convert_to_tensor(x.value if isinstance(x, keras.Variable) else x)


def pooled(
    x: Any, windows: Windows, reduction: Reduction, *, parameter: Any = None, **common: Any
) -> Any:
    """Pool a tensor of the backend; integers whose mean is taken become Keras's float."""
    x = tensor(x)
    common = {name: value for name, value in common.items() if value is not None}
    front = doors.front(x)
    if front is None:  # the NumPy backend
        reduction = _with(reduction, parameter)
        y = ops.pool(x, windows, reduction, **common)
    else:
        given = {} if parameter is None else {"parameter": parameter}
        y = front.pool(x, windows, reduction, **given, **common)
    if reduction.recipe.result == "mean" and "dtype" not in common and _whole(x):
        wanted = keras.config.floatx()
        return (keras.ops.cast(y[0], wanted), *y[1:]) if isinstance(y, tuple) else (
            keras.ops.cast(y, wanted))  # fmt: skip
    return y


def _with(reduction: Reduction, parameter: Any) -> Reduction:
    """The reduction with a number for its first parameter."""
    if parameter is None:
        return reduction
    value = np.asarray(keras.ops.convert_to_numpy(parameter))
    if value.size != 1:
        raise PoolError(
            "one parameter for each channel needs a backend with derivatives: tensorflow, jax or "
            "torch"
        )
    _, *rest = reduction.params
    return getattr(reductions, reduction.name)(value.item(), *(v for _, v in rest))


def _whole(x: Any) -> bool:
    word = keras.backend.standardize_dtype(x.dtype)
    return word == "bool" or "int" in word


def result_dtype(reduction: Reduction, dtype: str, weighted: bool) -> str:
    """The dtype that :func:`pooled` gives, as Keras names it."""
    recipe = reduction.recipe
    if recipe.result == "bool":
        return "bool"
    if recipe.result == "same" or not ("int" in dtype or dtype == "bool"):
        return dtype
    if recipe.result == "sum" and not weighted:
        return index_dtype() if not dtype.startswith("uint") else f"u{index_dtype()}"
    return keras.config.floatx()


def index_dtype() -> str:
    """The backend's widest integer: JAX has 32 bits unless it was told otherwise."""
    if backend() != "jax":
        return "int64"
    made: Any = keras.ops.convert_to_tensor(np.arange(1))
    return keras.backend.standardize_dtype(made.dtype)
