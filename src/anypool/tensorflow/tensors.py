"""Tensors as the arrays that kernels read, and arrays as tensors; without a copy where it can be.

TensorFlow stops the whole process where it meets memory that does not lie at a multiple of 64
bytes (measured: 2.21, ``Check failed: IsAligned()``), so only such memory is handed over as it is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import PoolError
from .lift import Tensor, tf

ALIGNED = 64
BITS = {"bfloat16": tf.bfloat16}  # what DLPack does not carry from NumPy: sent as uint16
HALVES = ("float16", "bfloat16")


def is_tensor(x: Any) -> bool:
    """Whether x is a dense tensor or a variable."""
    return isinstance(x, tf.Tensor | tf.Variable)


def as_tensor(x: Any, what: str = "x") -> Tensor:
    """A dense tensor of TensorFlow; variables are read, so that their derivative finds them."""
    if isinstance(x, tf.Tensor):
        return x
    if isinstance(x, tf.SparseTensor):
        raise PoolError(f"{what} is sparse; pooling reads dense tensors: use tf.sparse.to_dense")
    if isinstance(x, tf.IndexedSlices):
        raise PoolError(f"{what} is an IndexedSlices; use tf.convert_to_tensor first")
    return tf.convert_to_tensor(x)


def on_cpu(x: Tensor) -> bool:
    """Whether an eager tensor lies where kernels can read it."""
    return "CPU:" in x.backing_device


def numpy_dtype(dtype: Any) -> np.dtype:
    """The NumPy dtype that holds the same numbers."""
    dtype = tf.as_dtype(dtype)
    found = np.dtype(dtype.as_numpy_dtype)
    known = found.kind in "biufc" or found.name == "bfloat16"
    if not known or dtype.is_quantized:
        raise PoolError(
            f"x is {dtype.name}; pooling needs bool, integers, floats or complex: "
            "use tf.cast or tf.quantization.dequantize first"
        )
    return found


def array_of(x: Tensor) -> np.ndarray:
    """The memory of an eager CPU tensor as a NumPy array; no copy."""
    return np.asarray(x)


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A new array that :func:`tensor_of` hands over without a copy."""
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + ALIGNED, np.uint8)
    first = -room.__array_interface__["data"][0] % ALIGNED
    return room[first : first + size].view(dtype).reshape(shape)


def tensor_of(a: np.ndarray) -> Tensor:
    """A NumPy array that nobody else writes to as a tensor; no copy where TensorFlow allows it."""
    if not a.flags.c_contiguous or a.__array_interface__["data"][0] % ALIGNED:
        return tf.constant(a)
    bits = BITS.get(a.dtype.name)
    if bits is not None:
        return tf.bitcast(_handed(a.view(np.uint16)), bits)
    return _handed(a)


def _handed(a: np.ndarray) -> Tensor:
    return tf.experimental.dlpack.from_dlpack(a.__dlpack__())
