"""xarray: coarsen, for windows that are blocks."""

from __future__ import annotations

import numpy as np
import xarray  # pyright: ignore[reportMissingImports]

from ..job import Job
from . import Ready, forward_only, only

METHODS = {"max": "max", "min": "min", "avg": "mean", "sum": "sum", "median": "median",
           "std": "std"}  # fmt: skip


def start(threads: int) -> None:
    """It has one thread, but for what numbagg and bottleneck do for it."""


def make(job: Job) -> Ready:
    """A DataArray made before, and its blocks by name. NaN would be skipped: there is none."""
    forward_only(job)
    only(job.blocks is not None and not job.masked, "the windows are no blocks, or are masked")
    only(job.operation in METHODS, f"it has no {job.operation}")
    names = [f"a{axis}" for axis in range(len(job.shape))]
    array = xarray.DataArray(job.data(), dims=names)
    sizes = {names[a]: size for a, size in zip(job.axes, job.blocks or (), strict=True)}
    method = METHODS[job.operation]
    return Ready(lambda: getattr(array.coarsen(sizes), method)().values, np.asarray)
