"""TensorFlow: tf.nn, whose pooling on a CPU knows channels last only."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from ..job import Job
from ..recipes import CannotError, Space, lowest, recipe
from . import Ready, joined, only


def start(threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.set_visible_devices([], "GPU")


class Flow(Space):
    """tf's functions, channels last."""

    m = tf

    def _pool(self, t: Any, kind: str, padding: str) -> Any:
        job = self.job
        if job.dilation != (1,) * job.rank:
            return tf.nn.pool(t, job.kernel, kind, job.stride, padding, None, job.dilation)
        function = getattr(tf.nn, f"{kind.lower()}_pool{job.rank}d")
        return function(t, job.kernel, job.stride, padding)

    @property
    def _same(self) -> bool:
        """Whether TensorFlow's own "SAME" is our padding."""
        job, ones = self.job, (1,) * self.job.rank
        return (
            job.stride == ones
            and job.dilation == ones
            and all(k % 2 and p == k // 2 for k, p in zip(job.kernel, job.padding, strict=True))
        )

    def _padded(self, t: Any, value: float) -> Any:
        if not any(self.job.padding):
            return t
        sides = [(0, 0), *((p, p) for p in self.job.padding), (0, 0)]
        return tf.pad(t, sides, constant_values=tf.cast(value, t.dtype))

    def top(self, t: Any) -> Any:
        if self.job.kind == "whole":
            return tf.reduce_max(t, self.job.axes, keepdims=True)
        self._sliding()
        if self._same:
            return self._pool(t, "MAX", "SAME")
        return self._pool(self._padded(t, lowest(self.job)), "MAX", "VALID")

    def mean(self, t: Any, padded: bool) -> Any:
        if self.job.kind == "whole":
            return tf.reduce_mean(t, self.job.axes, keepdims=True)
        self._sliding()
        if self._same and not padded:
            return self._pool(t, "AVG", "SAME")
        y = self._pool(self._padded(t, 0), "AVG", "VALID")
        if padded or not any(self.job.padding):
            return y
        share = self.job.counts(padded=True) / self.job.counts(padded=False)
        return y * self.constant(self.job.laid(share), y)

    def _sliding(self) -> None:
        if self.job.kind != "sliding":
            raise CannotError("tf.nn has no adaptive windows")

    def wide(self, t: Any) -> Any:
        floats = self.job.floating and t.dtype == tf.bool
        return tf.cast(t, self.job.dtype if floats else tf.float64)

    def log(self, t: Any) -> Any:
        return tf.math.log(t)

    def constant(self, a: np.ndarray, like: Any) -> Any:
        return tf.cast(tf.constant(a), like.dtype)

    def equal(self, t: Any, number: float) -> Any:
        return tf.equal(t, self.number(number, t))


PLAIN = ("max", "avg")  # one operation of tf.nn: called as it is, other recipes as a graph


def make(job: Job) -> Ready:
    """A call of one operation, or a graph of several."""
    only(job.layout == "last", "tf.nn pools channels last only, on a CPU")
    mask = job.mask()
    with tf.device("CPU"):
        args = (tf.constant(job.data()), *(() if mask is None else (tf.constant(mask),)))
        if job.operation == "max and indices":
            return _indices(job, *args)
        function = recipe(Flow(job))
        if job.operation not in PLAIN or job.masked or job.backward:
            function = tf.function(function, autograph=False)
        if not job.backward:
            return Ready(lambda: function(*args), np.asarray)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(args[0])
            y = function(*args)
        g = tf.constant(job.incoming(tuple(y.shape)))
    return Ready(lambda: tape.gradient(y, args[0], [g]), np.asarray)


def _indices(job: Job, x: Any, *mask: Any) -> Ready:
    plain = job.rank == 2 and job.kind == "sliding" and not mask and not any(job.padding)
    only(plain and job.dilation == (1, 1), "tf.nn has no such indices")

    def numbers(result: Any) -> np.ndarray:
        values, flat = map(np.asarray, result)
        return joined(values, flat // job.shape[-1])

    def call() -> Any:
        return tf.nn.max_pool_with_argmax(x, job.kernel, job.stride, "VALID")

    return Ready(call, numbers)
