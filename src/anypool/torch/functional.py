"""torch.nn.functional's pooling, by its own names and signatures, and what it lacks.

The functions with PyTorch's names accept and refuse what PyTorch accepts and refuses, and give its
values, dtypes, memory formats and derivatives; where PyTorch is wrong (Lp in ceil mode and on
negative numbers, halves in ``adaptive_avg_pool3d``) they are right. ``docs/torch.md`` tells all.
"""

from __future__ import annotations

from . import fractional, more, named, unpool
from .fractional import *  # noqa: F403
from .more import *  # noqa: F403
from .named import *  # noqa: F403
from .unpool import *  # noqa: F403

__all__: list[str] = []
__all__ += fractional.__all__ + more.__all__ + named.__all__ + unpool.__all__
