"""What the kernels do for XLA on the CPU: one function for each step of a plan, registered once."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from .. import kernels
from ..plain.places import lay
from ..plan import Plan
from .space import SPACE

VERSION = 1  # of what steps mean: their names are kept in JAX's cache of compiled programs
_KNOWN: dict[str, bool] = {}
_lock = threading.Lock()


@lru_cache(maxsize=4096)
def training(plan: Plan) -> Any:
    """The kernels that know the way back too, for arrays in C order; None where there are none."""
    if plan.fixed is None or plan.windows.joined or plan.result != plan.dtype:
        return None
    return kernels.for_training(plan, plan.fixed, 0, kernels.unreal(plan.shape, plan.dtype))


def tap_dtype(plan: Plan) -> np.dtype:
    """The dtype of the places in windows that max and min keep for their derivative."""
    return np.dtype(training(plan).tap_dtype)


def out_shape(plan: Plan) -> tuple[int, ...]:
    """The shape of the one grid's output, pooled axes of length 1 kept."""
    return plan.out_shape(plan.fixed.grids[0])  # type: ignore[union-attr]


def tiled(plan: Plan) -> bool:
    """Whether windows lie side by side: the way back through a mean only repeats numbers then."""
    return all(own.tiled for own in lay(SPACE, plan, 0, None, None))


def target(step: str, plan: Plan, threads: int | None) -> str | None:
    """The name under which XLA finds the function; None where no kernel does the step.

    It says all that the function does: compiled programs outlive processes in JAX's own cache.
    """
    told = repr((VERSION, step, plan, threads))
    name = f"anypool_{step}_{hashlib.sha256(told.encode()).hexdigest()[:24]}"
    with _lock:
        if name not in _KNOWN:
            _KNOWN[name] = _register(name, step, plan, threads)
        return name if _KNOWN[name] else None


def _register(name: str, step: str, plan: Plan, threads: int | None) -> bool:
    from ..kernels import steps

    address = steps.handler(step, plan, threads)
    if address is None:
        return False
    register(name, address)
    return True


def register(name: str, address: int) -> None:
    """Make a C function known to XLA."""
    capsule = jax.ffi.pycapsule(ctypes.c_void_p(address))
    jax.ffi.register_ffi_target(name, capsule, platform="cpu")
