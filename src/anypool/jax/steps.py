"""Max, min, sum and mean as primitives of JAX, with their derivatives as primitives of their own.

Sum and mean are linear: ``values`` is its own derivative, and ``back`` its transpose. Max and min
keep, in ``found``, one byte for each output that says where it stood; ``taken`` reads there and
``spread``, its transpose, writes there. So derivatives of any order and kind, transposes and
batches stay among these five. Each is a kernel on the CPU, and plain operations (``forms``)
elsewhere, in programs that are exported or divided among devices, and where little is to be done.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ..plan import Plan, make
from . import forms, jobs, proof

Array = Any
# elements of x below which XLA's own operations cost no more than a call
LEAST = {"values": 1 << 11, "back": 1 << 11, "found": 0, "spread": 0}

VALUES, FOUND, TAKEN, SPREAD, BACK = (
    Primitive(f"anypool_{name}") for name in ("values", "found", "taken", "spread", "back")
)
FOUND.multiple_results = True


def pool(x: Array, plan: Plan, threads: int | None = None) -> Array:
    """Max, min, sum or mean of x, pooled axes kept; ``jobs.training`` must know the plan."""
    return VALUES.bind(x, plan=plan, threads=threads)


def found(x: Array, plan: Plan, threads: int | None = None) -> tuple[Array, Array]:
    """Max or min, and where each stands: flat over the pooled axes, -1 where nothing is real."""
    y, taps = FOUND.bind(x, plan=plan, threads=threads)
    return y, forms.places(taps, plan)


def is_linear(plan: Plan) -> bool:
    """Whether this is a sum or a mean."""
    return plan.recipe.family != "extreme"


# -- shapes --------------------------------------------------------------------------------------


def _like_y(x: Any, *_: Any, plan: Plan, threads: int | None) -> Any:
    return x.update(shape=jobs.out_shape(plan), weak_type=False)


def _like_y_and_taps(x: Any, *, plan: Plan, threads: int | None) -> Any:
    y = _like_y(x, plan=plan, threads=threads)
    return [y, y.update(dtype=jobs.tap_dtype(plan))]


def _like_x(g: Any, *_: Any, plan: Plan, threads: int | None) -> Any:
    return g.update(shape=plan.shape, weak_type=False)


# -- derivatives ---------------------------------------------------------------------------------


def _slope_of_values(primals: Any, tangents: Any, **params: Any) -> Any:
    [x], [dx] = primals, tangents
    if is_linear(params["plan"]):
        return VALUES.bind(x, **params), _unless_zero(VALUES, dx, (), params)
    y, taps = FOUND.bind(x, **params)
    return y, _unless_zero(TAKEN, dx, (taps,), params)


def _slope_of_found(primals: Any, tangents: Any, **params: Any) -> Any:
    y, taps = FOUND.bind(*primals, **params)
    dy = _unless_zero(TAKEN, tangents[0], (taps,), params)
    return [y, taps], [dy, ad.Zero(taps.aval.to_tangent_aval())]


def _slope_of_linear(primitive: Primitive, primals: Any, tangents: Any, **params: Any) -> Any:
    v, *rest = primals
    return primitive.bind(v, *rest, **params), _unless_zero(primitive, tangents[0], rest, params)


def _unless_zero(primitive: Primitive, tangent: Any, rest: Any, params: Any) -> Any:
    if type(tangent) is not ad.Zero:
        return primitive.bind(tangent, *rest, **params)
    like = {VALUES: _like_y, TAKEN: _like_y, SPREAD: _like_x, BACK: _like_x}[primitive]
    return ad.Zero(like(tangent.aval, **params))


def _transposed(other: Primitive, g: Any, v: Any, *rest: Any, **params: Any) -> Any:
    """The transpose of a linear step is another one; taps have no derivative."""
    return [other.bind(g, *rest, **params), *(None for _ in rest)]


# -- batches -------------------------------------------------------------------------------------


_FORMS = {
    VALUES: forms.values, FOUND: forms.found, TAKEN: forms.taken, SPREAD: forms.spread,
    BACK: forms.back,
}  # fmt: skip


def _batched(primitive: Primitive, arrays: Any, dims: Any, *, plan: Plan, threads: Any) -> Any:
    """One more axis, in front: its samples are more planes."""
    [size] = {a.shape[d] for a, d in zip(arrays, dims, strict=True) if d is not None}
    moved = [batching.bdim_at_front(a, d, size) for a, d in zip(arrays, dims, strict=True)]
    if not isinstance(size, int):  # a symbol, in a program to be exported
        y = jax.vmap(partial(_FORMS[primitive], plan=plan))(*moved)
        return y, ([0, 0] if primitive.multiple_results else 0)
    y = primitive.bind(*moved, plan=_wider(plan, size), threads=threads)
    return y, ([0, 0] if primitive.multiple_results else 0)


@lru_cache(maxsize=4096)
def _wider(plan: Plan, size: int) -> Plan:
    given = tuple(axis + 1 for axis in plan.given)
    return make((size, *plan.shape), plan.dtype, plan.windows, plan.reduction, given, plan.options)


# -- programs ------------------------------------------------------------------------------------


def _by_kernel(step: str, form: Any, several: bool, ctx: Any, *operands: Any, plan: Plan,
               threads: int | None) -> Any:  # fmt: skip
    """On the CPU a call of ours, where the program stays in this process on one device."""
    name = None
    worth = math.prod(plan.shape) >= LEAST[step] and not (step == "back" and jobs.tiled(plan))
    if worth and _stays(ctx.module_context) and not proof.why_not():
        name = jobs.target(step, plan, threads)
    if name is None:
        return _by_form(form, several, ctx, *operands, plan=plan, threads=threads)
    return jax.ffi.ffi_lowering(name)(ctx, *operands)


def _stays(program: Any) -> bool:
    if program.lowering_parameters.for_export:
        return False
    context = program.axis_context
    if isinstance(context, mlir.ShardingContext):
        return context.num_devices == 1
    mesh = getattr(context, "mesh", None)  # shard_map: each device by itself, if on every axis
    return mesh is not None and set(mesh.axis_names) == set(context.manual_axes)


def _by_form(form: Any, several: bool, ctx: Any, *operands: Any, plan: Plan, threads: Any) -> Any:
    return mlir.lower_fun(partial(form, plan=plan), multiple_results=several)(ctx, *operands)


@lru_cache(maxsize=1024)
def _eager(primitive: Primitive, plan: Plan, threads: int | None) -> Callable[..., Any]:
    return jax.jit(partial(primitive.bind, plan=plan, threads=threads))


def _run(primitive: Primitive, *arrays: Any, plan: Plan, threads: int | None) -> Any:
    return _eager(primitive, plan, threads)(*arrays)


def _install() -> None:
    table = (
        (VALUES, _like_y, _slope_of_values, BACK),
        (FOUND, _like_y_and_taps, _slope_of_found, None),
        (TAKEN, _like_y, partial(_slope_of_linear, TAKEN), SPREAD),
        (SPREAD, _like_x, partial(_slope_of_linear, SPREAD), TAKEN),
        (BACK, _like_x, partial(_slope_of_linear, BACK), VALUES),
    )
    for primitive, like, slope, other in table:
        form, several = _FORMS[primitive], primitive.multiple_results
        primitive.def_impl(partial(_run, primitive))
        primitive.def_abstract_eval(like)
        ad.primitive_jvps[primitive] = slope
        if other is not None:
            ad.primitive_transposes[primitive] = partial(_transposed, other)
        batching.primitive_batchers[primitive] = partial(_batched, primitive)
        mlir.register_lowering(primitive, partial(_by_form, form, several))
        if primitive is not TAKEN:
            step = primitive.name.removeprefix("anypool_")
            own = partial(_by_kernel, step, form, several)
            mlir.register_lowering(primitive, own, platform="cpu")


_install()
