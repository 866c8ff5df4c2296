"""JAX, compiled: its windows are lax.reduce_window; adaptive ones are slices, written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..job import Job
from ..recipes import Space, lowest, recipe
from . import Ready, only


def start(threads: int) -> None:
    """XLA takes as many threads as the process may use cores."""
    jax.config.update("jax_enable_x64", True)


class Arrays(Space):
    """JAX's functions, in the array's own layout."""

    m = jnp

    def top(self, t: Any) -> Any:
        if self.job.kind == "sliding":
            dtype = np.dtype(t.dtype)
            return self._windows(t, np.array(lowest(self.job), dtype), jax.lax.max)
        return self._laid(t, jnp.max)

    def mean(self, t: Any, padded: bool) -> Any:
        if self.job.kind == "sliding":
            counted = self.constant(self.job.laid(self.job.counts(padded)), t)
            return self.total(t) / counted
        return self._laid(t, jnp.mean)

    def total(self, t: Any) -> Any:
        if self.job.kind == "sliding":
            return self._windows(t, np.array(0, t.dtype), jax.lax.add)
        return self._laid(t, jnp.sum)

    def _windows(self, t: Any, first: Any, combine: Callable[..., Any]) -> Any:
        job, ndim = self.job, len(self.job.shape)

        def spread(values: tuple[int, ...], rest: int) -> tuple[int, ...]:
            laid = dict(zip(job.axes, values, strict=True))
            return tuple(laid.get(axis, rest) for axis in range(ndim))

        sides = [(p, p) for p in spread(job.padding, 0)]
        return jax.lax.reduce_window(
            t, first, combine, spread(job.kernel, 1), spread(job.stride, 1), sides,
            window_dilation=spread(job.dilation, 1),
        )  # fmt: skip

    def _laid(self, t: Any, reduce: Callable[..., Any]) -> Any:
        """Slices of one axis after the other; the bins of a pyramid side by side."""
        job = self.job
        if job.kind == "whole":
            return reduce(t, job.axes, keepdims=True)
        parts = [self._slices(t, grid, reduce) for grid in job.grids]
        if job.kind == "adaptive":
            return parts[0]
        at, last = job.axes[0], job.layout == "last"
        flat = [p.reshape(*p.shape[:at], -1, *(p.shape[-1:] if last else ())) for p in parts]
        return jnp.concatenate(flat, at)

    def _slices(self, t: Any, grid: Any, reduce: Callable[..., Any]) -> Any:
        for axis, windows in zip(self.job.axes, grid, strict=True):
            cut = [reduce(jax.lax.slice_in_dim(t, a, b, axis=axis), axis) for a, b, _ in windows]
            t = jnp.stack(cut, axis)
        return t

    def wide(self, t: Any) -> Any:
        floats = self.job.floating and t.dtype == bool
        return t.astype(self.job.dtype if floats else jnp.float64)

    def constant(self, a: np.ndarray, like: Any) -> Any:
        return jnp.asarray(a, like.dtype)


def make(job: Job) -> Ready:
    """Compiled once; each call waits until the result is there."""
    only(job.operation not in ("median", "max and indices"), f"it has no {job.operation}")
    mask = job.mask()
    args = (jnp.asarray(job.data()), *(() if mask is None else (jnp.asarray(mask),)))
    function = recipe(Arrays(job))
    if not job.backward:
        compiled = jax.jit(function)
        return Ready(lambda: compiled(*args).block_until_ready(), np.asarray)
    y, back = jax.jit(lambda x, *rest: jax.vjp(lambda t: function(t, *rest), x))(*args)
    g, pulled = jnp.asarray(job.incoming(y.shape)), jax.jit(lambda back, g: back(g)[0])
    return Ready(lambda: pulled(back, g).block_until_ready(), np.asarray)
