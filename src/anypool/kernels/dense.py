"""Arrays whose memory is one dense run with the pooled axes side by side in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import frame
from .share import bits


def order_of(
    shape: Sequence[int], strides: Sequence[int], pooled: Sequence[int]
) -> tuple[int, ...] | None:
    """The axes from the outermost in memory to the innermost, or None.

    None where the pooled axes do not follow each other in their own order, or where it cannot be
    told where they stand. Axes of length 1 may stand anywhere.
    """
    long = [a for a in pooled if shape[a] > 1]
    if not long:
        return None
    rest = [a for a in range(len(shape)) if a not in pooled]
    rest.sort(key=lambda a: (shape[a] > 1, -abs(strides[a])))
    inside = [a for a in rest if shape[a] > 1 and abs(strides[a]) < abs(strides[long[-1]])]
    return (*(a for a in rest if a not in inside), *pooled, *inside)


class Dense:
    """A shape and the order of its axes in memory: what an array must be like to be flat."""

    __slots__ = ("natural", "order", "shape", "steps", "wanted")

    def __init__(self, shape: Sequence[int], order: tuple[int, ...]) -> None:
        self.shape, self.order = tuple(shape), order
        self.natural = order == tuple(range(len(order)))
        steps = [0] * len(order)
        for at, axis in enumerate(order):
            steps[axis] = math.prod(shape[a] for a in order[at + 1 :])
        self.steps = tuple(steps)
        self.wanted = {n: tuple(n * s for s in steps) for n in (1, 2, 4, 8)}

    def holds(self, a: np.ndarray) -> bool:
        """Whether ``a`` has this shape and lies like this; axes of length 1 may have any stride."""
        if a.shape != self.shape:
            return False
        wanted = self.wanted[a.itemsize]
        return a.strides == wanted or all(
            n == 1 or given == step
            for n, given, step in zip(a.shape, a.strides, wanted, strict=True)
        )

    def empty(self, dtype: np.dtype | type) -> np.ndarray:
        """A new array that lies like this."""
        if self.natural:
            return np.empty(self.shape, dtype)
        made = np.empty([self.shape[a] for a in self.order], dtype)
        return made.transpose(np.argsort(self.order))

    def laid(self, a: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """``a`` itself, or a copy of this dtype that lies like this."""
        if a.dtype == dtype and self.holds(a):
            return a
        made = self.empty(dtype)
        made[...] = a
        return made

    def flat(self, a: np.ndarray) -> np.ndarray:
        """The memory of ``a`` as kernels read it, without a copy."""
        if not self.holds(a):
            raise ValueError(f"{a.shape}, {a.strides} is not {self.shape}, {self.order} in memory")
        a = bits(a)
        if not self.natural:
            a = a.transpose(self.order)
        if a.flags.writeable and a.flags.c_contiguous:
            return a.reshape(-1)
        return frame.flat(a).data
