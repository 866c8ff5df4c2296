"""anypool itself, on NumPy's arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ... import windows as kinds
from ...ops import pool, vjp
from ..job import OPERATIONS, Job
from . import Ready, joined


def start(threads: int) -> None:
    """The number of threads is in the environment already."""


def make(job: Job) -> Ready:
    """The call that a user makes."""
    x, mask, windows = job.data(), job.mask(), getattr(kinds, job.kind)(**job.windows)
    more: dict[str, Any] = {"axes": job.axes} | ({} if mask is None else {"mask": mask})
    reduce = OPERATIONS[job.operation]
    if job.operation == "max and indices":
        more["return_indices"] = True
        return Ready(partial(pool, x, windows, reduce, **more), lambda both: joined(*both))
    if not job.backward:
        return Ready(partial(pool, x, windows, reduce, **more), np.asarray)
    y, back = vjp(x, windows, reduce, **more)
    return Ready(partial(back, job.incoming(y.shape)), np.asarray)
