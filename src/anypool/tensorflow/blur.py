"""Blur pooling of tensors: see :func:`anypool.blur_pool`, whose numbers these are."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from .. import blur
from .lift import Tensor, gathered, tf
from .tensors import as_tensor, numpy_dtype

MODES = {"reflect": "REFLECT", "zero": "CONSTANT"}


@tf.autograph.experimental.do_not_convert
def blur_pool(
    x: Any, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *,
    mode: str = "reflect", axes: Any = None, mask: Any = None, weights: Any = None,
    fill: float = 0,
) -> Tensor:  # fmt: skip
    """Smooth with binomial coefficients along the pooled axes and keep every stride-th output."""
    x = as_tensor(x)
    numpy_dtype(x.dtype)
    known = tuple(1 << 20 if n is None else n for n in x.shape)  # what is not known is long enough
    pooled, kernel, steps, sides = blur.laid(known, kernel_size, stride, padding, mode, axes)
    result = x.dtype if x.dtype.is_floating else tf.float64
    wide = tf.float32 if result.size == 2 else result

    def all_axes(a: Tensor) -> Tensor:
        for axis, k, step, side in zip(pooled, kernel, steps, sides, strict=True):
            a = _one_axis(a, axis, k, step, side, mode)
        return a

    values = tf.cast(x, wide)
    if mask is None and weights is None:
        return tf.cast(all_axes(values), result)
    w = tf.ones((), wide) if weights is None else tf.cast(as_tensor(weights, "weights"), wide)
    w = w if mask is None else tf.where(as_tensor(mask, "mask"), w, tf.zeros((), wide))
    w = tf.broadcast_to(w, tf.shape(x))
    held, total = all_axes(tf.where(w > 0, values, tf.zeros((), wide)) * w), all_axes(w)
    some = tf.where(total > 0, total, tf.ones((), wide))
    return tf.cast(tf.where(total > 0, held / some, tf.cast(fill, wide)), result)


def _one_axis(x: Tensor, axis: int, k: int, step: int, side: tuple[int, int], mode: str) -> Tensor:
    """A filter as a sum of picked slices of the padded axis."""
    x = _padded(x, axis, side, mode)
    n = x.shape[axis]
    if n is None:
        first = tf.range((tf.shape(x)[axis] - k) // step + 1) * step
    else:
        first = np.arange((n - k) // step + 1) * step
    y: Any = None
    for tap in range(k):
        part = gathered(x, first + tap, axis) * (comb(k - 1, tap) / 2 ** (k - 1))
        y = part if y is None else y + part
    return y


def _padded(x: Tensor, axis: int, side: tuple[int, int], mode: str) -> Tensor:
    if side == (0, 0):
        return x
    if mode == "edge":
        last = tf.shape(x)[axis] - 1
        spots = tf.range(-side[0], last + 1 + side[1])
        return tf.gather(x, tf.clip_by_value(spots, 0, last), axis=axis)
    sides = [list(side) if a == axis else [0, 0] for a in range(x.shape.rank)]
    return tf.pad(x, sides, MODES[mode])
