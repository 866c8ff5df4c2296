"""Plain pooling in JAX's words, at the widths that JAX has (32 bits unless x64 is on)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from ..plain import Space

Array = Any
Function = Callable[..., Array]


@dataclass(frozen=True)
class JaxSpace(Space):
    """The operations of :class:`anypool.plain.Space` that JAX spells, or does, otherwise."""

    def dtype(self, dtype: Any) -> Any:
        """NumPy's dtype at JAX's width: without x64, 32 bits stand for 64."""
        return jax.dtypes.canonicalize_dtype(dtype)

    def astype(self, a: Array, dtype: Any) -> Array:
        return lax.convert_element_type(a, self.dtype(dtype))

    def asarray(self, a: Any, dtype: Any = None) -> Array:
        return jnp.asarray(a, None if dtype is None else self.dtype(dtype))

    def where(self, chosen: Array, a: Any, b: Any) -> Array:
        return jnp.where(chosen, a, b)

    def pad(self, a: Array, axis: int, before: int, after: int, value: Any) -> Array:
        sides = [(0, 0, 0)] * a.ndim
        sides[axis] = before, after, 0
        return lax.pad(a, jnp.asarray(value, a.dtype), sides) if before or after else a

    def pick(self, a: Array, axis: int, spots: np.ndarray) -> Array:
        rising = bool((np.diff(spots) > 0).all())
        return jnp.take(a, spots, axis=axis, mode="clip", unique_indices=rising,
                        indices_are_sorted=rising)  # fmt: skip

    def take_along_axis(self, a: Array, index: Array, axis: int) -> Array:
        return jnp.take_along_axis(a, index, axis=axis, mode="clip")

    def scattered(self, a: Array, spots: Array, n: int, how: str, start: Any) -> Array:
        at = jnp.full((a.shape[0], n), start, a.dtype).at[jnp.arange(a.shape[0])[:, None], spots]
        return at.add(a) if how == "add" else at.max(a)

    def stop_gradient(self, a: Array) -> Array:
        return lax.stop_gradient(a)

    def either(
        self, values: Callable[..., Array], sloped: Callable[..., Array], *a: Array
    ) -> Array:
        either = jax.custom_jvp(values)

        @either.defjvp
        def slopes(primals: Any, tangents: Any) -> Any:  # type: ignore[misc]
            x, *rest = primals
            return jax.jvp(lambda x: sloped(x, *rest), (x,), tangents[:1])

        return either(*a)

    def by_samples(self, f: Callable[..., list[Array]], *arrays: Array) -> list[Array]:
        def one(samples: list[Array]) -> list[Array]:
            return [a[0] for a in f(*(a[None] for a in samples))]

        return lax.map(jax.checkpoint(one), list(arrays))  # kept for a derivative, they fill all

    def truth(self, a: Array) -> bool | None:
        return None if isinstance(a, Tracer) else bool(a)


SPACE = JaxSpace(jnp)
