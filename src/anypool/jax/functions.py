"""Every pooling by the name it has in ``anypool``, for JAX's arrays; NumPy's become JAX's.

The parameters of gem, lse, soft and lp may be arrays, one number or one for each channel (shaped
to broadcast against x): they have derivatives, and can be learned.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import jax
import jax.numpy as jnp

from .. import blur as _blur
from .. import ops, reductions, unpool
from .. import windows as where
from . import front

P = ParamSpec("P")


def _here(function: Callable[P, Any]) -> Callable[P, Any]:
    """The function for JAX's arrays, whatever array it is given."""

    @functools.wraps(function)
    def called(x: Any, *args: Any, **kwargs: Any) -> Any:
        return function(_array(x), *args, **kwargs)  # type: ignore[call-arg]

    return called  # type: ignore[return-value]


def _array(x: Any) -> Any:
    if isinstance(x, jax.Array):
        return x
    ragged = isinstance(x, list | tuple) and any(hasattr(a, "shape") for a in x)
    return [jnp.asarray(a) for a in x] if ragged else jnp.asarray(x)


max_pool, min_pool = _here(ops.max_pool), _here(ops.min_pool)
avg_pool, sum_pool = _here(ops.avg_pool), _here(ops.sum_pool)
std_pool, var_pool = _here(ops.std_pool), _here(ops.var_pool)
median_pool, quantile_pool = _here(ops.median_pool), _here(ops.quantile_pool)
mode_pool, topk_pool = _here(ops.mode_pool), _here(ops.topk_pool)
stochastic_pool = _here(ops.stochastic_pool)
any_pool, all_pool = _here(ops.any_pool), _here(ops.all_pool)
adaptive_pool = _here(ops.adaptive_pool)
adaptive_max_pool, adaptive_avg_pool = _here(ops.adaptive_max_pool), _here(ops.adaptive_avg_pool)
global_pool = _here(ops.global_pool)
global_max_pool, global_avg_pool = _here(ops.global_max_pool), _here(ops.global_avg_pool)
fractional_max_pool = _here(ops.fractional_max_pool)
pyramid_pool, roi_pool = _here(ops.pyramid_pool), _here(ops.roi_pool)
vjp, blur_pool, max_unpool = _here(ops.vjp), _here(_blur.blur_pool), _here(unpool.max_unpool)


def _learned(value: Any, make: Callable[..., Any], *rest: Any) -> dict[str, Any]:
    """A reduction with this parameter, a number or an array."""
    if isinstance(value, jax.Array):
        return {"reduce": make(), "parameter": value}
    return {"reduce": make(value, *rest)}


def lp_pool(
    x: Any, norm_type: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    dilation: Any = 1, ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.lp_pool`, whose ``norm_type`` may be an array with a derivative.

    >>> import jax, jax.numpy as jnp, anypool.jax as aj
    >>> y, slope = jax.value_and_grad(lambda p: aj.lp_pool(jnp.array([3.0, 4.0]), p, 2)[0])(2.0)
    >>> round(float(y), 3), round(float(slope), 3)
    (5.0, -0.817)
    """
    over = where.sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return front.pool(_array(x), over, **_learned(norm_type, reductions.lp), **common)


def gem_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, p: Any = 3, eps: float = 1e-6, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.gem_pool`, whose ``p`` may be an array with a derivative.

    >>> import jax.numpy as jnp, anypool.jax as aj
    >>> x = jnp.arange(1.0, 9.0).reshape(1, 2, 4)
    >>> y = aj.gem_pool(x, (2,), p=jnp.array([1.0, 3.0]).reshape(1, 2, 1))
    >>> [f"{v:.3f}" for v in y.ravel()]
    ['1.500', '3.500', '5.545', '7.533']
    """
    over = where.sliding(kernel_size, stride, padding, dilation, ceil_mode)
    if isinstance(p, jax.Array):
        return front.pool(_array(x), over, reductions.gem(eps=eps), parameter=p, **common)
    return front.pool(_array(x), over, reductions.gem(p, eps), **common)


def lse_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, r: Any = 10, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.lse_pool`, whose ``r`` may be an array with a derivative.

    >>> import jax.numpy as jnp, anypool.jax as aj
    >>> aj.lse_pool(jnp.array([1.0, 1.0, 2.0, 2.0]), 2, r=jnp.array(3.0))
    Array([1., 2.], dtype=float32)
    """
    over = where.sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return front.pool(_array(x), over, **_learned(r, reductions.lse), **common)


def soft_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, beta: Any = 1, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.soft_pool`, whose ``beta`` may be an array with a derivative.

    >>> import jax.numpy as jnp, anypool.jax as aj
    >>> aj.soft_pool(jnp.array([0.0, 1000.0]), 2, beta=jnp.array(1.0))
    Array([1000.], dtype=float32)
    """
    over = where.sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return front.pool(_array(x), over, **_learned(beta, reductions.soft), **common)


def pool(x: Any, windows: Any, reduce: Any = "max", **common: Any) -> Any:
    """:func:`anypool.pool`; ``parameter=`` is an array in place of the reduction's first parameter.

    >>> import jax, jax.numpy as jnp, anypool.jax as aj
    >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    >>> jax.jit(lambda x: aj.pool(x, aj.windows.whole(), "mean"))(x)
    Array([[2.5]], dtype=float32)
    """
    return front.pool(_array(x), windows, reduce, **common)
