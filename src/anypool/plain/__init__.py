"""The same Plan in plain operations of any array namespace: every device, tracer and exporter.

``pool(space, plan, x)`` gives what ``anypool.pool`` gives; a :class:`Space` says how one framework
speaks. Shapes are static; everything else may be traced and differentiated.
"""

from .draws import numpy_draws, picks_shape, spots_shape
from .pooling import pool
from .space import NUMPY, Space

__all__ = ["NUMPY", "Space", "numpy_draws", "picks_shape", "pool", "spots_shape"]
