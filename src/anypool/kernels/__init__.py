"""The fast loops, who is chosen, and why. Numba is imported when a kernel is first asked for."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
from typing import Any, NamedTuple

import numpy as np

from ..plan import Layout, Plan
from ..reductions import Recipe

__all__ = [
    "Choice", "choose", "for_masked_training", "for_training", "into", "no_kernel", "pool_grid",
    "quick", "slopes", "smooth_slopes", "why_not",
]  # fmt: skip


WHY = {
    "flat": "whole windows of contiguous memory",
    "rows": "rows of memory",
    "tall": "large windows that share their work",
    "smooth": "exponentials, logarithms and powers of whole rows",
    "order": "networks of minima and maxima",
    "crowd": "ranks of large windows",
}


class Choice(NamedTuple):
    """Which loop runs a plan ("rows", "flat", ..., "generic" or "portable"), and why."""

    name: str
    why: str


@functools.cache
def why_not() -> str:
    """Why there are no kernels in this process, or "" where there are."""
    if os.environ.get("ANYPOOL_KERNELS", "1") == "0":
        return "ANYPOOL_KERNELS=0"
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed"
    try:
        import numba
    except Exception as error:  # a broken or too new neighbour must not break pooling
        return f"numba does not load: {error}"
    version = tuple(int(part) for part in numba.__version__.split(".")[:2])
    return "" if version >= (0, 62) else f"numba {numba.__version__} is older than 0.62"


def check_threads(threads: Any) -> None:
    """A PoolError unless ``threads`` is a whole number of at least 1."""
    from .threads import count

    count(threads)


def no_kernel(plan: Plan) -> str:
    """Why this plan runs in plain operations, or ""."""
    if why_not():
        return why_not()
    wide = plan.dtype.kind == "f" and plan.dtype.itemsize > 8
    if plan.dtype.kind == "c" or wide:
        return f"{plan.dtype} has no kernel"
    return uncompilable(plan.recipe) if plan.recipe.user else ""


@functools.lru_cache(maxsize=256)
def uncompilable(recipe: Recipe) -> str:
    """Why Numba cannot compile a user-made reduction, or ""."""
    import numba
    from numba.core.errors import NumbaError

    start, step, finish = (numba.njit(f, error_model="numpy") for f in recipe.user)
    try:
        numba.njit(lambda x: finish(step(start(x), x), 2), error_model="numpy")(1.0)
    except NumbaError:
        return f"the functions of {recipe.name} cannot be compiled"
    return ""


def choose(plan: Plan, x: np.ndarray) -> Choice:
    """The loop that runs ``plan`` on an array that lies like ``x``."""
    missing = no_kernel(plan)
    if missing:
        return Choice("portable", f"{missing}: plain NumPy")
    from . import fast, grouped, masks

    if grouped.suits(plan, None, None):
        return Choice("rows", "rows of memory, the windows laid out for each sample")
    if masks.suits(plan, None, None):
        return Choice("rows", "rows of memory, of which what is real is selected and counted")
    reason = fast.suits(plan)
    if reason:
        return Choice("generic", reason)
    from .frame import flat

    shape = plan.out_shape(plan.fixed.grids[0])  # type: ignore[union-attr]
    y = unreal(shape, plan.work)
    made = fast.ready(plan, plan.fixed.grids[0], plan.rules[0], flat(x), flat(y))  # type: ignore[union-attr]
    if isinstance(made, str):
        return Choice("generic", made)
    return Choice(made.name, WHY[made.name])


def pool_grid(
    plan: Plan, layout: Layout, number: int, x: np.ndarray, y: np.ndarray, w: Any, draws: Any,
    places: Any, taps: Any, threads: int | None,
) -> tuple[int, int]:  # fmt: skip
    """Pool one grid into ``y`` by the best kernel; (windows with nothing real, NaN met)."""
    from . import fast, frame, share

    grid, x = layout.grids[number], frame.readable(x)
    checked, taken = plan.options.nan == "raise" and plan.reduction.name in fast.SMOOTH, None
    if checked:  # the slow loop sees NaN; the values are the fast one's, as they always are
        from . import run

        taken = run.forward(plan, layout, grid, x, y, w, draws, places, taps, threads)
        if taken.nans:
            return taken.empty, taken.nans
    if taps is None and not fast.suits(plan, checked):
        fx, fy = frame.flat(share.bits(x)), frame.flat(share.bits(y))
        made = fast.ready(plan, grid, plan.rules[number], fx, fy)
        if not isinstance(made, str):
            count = share.workers(
                threads, share.reads(grid, max(x.size // max(math.prod(plan.sizes), 1), 1))
            )
            share.share(made.kernel, (fx.data, fy.data, made.table), made.total, count)
            return fill_empty(plan, grid, y), 0
    from . import grouped, masks, run

    if grouped.suits(plan, places, taps):
        empty = grouped.pool(plan, layout, number, x, y, threads)
        if empty is not None:
            return empty, 0
    if masks.suits(plan, places, taps):
        empty = masks.pool(plan, number, x, y, w, threads)
        if empty is not None:
            return empty, 0
    if taken is None:
        taken = run.forward(plan, layout, grid, x, y, w, draws, places, taps, threads)
    return taken.empty, taken.nans


def fill_empty(plan: Plan, grid: Any, y: np.ndarray) -> int:
    """Write ``fill`` where windows have nothing real by their place alone; how many there are."""
    empty = 0
    for axis, table in zip(plan.axes, grid, strict=True):
        nothing = np.flatnonzero(table.counts[0] == 0)
        if nothing.size:
            spot: list[Any] = [slice(None)] * y.ndim
            spot[axis] = nothing
            y[tuple(spot)] = 0 if plan.options.fill is None else plan.options.fill
            empty += nothing.size
    return empty


def slopes(
    plan: Plan, layout: Layout, grid: Any, x: np.ndarray, g: np.ndarray, w: Any, taps: Any,
    draws: Any, wanted: tuple[str, ...], by_weight: bool, threads: int | None, by_x: bool = True,
) -> Any:  # fmt: skip
    """The derivative of one grid; see :func:`run.slopes`."""
    from . import frame, run

    return run.slopes(plan, layout, grid, frame.readable(x), g, w, taps, draws, wanted, by_weight,
                      threads, by_x)  # fmt: skip


def smooth_slopes(
    plan: Plan, layout: Layout, number: int, x: np.ndarray, g: np.ndarray, threads: int | None
) -> np.ndarray | None:
    """The derivative of a smooth reduction by x alone, or None.

    See :func:`smoothtrain.backward`.
    """
    from . import smoothtrain

    return smoothtrain.backward(plan, layout, number, x, g, threads)


def for_masked_training(plan: Plan, layout: Layout, number: int, x: np.ndarray, w: Any) -> Any:
    """The same with a mask, or where NaN are skipped: for these very arrays, or None."""
    if no_kernel(plan):
        return None
    from . import masktrain

    return masktrain.ready(plan, layout, number, x, w)


def for_training(plan: Plan, layout: Layout, number: int, x: np.ndarray) -> Any:
    """The fast way forth and back for one grid over arrays that lie like ``x``, or None.

    See :class:`training.Training`.
    """
    if no_kernel(plan):
        return None
    from . import training

    return training.ready(plan, layout, number, x)


def unreal(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that lies like a new one of this shape, in the memory of one element."""
    strides = [dtype.itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.zeros(1, dtype), shape, strides)


def into(plan: Plan, layout: Layout, x: np.ndarray, y: np.ndarray, threads: int | None) -> Any:
    """A function ``go(x, y)`` that pools arrays that lie like these, or None where none is fast.

    Halves may come as uint16. Everything but the data is worked out here, once.
    """
    from . import fast, frame, share

    if fast.suits(plan) or not x.size or frame.readable(x) is not x:
        return None
    grid = layout.grids[0]
    fx, fy = frame.flat(share.bits(x)), frame.flat(share.bits(y))
    made = fast.ready(plan, grid, plan.rules[0], fx, fy)
    if isinstance(made, str) or any((t.counts[0] == 0).any() for t in grid):
        return None
    kernel, table, total = made.kernel, made.table, made.total
    reads = share.reads(grid, max(x.size // math.prod(plan.sizes), 1))
    dense = x.flags.c_contiguous and y.flags.c_contiguous
    if dense and reads < 2 * share.SERIAL_WORK:

        def small(x: np.ndarray, y: np.ndarray) -> None:
            data = x.reshape(-1) if x.flags.writeable else frame.flat(x).data
            kernel(data, y.reshape(-1), table, 0, total)

        return small

    def large(x: np.ndarray, y: np.ndarray) -> None:
        data = (frame.flat(x).data, frame.flat(y).data, table)
        share.share(kernel, data, total, share.workers(threads, reads))

    return large


def quick(
    plan: Plan, layout: Layout, x: np.ndarray, y: np.ndarray, w: Any, mask: Any, threads: int | None
) -> Any:
    """A function of x that pools arrays that lie like ``x``, or None where none is fast.

    ``y`` is such a pooled array. With a mask it is a function of x and of the mask as given.
    """
    from . import share

    if plan.select:
        from . import masks

        return masks.quick(plan, layout, x, y, w, mask, threads)
    go, shape, work = into(plan, layout, x, y, threads), y.shape, plan.work
    if go is None:
        return None
    own = share.bits(x) is x and share.bits(y) is y
    if own and x.flags.c_contiguous and y.flags.c_contiguous:

        def plain(x: np.ndarray) -> np.ndarray:
            y = np.empty(shape, work)
            go(x, y)
            return y

        return plain

    def alike(x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x, dtype=work, shape=shape)
        go(share.bits(x), share.bits(y))
        return y

    return alike
