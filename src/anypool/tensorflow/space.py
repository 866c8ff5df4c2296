"""TensorFlow's words for plain operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..plain import Space
from .lift import DType, Lifted, Tensor, gathered, number, tf, together, unlifted

UNARY = {"abs": tf.abs, "exp": tf.exp, "log": tf.math.log, "sqrt": tf.sqrt, "floor": tf.floor,
         "round": tf.round, "conj": tf.math.conj}  # fmt: skip


@dataclass(frozen=True)
class Tensors(Space):
    """Lifted tensors.

    ``unknown`` is the size, as a tensor, of the one axis whose size is known only at run time.
    ``wary``: max and min of this device or compiler lose NaN (XLA on the CPU, 2.21: measured).
    ``values_only``: nobody asks for a derivative.
    """

    xp: Any = tf
    unknown: Any = None
    wary: bool = False
    values_only: bool = False

    def __getattr__(self, name: str) -> Any:
        function = UNARY[name]
        return lambda a: Lifted(function(a.t))

    # -- dtypes ---------------------------------------------------------------------------------

    def dtype(self, dtype: Any) -> DType:
        return tf.as_dtype(dtype)

    def astype(self, a: Lifted, dtype: Any) -> Lifted:
        return Lifted(tf.cast(unlifted(a), self.dtype(dtype)))

    def isdtype(self, dtype: Any, kind: Any) -> bool:
        kinds = (kind,) if isinstance(kind, str) else kind
        found = "bool" if dtype == tf.bool else "integral" if dtype.is_integer else (
            "complex floating" if dtype.is_complex else "real floating")  # fmt: skip
        return found in kinds

    def finfo(self, dtype: Any) -> Any:
        """What NumPy knows of a floating dtype; ``dtype`` is that of a complex one's parts."""
        return _Finfo(dtype)

    def iinfo(self, dtype: Any) -> Any:
        """What NumPy knows of an integer dtype."""
        return np.iinfo(self.dtype(dtype).as_numpy_dtype)

    # -- making and laying out ------------------------------------------------------------------

    def asarray(self, a: Any, dtype: Any = None) -> Lifted:
        a = unlifted(a)
        made = a if isinstance(a, tf.Tensor) else tf.convert_to_tensor(a)
        return Lifted(made if dtype is None else tf.cast(made, self.dtype(dtype)))

    def arange(self, n: int) -> Lifted:
        return Lifted(tf.constant(np.arange(n)))

    def ones_like(self, a: Lifted, dtype: Any = None) -> Lifted:
        """Ones of the same shape."""
        return Lifted(tf.ones_like(a.t, dtype=dtype))

    def zeros(self, shape: Sequence[int], dtype: Any) -> Lifted:
        return Lifted(tf.zeros(self._sizes(shape), self.dtype(dtype)))

    def where(self, chosen: Lifted, a: Any, b: Any) -> Lifted:
        numbers = not isinstance(unlifted(a), tf.Tensor) and not isinstance(unlifted(b), tf.Tensor)
        if numbers:  # float32 unless something wider comes along: a plain number widens nothing
            return Lifted(tf.where(chosen.t, number(a, tf.float32), number(b, tf.float32)))
        return Lifted(tf.where(chosen.t, *together(a, b)))

    def reshape(self, a: Lifted, shape: Sequence[int]) -> Lifted:
        return Lifted(tf.reshape(a.t, [-1 if n is None else n for n in shape]))

    def transpose(self, a: Lifted, order: Sequence[int]) -> Lifted:
        same = list(order) == list(range(len(order)))
        return a if same else Lifted(tf.transpose(a.t, list(order)))

    def broadcast_to(self, a: Lifted, shape: Sequence[int]) -> Lifted:
        return Lifted(tf.broadcast_to(a.t, self._sizes(shape)))

    def _sizes(self, shape: Sequence[Any]) -> Any:
        """A shape as TensorFlow takes it, the unknown size as a tensor."""
        if all(n is not None for n in shape):
            return list(shape)
        return tf.stack([self.unknown if n is None else n for n in shape])

    def concat(self, arrays: Sequence[Lifted], axis: int) -> Lifted:
        return Lifted(tf.concat([a.t for a in arrays], axis))

    def pad(self, a: Lifted, axis: int, before: int, after: int, value: Any) -> Lifted:
        if before == after == 0:
            return a
        sides = [[before, after] if i == axis else [0, 0] for i in range(a.ndim)]
        return Lifted(tf.pad(a.t, sides, constant_values=number(value, a.dtype)))

    # -- reading --------------------------------------------------------------------------------

    def pick(self, a: Lifted, axis: int, spots: np.ndarray) -> Lifted:
        step = _even(spots)
        if step is not None:  # a strided slice moves less than a gather, and exports anywhere
            cut = slice(int(spots[0]), int(spots[-1]) + 1, step)
            return a[(slice(None),) * axis + (cut,)]
        return Lifted(gathered(a.t, spots, axis))

    def part(self, a: Lifted, axis: int, spots: slice) -> Lifted:
        return a[(slice(None),) * axis + (spots,)]

    def scattered(self, a: Lifted, spots: Lifted, n: int, how: str, start: Any) -> Lifted:
        rows, m = tf.shape(a.t)[0], tf.shape(a.t)[1]
        row = tf.repeat(tf.range(rows, dtype=tf.int64), m)
        places = tf.stack([row, tf.reshape(tf.cast(spots.t, tf.int64), [-1])], 1)
        made = tf.fill([rows, n], number(start, a.dtype))
        change = tf.tensor_scatter_nd_add if how == "add" else tf.tensor_scatter_nd_max
        return Lifted(change(made, places, tf.reshape(a.t, [-1])))

    def take_along_axis(self, a: Lifted, index: Lifted, axis: int) -> Lifted:
        return Lifted(take_along_axis(a.t, index.t, axis % a.ndim))

    # -- reducing -------------------------------------------------------------------------------

    def sum(self, a: Lifted, axis: Any, keepdims: bool = False) -> Lifted:
        t = tf.cast(a.t, tf.int64) if a.dtype == tf.bool else a.t
        return Lifted(tf.reduce_sum(t, axis, keepdims))

    def max(self, a: Lifted, axis: Any, keepdims: bool = False) -> Lifted:
        return Lifted(self._kept_nan(tf.reduce_max, a.t, axis, keepdims))

    def min(self, a: Lifted, axis: Any, keepdims: bool = False) -> Lifted:
        return Lifted(self._kept_nan(tf.reduce_min, a.t, axis, keepdims))

    def _kept_nan(self, reduce: Any, t: Tensor, axis: Any, keepdims: bool) -> Tensor:
        if not self.wary or t.dtype not in KEYS:
            return reduce(t, axis, keepdims)
        return from_keys(reduce(to_keys(t, reduce is tf.reduce_max), axis, keepdims), t.dtype)

    def any(self, a: Lifted, axis: Any = None) -> Lifted:
        return Lifted(tf.reduce_any(a.t, axis))

    def argmax(self, a: Lifted, axis: int) -> Lifted:
        return Lifted(tf.argmax(a.t, axis))

    def argsort(self, a: Lifted, axis: int, stable: bool) -> Lifted:
        t = tf.cast(a.t, tf.int32) if a.dtype == tf.bool else a.t
        return Lifted(argsort(t, axis))

    def cumulative_sum(self, a: Lifted, axis: int) -> Lifted:
        return Lifted(tf.cumsum(a.t, axis % a.ndim))

    def minimum(self, a: Lifted, b: Any) -> Lifted:
        return Lifted(self._better(tf.minimum, tf.less, *together(a, b)))

    def maximum(self, a: Lifted, b: Any) -> Lifted:
        return Lifted(self._better(tf.maximum, tf.greater, *together(a, b)))

    def _better(self, plain: Any, order: Any, a: Tensor, b: Tensor) -> Tensor:
        if not self.wary or not a.dtype.is_floating:
            return plain(a, b)
        return tf.where(tf.logical_or(order(b, a), tf.not_equal(b, b)), b, a)

    # -- what frameworks that trace or differentiate know better ---------------------------------

    def stop_gradient(self, a: Lifted) -> Lifted:
        return Lifted(tf.stop_gradient(a.t))

    def either(self, values: Callable[..., Any], sloped: Callable[..., Any], *a: Any) -> Lifted:
        """The values; the derivative is that of the other way, made only where it is asked."""
        first, *rest = a
        if self.values_only:
            return values(*a)

        @tf.custom_gradient
        def both(t: Tensor) -> Any:
            def slope(g: Tensor) -> Tensor:
                if not tf.executing_eagerly():
                    return tf.gradients(sloped(Lifted(t), *rest).t, t, g)[0]
                with tf.GradientTape() as tape:
                    tape.watch(t)
                    y = sloped(Lifted(t), *rest).t
                return tape.gradient(y, t, g)

            return values(Lifted(t), *rest).t, slope

        return Lifted(both(first.t))

    def truth(self, a: Lifted) -> bool | None:
        return bool(a.t) if tf.executing_eagerly() else None


KEYS = {tf.float32: tf.int32, tf.float64: tf.int64}  # whole numbers in the order of the floats


def to_keys(t: Tensor, highest: bool) -> Tensor:
    """Whole numbers in the order of the floats, of which no compiler loses any.

    NaN comes out ``highest`` of all, or lowest. One pass over the numbers is enough for a maximum.
    """
    kind = KEYS[t.dtype]
    bits = tf.bitcast(t, kind)
    keys = tf.bitwise.bitwise_xor(bits, _flip(bits))
    return tf.where(tf.not_equal(t, t), tf.constant(kind.max if highest else kind.min, kind), keys)


def from_keys(keys: Tensor, dtype: DType) -> Tensor:
    """The floats behind whole numbers; the highest and the lowest are NaN."""
    return tf.bitcast(tf.bitwise.bitwise_xor(keys, _flip(keys)), dtype)


def _flip(bits: Tensor) -> Tensor:
    """All bits but the sign, for numbers below 0: they rise as their magnitude falls."""
    kind = bits.dtype
    sign = tf.bitwise.right_shift(bits, tf.constant(kind.size * 8 - 1, kind))
    return tf.bitwise.bitwise_and(sign, tf.constant(kind.max, kind))


class _Finfo:
    """The spacing at 1 of a floating dtype, and the dtype of a complex one's parts."""

    def __init__(self, dtype: DType) -> None:
        parts = {tf.complex64: tf.float32, tf.complex128: tf.float64}
        self.dtype = parts.get(dtype, dtype)
        self.eps = {tf.bfloat16: 2.0**-7, tf.float16: 2.0**-10, tf.float32: 2.0**-23}.get(
            self.dtype, 2.0**-52
        )


def _even(spots: np.ndarray) -> int | None:
    """The step of spots that follow each other evenly upwards."""
    steps = np.diff(spots)
    if not len(steps):
        return 1
    return int(steps[0]) if steps[0] > 0 and (steps == steps[0]).all() else None


def take_along_axis(t: Tensor, index: Tensor, axis: int) -> Tensor:
    """As NumPy's: other axes of length 1 broadcast."""
    others = [n for i, n in enumerate(index.shape) if i != axis]
    if all(n == 1 for n in others):
        return gathered(t, tf.reshape(index, [-1]), axis)
    last = [*(i for i in range(t.shape.rank) if i != axis), axis]
    a, b = tf.transpose(t, last), tf.transpose(index, last)
    if a.shape[:-1].as_list() != b.shape[:-1].as_list():
        a, b = _leading_alike(a, b)
    taken = tf.gather(a, b, axis=-1, batch_dims=t.shape.rank - 1)
    return tf.transpose(taken, np.argsort(last))


def _leading_alike(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both with all axes but the last broadcast; what is known of their sizes stays known."""
    lead = tf.broadcast_dynamic_shape(tf.shape(a)[:-1], tf.shape(b)[:-1])
    known = tf.broadcast_static_shape(a.shape[:-1], b.shape[:-1])
    return tuple(  # type: ignore[return-value]
        tf.ensure_shape(
            tf.broadcast_to(t, tf.concat([lead, tf.shape(t)[-1:]], 0)), [*known, t.shape[-1]]
        )
        for t in (a, b)
    )


def argsort(t: Tensor, axis: int) -> Tensor:
    """Ascending and stable; NaN goes behind everything, as NumPy puts it."""
    if t.dtype.is_floating:
        bad = tf.not_equal(t, t)
        t = tf.where(bad, tf.constant(float("inf"), t.dtype), t)
    return tf.argsort(t, axis=axis, stable=True)
