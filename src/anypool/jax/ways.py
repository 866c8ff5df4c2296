"""Who pools: NumPy's kernels for arrays at hand on the CPU, plain operations for all else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import plain
from ..engine import prepare
from ..errors import PoolError
from ..ops import ACCEPTED
from ..plain.finish import assembled
from ..plan import Plan
from ..reductions import resolve
from ..windows import Adaptive, Pyramid, Windows
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
    found = None if given else by_steps(plan, x, threads)
    if found is not None:
        return found
    if plan.options.indices and math.prod(plan.sizes) > np.iinfo(SPACE.int64).max:
        raise PoolError("indices of a plane this large need 64 bits; turn jax_enable_x64 on")
    looks = plan.options.fill is None or plan.options.nan == "raise"
    if looks and not traced(x, *given.values()):
        return plain.pool(SPACE, plan, x, **given)
    return compiled(plan)(x, given)


def usual(x: Array, windows: Any, reduce: Any, indices: bool, common: dict[str, Any]) -> Any:
    """The plan of a call that has nothing but x and plain options; None for any other call."""
    if getattr(reduce, "sampled", False) or getattr(windows, "random", False):
        return None  # they may hold a traced key, which nothing may keep
    try:
        return _known(x.shape, x.dtype, windows, reduce, indices, tuple(common.items()))
    except TypeError:  # a list among the arguments
        return None


@lru_cache(maxsize=4096)
def _known(
    shape: tuple[int, ...], dtype: Any, windows: Any, reduce: Any, indices: bool,
    common: tuple[tuple[str, Any], ...],
) -> Plan | None:  # fmt: skip
    known = dict(common)
    if not isinstance(windows, Windows) or known.keys() - ACCEPTED:
        return None
    like = np.broadcast_to(np.zeros((), np.dtype(dtype)), shape)
    return prepare(like, windows, resolve(reduce), indices=indices, **known).plan


def by_steps(plan: Plan, x: Array, threads: int | None) -> Any:
    """The same by the steps of ``steps``, or None where they do not serve every grid."""
    grids = each_grid(plan)
    if not x.size or plan.options.fill is None or any(jobs.training(g) is None for g in grids):
        return None
    if not plan.options.indices:
        return assembled(SPACE, plan, [steps.pool(x, grid, threads) for grid in grids])
    found = [steps.found(x, grid, threads) for grid in grids]
    y, at = zip(*found, strict=True)
    return assembled(SPACE, plan, y), assembled(SPACE, plan, at)


@lru_cache(maxsize=4096)
def each_grid(plan: Plan) -> tuple[Plan, ...]:
    """A plan for each grid, which gives values and keeps its axes."""
    options, windows = replace(plan.options, indices=False), plan.windows
    if not isinstance(windows, Pyramid):
        return (replace(plan, options=options),)
    kinds = (Adaptive(size, windows.rule) for size in windows.bins)
    return tuple(replace(plan, options=options, windows=own) for own in kinds)


@lru_cache(maxsize=4096)
def compiled(plan: Plan) -> Callable[..., Any]:
    """The plan as a compiled function of x and of the arrays beside it."""

    def anypool(x: Array, given: dict[str, Array]) -> Any:
        unsloped = not plan.reduction.differentiable and not plan.recipe.user
        if unsloped and plan.natural.kind in "fV":
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
