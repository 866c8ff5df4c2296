"""anypool: windows times a reduction, for every array.

A pooling is *windows* (where each output looks) times a *reduction* (what a window becomes):
``anypool.pool(x, windows, reduce)``. Every other name here is a short way to say that.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import reductions, windows
from .blur import blur_pool
from .errors import PoolError
from .explain import explain
from .ops import (
    adaptive_avg_pool,
    adaptive_max_pool,
    adaptive_pool,
    all_pool,
    any_pool,
    avg_pool,
    fractional_max_pool,
    gem_pool,
    global_avg_pool,
    global_max_pool,
    global_pool,
    lp_pool,
    lse_pool,
    max_pool,
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
from .unpool import indices_to_onnx, indices_to_tensorflow, max_unpool

if TYPE_CHECKING:  # they load on first touch
    from .porting import port, port_check

__version__ = "0.1.0"

__all__ = [
    "PoolError", "adaptive_avg_pool", "adaptive_max_pool", "adaptive_pool", "all_pool", "any_pool",
    "avg_pool", "blur_pool", "explain", "fractional_max_pool", "gem_pool", "global_avg_pool",
    "global_max_pool", "global_pool", "indices_to_onnx", "indices_to_tensorflow", "lp_pool",
    "lse_pool", "max_pool", "max_unpool", "median_pool", "min_pool", "mode_pool", "pool", "port",
    "port_check", "pyramid_pool", "quantile_pool", "reductions", "roi_pool", "soft_pool",
    "std_pool", "stochastic_pool", "sum_pool", "topk_pool", "var_pool", "vjp", "windows",
]  # fmt: skip

_ROOMS = ("see", "reference", "errors", "torch", "jax", "tensorflow", "keras")
_LATE = {"port": "porting", "port_check": "porting"}  # name -> the room that has it


def __getattr__(name: str) -> Any:
    """Rooms that need more than NumPy load on first touch."""
    if name in _LATE:
        return getattr(importlib.import_module(f".{_LATE[name]}", __name__), name)
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'anypool' has no attribute {name!r}")
