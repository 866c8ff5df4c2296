"""The one door for tensors: kernels for eager CPU tensors, TensorFlow's operations elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import PoolError
from ..ops import ACCEPTED
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import eager, graph, ragged
from .blur import blur_pool
from .lift import Tensor, tf
from .request import Request, check_parameter
from .tensors import as_tensor, numpy_dtype, on_cpu
from .unpool import max_unpool

COMMON = ACCEPTED - {"axes", "mask", "weights", "sizes"}
__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, axes: Any = None,
    mask: Any = None, weights: Any = None, sizes: Any = None, return_indices: bool = False,
    return_sizes: bool = False, parameter: Any = None, out: Any = None, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for tensors, with their derivatives.

    ``parameter`` is a tensor in place of the reduction's first parameter (p, r, beta), one number
    or one for each channel; it has a derivative.

    >>> import tensorflow as tf, anypool as ap
    >>> pool(tf.constant([1.0, 3.0, 2.0, 2.0]), ap.windows.sliding(2)).numpy()
    array([3., 2.], dtype=float32)
    """
    if out is not None:
        raise PoolError("out is for NumPy arrays; tensors get a new tensor")
    if unknown := common.keys() - COMMON:
        raise TypeError(f"pool() got an unexpected keyword argument {min(unknown)!r}")
    if ragged.is_ragged(x):
        x, sizes, axes = ragged.padded(x, windows, axes, mask, sizes)
    x, reduction = as_tensor(x), resolve(reduce)
    numpy_dtype(x.dtype)  # raises for what no array can hold
    check_parameter(reduction, parameter)
    weights = None if weights is None else as_tensor(weights, "weights")
    parameter = None if parameter is None else as_tensor(parameter, "parameter")
    given = {"mask": mask, "sizes": sizes}
    common |= {name: a for name, a in given.items() if a is not None}
    if windows.random or reduction.sampled:
        common["rng"] = seed_of(windows, reduction, common.get("rng"))
    request = Request(windows, reduction, axes, common, return_indices)
    here = kernels_serve(x, weights, parameter, *common.values())
    y = (eager if here else graph).pooled(request, x, weights, parameter)
    if not return_sizes:
        return y
    if sizes is None:
        raise PoolError("return_sizes needs sizes; give sizes= or a list of tensors")
    found = graph.extents(request, x, weights is not None)
    return (*y, found) if isinstance(y, tuple) else (y, found)


def seed_of(windows: Windows, reduction: Reduction, rng: Any) -> Any:
    """What a random call draws from; a seed in place of NumPy's generator, to draw twice."""
    sources = (rng, getattr(windows, "rng", None), reduction.rng)
    found = next((source for source in sources if source is not None), None)
    return int(found.integers(2**62)) if isinstance(found, np.random.Generator) else found


def kernels_serve(x: Tensor, weights: Any, parameter: Any, *others: Any) -> bool:
    """Whether these are ordinary CPU tensors in an ordinary moment: nobody traces."""
    if not tf.executing_eagerly() or not on_cpu(x):
        return False
    if parameter is not None and parameter.shape.num_elements() != 1:
        return False
    tensors = (weights, parameter, *others)
    if any(isinstance(t, tf.random.Generator) for t in tensors):
        return False
    return all(on_cpu(t) for t in tensors if isinstance(t, tf.Tensor))


def vjp(x: Any, windows: Windows, reduce: str | Reduction = "max", **common: Any) -> Any:
    """:func:`anypool.vjp` for tensors: GradientTape behind the same door."""
    x, reduction = as_tensor(x), resolve(reduce)
    sources = [x]
    if common.get("weights") is not None:
        common["weights"] = as_tensor(common["weights"], "weights")
        sources.append(common["weights"])
    if reduction.given:
        common["parameter"] = tf.constant(reduction.numbers[0], tf.float64)
        sources.append(common["parameter"])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(sources)
        y = pool(x, windows, reduction, **common)

    def pullback(g: Any) -> Any:
        found = tape.gradient(y, sources, g, tf.UnconnectedGradients.ZERO)
        return found[0] if len(found) == 1 else tuple(found)

    return y, pullback
