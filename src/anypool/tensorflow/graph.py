"""The same pooling in TensorFlow's operations: in tf.function, under XLA, on other devices.

Where the pooled sizes are known it is the shared room ``plain`` that pools, whatever the batch;
where they are known only at run time it is ``dynamic``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from .. import plain
from ..errors import ShapeError
from ..plan import Options, Plan, make
from . import dynamic, straight
from .lift import Lifted, Tensor, compiled, tf
from .request import Request
from .space import Tensors
from .tensors import as_tensor, numpy_dtype

OPTIONS = ("fill", "nan", "ties", "count_include_pad", "divisor_override")  # of a Plan


@tf.autograph.experimental.do_not_convert
def pooled(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    """Pool by TensorFlow's operations."""
    plan = plan_of(request, x, weights is not None)
    beside = {
        "mask": _over("mask", request.common.get("mask"), x),
        "weights": _over("weights", weights, x),
        "sizes": request.common.get("sizes"),
    }
    if beside["mask"] is not None and beside["mask"].dtype != tf.bool:
        raise ShapeError(
            f"mask has dtype {beside['mask'].dtype.name}; it must be bool, True where x is real"
        )
    unknown = [a for a, n in enumerate(plan.shape) if n is None]
    lifted = {name: None if a is None else Lifted(as_tensor(a)) for name, a in beside.items()}
    space = Tensors(unknown=tf.shape(x)[unknown[0]] if unknown else None, wary=wary())
    at = None if parameter is None else Lifted(parameter)
    if straight.serves(plan, (weights, parameter)) and len(unknown) < 2:
        with tf.name_scope("anypool"):
            return straight.pool(space, plan, x)
    pool = plain.pool
    if len(unknown) > 1 or set(unknown) & set(plan.axes):
        pool = dynamic.pool
    with tf.name_scope("anypool"):
        y = pool(space, plan, Lifted(x), parameter=at, **lifted, **draws(request, plan, x))
    return tuple(part.t for part in y) if isinstance(y, tuple) else y.t


def wary() -> bool:
    """Whether max and min may lose NaN here."""
    return compiled() or bool(tf.config.list_physical_devices("GPU"))


def plan_of(request: Request, x: Tensor, weighted: bool) -> Plan:
    """The plan of a call whose shape may have axes of unknown size, as None."""
    if x.shape.rank is None:
        raise ShapeError(
            "x has an unknown number of axes; say at least that with tf.ensure_shape or TensorSpec"
        )
    known = {name: request.common[name] for name in OPTIONS if name in request.common}
    dtype, sizes = request.common.get("dtype"), request.common.get("sizes")
    options = Options(
        **known, dtype=None if dtype is None else numpy_dtype(dtype),
        masked=request.common.get("mask") is not None, weighted=weighted, indices=request.indices,
        sized="" if sizes is None else str(len(sizes.shape)),
    )  # fmt: skip
    axes = request.axes if isinstance(request.axes, str | None) else tuple(request.axes)
    return make(tuple(x.shape), numpy_dtype(x.dtype), request.windows, request.reduction, axes,
                options)  # fmt: skip


def _over(what: str, a: Any, x: Tensor) -> Any:
    """Mask and weights must broadcast to x's shape."""
    if a is None:
        return None
    a = as_tensor(a, what)
    try:
        fits = tf.broadcast_static_shape(a.shape, x.shape).is_compatible_with(x.shape)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{what} has shape {a.shape}, which does not broadcast to x's shape {x.shape}"
        )
    return a


# -- random numbers -----------------------------------------------------------------------------


def draws(request: Request, plan: Plan, x: Tensor) -> dict[str, Lifted]:
    """The random numbers of a call: from a seed as the kernels draw them, or by TensorFlow."""
    if not (plan.windows.random or plan.reduction.sampled):
        return {}
    rng: Any = request.common.get("rng")
    if not isinstance(rng, tf.Tensor | tf.random.Generator):
        _check_known(plan)
        plan = replace(plan, options=replace(plan.options, sized=""))  # only shapes are asked
        return {name: Lifted(tf.constant(a)) for name, a in plain.numpy_draws(plan, rng).items()}
    sizes = [tf.shape(x)[a] if n is None else n for a, n in enumerate(plan.shape)]
    name, shape = _wanted(plan, sizes)
    if isinstance(rng, tf.random.Generator):
        made = rng.uniform(shape, dtype=tf.float32)
    else:
        made = tf.random.stateless_uniform(shape, rng)
    return {name: Lifted(made)}


def _check_known(plan: Plan) -> None:
    if None in plan.shape:
        raise ShapeError(
            f"x has shape {plan.shape}; numbers drawn with a seed need every size beforehand: "
            "give rng= a tf.random.Generator or a tensor of two seeds"
        )


def _wanted(plan: Plan, sizes: list[Any]) -> tuple[str, list[Any]]:
    """What is drawn, and its shape: a place for each plane and axis, or a pick for each output."""
    if plan.windows.random:
        return "spots", [len(plan.axes), *(sizes[a] for a in plan.outer)]
    grids = []
    for rules in plan.rules:
        own = list(sizes)
        for rule, a in zip(rules, plan.axes, strict=True):
            own[a] = dynamic.outputs(rule, sizes[a])
        grids.append(own)
    if plan.windows.joined:
        at = plan.axes[0]
        total = sum(math.prod(own[a] for a in plan.axes) for own in grids)
        behind = [sizes[a] for a in plan.outer if a > at]
        return "picks", [*(sizes[a] for a in plan.outer if a < at), total, *behind]
    kept = [n for a, n in enumerate(grids[0]) if plan.windows.keepdims or a not in plan.axes]
    return "picks", kept


# -- what eager calls need beside ----------------------------------------------------------------


def second(
    request: Request, inputs: list[Tensor | None], given_and_g: tuple[Tensor, ...],
    gg: tuple[Tensor, ...],
) -> list[Tensor]:  # fmt: skip
    """The derivatives of a derivative, by the same pooling in TensorFlow's operations."""

    def pool_again(given: list[Tensor]) -> Tensor:
        parts = iter(given)
        y = pooled(request, *(None if t is None else next(parts) for t in inputs))  # type: ignore[arg-type]
        return y[0] if isinstance(y, tuple) else y

    every, zero = list(given_and_g), tf.UnconnectedGradients.ZERO
    if not _tapes_record():  # inside a ForwardAccumulator, which stops them

        @tf.function(autograph=False)
        def apart(every: list[Tensor], gg: list[Tensor]) -> list[Tensor]:
            *given, g = every
            slopes = tf.gradients(pool_again(given), given, g, unconnected_gradients=zero)
            return tf.gradients(slopes, every, gg, unconnected_gradients=zero)

        return apart(every, list(gg))
    *given, g = every
    with tf.GradientTape() as outer:
        outer.watch(every)
        with tf.GradientTape() as inner:
            inner.watch(given)
            y = pool_again(given)
        slopes = inner.gradient(y, given, g, zero)
    return outer.gradient(slopes, every, list(gg), zero)


def _tapes_record() -> bool:
    with tf.GradientTape() as tape:
        one = tf.constant(1.0)
        tape.watch(one)
        same = tf.identity(one)
    return tape.gradient(same, one) is not None


def extents(request: Request, x: Tensor, weighted: bool) -> Tensor:
    """The sizes of the pooled samples, in the form in which sizes came."""
    plan, sizes = plan_of(request, x, weighted), request.common["sizes"]
    if any(plan.shape[a] is None for a in plan.axes):
        raise ShapeError(f"return_sizes needs known sizes; x has shape {plan.shape}")
    return plain.extents_after(Tensors(), plan, Lifted(as_tensor(sizes, "sizes"))).t
