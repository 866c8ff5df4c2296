"""What the kernels do for XLA on the CPU: one job for each step of a plan, made once.

Everything but the memory is worked out here: a job is handed arrays and runs a kernel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import kernels
from ..kernels.share import bits
from ..plan import Plan
from . import frames
from .frames import Shape

VERSION = 1  # of what steps mean: their names are kept in JAX's cache of compiled programs


class Job(NamedTuple):
    """A step: what it reads, what it writes, and the function that does it."""

    run: Callable[..., None]
    arguments: tuple[Shape, ...]
    results: tuple[Shape, ...]


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


@lru_cache(maxsize=4096)
def job(step: str, plan: Plan, threads: int | None) -> Job | None:
    """The job for a step, or None where no kernel does it."""
    x, y = Shape(plan.dtype, plan.shape), Shape(plan.dtype, out_shape(plan))
    taps = Shape(tap_dtype(plan), y.axes) if plan.recipe.family == "extreme" else None
    made = training(plan)
    if step == "values":
        like = [kernels.unreal(s.axes, s.dtype) for s in (x, y)]
        go = kernels.into(plan, plan.fixed, *like, threads)  # type: ignore[arg-type]
        return None if go is None else Job(_in_bits(go), (x,), (y,))
    if step == "found":
        return Job(_found(plan, made, threads), (x,), (y, taps))  # type: ignore[arg-type]
    if step == "spread":
        return Job(lambda g, taps, gx: made.backward(g, taps, gx, threads),
                   (y, taps), (x,))  # type: ignore[arg-type]  # fmt: skip
    return Job(lambda g, gx: made.backward(g, None, gx, threads), (y,), (x,))


def _in_bits(go: Callable[..., None]) -> Callable[..., None]:
    """Kernels read halves as the integers they are stored as."""

    def run(x: np.ndarray, y: np.ndarray) -> None:
        go(bits(x), bits(y))

    return run


def _found(plan: Plan, made: Any, threads: int | None) -> Callable[..., None]:
    def run(x: np.ndarray, y: np.ndarray, taps: np.ndarray) -> None:
        made.forward(x, y, taps, threads)
        kernels.fill_empty(plan, plan.fixed.grids[0], y)  # type: ignore[union-attr]

    return run


# -- as XLA knows them ---------------------------------------------------------------------------

_KEPT: dict[str, Any] = {}  # XLA calls handlers as long as the process lives


def target(step: str, plan: Plan, threads: int | None) -> str | None:
    """The name under which XLA finds the job; None where no kernel does it.

    It says all that the job does: compiled programs outlive processes in JAX's own cache.
    """
    made = job(step, plan, threads)
    if made is None:
        return None
    told = repr((VERSION, step, plan, threads))
    name = f"anypool_{step}_{hashlib.sha256(told.encode()).hexdigest()[:24]}"
    if name not in _KEPT:
        handler = frames.handler(made.run, made.arguments, made.results)
        jax.ffi.register_ffi_target(name, frames.capsule(handler), platform="cpu")
        _KEPT[name] = handler
    return name
