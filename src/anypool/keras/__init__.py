"""anypool for Keras: import pooling layers from here, not from keras.layers; nothing else changes.

The layers with Keras's names take Keras's arguments; beside these are the poolings that Keras
lacks, and ``ops`` has functions. They run on Keras's TensorFlow, JAX and PyTorch backends.
"""

from __future__ import annotations

from ..errors import PoolError

try:
    import keras as _keras  # noqa: F401
except ModuleNotFoundError as error:
    if error.name == "keras":
        told = "anypool.keras needs Keras, which is not installed: pip install 'anypool[keras]'"
    else:
        told = (
            f"Keras is set to a backend that needs {error.name}, which is not installed; install "
            "it, or set KERAS_BACKEND to tensorflow, jax or torch"
        )
    raise ModuleNotFoundError(told, name=error.name) from None
except ValueError as error:
    if "backend" not in str(error):
        raise
    import os as _os

    raise PoolError(
        f"KERAS_BACKEND is {_os.environ.get('KERAS_BACKEND')!r}, which Keras does not know; set it "
        "to tensorflow, jax or torch"
    ) from None

from . import heads, home, named, ops, reducing, smoothing
from .heads import *  # noqa: F403
from .named import *  # noqa: F403
from .reducing import *  # noqa: F403
from .smoothing import *  # noqa: F403

home.backend()

__all__ = ["PoolError", "ops"]
__all__ += named.__all__ + reducing.__all__ + heads.__all__ + smoothing.__all__
