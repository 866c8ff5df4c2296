"""A pooling in JAX's words (lax.reduce_window) and in Flax's."""

from __future__ import annotations

import math
from typing import Any

from .pooling import Pooling
from .text import Dialect, Draft, Raw, call, function, padded, refuse, refuse_size
from .to_keras import as_sliding

IMPORTS = "import jax.numpy as jnp\nfrom jax import lax"
OURS = "anypool.jax has it"
FLAX = Dialect(
    "flax", "import jax.numpy as jnp\nfrom flax import linen as nn", "jnp.pad",
    ", constant_values={}", "jnp.ones_like(x)", "-jnp.inf",
)  # fmt: skip


def jax(pooling: Pooling) -> Draft:
    """One reduce_window; an average is a sum over a sum of ones."""
    _check(pooling, "jax")
    if pooling.windows == "whole" or set(pooling.output) == {1}:
        return _reduced(pooling)
    if pooling.windows != "sliding":
        return jax(as_sliding(pooling, "jax", OURS))
    first = {"max": ("-jnp.inf", "lax.max"), "min": ("jnp.inf", "lax.min")}
    init, step = first.get(pooling.reduce, ("0.0", "lax.add"))
    padding = _padding(pooling)
    arguments: dict[str, Any] = {
        "init_value": Raw(init), "computation": Raw(step),
        "window_dimensions": _every(pooling, pooling.kernel, 1),
        "window_strides": _every(pooling, pooling.stride, 1), "padding": padding,
    }  # fmt: skip
    if pooling.dilated:
        arguments["window_dilation"] = _every(pooling, pooling.dilation, 1)
    lines = _lines(pooling, arguments)
    shown = {k: str(v) if isinstance(v, Raw) else v for k, v in arguments.items()}
    return Draft("jax.lax.reduce_window", shown, function(IMPORTS, lines))


def _lines(pooling: Pooling, arguments: dict[str, Any]) -> list[str]:
    name = "lax.reduce_window"
    if pooling.reduce == "lp":
        p = pooling.p
        total = call(name, arguments, "jnp.abs(x)" + f" ** {p:g}")
        return [f"total = {total}", f"total ** (1 / {p:g})"]
    if pooling.reduce != "mean":
        return [call(name, arguments, "x")]
    total = call(name, arguments, "x")
    if pooling.divisor is not None:
        return [f"total = {total}", f"total / {pooling.divisor}"]
    if not pooling.ceil and (pooling.counts or not pooling.padded):
        return [f"total = {total}", f"total / {math.prod(pooling.kernel)}"]
    ones = "jnp.ones_like(x)"
    if pooling.counts:  # declared padding counts, what hangs over does not
        declared = _every(pooling, pooling.pads, (0, 0))
        ones = f"jnp.pad({ones}, {declared}, constant_values=1.0)"
        over = _every(pooling, tuple((0, o) for o in pooling.overhang or ()), (0, 0))
        arguments = arguments | {"padding": over}
    share = call(name, arguments, ones)
    return [f"total = {total}", f"share = {share}", "total / share"]


def _every(pooling: Pooling, inner: Any, outer: Any) -> tuple[Any, ...]:
    """Arguments for every axis from those of the pooled ones."""
    if pooling.channels == "first":
        return (outer, outer, *inner)
    return (outer, *inner, outer)


def _padding(pooling: Pooling) -> Any:
    if isinstance(pooling.padding, str):
        return pooling.padding.upper()
    return _every(pooling, pairs(pooling, "jax"), (0, 0)) if _pads(pooling) else "VALID"


def _pads(pooling: Pooling) -> bool:
    return pooling.padded or pooling.ceil


def pairs(pooling: Pooling, target: str) -> tuple[tuple[int, int], ...]:
    """Declared padding and what hangs over, together."""
    pads, overhang = pooling.pads, pooling.overhang
    if pads is None or overhang is None:
        raise refuse_size(target, "ceil_mode")
    return tuple((b, a + o) for (b, a), o in zip(pads, overhang, strict=True))


def _reduced(pooling: Pooling) -> Draft:
    if pooling.reduce == "lp":
        raise refuse("jax", "has no global Lp pooling", "jnp.linalg.vector_norm over the axes")
    name = f"jnp.{pooling.reduce}"
    first = 2 if pooling.channels == "first" else 1
    arguments = {"axis": tuple(range(first, first + pooling.rank)), "keepdims": pooling.keepdims}
    imports = "import jax.numpy as jnp"
    return Draft(f"jax.numpy.{pooling.reduce}", arguments,
                 function(imports, [call(name, arguments, "x")]))  # fmt: skip


def _check(pooling: Pooling, target: str) -> None:
    if pooling.indices:
        raise refuse(target, "has no indices", f"pooling without them; {OURS}")
    if pooling.windows == "fractional":
        raise refuse(target, "has no fractional windows", OURS)


# -- Flax ---------------------------------------------------------------------------------------


def flax(pooling: Pooling) -> Draft:
    """flax.linen's max_pool and avg_pool."""
    _check(pooling, "flax")
    if pooling.windows == "whole" or set(pooling.output) == {1}:
        return _reduced(pooling)
    if pooling.windows != "sliding":
        return flax(as_sliding(pooling, "flax", OURS))
    if pooling.reduce not in ("max", "mean"):
        raise refuse("flax", f"has no {pooling.reduce} pooling in linen",
                     f"lax.reduce_window; {OURS}")  # fmt: skip
    if pooling.dilated:
        raise refuse("flax", "dilates no pooling", f"lax.reduce_window; {OURS}")
    if pooling.divisor:
        raise refuse("flax", "has no divisor_override", "avg_pool times the kernel's elements over "
                     f"{pooling.divisor}; {OURS}")  # fmt: skip
    name = "nn.max_pool" if pooling.reduce == "max" else "nn.avg_pool"
    arguments: dict[str, Any] = {
        "window_shape": pooling.kernel, "strides": pooling.stride, "padding": "VALID",
    }  # fmt: skip
    hangs = pooling.ceil and (pooling.overhang is None or any(pooling.overhang))
    if hangs and pooling.reduce == "mean" and pooling.counts:
        code = padded(pooling, FLAX, name, arguments)
        return Draft(f"flax.linen.{name[3:]}", arguments, code)
    if isinstance(pooling.padding, str):
        arguments["padding"] = pooling.padding.upper()
    elif _pads(pooling):
        arguments["padding"] = pairs(pooling, "flax")
    if pooling.reduce == "mean" and _pads(pooling):
        arguments["count_include_pad"] = pooling.counts
    code = function("from flax import linen as nn", [call(name, arguments, "x")])
    return Draft(f"flax.linen.{name[3:]}", arguments, code)
