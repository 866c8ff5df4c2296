"""Chance that is the same on every machine and under every NumPy.

NumPy promises that the bits of PCG64 never change, but not what `Generator` makes of them; so
everything here is made of those bits by arithmetic that is exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError


class Draws:
    """Uniform numbers, one after the other, from a seed.

    >>> Draws(0).uniform(3).round(3)
    array([0.637, 0.27 , 0.041])
    """

    def __init__(self, seed: int) -> None:
        whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        if not whole or seed < 0:
            raise PoolError(f"the seed is {seed!r}; it must be a whole number, 0 or more")
        self.bits = np.random.PCG64(int(seed))

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Numbers in [0, 1), 53 bits each."""
        raw = np.asarray(self.bits.random_raw(math.prod(shape)), np.uint64)
        whole = (raw >> np.uint64(11)).astype(np.float64)
        return whole.reshape(shape) * np.float64(2.0**-53)

    def below(self, most: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to ``most`` - 1."""
        return (self.uniform(*shape) * most).astype(np.int64)
