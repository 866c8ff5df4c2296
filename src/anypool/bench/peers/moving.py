"""numbagg: moving means along an axis, and reductions over whole axes, all of them past NaN."""

from __future__ import annotations

from functools import partial
from typing import Any

import numbagg  # pyright: ignore[reportMissingImports]
import numpy as np

from ..job import Job
from . import Ready, forward_only, only

WHOLE = {"max": "nanmax", "min": "nanmin", "avg": "nanmean", "sum": "nansum",
         "median": "nanmedian"}  # fmt: skip


def start(threads: int) -> None:
    """Numba reads the number of threads from the environment."""


def make(job: Job) -> Ready:
    """Only what is one call of numbagg's."""
    forward_only(job)
    only(job.dtype in ("float32", "float64") and not job.masked,
         "it takes float32 and float64 without a mask")  # fmt: skip
    x = job.data()
    if job.kind == "whole":
        only(job.operation in WHOLE, f"it has no {job.operation}")
        function = partial(getattr(numbagg, WHOLE[job.operation]), x, axis=job.axes)
        return Ready(function, lambda y: np.asarray(y).reshape(_kept(job)))
    ones = job.kind == "sliding" and job.rank == 1 and job.stride == job.dilation == (1,)
    only(ones and job.operation == "avg", "it moves along one axis, and averages")
    return Ready(partial(_moving, x, job), np.asarray)


def _kept(job: Job) -> tuple[int, ...]:
    return tuple(1 if axis in job.axes else n for axis, n in enumerate(job.shape))


def _moving(x: np.ndarray, job: Job) -> Any:
    """The mean of the last k elements at every place, zeros of the padding counted."""
    [axis], [k], [p] = job.axes, job.kernel, job.padding
    if p:
        x = np.pad(x, [(p, p) if a == axis else (0, 0) for a in range(x.ndim)])
    y = numbagg.move_mean(x, window=k, axis=axis)
    return y[tuple(slice(k - 1, None) if a == axis else slice(None) for a in range(x.ndim))]
