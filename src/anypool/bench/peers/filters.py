"""SciPy: ndimage's filters, whose windows stand at every element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from ..job import Job
from ..recipes import lowest
from . import Ready, forward_only, only

SELECTED = 1e9  # a median of more numbers takes minutes


def start(threads: int) -> None:
    """They have one thread."""


def make(job: Job) -> Ready:
    """The filter over the whole array; without padding its borders are cut away."""
    forward_only(job)
    ones = (1,) * job.rank
    only(job.kind == "sliding" and job.stride == job.dilation == ones and not job.masked,
         "its filters have windows at every element, close together, without a mask")  # fmt: skip
    odd = all(k % 2 for k in job.kernel)
    padded = tuple(k // 2 for k in job.kernel) == job.padding
    only(odd and (padded or not any(job.padding)), "its windows stand on their middle")
    x, sizes = job.data(), dict(zip(job.axes, job.kernel, strict=True))
    only(job.dtype not in ("float16", "bfloat16"), "it does not take half types")
    size = tuple(sizes.get(axis, 1) for axis in range(x.ndim))
    inner = tuple(slice(n // 2, -(n // 2) or None) if not padded and n > 1 else slice(None)
                  for n in size)  # fmt: skip
    call = _filter(job, padded)
    return Ready(lambda: call(x, size)[inner], np.asarray)


def _filter(job: Job, padded: bool) -> Callable[..., Any]:
    low = lowest(job)
    high = np.inf if job.floating else float(np.iinfo(job.dtype).max)
    known: dict[str, Callable[..., Any]] = {
        "max": lambda x, size: ndimage.maximum_filter(x, size, mode="constant", cval=low),
        "min": lambda x, size: ndimage.minimum_filter(x, size, mode="constant", cval=high),
    }
    if job.floating:
        known["avg"] = lambda x, size: ndimage.uniform_filter(x, size, mode="constant")
    if not padded and math.prod(job.shape) * math.prod(job.kernel) <= SELECTED:
        known["median"] = lambda x, size: ndimage.median_filter(x, size, mode="nearest")
    only(job.operation in known, f"it has no such {job.operation}")
    return known[job.operation]
