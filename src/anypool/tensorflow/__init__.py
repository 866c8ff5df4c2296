"""anypool for TensorFlow: ``anypool.*`` takes tensors; this room is where they are pooled.

Eager CPU tensors go to the kernels without a copy, with their derivative. Inside ``tf.function``
(XLA, SavedModel, TFLite) and on other devices the same pooling is made of TensorFlow's own
operations, for sizes known beforehand or only at run time.
"""

from __future__ import annotations

try:
    import tensorflow as _tf  # noqa: F401
except ImportError:
    raise ModuleNotFoundError(
        "anypool.tensorflow needs TensorFlow, which is not installed: "
        "pip install tensorflow (or tensorflow-cpu)",
        name="tensorflow",
    ) from None

from ..errors import PoolError
from .export import finite, to_tflite
from .front import blur_pool, max_unpool, pool, vjp

__all__ = ["PoolError", "blur_pool", "finite", "max_unpool", "pool", "to_tflite", "vjp"]
