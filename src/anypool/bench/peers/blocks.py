"""scikit-image: block_reduce, for windows that are blocks."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from skimage.measure import block_reduce

from ..job import Job
from . import Ready, forward_only, only
from .reshaped import PLAIN


def start(threads: int) -> None:
    """It has one thread."""


def make(job: Job) -> Ready:
    """Blocks of one along the axes that are not pooled."""
    forward_only(job)
    only(job.blocks is not None and not job.masked, "the windows are no blocks, or are masked")
    only(job.operation in PLAIN, f"it has no {job.operation}")
    sizes = dict(zip(job.axes, job.blocks or (), strict=True))
    block: Any = tuple(sizes.get(axis, 1) for axis in range(len(job.shape)))
    return Ready(partial(block_reduce, job.data(), block, PLAIN[job.operation]), np.asarray)
