"""The one door for Keras's own symbolic tensors and variables."""

from __future__ import annotations

from typing import Any

import keras

from .. import doors
from ..errors import PoolError
from ..ops import ACCEPTED
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import smooth
from .operation import Pooling

__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, axes: Any = None,
    mask: Any = None, weights: Any = None, sizes: Any = None, parameter: Any = None,
    **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for symbolic tensors, whose axes it takes as anypool does."""
    raise NotImplementedError
