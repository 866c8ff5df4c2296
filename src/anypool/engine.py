"""A call from its arguments to its result: plan, lay out, run, finish."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import arrays, kernels, portable
from .errors import PoolError
from .plan import Layout, Options, Plan, make
from .reductions import Reduction, resolve
from .windows import Grid, Windows


class Call(NamedTuple):
    """Everything about one call, checked."""

    plan: Plan
    layout: Layout
    x: np.ndarray
    weighing: arrays.Weighing | None
    sizes: np.ndarray | None
    pairwise: bool
    draws: tuple[np.ndarray | None, ...]
    threads: int | None
    path: str


def prepare(
    x: Any, windows: Windows, reduce: str | Reduction, *, axes: Any = None, mask: Any = None,
    weights: Any = None, sizes: Any = None, fill: Any = 0, nan: str = "propagate",
    ties: str = "first", dtype: Any = None, threads: int | None = None,
    count_include_pad: bool | None = None, divisor_override: Any = None, indices: bool = False,
    rng: Any = None,
) -> Call:  # fmt: skip
    """Check the arguments of a call and lay out its windows."""
    if threads is not None:
        kernels.check_threads(threads)
    if not isinstance(windows, Windows):
        raise PoolError(f"windows must be one of anypool.windows.*(...), not {windows!r}")
    reduction = resolve(reduce)
    _check_rng(rng, windows, reduction)
    batch = arrays.canonical(x, mask, sizes, axes, windows)
    sized = "" if batch.sizes is None else f"{np.ndim(batch.sizes)}"
    options = Options(
        fill, nan, ties, arrays.dtype_of(dtype), count_include_pad, divisor_override,
        batch.mask is not None, weights is not None, sized, indices,
    )  # fmt: skip
    x = batch.x
    if not isinstance(axes := batch.axes, str | None):
        axes = tuple(axes) if np.iterable(axes) else axes
    try:
        plan = make(x.shape, x.dtype.newbyteorder("="), windows, reduction, axes, options)
    except TypeError:
        arrays.check_hashable(windows=windows, axes=axes, **vars(options))
        raise
    weighing = arrays.weighing(x.shape, batch.mask, weights, reduction.recipe.weighs)
    pairs = None if batch.sizes is None else arrays.extents(plan, batch.sizes)
    random = rng if rng is not None else getattr(windows, "rng", None)
    layout = plan.layout(pairs, _generator(random) if windows.random else None)
    random = rng if rng is not None else reduction.rng
    path = "portable" if kernels.no_kernel(plan) else "kernels"
    return Call(plan, layout, x, weighing, pairs, sized == "3",
                _draws(plan, layout, random), threads, path)  # fmt: skip


def _check_rng(rng: Any, windows: Windows, reduction: Reduction) -> None:
    if rng is not None and not (windows.random or reduction.sampled):
        raise PoolError(
            f"{reduction} over these windows draws nothing; rng is for stochastic and fractional"
        )


def _generator(rng: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise PoolError(f"rng must be a numpy.random.Generator or a seed, not {rng!r}") from None


def _draws(plan: Plan, layout: Layout, rng: Any) -> tuple[np.ndarray | None, ...]:
    """One number in [0, 1) for every output of a sampling reduction, in plane order."""
    if not plan.reduction.sampled:
        return (None,) * len(layout.grids)
    generator = _generator(rng)
    return tuple(
        generator.random(math.prod(plane_shape(plan, layout, grid))) for grid in layout.grids
    )


def plane_shape(plan: Plan, layout: Layout, grid: Grid) -> tuple[int, ...]:
    """The output of a grid with the pooled axes last."""
    shape = plan.out_shape(grid, batch_of(layout))
    return tuple(shape[a] for a in (*plan.outer, *plan.axes))


def batch_of(layout: Layout) -> int | None:
    return None if layout.source is None else len(layout.source)


def in_place(plan: Plan, a: np.ndarray) -> np.ndarray:
    """An array with the pooled axes last, as one with every axis where it belongs."""
    back = np.empty(a.ndim, np.int64)
    back[[*plan.outer, *plan.axes]] = np.arange(a.ndim)
    return a.transpose(back)


class Result(NamedTuple):
    """A pooled array and, where asked for, indices and the sizes of its samples."""

    y: np.ndarray
    indices: np.ndarray | None
    sizes: np.ndarray | None


def run(call: Call, out: np.ndarray | None = None) -> Result:
    """Pool: each grid by a kernel or in plain operations, then the finish common to all."""
    plan, layout = call.plan, call.layout
    pieces, places = [], []
    if out is not None:
        shapes = [np.broadcast_to(np.uint8(0), plan.out_shape(grid, batch_of(layout)))
                  for grid in layout.grids]  # fmt: skip
        wanted = squeezed(plan, joined(plan, shapes)).shape
        arrays.check_out(out, wanted, plan.result, (call.x, call.weighing and call.weighing.array))
    fast = trainers(call) if plan.options.indices and plan.options.ties == "first" else []
    for number, grid in enumerate(layout.grids):
        shape = plan.out_shape(grid, batch_of(layout))
        if fast:
            y, taps, empty = trained(call, number, fast[number])
            check_met(plan, (empty, 0))
            pieces.append(y)
            places.append(fast[number].places(taps))
            continue
        y = np.empty_like(call.x, dtype=plan.work, shape=shape)
        if out is not None and out.dtype == plan.work and out.shape == shape:
            y = out
        place = np.empty(y.size, np.int64) if plan.options.indices else None
        if y.size:
            check_met(plan, forward(call, number, y, place))
        pieces.append(y)
        places.append(None if place is None else _placed(plan, layout, grid, place))
    y = finish(plan, joined(plan, pieces))
    if out is not None and y is not out:
        out[...] = y
        y = out
    found = None if places[0] is None else squeezed(plan, joined(plan, places))
    sizes = None if call.sizes is None else plan.extents(call.sizes, layout)
    return Result(y, found, sizes)


def trainers(call: Call) -> list[Any]:
    """For each grid, the kernels made for training; none where they do not serve every grid."""
    if call.path == "portable":
        return []
    plan, layout, x = call.plan, call.layout, call.x
    found = [
        kernels.for_masked_training(plan, layout, i, x, call.weighing)
        if plan.select
        else kernels.for_training(plan, layout, i, x)
        for i in range(len(layout.grids))
    ]
    return [] if any(one is None for one in found) else found


def trained(call: Call, number: int, made: Any) -> tuple[np.ndarray, np.ndarray, int]:
    """Max or min of one grid, the tap of each, and how many windows had nothing real."""
    y, taps = made.y.empty(call.plan.work), made.empty_taps()
    empty = made.forward(call.x, y, taps, call.threads)
    by_place = kernels.fill_empty(call.plan, call.layout.grids[number], y)
    return y, taps, by_place if empty is None else empty


def forward(
    call: Call, number: int, y: np.ndarray, places: np.ndarray | None, taps: Any = None
) -> tuple[int, int]:
    """Pool one grid into ``y``; how many windows had nothing real, and how many NaN were met."""
    plan, layout = call.plan, call.layout
    if call.path == "portable":
        return _plain(call, number, y, places)
    return kernels.pool_grid(
        plan, layout, number, call.x, y, call.weighing, call.draws[number], places, taps,
        call.threads,
    )  # fmt: skip


def _plain(call: Call, number: int, y: np.ndarray, places: Any) -> tuple[int, int]:
    plan, grid = call.plan, call.layout.grids[number]
    w = None if call.weighing is None else call.weighing.array
    made = portable.forward(plan, call.layout, grid, call.x, w, call.draws[number])
    with np.errstate(over="ignore"):
        y[...] = in_place(plan, made.y.reshape(plane_shape(plan, call.layout, grid)))
    if places is not None and made.places is not None:
        places[...] = made.places.reshape(-1)
    return made.empty, made.nans


def check_met(plan: Plan, met: tuple[int, int]) -> None:
    empty, nans = met
    if empty and plan.options.fill is None:
        raise PoolError(
            "some windows have nothing real and fill is None; give fill=, or windows that do"
        )
    if nans and plan.options.nan == "raise":
        raise PoolError('x has NaN in its windows; use nan="propagate", nan="skip" or a mask')


def _placed(plan: Plan, layout: Layout, grid: Grid, places: np.ndarray) -> np.ndarray:
    return in_place(plan, places.reshape(plane_shape(plan, layout, grid)))


def joined(plan: Plan, pieces: Sequence[np.ndarray]) -> np.ndarray:
    """A pyramid's pieces as one axis, where the first pooled axis stood."""
    if not plan.windows.joined:
        return pieces[0]
    at = plan.axes[0]
    behind = tuple(a for a in plan.outer if a > at)
    order = (*(a for a in plan.outer if a < at), *plan.axes, *behind)
    sizes = [math.prod(p.shape[a] for a in plan.axes) for p in pieces]
    flat = [
        p.transpose(order).reshape(*p.shape[:at], size, *(p.shape[a] for a in behind))
        for p, size in zip(pieces, sizes, strict=True)
    ]
    return np.concatenate(flat, axis=at)


def squeezed(plan: Plan, y: np.ndarray) -> np.ndarray:
    return y if plan.windows.keepdims else y.reshape([y.shape[a] for a in plan.outer])


def finish(plan: Plan, y: np.ndarray) -> np.ndarray:
    """Round to the result's dtype, and drop the pooled axes where that was asked."""
    y = squeezed(plan, y)
    if y.dtype == plan.result:
        return y
    if plan.result.kind in "iu" and y.dtype.kind in "fV":
        y = np.rint(y)
    if plan.result.kind in "iu" and y.size:
        info = np.iinfo(plan.result)
        if not (y.min() >= info.min and y.max() <= info.max):
            raise PoolError(
                f"the result, {y.min()} to {y.max()}, does not fit {plan.result}; use a wider dtype"
            )
    with np.errstate(over="ignore"):
        return y.astype(plan.result)


# -- calls that have been made before -----------------------------------------------------------

QUICK: dict[Any, Any] = {}
MOST_QUICK = 4096


def key(x: Any, windows: Windows, reduce: Any, common: dict[str, Any]) -> Any:
    """What makes two plain calls the same but for the numbers in x; None where nothing does."""
    if type(x) is not np.ndarray:
        return None
    items = tuple(common.items())
    mask = common.get("mask")
    if type(mask) is np.ndarray and mask.dtype == bool:
        lies = ("mask", mask.shape, mask.strides, mask.flags.writeable)
        items = tuple(lies if name == "mask" else (name, v) for name, v in items)
    made = (windows, reduce, x.shape, x.strides, x.dtype, items)
    try:
        hash(made)
    except TypeError:  # arrays among the arguments
        return None
    return made


def again(key: Any, x: np.ndarray, common: dict[str, Any]) -> np.ndarray | None:
    """A call that was made before, by the short way; None where there is none."""
    known = QUICK.get(key)
    if known is None:
        return None
    mask = common.get("mask")
    return known(x) if mask is None else known(x, mask)


def remember(key: Any, call: Call, y: np.ndarray, mask: Any = None) -> None:
    """Keep the kernel and its table for the next call of the same kind, if a fast one serves."""
    if call.path == "portable" or call.plan.windows.joined or not call.plan.windows.keepdims:
        return
    if call.plan.result != call.plan.work or call.plan.options.fill is None:
        return
    quick = kernels.quick(call.plan, call.layout, call.x, y, call.weighing, mask, call.threads)
    if quick is None:
        return
    if len(QUICK) >= MOST_QUICK:
        QUICK.clear()
    QUICK[key] = quick
