"""Who pools: NumPy's kernels for arrays at hand on the CPU, plain operations for all else."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import plain
from ..errors import PoolError
from ..plan import Plan
from . import jobs, steps
from .request import traced
from .space import SPACE

Array = Any
SMALL = 1 << 16  # bytes up to which a copy costs less than lending the memory


# -- arrays at hand -----------------------------------------------------------------------------


def at_hand(x: Array) -> bool:
    """Whether NumPy can read x where it lies: an array on one CPU device, not a trace."""
    if traced(x):
        return False
    devices = x.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"


def to_numpy(value: Any) -> Any:
    """JAX's array as NumPy's, without a copy on the CPU; anything else as it is."""
    return np.asarray(value) if isinstance(value, jax.Array) else value


def to_jax(a: np.ndarray, like: Array) -> Array:
    """A new NumPy array as one of JAX's beside ``like``, at JAX's width; large ones are not copied.

    The memory must belong to nobody else.
    """
    a = a.astype(SPACE.dtype(a.dtype), copy=False)
    [device] = like.devices()
    if jax.default_backend() != "cpu" or device.id:
        return jax.device_put(a, device)
    if a.nbytes <= SMALL or a.dtype.kind not in "fiuc" or not a.flags.c_contiguous:
        return jnp.asarray(a)
    return jnp.from_dlpack(a)


# -- traces, and other devices -------------------------------------------------------------------


def pooled(plan: Plan, x: Array, given: dict[str, Array], threads: int | None = None) -> Any:
    """Pool by steps that are kernels on the CPU, or in plain operations compiled once a plan."""
    if not given and not plan.options.indices and plan.options.fill is not None and (
        jobs.training(plan) is not None
    ):  # fmt: skip
        return steps.pool(x, plan, threads)
    if plan.options.indices and math.prod(plan.sizes) > np.iinfo(SPACE.int64).max:
        raise PoolError("indices of a plane this large need 64 bits; turn jax_enable_x64 on")
    looks = plan.options.fill is None or plan.options.nan == "raise"
    if looks and not traced(x, *given.values()):
        return plain.pool(SPACE, plan, x, **given)
    return compiled(plan)(x, given)


@lru_cache(maxsize=4096)
def compiled(plan: Plan) -> Callable[..., Any]:
    """The plan as a compiled function of x and of the arrays beside it."""

    def anypool(x: Array, given: dict[str, Array]) -> Any:
        if not plan.reduction.differentiable and plan.natural.kind in "fV":
            x = _without_slope(plan, x)
        return plain.pool(SPACE, plan, x, **given)

    return jax.jit(anypool)


def _without_slope(plan: Plan, x: Array) -> Array:
    """x, with a derivative that is an error."""

    @jax.custom_jvp
    def same(x: Array) -> Array:
        return x

    @same.defjvp
    def slope(primals: Any, tangents: Any) -> Any:  # type: ignore[misc]
        raise PoolError(f"{plan.reduction.name} has no gradient")

    return same(x)
