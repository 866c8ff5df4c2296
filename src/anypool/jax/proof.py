"""Whether XLA and our kernels understand each other in this process: tried once, before any use."""

from __future__ import annotations

import functools
import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import kernels
from . import frames
from .frames import Shape

NAME = "anypool_proof"
_X, _W = Shape(np.dtype(np.float32), (2, 3, 5)), Shape(np.dtype(np.uint8), (3, 1))
_KEPT: list[Any] = []  # XLA may call a handler as long as the process lives


@functools.cache
def why_not() -> str:
    """Why compiled programs do not call our kernels on the CPU, or "" where they do.

    >>> why_not() in ("", "ANYPOOL_KERNELS=0") or why_not().startswith("numba")
    True
    """
    missing = kernels.why_not()
    if missing:
        return missing
    found: list[str] = []
    # a thread of its own: whoever asks is in the middle of a trace or of a translation
    asked = threading.Thread(target=lambda: found.append(_tried()), name="anypool-proof")
    asked.start()
    asked.join()
    return found[0] if found else "the trial did not end"


def _tried() -> str:
    try:
        if _agrees():
            return ""
        return f"XLA's calls of jax {jax.__version__} give wrong numbers"
    except Exception as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        return f"XLA's calls of jax {jax.__version__} are not as expected: {told[0][:200]}"


def _agrees() -> bool:
    """A call with two arguments and two results, each of its own dtype and shape."""
    handler = frames.handler(_work, (_X, _W), (_W, _X))
    _KEPT.append(handler)
    jax.ffi.register_ffi_target(NAME, frames.capsule(handler), platform="cpu")
    kinds = [jax.ShapeDtypeStruct(s.axes, s.dtype) for s in (_W, _X)]
    with jax.default_device(jax.devices("cpu")[0]):
        x = np.arange(30, dtype=np.float32).reshape(_X.axes)
        w = np.array([[3], [1], [2]], np.uint8)
        found = jax.jit(jax.ffi.ffi_call(NAME, kinds))(jnp.asarray(x), w)
        other, y = (np.asarray(a) for a in found)
    return bool((y == x * w + 1).all() and (other == w + 1).all())


def _work(x: np.ndarray, w: np.ndarray, other: np.ndarray, y: np.ndarray) -> None:
    np.multiply(x, w, out=y)
    np.add(y, 1, out=y)
    np.add(w, 1, out=other)
