"""Compile the common kernels beforehand, so that no first call has to wait for one."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .errors import PoolError
from .kernels import why_not
from .kernels.cache import status
from .ops import pool, vjp
from .reductions import resolve
from .windows import Windows, adaptive, sliding, whole

POOLS = ("max", "mean")
WINDOWS = (sliding(2), sliding(3, 2, 1), sliding(3, 1, 1), adaptive(7), whole())
# channels first, channels last, a photograph; the pooled axes
ARRAYS = (((4, 4, 56, 56), (2, 3)), ((1, 56, 56, 64), (1, 2)), ((112, 112, 3), (0, 1)))


class Warmed(NamedTuple):
    """What `warm` did: kernels new on the disk, seconds, and where all of them are kept."""

    kernels: int
    seconds: float
    folder: str


def warm(
    pools: Sequence[str] = POOLS,
    dtypes: Sequence[str] = ("float32",),
    *,
    training: bool = True,
    tell: Callable[[str], None] = lambda words: None,
) -> Warmed:
    """Compile what networks and images are pooled by, and keep it for every later process.

    Windows of 2 and of 3 (stride 1 and 2, padded), adaptive and whole ones, over two axes, channels
    first and last: each pooling there, and with ``training`` also back, where dtype has a
    derivative. For an image of a container, or before a class of thirty starts at once.

    Args:
        pools: names of reductions: "max", "mean", "gem", ...
        dtypes: NumPy's names, or "bfloat16" where ml_dtypes is installed.
        training: also the way back.
        tell: hears a few words before each call.

    Raises:
        PoolError: where there are no kernels or nothing is kept; names that mean nothing.

    >>> warm([], []).kernels
    0
    """
    missing = why_not()
    if missing:
        raise PoolError(f"there are no kernels to compile: {missing}")
    before, began = status(), time.perf_counter()
    if not before["enabled"]:
        raise PoolError(f"compiled kernels are not kept here: {before['reason']}")
    for words, call in list(_calls(pools, dtypes, training)):
        tell(words)
        call()
    new = int(str(status()["files"])) - int(str(before["files"]))
    return Warmed(new, time.perf_counter() - began, str(before["directory"]))


def _calls(
    pools: Sequence[str], dtypes: Sequence[str], training: bool
) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name, dtype in product([resolve(one) for one in pools], [_dtype(one) for one in dtypes]):
        for windows, (shape, axes) in product(WINDOWS, ARRAYS):
            yield (
                f"{name} of {dtype}, {windows}",
                _call(name, dtype, windows, shape, axes, training),
            )


def _call(
    reduction: Any, dtype: np.dtype, windows: Windows, shape: tuple[int, ...],
    axes: tuple[int, ...], training: bool,
) -> Callable[[], Any]:  # fmt: skip
    def call() -> None:
        x = np.ones(shape, dtype)
        y = pool(x, windows, reduction, axes=axes)
        if training and dtype.kind in "fV" and reduction.differentiable:
            y, pullback = vjp(x, windows, reduction, axes=axes)
            pullback(np.ones_like(y))

    return call


def _dtype(name: str) -> np.dtype:
    """A dtype by its name; NumPy knows bfloat16 once ml_dtypes is loaded."""
    if name == "bfloat16":
        with contextlib.suppress(ImportError):
            importlib.import_module("ml_dtypes")
    try:
        return np.dtype(name)
    except TypeError:
        raise PoolError(
            f"dtype {name!r} is not known to NumPy; use float32, float16, ..., or bfloat16 where "
            "ml_dtypes is installed"
        ) from None
