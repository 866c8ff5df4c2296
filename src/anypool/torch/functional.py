"""torch.nn.functional's pooling, by its own names and signatures, and what it lacks.

The functions with PyTorch's names accept and refuse what PyTorch accepts and refuses, and give its
values, dtypes, memory formats and derivatives; where PyTorch is wrong (Lp in ceil mode and on
negative numbers, halves in ``adaptive_avg_pool3d``) they are right. ``docs/torch.md`` tells all.
Everything else of torch.nn.functional is found here by its name.
"""

from __future__ import annotations

from typing import Any as _Any

import torch as _torch

from . import fractional, more, named, unpool
from .fractional import *  # noqa: F403
from .more import *  # noqa: F403
from .named import *  # noqa: F403
from .unpool import *  # noqa: F403

__all__: list[str] = []
__all__ += fractional.__all__ + more.__all__ + named.__all__ + unpool.__all__


def __getattr__(name: str) -> _Any:
    """What is no pooling comes from torch.nn.functional."""
    if hasattr(_torch.nn.functional, name):
        return getattr(_torch.nn.functional, name)
    raise AttributeError(f"neither anypool.torch.functional nor PyTorch's has {name!r}")
