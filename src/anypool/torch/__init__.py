"""anypool for PyTorch: import pooling from here instead of torch.nn, and nothing else changes.

The modules with torch.nn's names are subclasses of them; beside these are the poolings that
torch.nn lacks. ``functional`` has torch.nn.functional's names. ``swap(model)`` exchanges the
poolings of a finished model. Every other name of torch.nn is found here too, so that
``import anypool.torch as nn`` may stand in for ``import torch.nn as nn``; ``functional`` likewise.
"""

from __future__ import annotations

from typing import Any as _Any

try:
    import torch as _torch
except ImportError:
    raise ModuleNotFoundError(
        "anypool.torch needs PyTorch, which is not installed: pip install 'anypool[torch]'",
        name="torch",
    ) from None

from ..errors import PoolError
from . import dropin, functional, heads, layers, smoothing
from .dropin import *  # noqa: F403
from .exchange import Swap, swap
from .front import pool
from .heads import *  # noqa: F403
from .layers import *  # noqa: F403
from .smoothing import *  # noqa: F403

__all__ = ["PoolError", "Swap", "functional", "pool", "swap"]
__all__ += dropin.__all__ + layers.__all__ + heads.__all__ + smoothing.__all__


def __getattr__(name: str) -> _Any:
    """What is no pooling comes from torch.nn."""
    if hasattr(_torch.nn, name):
        return getattr(_torch.nn, name)
    raise AttributeError(f"neither anypool.torch nor torch.nn has {name!r}")
