"""The one comparison of the suite: it raises on any difference of shape, dtype or value."""

from __future__ import annotations

from typing import Any

import numpy as np

# Half types that NumPy has no finfo for.
_EPS = {"bfloat16": 2.0**-7}


def eps(dtype: Any) -> float:
    """The distance from 1 to the next number of a floating or complex dtype."""
    dtype = np.dtype(dtype)
    return _EPS.get(dtype.name) or float(np.finfo(dtype).eps)


def assert_same(
    got: Any, want: Any, *, ulp: float = 0, scale: Any = 0.0, check_dtype: bool = True
) -> None:
    """Raise unless both have one shape, one dtype and equal values.

    NaN equals NaN, zeros of either sign are equal, infinities must agree. Floats may differ by
    `ulp` units in the last place of max(|want|, scale); everything else must be equal.
    """
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        raise AssertionError(f"shape {got.shape}, wanted {want.shape}")
    if check_dtype and _native(got) != _native(want):
        raise AssertionError(f"dtype {got.dtype}, wanted {want.dtype}")
    bad = ~_agree(got, want, ulp, scale)
    if bad.any():
        raise AssertionError(_report(got, want, bad))


def _native(array: np.ndarray) -> np.dtype:
    """The dtype without its byte order: a big-endian input may give a native result."""
    return array.dtype.newbyteorder("=")


def _agree(got: np.ndarray, want: np.ndarray, ulp: float, scale: Any) -> np.ndarray:
    if not (_inexact(got) and _inexact(want)):
        return np.asarray(got == want)
    unit = eps(want.dtype)
    got, want = _wide(got), _wide(want)
    with np.errstate(all="ignore"):
        room = ulp * unit * np.maximum(np.abs(want), np.asarray(scale, np.float64))
        near = np.abs(got - want) <= room
    return (got == want) | (near & np.isfinite(want)) | (np.isnan(got) & np.isnan(want))


def _inexact(array: np.ndarray) -> bool:
    return array.dtype.kind in "fc" or array.dtype.name in _EPS


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _report(got: np.ndarray, want: np.ndarray, bad: np.ndarray) -> str:
    places = [tuple(map(int, place)) for place in np.argwhere(bad)[:5]]
    lines = [f"  at {place}: {got[place]!r}, wanted {want[place]!r}" for place in places]
    return "\n".join([f"{int(bad.sum())} of {bad.size} values differ", *lines])
