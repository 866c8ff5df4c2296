"""NumPy: blocks by a reshape, where the windows cut the array into equal ones; medians by views."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..job import Job
from ..recipes import Space, recipe
from . import Ready, forward_only, only


def start(threads: int) -> None:
    """NumPy's reductions have one thread."""


def cut(x: np.ndarray, job: Job) -> tuple[np.ndarray, tuple[int, ...]]:
    """The array with two axes for each pooled one, and the axes within the blocks."""
    sizes, shape, within = dict(zip(job.axes, job.blocks or (), strict=True)), [], []
    for axis, n in enumerate(x.shape):
        if axis in sizes:
            shape += [n // sizes[axis], sizes[axis]]
            within.append(len(shape) - 1)
        else:
            shape.append(n)
    return x.reshape(shape), tuple(within)


SORTED = 1e8  # of more numbers a median takes minutes


class Blocks(Space):
    """NumPy's functions over blocks."""

    m = np

    def top(self, t: Any) -> Any:
        return self._reduced(np.max, t)

    def mean(self, t: Any, padded: bool) -> Any:
        return self._reduced(np.mean, t)

    def total(self, t: Any) -> Any:
        return self._reduced(np.sum, t)

    def _reduced(self, function: Any, t: Any) -> Any:
        blocks, within = cut(t, self.job)
        return function(blocks, axis=within)

    def wide(self, t: Any) -> Any:
        floats = self.job.floating and t.dtype == bool
        return t.astype(self.job.dtype if floats else np.float64)

    def constant(self, a: np.ndarray, like: Any) -> Any:
        return np.asarray(a, like.dtype)


PLAIN = {"max": np.max, "min": np.min, "median": np.median, "std": np.std, "avg": np.mean}


def make(job: Job) -> Ready:
    """The reshape is part of the call: it is free."""
    forward_only(job)
    if job.operation == "median" and job.blocks is None and not job.masked:
        return _viewed(job)
    only(job.blocks is not None, "the windows are no blocks that a reshape could make")
    only(job.operation != "max and indices", "a reshape gives no indices of the array")
    x, mask = job.data(), job.mask()
    if mask is not None:
        only(job.operation in ("max", "avg"), "not written by hand here")
        return Ready(partial(recipe(Blocks(job)), x, mask), np.asarray)
    if job.operation in PLAIN:
        function = PLAIN[job.operation]
        return Ready(lambda: function((b := cut(x, job))[0], axis=b[1]), np.asarray)
    return Ready(partial(recipe(Blocks(job)), x), np.asarray)


def _viewed(job: Job) -> Ready:
    """A median of windows as a view shows them, which are copied as they are sorted."""
    only(job.kind == "sliding" and not any(job.padding), "no view shows such windows")
    only(job.taps <= SORTED, f"its windows hold {job.taps / 1e9:.1g} billion numbers")
    x = job.data()
    spans = tuple(d * (k - 1) + 1 for k, d in zip(job.kernel, job.dilation, strict=True))
    steps = [slice(None)] * x.ndim
    for axis, stride in zip(job.axes, job.stride, strict=True):
        steps[axis] = slice(None, None, stride)
    steps += [slice(None, None, d) for d in job.dilation]
    within = tuple(range(-job.rank, 0))

    def call() -> Any:
        return np.median(sliding_window_view(x, spans, job.axes)[tuple(steps)], axis=within)

    return Ready(call, np.asarray)
