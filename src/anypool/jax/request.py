"""One call on JAX's arrays: its plan, checked, and the random numbers it draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .. import engine, plain
from ..axes import find_axes
from ..errors import PoolError, ReductionError, ShapeError
from ..plan import Plan
from ..reductions import Reduction
from ..windows import Fractional, Windows

Array = Any
LEARNABLE = ("lp", "gem", "lse", "soft")


def traced(*values: Any) -> bool:
    """Whether any of these is the trace of an array, whose numbers are not known."""
    return any(isinstance(value, Tracer) for value in values)


def plan_for(
    x: Array, windows: Windows, reduction: Reduction, *, axes: Any, mask: Any, weights: Any,
    sizes: Any, indices: bool, **common: Any,
) -> Plan:  # fmt: skip
    """The checked plan. What is only traced is checked by its shape and dtype."""
    call = engine.prepare(
        _in_one(x, 0), windows, reduction, axes=axes, mask=_known(mask), weights=_known(weights),
        sizes=_known_sizes(sizes, x, windows, axes), indices=indices, **common,
    )  # fmt: skip
    return call.plan


def _in_one(a: Array, value: Any) -> np.ndarray:
    """An array of the shape and dtype of ``a`` in the memory of one element."""
    return np.broadcast_to(np.array(value).astype(np.dtype(a.dtype)), a.shape)


def _known(value: Any) -> Any:
    """``value`` as NumPy's array, ones in its place where it is only traced."""
    if value is None:
        return None
    return _in_one(value, 1) if traced(value) else np.asarray(value)


def _known_sizes(sizes: Any, x: Array, windows: Windows, axes: Any) -> Any:
    """Sizes as NumPy's array, the whole of x in their place where they are only traced."""
    if not traced(sizes):
        return None if sizes is None else np.asarray(sizes)
    whole = np.array([x.shape[a] for a in find_axes(x.ndim, windows, axes)])
    if sizes.ndim == 3:
        whole = np.stack([whole * 0, whole], -1)
    if sizes.shape[1:] != whole.shape:
        return _in_one(sizes, 0)  # the error says what would fit
    return np.broadcast_to(whole.astype(np.dtype(sizes.dtype)), sizes.shape)


# -- a parameter that has a derivative -----------------------------------------------------------


def check_parameter(reduction: Reduction, parameter: Any, x: Array) -> None:
    """Raise where a reduction has no such parameter, or x no such shape."""
    if reduction.name not in LEARNABLE:
        raise ReductionError(
            f"{reduction.name} has no parameter with a derivative; {', '.join(LEARNABLE)} have one"
        )
    shape = np.shape(parameter)
    try:
        fits = np.broadcast_shapes(shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if shape and not fits:
        raise ShapeError(
            f"the parameter of {reduction.name} has shape {shape}, x has {tuple(x.shape)}; give "
            "one number, or one for each channel, shaped to broadcast"
        )


# -- random numbers -----------------------------------------------------------------------------


def is_key(rng: Any) -> bool:
    """Whether this is one of JAX's keys, of the new or of the old kind."""
    if not isinstance(rng, jax.Array):
        return False
    new = jnp.issubdtype(rng.dtype, jax.dtypes.prng_key)
    return new or (rng.dtype == jnp.uint32 and rng.ndim == 1)


def apart(
    windows: Windows, reduction: Reduction, rng: Any
) -> tuple[Windows, Reduction, dict[str, Any]]:
    """Windows and reduction without what they draw from, which no plan may keep; and that."""
    sources = {"spots": getattr(windows, "rng", None), "picks": reduction.rng}
    wanted = {"spots": windows.random, "picks": reduction.sampled}
    sources = {name: own if rng is None else rng for name, own in sources.items() if wanted[name]}
    if isinstance(windows, Fractional) and windows.rng is not None:
        windows = replace(windows, rng=None)
    if reduction.rng is not None:
        reduction = replace(reduction, rng=None)
    return windows, reduction, sources


def draws(plan: Plan, sources: dict[str, Any]) -> dict[str, Array]:
    """The numbers in [0, 1) that a plan draws: by a key JAX's, by a seed those of NumPy."""
    if len(sources) == 2 and sources["spots"] is sources["picks"] and is_key(sources["spots"]):
        sources = dict(zip(sources, jax.random.split(sources["spots"]), strict=True))
    return {name: _drawn(plan, name, source) for name, source in sources.items()}


def _drawn(plan: Plan, name: str, source: Any) -> Array:
    if is_key(source):
        shape = plain.spots_shape(plan) if name == "spots" else plain.picks_shape(plan)
        return jax.random.uniform(source, shape)
    if isinstance(source, int | np.integer):
        return jnp.asarray(plain.numpy_draws(plan, source)[name])
    raise PoolError(
        f"rng is a {type(source).__name__}, which a traced call would ask only once; give a key "
        "such as jax.random.key(0), or a seed"
    )
