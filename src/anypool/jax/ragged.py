"""Arrays of different sizes as one padded batch with the sizes of each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..arrays import batch_of_sizes
from ..errors import PoolError
from ..windows import Windows

Array = Any


def padded(
    arrays: Any, windows: Windows, axes: Any, mask: Any, sizes: Any
) -> tuple[Array, np.ndarray, Any]:
    """The padded batch, the sizes of its samples and the pooled axes."""
    if mask is not None or sizes is not None:
        raise PoolError("a list of arrays has its own sizes; it takes no mask and no sizes")
    if not arrays or not all(isinstance(a, jax.Array | np.ndarray) for a in arrays):
        raise PoolError("a list must hold JAX's arrays, one for each sample")
    arrays = [jnp.asarray(a) for a in arrays]
    found, axes = batch_of_sizes([a.shape for a in arrays], [a.dtype for a in arrays], axes,
                                 windows)  # fmt: skip
    most = np.max([a.shape for a in arrays], axis=0)
    rows = [jnp.pad(a, [(0, m - n) for n, m in zip(a.shape, most, strict=True)]) for a in arrays]
    return jnp.stack(rows), found, axes
