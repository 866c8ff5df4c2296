"""Plain operations in the words of a namespace of the array API standard, on one device."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PoolError
from ..plain import Space

Array = Any
NAMES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64",
    "uint32", "uint16", "uint8", "bool", "bool_", "complex128", "complex64",
)  # fmt: skip
NARROWER = {"float64": "float32", "int64": "int32", "uint64": "uint32", "complex128": "complex64",
            "bool": "bool_"}  # fmt: skip


class MissingNameError(PoolError, AttributeError):
    """A name of the standard that a namespace does not have."""


class Names:
    """A namespace, with one clear sentence for what it lacks."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._xp, name)
        except AttributeError:
            raise MissingNameError(
                f"{self._xp.__name__} has no {name}, which this pooling needs; it is of the array "
                "API standard of 2024.12: use a newer version, or copy x to NumPy"
            ) from None


@dataclass(frozen=True)
class ArraySpace(Space):
    """The operations of a namespace; what it makes lies on ``device``."""

    device: Any = None

    @staticmethod
    def of(x: Array, xp: Any) -> ArraySpace:
        """The space of an array's namespace and device."""
        return ArraySpace(Names(xp), getattr(x, "device", None))

    def dtype(self, dtype: Any) -> Any:
        """The namespace's own dtype for NumPy's; what comes nearest where it has none such."""
        if not isinstance(dtype, np.dtype):
            return dtype
        name: str | None = dtype.name
        while name is not None:
            found = getattr(self.xp, name, None)
            if found is not None:
                return found
            name = NARROWER.get(name)
        raise PoolError(f"{self.xp.__name__} has no dtype {dtype}; ask for another")

    @property
    def _there(self) -> dict[str, Any]:
        """The device, for namespaces that know any."""
        return {} if self.device is None else {"device": self.device}

    def astype(self, a: Array, dtype: Any) -> Array:
        kind = self.dtype(dtype)
        return a if a.dtype == kind else self.xp.astype(a, kind)

    def asarray(self, a: Any, dtype: Any = None) -> Array:
        kind = None if dtype is None else self.dtype(dtype)
        if isinstance(a, np.ndarray) and kind is None:
            kind = self.dtype(a.dtype)
        return self.xp.asarray(a, dtype=kind, **self._there)

    def arange(self, n: int) -> Array:
        return self.xp.arange(n, **self._there)

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        return self.xp.zeros(tuple(shape), dtype=self.dtype(dtype), **self._there)

    def _constant(self, a: Array, axis: int, n: int, value: Any) -> Array:
        shape = (*a.shape[:axis], n, *a.shape[axis + 1 :])
        return self.xp.full(shape, value, dtype=a.dtype, **self._there)

    def argmax(self, a: Array, axis: int) -> Array:
        whole = self.astype(a, np.dtype(np.int8)) if self.isdtype(a.dtype, "bool") else a
        return self.xp.argmax(whole, axis=axis)

    def scattered(self, a: Array, spots: Array, n: int, how: str, start: Any) -> Array:
        raise PoolError("the array API has nothing that scatters; copy y to NumPy")


def numpy_dtype(xp: Any, dtype: Any) -> np.dtype:
    """The NumPy dtype that a namespace's own stands for."""
    for name in NAMES:
        own = getattr(xp, name, None)
        if own is not None and own == dtype:
            return _bfloat16() if name == "bfloat16" else np.dtype(name.rstrip("_"))
    raise PoolError(f"x is {dtype}; pooling needs bool, integers, floats or complex")


def _bfloat16() -> np.dtype:
    """NumPy knows it by ml_dtypes only."""
    if importlib.util.find_spec("ml_dtypes") is None:
        raise PoolError("bfloat16 needs ml_dtypes beside NumPy: pip install ml_dtypes")
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)
