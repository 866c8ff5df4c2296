"""Tensors that mix as NumPy's arrays do: what plain operations are written for.

TensorFlow refuses to add an int64 to a float32, or to multiply a bool. A :class:`Lifted` tensor
takes the wider of two dtypes, and a float beside an integer keeps its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow

tf: Any = tensorflow  # the type stubs at hand know only half of it
Tensor = Any  # a tf.Tensor
DType = Any  # a tf.DType

try:  # whether XLA compiles what is traced: asked of a part that TensorFlow does not promise
    from tensorflow.python.framework.ops import get_default_graph
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as InXla
except ImportError:  # then everything is written as if it did

    def compiled() -> bool:
        """Whether XLA may compile this."""
        return True
else:

    def compiled() -> bool:
        """Whether XLA may compile this."""
        if tf.executing_eagerly():
            return False
        return InXla(get_default_graph()) or bool(tf.config.optimizer.get_jit())


class Lifted:
    """A tensor with NumPy's rules for operators and indices."""

    __slots__ = ("t",)
    __hash__ = object.__hash__

    def __init__(self, t: Tensor) -> None:
        self.t = t

    @property
    def shape(self) -> tuple[Any, ...]:
        """The axes' sizes; None where one is known only at run time."""
        return tuple(self.t.shape)

    @property
    def ndim(self) -> int:
        return self.t.shape.rank

    @property
    def dtype(self) -> DType:
        return self.t.dtype

    def __getitem__(self, key: Any) -> Lifted:
        return Lifted(sliced(self.t, key))

    def __neg__(self) -> Lifted:
        return Lifted(-self.t)

    def __invert__(self) -> Lifted:
        return Lifted(tf.logical_not(self.t))

    def __bool__(self) -> bool:
        return bool(self.t)


def sliced(t: Tensor, key: Any) -> Tensor:
    """``t[key]``, but slices with a step as gathers, which are faster outside XLA.

    The last axis is added and taken away by operations of their own, which TFLite knows for more
    axes than it can slice.
    """
    keys = key if isinstance(key, tuple) else (key,)
    if keys == (Ellipsis, None):
        return tf.expand_dims(t, -1)
    if len(keys) == 2 and keys[0] is Ellipsis and isinstance(keys[1], int) and not compiled():
        n = t.shape[-1] or tf.shape(t)[-1]
        return tf.gather(t, keys[1] if keys[1] >= 0 else n + keys[1], axis=-1)
    steps = [k.step or 1 if isinstance(k, slice) else 0 for k in keys]
    if 0 in steps or max(steps) == 1 or compiled():
        return t[key]
    for axis, k in enumerate(keys):
        if (k.step or 1) > 1:
            t = gathered(t, np.arange(*k.indices(t.shape[axis])), axis)
    return t


def gathered(t: Tensor, spots: Any, axis: int, batch_dims: int = 0) -> Tensor:
    """The slices at spots along an axis; its derivative is dense on the first axis too."""
    if isinstance(spots, np.ndarray):
        spots = tf.constant(spots, tf.int32)
    if axis == 0:
        return tf.squeeze(tf.gather(t[None], spots, axis=1), 0)
    return tf.gather(t, spots, axis=axis, batch_dims=batch_dims)


def together(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype; a plain number takes the other's, unless it has a fraction."""
    a, b = unlifted(a), unlifted(b)
    if isinstance(a, tf.Tensor) and isinstance(b, tf.Tensor):
        wide = joint(a.dtype, b.dtype)
        return tf.cast(a, wide), tf.cast(b, wide)
    if isinstance(a, tf.Tensor):
        kind = beside(a.dtype, b)
        return tf.cast(a, kind), number(b, kind)
    kind = beside(b.dtype, a)
    return number(a, kind), tf.cast(b, kind)


def number(value: Any, dtype: DType) -> Tensor:
    """A plain number as a tensor; not by way of float32, as tf.cast goes."""
    return tf.constant(np.array(value).astype(dtype.as_numpy_dtype))


def unlifted(a: Any) -> Any:
    """The tensor in a lifted one; NumPy's arrays as tensors; numbers as they are."""
    if isinstance(a, Lifted):
        return a.t
    return tf.constant(a) if isinstance(a, np.ndarray | np.generic) else a


def joint(a: DType, b: DType) -> DType:
    """The dtype of two together."""
    if a == b:
        return a
    for one, other in ((a, b), (b, a)):
        if _inexact(one) and not _inexact(other):
            return one
    return tf.as_dtype(np.promote_types(a.as_numpy_dtype, b.as_numpy_dtype))


def beside(dtype: DType, number: Any) -> DType:
    """The dtype of a tensor of ``dtype`` together with a plain number."""
    if isinstance(number, complex):
        return dtype if dtype.is_complex else tf.complex128
    if isinstance(number, float) and not _inexact(dtype):
        return tf.float64
    whole = isinstance(number, int) and not isinstance(number, bool)
    return tf.int64 if whole and dtype == tf.bool else dtype


def _inexact(dtype: DType) -> bool:
    return dtype.is_floating or dtype.is_complex


def _binary(apply: Callable[..., Any], turned: bool = False) -> Callable[..., Lifted]:
    def method(self: Lifted, other: Any) -> Lifted:
        a, b = together(other, self) if turned else together(self, other)
        return Lifted(apply(a, b))

    return method


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if _inexact(a.dtype) else tf.cast(a, tf.float64) / tf.cast(b, tf.float64)


def _and(a: Tensor, b: Tensor) -> Tensor:
    if a.dtype != tf.bool:
        return tf.bitwise.bitwise_and(a, b)
    # TFLite (2.21) stops the process where LOGICAL_AND broadcasts five axes
    return tf.logical_and(a, b) if a.shape == b.shape else tf.where(a, b, False)


def _or(a: Tensor, b: Tensor) -> Tensor:
    if a.dtype != tf.bool:
        return tf.bitwise.bitwise_or(a, b)
    return tf.logical_or(a, b) if a.shape == b.shape else tf.where(a, True, b)


METHODS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": _divide,
    "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow,
    "and": _and,
    "or": _or,
}  # fmt: skip
for _name, _apply in METHODS.items():
    setattr(Lifted, f"__{_name}__", _binary(_apply))
    setattr(Lifted, f"__r{_name}__", _binary(_apply, turned=True))
COMPARED = {"lt": tf.less, "le": tf.less_equal, "gt": tf.greater, "ge": tf.greater_equal,
            "eq": tf.equal, "ne": tf.not_equal}  # fmt: skip
for _name, _apply in COMPARED.items():
    setattr(Lifted, f"__{_name}__", _binary(_apply))
