"""The few operations that plain pooling is written in, and their meaning in NumPy's words.

A space speaks for one framework. This one serves whatever namespace follows the array API standard
(NumPy itself, for one); a framework with words of its own overrides what differs. The recipes of
reductions (``anypool.reductions``) are handed a space as their ``xp``.

Every array an operation is given is the framework's own, apart from indices, which may be NumPy's
wherever they are known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Axes = int | tuple[int, ...]
Function = Callable[..., Array]


@dataclass(frozen=True)
class Space:
    """Plain operations in the words of ``xp``, a namespace of the array API standard."""

    xp: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.xp, name)  # abs, exp, log, sqrt, floor, ones_like, iinfo, finfo, ...

    # -- dtypes ---------------------------------------------------------------------------------

    @property
    def float64(self) -> Any:
        """The widest float there is."""
        return self.dtype(np.dtype(np.float64))

    @property
    def int64(self) -> Any:
        """The widest integer there is."""
        return self.dtype(np.dtype(np.int64))

    def dtype(self, dtype: Any) -> Any:
        """The framework's own dtype for NumPy's; its own pass."""
        return getattr(self.xp, dtype.name, dtype) if isinstance(dtype, np.dtype) else dtype

    def astype(self, a: Array, dtype: Any) -> Array:
        """``a`` in a dtype, the framework's own or NumPy's."""
        return self.xp.astype(a, self.dtype(dtype), copy=False)

    def isdtype(self, dtype: Any, kind: Any) -> bool:
        """Whether a dtype is one of the array API's kinds, such as "bool" and "integral"."""
        return self.xp.isdtype(dtype, kind)

    # -- making and laying out ------------------------------------------------------------------

    def asarray(self, a: Any, dtype: Any = None) -> Array:
        """NumPy's array, or a number, as the framework's."""
        return self.xp.asarray(a, dtype=None if dtype is None else self.dtype(dtype))

    def arange(self, n: int) -> Array:
        """0 to n - 1."""
        return self.xp.arange(n)

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        """Zeros."""
        return self.xp.zeros(tuple(shape), dtype=self.dtype(dtype))

    def where(self, chosen: Array, a: Any, b: Any) -> Array:
        """``a`` where chosen, else ``b``; each an array or a number."""
        if isinstance(a, float) and isinstance(b, float):
            a = self.asarray(a)
        return self.xp.where(chosen, a, b)

    def reshape(self, a: Array, shape: Sequence[int]) -> Array:
        """The same elements in another shape."""
        return self.xp.reshape(a, tuple(shape))

    def transpose(self, a: Array, order: Sequence[int]) -> Array:
        """The axes in another order."""
        return self.xp.permute_dims(a, tuple(order))

    def broadcast_to(self, a: Array, shape: Sequence[int]) -> Array:
        """``a`` repeated along its axes of length 1."""
        return self.xp.broadcast_to(a, tuple(shape))

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """One after the other."""
        return self.xp.concat(list(arrays), axis=axis)

    def pad(self, a: Array, axis: int, before: int, after: int, value: Any) -> Array:
        """``value`` before and after along an axis."""
        sides = [self._constant(a, axis, n, value) for n in (before, after)]
        parts = [p for p in (sides[0], a, sides[1]) if p.shape[axis]]
        return self.concat(parts, axis) if len(parts) > 1 else a

    def _constant(self, a: Array, axis: int, n: int, value: Any) -> Array:
        shape = [*a.shape[:axis], n, *a.shape[axis + 1 :]]
        return self.xp.full(tuple(shape), value, dtype=a.dtype)

    # -- reading --------------------------------------------------------------------------------

    def part(self, a: Array, axis: int, spots: slice) -> Array:
        """Evenly spaced slices along an axis."""
        return a[(slice(None),) * axis + (spots, ...)]

    def pick(self, a: Array, axis: int, spots: np.ndarray) -> Array:
        """The slices at known spots along an axis."""
        return self.xp.take(a, self.asarray(spots), axis=axis)

    def take_along_axis(self, a: Array, index: Array, axis: int) -> Array:
        """As NumPy's; other axes of length 1 broadcast."""
        return self.xp.take_along_axis(a, index, axis=axis)

    def scattered(self, a: Array, spots: Array, n: int, how: str, start: Any) -> Array:
        """(rows, n) of ``start`` with each row's elements added ("add") at their spots, or, how
        "max", the larger kept there."""
        made = np.full((a.shape[0], n), start, np.asarray(a).dtype)
        rows = np.broadcast_to(np.arange(a.shape[0])[:, None], a.shape)
        change = np.add if how == "add" else np.maximum
        change.at(made, (rows, np.asarray(spots)), np.asarray(a))
        return self.asarray(made)

    # -- reducing -------------------------------------------------------------------------------

    def sum(self, a: Array, axis: Axes, keepdims: bool = False) -> Array:
        """The sum in the dtype of ``a``; bools are counted."""
        a = self.astype(a, self.int64) if self.isdtype(a.dtype, "bool") else a
        return self.xp.sum(a, axis=axis, keepdims=keepdims, dtype=a.dtype)

    def max(self, a: Array, axis: Axes, keepdims: bool = False) -> Array:
        """The largest; NaN wins."""
        return self.xp.max(a, axis=axis, keepdims=keepdims)

    def min(self, a: Array, axis: Axes, keepdims: bool = False) -> Array:
        """The smallest; NaN wins."""
        return self.xp.min(a, axis=axis, keepdims=keepdims)

    def any(self, a: Array, axis: Axes | None = None) -> Array:
        """Whether any is true."""
        return self.xp.any(a, axis=axis)

    def argmax(self, a: Array, axis: int) -> Array:
        """Where the largest is, the first of its equals."""
        return self.xp.argmax(a, axis=axis)

    def argsort(self, a: Array, axis: int, stable: bool) -> Array:
        """The places in ascending order, equals in the order they came."""
        if self.isdtype(a.dtype, "bool"):
            a = self.astype(a, np.dtype(np.int8))
        return self.xp.argsort(a, axis=axis, stable=stable)

    def cumulative_sum(self, a: Array, axis: int) -> Array:
        """Sums up to and with each element."""
        return self.xp.cumulative_sum(a, axis=axis)

    def minimum(self, a: Array, b: Any) -> Array:
        """The lesser of two; a number may stand for an array."""
        return self.xp.minimum(a, self.asarray(b, a.dtype) if isinstance(b, int | float) else b)

    def maximum(self, a: Array, b: Any) -> Array:
        """The larger of two; NaN wins; a number may stand for an array."""
        return self.xp.maximum(a, self.asarray(b, a.dtype) if isinstance(b, int | float) else b)

    # -- what frameworks that trace or differentiate know better ---------------------------------

    def stop_gradient(self, a: Array) -> Array:
        """``a`` as a constant to derivatives."""
        return a

    def either(self, values: Function, sloped: Function, *a: Any) -> Array:
        """``values(*a)`` where nobody asks for a derivative, else the same from ``sloped(*a)``.

        Both give the same numbers; the derivative of the first would share ties. Only the first
        argument has a derivative; another may be None.
        """
        return values(*a)

    def by_samples(self, f: Callable[..., list[Array]], *arrays: Array) -> list[Array]:
        """``f`` of the arrays, sample by sample along axis 0, so that less memory is needed."""
        parts = [f(*(a[i : i + 1, ...] for a in arrays)) for i in range(arrays[0].shape[0])]
        return [self.concat(part, 0) for part in zip(*parts, strict=True)]

    def truth(self, a: Array) -> bool | None:
        """Whether an array of one bool is true; None where only a trace of it is known."""
        return bool(a)


NUMPY = Space(np)
