"""Foreign arrays as NumPy's, where they lie in CPU memory; and the way back."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..errors import PoolError
from ..plan import storable

CPU = 1  # DLPack's number for memory that every program may read


def namespace(x: Any) -> Any:
    """The array API namespace of an array; None where it has none."""
    own = getattr(type(x), "__array_namespace__", None)
    return None if own is None else x.__array_namespace__()


def viewed(x: Any) -> np.ndarray | None:
    """``x`` as a NumPy array over the same memory, without a copy; None where that cannot be."""
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    for way in (_by_dlpack, _by_buffer, _by_array):
        found = way(x)
        if found is not None and storable(found.dtype):
            return found
    return None


def _by_dlpack(x: Any) -> np.ndarray | None:
    if not hasattr(type(x), "__dlpack__"):
        return None
    try:
        if int(x.__dlpack_device__()[0]) != CPU:
            return None
        return np.from_dlpack(x)
    except Exception:  # every library has errors of its own for what it cannot hand over
        return None


def _by_buffer(x: Any) -> np.ndarray | None:
    try:
        return np.asarray(memoryview(x))
    except (TypeError, ValueError, BufferError, NotImplementedError):
        return None


def _by_array(x: Any) -> np.ndarray | None:
    """NumPy's own protocol, for arrays that lie nowhere else: those have DLPack."""
    if hasattr(type(x), "__dlpack__") or not hasattr(type(x), "__array__"):
        return None
    return np.asarray(x)


def to_numpy(value: Any, what: str) -> Any:
    """An argument beside x as NumPy's array; plain values pass."""
    if value is None or not foreign(value):
        return value
    found = viewed(value)
    if found is None:
        raise PoolError(
            f"{what} is a {name_of(value)} that cannot be read as x is; put it where x lies"
        )
    return found


def foreign(value: Any) -> bool:
    """Whether a value is an array of another library."""
    if isinstance(value, np.ndarray | np.generic | list | tuple | int | float | bool):
        return False
    return any(hasattr(type(value), name) for name in ("__array_namespace__", "__dlpack__"))


def given_back(a: Any, like: Any) -> Any:
    """A new NumPy array as one of ``like``'s library, on its device; NumPy's where it has no way.

    The memory is handed over, not copied.
    """
    if not isinstance(a, np.ndarray):
        return a
    xp = namespace(like)
    if xp is None:
        return _by_module(a, like)
    try:
        made = xp.from_dlpack(a)
    except Exception:  # a library that takes no NumPy memory, or not this dtype
        made = xp.asarray(a)
    device = getattr(like, "device", None)
    if device is not None and getattr(made, "device", device) != device:
        made = made.to_device(device)
    return made


def _by_module(a: np.ndarray, like: Any) -> Any:
    """By the ``from_dlpack`` of the package that the array's type comes from."""
    parts = type(like).__module__.split(".")
    for end in range(len(parts), 0, -1):
        take = getattr(sys.modules.get(".".join(parts[:end])), "from_dlpack", None)
        if take is not None:
            return take(a)
    return a


def name_of(x: Any) -> str:
    """What an array is called: its package and its type."""
    return f"{type(x).__module__.partition('.')[0]} {type(x).__name__}"
