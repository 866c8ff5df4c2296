"""anypool for JAX: every pooling of ``anypool`` on JAX's arrays, under every transformation.

The functions have the names they have in ``anypool``, which knows JAX's arrays too; here NumPy's
arrays become JAX's, and the parameters of gem, lse, soft and lp may be arrays that are learned.
"""

from __future__ import annotations

try:
    import jax as _jax  # noqa: F401
except ImportError:
    raise ModuleNotFoundError(
        "anypool.jax needs JAX, which is not installed: pip install 'anypool[jax]'", name="jax"
    ) from None

from .. import reductions, windows
from ..errors import PoolError
from .functions import (
    adaptive_avg_pool,
    adaptive_max_pool,
    adaptive_pool,
    all_pool,
    any_pool,
    avg_pool,
    blur_pool,
    fractional_max_pool,
    gem_pool,
    global_avg_pool,
    global_max_pool,
    global_pool,
    lp_pool,
    lse_pool,
    max_pool,
    max_unpool,
    median_pool,
    min_pool,
    mode_pool,
    pool,
    pyramid_pool,
    quantile_pool,
    roi_pool,
    soft_pool,
    std_pool,
    stochastic_pool,
    sum_pool,
    topk_pool,
    var_pool,
    vjp,
)

__all__ = [
    "PoolError", "adaptive_avg_pool", "adaptive_max_pool", "adaptive_pool", "all_pool", "any_pool",
    "avg_pool", "blur_pool", "fractional_max_pool", "gem_pool", "global_avg_pool",
    "global_max_pool", "global_pool", "lp_pool", "lse_pool", "max_pool", "max_unpool",
    "median_pool", "min_pool", "mode_pool", "pool", "pyramid_pool", "quantile_pool", "reductions",
    "roi_pool", "soft_pool", "std_pool", "stochastic_pool", "sum_pool", "topk_pool", "var_pool",
    "vjp", "windows",
]  # fmt: skip
