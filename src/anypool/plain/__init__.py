"""The same Plan in plain operations of any array namespace: every device, tracer and exporter.

``pool(space, plan, x)`` gives what ``anypool.pool`` gives; a :class:`Space` says how one framework
speaks. Shapes are static; everything else may be traced and differentiated.
"""

from .blur import blur_pool
from .draws import numpy_draws, picks_shape, spots_shape
from .pooling import pool
from .real import extents_after
from .space import NUMPY, Space
from .unpool import max_unpool

__all__ = [
    "NUMPY", "Space", "blur_pool", "extents_after", "max_unpool", "numpy_draws", "picks_shape",
    "pool", "spots_shape",
]  # fmt: skip
