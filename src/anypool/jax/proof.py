"""Whether XLA and our kernels understand each other in this process: tried once, before any use."""

from __future__ import annotations

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np

from .. import kernels
from . import jobs

NAME, SHAPE, FACTOR, PARTS = "anypool_trial", (7, 5), 3, 3


@functools.cache
def why_not() -> str:
    """Why compiled programs do not call our kernels on the CPU, or "" where they do.

    >>> import anypool.jax.proof
    >>> isinstance(anypool.jax.proof.why_not(), str)
    True
    """
    if missing := kernels.why_not():
        return missing
    found: list[str] = []
    # a thread of its own: whoever asks is in the middle of a trace or of a translation
    asked = threading.Thread(target=lambda: found.append(_tried()), name="anypool-trial")
    asked.start()
    asked.join()
    return found[0] if found else "the trial did not end"


def _tried() -> str:
    try:
        right = _agrees()
    except Exception as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        return f"jax {jax.__version__} calls them in a way of its own: {told[0][:200]}"
    return "" if right else f"jax {jax.__version__} gets wrong numbers from them"


def _agrees() -> bool:
    from ..kernels import steps

    jobs.register(NAME, steps.trial(SHAPE, FACTOR, PARTS))
    x = np.arange(35, dtype=np.float32).reshape(SHAPE)
    with jax.default_device(jax.devices("cpu")[0]):
        call = jax.ffi.ffi_call(NAME, jax.ShapeDtypeStruct(SHAPE, x.dtype))
        y = np.asarray(jax.jit(call)(jnp.asarray(x)))
    return bool((y == x * FACTOR + np.arange(7)[:, None]).all())
