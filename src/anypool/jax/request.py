"""One call on JAX's arrays: its plan, and the arrays beside x that a trace may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import engine
from ..errors import PoolError
from ..plan import Plan
from ..reductions import Reduction
from ..windows import Fractional, Windows

Array = Any
LEARNABLE = ("lp", "gem", "lse", "soft")


class Request(NamedTuple):
    """A plan, and the arrays that go into it beside x, by the names that ``plain.pool`` knows."""

    plan: Plan
    given: dict[str, Array]
    threads: int | None


def traced(*values: Any) -> bool:
    """Whether any of these is the trace of an array: its numbers are not known."""
    return any(isinstance(v, jax.core.Tracer) for v in values)


def is_array(value: Any) -> bool:
    """Whether this is an array of JAX's, or the trace of one."""
    return isinstance(value, jax.Array)


def plan_for(
    x: Array, windows: Windows, reduction: Reduction, *, mask: Any, weights: Any, sizes: Any,
    indices: bool, **common: Any,
) -> Plan:  # fmt: skip
    """The checked plan. What is only traced is checked by its shape and dtype."""
    call = engine.prepare(
        shape_of(x), windows, reduction, mask=_stand_in(mask, x, True),
        weights=_stand_in(weights, x, 1), sizes=_sizes(sizes, x), indices=indices, **common,
    )  # fmt: skip
    return call.plan


def shape_of(x: Array) -> np.ndarray:
    """An array of x's shape and dtype in the memory of one element."""
    return np.broadcast_to(np.zeros((), np.dtype(x.dtype)), x.shape)


def _stand_in(value: Any, x: Array, one: Any) -> Any:
    """``value`` where its numbers are known, else ones of its shape and dtype."""
    if not traced(value):
        return None if value is None else np.asarray(value)
    return np.broadcast_to(np.array(one).astype(np.dtype(value.dtype)), value.shape)


def _sizes(sizes: Any, x: Array) -> Any:
    """Sizes that are only traced are taken to be all of x, or nothing where that cannot be told."""
    if not traced(sizes):
        return None if sizes is None else np.asarray(sizes)
    return np.zeros(sizes.shape, np.dtype(sizes.dtype))


# -- random numbers -----------------------------------------------------------------------------


def is_key(rng: Any) -> bool:
    """Whether random numbers come from one of JAX's keys, of the new or of the old kind."""
    if not is_array(rng):
        return False
    return jnp.issubdtype(rng.dtype, jax.dtypes.prng_key) or (
        rng.dtype == jnp.uint32 and rng.ndim == 1
    )


def apart(
    windows: Windows, reduction: Reduction, rng: Any
) -> tuple[Windows, Reduction, dict[str, Any]]:
    """Windows and reduction without what they draw from, which plans must not keep; and that.

    The argument ``rng`` goes before; windows draw before a reduction does.
    """
    own = {"spots": getattr(windows, "rng", None) if windows.random else None,
           "picks": reduction.rng if reduction.sampled else None}  # fmt: skip
    if rng is not None:
        own = {name: rng for name in own}
    if isinstance(windows, Fractional) and windows.rng is not None:
        windows = replace(windows, rng=None)
    if reduction.rng is not None:
        reduction = replace(reduction, rng=None)
    wanted = {"spots": windows.random, "picks": reduction.sampled}
    return windows, reduction, {name: own[name] for name in own if wanted[name]}


def draw(sources: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """Numbers in [0, 1) for what draws."""
    if len({id(s) for s in sources.values()}) < len(sources):  # one key for both: two of it
        [key] = {id(s): s for s in sources.values()}.values()
        sources = dict(zip(sources, jax.random.split(_key(key)), strict=True))
    return {name: jax.random.uniform(_key(key), shapes[name]) for name, key in sources.items()}


def _key(rng: Any) -> Array:
    if is_key(rng):
        return rng
    if isinstance(rng, int | np.integer):
        return jax.random.key(int(rng))
    raise PoolError(
        f"rng is a {type(rng).__name__}, which a traced call would ask only once; give a key, such "
        "as jax.random.key(0)"
    )
