"""The one door for JAX's arrays: their arguments in order, and who pools them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import blur, ops, plain, reductions
from ..errors import PoolError
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import ragged, symbols, ways
from .request import apart, check_parameter, draws, is_key, plan_for, traced
from .space import SPACE
from .ways import at_hand, to_jax, to_numpy

Array = Any
__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, mask: Any = None,
    weights: Any = None, sizes: Any = None, return_indices: bool = False,
    return_sizes: bool = False, parameter: Any = None, out: Any = None, rng: Any = None,
    **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for JAX's arrays, under any transformation of JAX.

    ``parameter`` is an array in place of the reduction's first parameter (p, r, beta), one number
    or one for each channel, shaped to broadcast against x; it has a derivative. ``rng`` is a key
    such as ``jax.random.key(0)``, or a seed, which draws what NumPy draws.
    """
    if isinstance(x, jax.Array) and symbols.has_any(x):
        return symbols.pool(pool, x, windows, reduce, rng=rng, out=out, mask=mask, weights=weights,
                            sizes=sizes, parameter=parameter, return_indices=return_indices,
                            return_sizes=return_sizes, **common)  # fmt: skip
    beside = (mask, weights, sizes, parameter, out, rng)
    if not return_sizes and all(a is None for a in beside) and isinstance(x, jax.Array):
        plan = ways.usual(x, windows, reduce, return_indices, common)
        found = None if plan is None else ways.by_steps(plan, x, common.get("threads"))
        if found is not None:
            return found
    return _general(x, windows, reduce, *beside, return_indices, return_sizes, common)


def _general(
    x: Any, windows: Windows, reduce: str | Reduction, mask: Any, weights: Any, sizes: Any,
    parameter: Any, out: Any, rng: Any, return_indices: bool, return_sizes: bool,
    common: dict[str, Any],
) -> Any:  # fmt: skip
    """Any call: its arguments checked, and given to whoever pools it."""
    if out is not None:
        raise PoolError("out is for NumPy arrays; JAX's arrays are never written to")
    if unknown := common.keys() - ops.ACCEPTED:
        raise TypeError(f"pool() got an unexpected keyword argument {min(unknown)!r}")
    reduction = resolve(reduce)
    if isinstance(x, list | tuple):
        x, sizes, common["axes"] = ragged.padded(x, windows, common.get("axes"), mask, sizes)
    x = x if isinstance(x, jax.Array) else jnp.asarray(x)
    if parameter is not None:
        check_parameter(reduction, parameter, x)
    windows, reduction, sources = apart(windows, reduction, rng)
    beside = {"mask": mask, "weights": weights, "sizes": sizes}
    many = parameter is not None and np.ndim(parameter) > 0
    keys = any(is_key(source) for source in sources.values())
    if at_hand(x) and not traced(*beside.values(), parameter) and not many and not keys:
        return _by_numpy(x, windows, _with(reduction, parameter), beside, sources,
                         return_indices, return_sizes, common)  # fmt: skip
    if rng is not None and not sources:
        raise PoolError(
            f"{reduction} over these windows draws nothing; rng is for stochastic and fractional"
        )
    plan = plan_for(x, windows, reduction, indices=return_indices,
                    **beside, **{"axes": None, **common})  # fmt: skip
    given = {**beside, "parameter": parameter, **draws(plan, sources)}
    given = {name: jnp.asarray(a) for name, a in given.items() if a is not None}
    y = ways.pooled(plan, x, given, common.get("threads"))
    if not return_sizes:
        return y
    if sizes is None:
        raise PoolError("return_sizes needs sizes; give sizes= or a list of arrays")
    after = plain.extents_after(SPACE, plan, given["sizes"])
    return (*y, after) if return_indices else (y, after)


def _with(reduction: Reduction, parameter: Any) -> Reduction:
    """The reduction with its first parameter set to a number that is known."""
    if parameter is None:
        return reduction
    (name, _), *rest = reduction.params
    made = getattr(reductions, reduction.name)(float(parameter), *(v for _, v in rest))
    return replace(made, given=(name,))


def _by_numpy(
    x: Array, windows: Windows, reduction: Reduction, beside: dict[str, Any],
    sources: dict[str, Any], indices: bool, sizes: bool, common: dict[str, Any],
) -> Any:  # fmt: skip
    """The same by NumPy's kernels, which read JAX's arrays where they lie."""
    if "spots" in sources:
        windows = replace(windows, rng=sources["spots"])  # type: ignore[type-var]
    if "picks" in sources:
        reduction = replace(reduction, rng=sources["picks"])
    given = {name: to_numpy(a) for name, a in beside.items() if a is not None}
    y = ops.pool(np.asarray(x), windows, reduction, return_indices=indices, return_sizes=sizes,
                 **given, **common)  # fmt: skip
    return tuple(to_jax(a, x) for a in y) if isinstance(y, tuple) else to_jax(y, x)


def vjp(x: Any, windows: Windows, reduce: str | Reduction = "max", **common: Any) -> Any:
    """:func:`anypool.vjp` for JAX's arrays, by JAX's own derivative of :func:`pool`."""
    reduction, x = resolve(reduce), jnp.asarray(x)
    if not reduction.differentiable:
        raise PoolError(f"{reduction.name} has no gradient")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise PoolError(f"x is {x.dtype}; a gradient needs real floating-point numbers")
    leaves = {name: jnp.asarray(common.pop(name), SPACE.float64) for name in ("weights",)
              if common.get(name) is not None}  # fmt: skip
    if reduction.given:
        leaves["parameter"] = jnp.asarray(reduction.params[0][1])

    def own(x: Array, leaves: dict[str, Array]) -> Array:
        return pool(x, windows, reduction, **common, **leaves)

    y, back = jax.vjp(own, x, leaves)

    def pullback(g: Any) -> Any:
        dx, rest = back(jnp.asarray(g, y.dtype))
        return (dx, *(rest[name] for name in leaves)) if leaves else dx

    return y, pullback


def blur_pool(
    x: Any, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *, mode: str = "reflect",
    axes: Any = None, mask: Any = None, weights: Any = None, fill: float = 0,
) -> Array:  # fmt: skip
    """:func:`anypool.blur_pool` for JAX's arrays."""
    x = jnp.asarray(x)
    laid = blur.laid(x.shape, kernel_size, stride, padding, mode, axes)
    return plain.blur_pool(SPACE, x, np.dtype(x.dtype), laid, mode, mask, weights, fill)


def max_unpool(
    y: Any, indices: Any, output_size: Any, axes: Any = None, duplicates: str = "last",
    fill: float = 0,
) -> Array:  # fmt: skip
    """:func:`anypool.max_unpool` for JAX's arrays."""
    y = jnp.asarray(y)
    return plain.max_unpool(SPACE, y, jnp.asarray(indices), np.dtype(y.dtype), output_size, axes,
                            duplicates, fill)  # fmt: skip
