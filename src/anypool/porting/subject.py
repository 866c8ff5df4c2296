"""A callable under test: arrays go in and come out, whatever framework it is written in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PoolError

Halves = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def _torch(x: np.ndarray, dtype: str) -> Any:
    torch = sys.modules["torch"]
    return torch.from_numpy(np.ascontiguousarray(x)).to(getattr(torch, dtype))


def _jax(x: np.ndarray, dtype: str) -> Any:
    jnp = sys.modules["jax"].numpy
    return jnp.asarray(x, dtype=getattr(jnp, dtype))


def _tensorflow(x: np.ndarray, dtype: str) -> Any:
    tf = sys.modules["tensorflow"]
    return tf.cast(tf.convert_to_tensor(x), getattr(tf, dtype))


def _numpy(x: np.ndarray, dtype: str) -> Any:
    if dtype == "bfloat16":
        raise PoolError("NumPy has no bfloat16")
    return x.astype(dtype)


GIVERS: dict[str, Callable[[np.ndarray, str], Any]] = {
    "numpy": _numpy, "torch": _torch, "jax": _jax, "tensorflow": _tensorflow,
}  # fmt: skip


@dataclass
class Subject:
    """One of the two callables, and the kind of array that it takes."""

    function: Callable[[Any], Any]
    name: str
    channels: str | None = None  # where it has them, if it was told: arrays are moved for it
    kind: str = ""

    def ask(self, x: np.ndarray, dtype: str = "float32", kind: str = "") -> np.ndarray:
        """What it gives for x, as float64; raises what it raises."""
        return self._out(taken(self._given(x, dtype, kind)))

    def _given(self, x: np.ndarray, dtype: str, kind: str = "") -> Any:
        given = GIVERS[kind or self.kind or "numpy"](self._in(x), dtype)
        with np.errstate(all="ignore"):
            return self.function(given)

    def _in(self, x: np.ndarray) -> np.ndarray:
        return np.moveaxis(x, 1, -1) if self.channels == "last" and x.ndim > 2 else x

    def _out(self, y: np.ndarray) -> np.ndarray:
        return np.moveaxis(y, -1, 1) if self.channels == "last" and y.ndim > 2 else y

    def settle(self, x: np.ndarray) -> Exception | None:
        """Find the kind of array it takes; what it said where it takes none."""
        said: Exception | None = None
        for kind in _kinds(self.function):
            self.kind = kind
            try:
                self.ask(x)
            except Exception as error:  # whatever a framework raises
                said = said or error
            else:
                return None
        return said

    def try_(self, x: np.ndarray) -> np.ndarray | Exception:
        """The same, with what it raises as a value."""
        try:
            return self.ask(x)
        except Exception as error:  # whatever a framework raises
            return error

    def kind_for(self, x: np.ndarray, dtype: str) -> str:
        """The kind of array that goes in and comes out as a half type; "" where there is none."""
        for kind in (self.kind, *(k for k in loaded() if k != self.kind)):
            try:
                y = self._given(x, dtype, kind)
            except Exception:  # whatever a framework raises
                continue
            y = y[0] if isinstance(y, tuple | list) else y
            found = getattr(y, "dtype", "")
            if str(getattr(found, "name", found)).rpartition(".")[2] == dtype:
                return kind
        return ""


def loaded() -> list[str]:
    """The kinds of arrays that the process knows already."""
    return ["numpy", *(k for k in ("torch", "jax", "tensorflow") if k in sys.modules)]


def _kinds(function: Any) -> list[str]:
    """Kinds of arrays to try: those of the callable's own framework first, if it tells."""
    own = [type(function).__module__, str(getattr(function, "__module__", ""))]
    tops = [name.partition(".")[0].replace("jaxlib", "jax") for name in own]
    tops += ["torch"] if "anypool.torch" in "".join(own) else []
    return sorted(loaded(), key=lambda kind: kind not in tops)


def taken(y: Any) -> np.ndarray:
    """A result as a NumPy array of float64; the first of several."""
    if isinstance(y, tuple | list):
        y = y[0]
    if hasattr(y, "detach"):  # PyTorch
        y = y.detach().cpu().double()
    return np.asarray(y).astype(np.float64)
