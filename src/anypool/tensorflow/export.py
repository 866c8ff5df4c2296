"""Models for other machines: TFLite files, and graphs without what finite numbers do not need."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import PoolError
from .lift import tf

FINITE: ContextVar[bool] = ContextVar("anypool_finite", default=False)


@contextmanager
def finite() -> Iterator[None]:
    """Graphs traced inside take all numbers for finite: max pooling is one operation of TensorFlow.

    Elsewhere a graph looks for NaN and infinities first, which TensorFlow's own would lose.

    >>> import tensorflow as tf, anypool as ap, anypool.tensorflow as at
    >>> pool = tf.function(lambda x: ap.max_pool(x, 2, axes=(1, 2)), autograph=False)
    >>> with at.finite():
    ...     graph = pool.get_concrete_function(tf.TensorSpec((1, 4, 4, 3)))
    >>> [op.type for op in graph.graph.get_operations() if "Pool" in op.type]
    ['MaxPool']
    """
    token = FINITE.set(True)
    try:
        yield
    finally:
        FINITE.reset(token)


def to_tflite(model: Any, *signature: Any) -> bytes:
    """A function or a Keras model as a TFLite file, made of TFLite's own operations alone.

    Args:
        model: a function of tensors, or a Keras model on the TensorFlow backend.
        signature: for a function, a ``tf.TensorSpec`` for each of its arguments; sizes may be None.

    Raises:
        PoolError: where TFLite has no such operation; the message names it. Quantiles (float64)
            and unpooling (scattering) are among these; adaptive pooling is not.

    >>> import tensorflow as tf, anypool as ap, anypool.tensorflow as at
    >>> spec = tf.TensorSpec((1, None, None, 3))
    >>> file = at.to_tflite(lambda x: ap.adaptive_avg_pool(x, 7, axes=(1, 2)), spec)
    >>> file[4:8]
    b'TFL3'
    """
    with finite():
        if not hasattr(model, "export"):
            return _converted(lambda: _of_function(model, signature))
        with tempfile.TemporaryDirectory() as folder:
            model.export(folder, verbose=False)
            return _converted(lambda: tf.lite.TFLiteConverter.from_saved_model(folder))


def _of_function(function: Any, signature: tuple[Any, ...]) -> Any:
    if not signature:
        raise PoolError("a function needs a tf.TensorSpec for each of its arguments")
    module = tf.Module()
    module.call = tf.function(function, input_signature=signature, autograph=False)
    traced = module.call.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([traced], module)


def _converted(make: Any) -> bytes:
    converter = make()
    try:
        return converter.convert()
    except Exception as error:
        missing = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
        if not missing:
            raise
        raise PoolError(
            f"TFLite cannot run {', '.join(missing)} as this model has it; pool there in float32 "
            "by max, mean, GeM, LSE, std or median, sliding or adaptive, which it can"
        ) from None
