"""The same Plan in plain operations of any array namespace: every device, tracer and exporter.

``pool(space, plan, x)`` gives what ``anypool.pool`` gives; a :class:`Space` says how one framework
speaks. Shapes are static; everything else may be traced and differentiated.
"""

from .pooling import pool, spots_shape
from .space import NUMPY, Space

__all__ = ["NUMPY", "Space", "pool", "spots_shape"]
