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
    if not isinstance(windows, Windows):
        raise PoolError(f"windows must be one of anypool.windows.*(...), not {windows!r}")
    reduction = resolve(reduce)
    _check_rng(rng, windows, reduction)
    batch = arrays.canonical(x, mask, sizes, axes, windows)
    sized = "" if batch.sizes is None else f"{np.ndim(batch.sizes)}"
    options = Options(
        fill, nan, ties, _dtype(dtype), count_include_pad, divisor_override,
        batch.mask is not None, weights is not None, sized, indices,
    )  # fmt: skip
    x = batch.x
    if not isinstance(axes := batch.axes, str | None):
        axes = tuple(axes) if np.iterable(axes) else axes
    plan = make(x.shape, x.dtype.newbyteorder("="), windows, reduction, axes, options)
    weighing = arrays.weighing(x.shape, batch.mask, weights)
    pairs = None if batch.sizes is None else arrays.extents(plan, batch.sizes)
    layout = plan.layout(pairs, _generator(rng) if rng is not None else None)
    path = "portable" if kernels.no_kernel(plan) else "kernels"
    return Call(plan, layout, x, weighing, pairs, sized == "3",
                _draws(plan, layout, rng), threads, path)  # fmt: skip


def _dtype(dtype: Any) -> np.dtype | None:
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise PoolError(f"dtype {dtype!r} is not a NumPy dtype") from None
    if found.kind not in "biufcV" or found.kind == "V" and found.name != "bfloat16":
        raise PoolError(f"dtype {found} cannot hold a result; use a bool, integer or float type")
    return found


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
    generator = _generator(plan.reduction.rng if rng is None else rng)
    return tuple(
        generator.random(math.prod(plane_shape(plan, layout, grid))) for grid in layout.grids
    )


def plane_shape(plan: Plan, layout: Layout, grid: Grid) -> tuple[int, ...]:
    """The output of a grid with the pooled axes last."""
    shape = plan.out_shape(grid, _batch(layout))
    return tuple(shape[a] for a in (*plan.outer, *plan.axes))


def _batch(layout: Layout) -> int | None:
    return None if layout.source is None else len(layout.source)


def in_place(plan: Plan, a: np.ndarray) -> np.ndarray:
    """An array with the pooled axes last, as one with every axis where it belongs."""
    back = np.empty(a.ndim, np.int64)
    back[list((*plan.outer, *plan.axes))] = np.arange(a.ndim)
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
        shapes = [np.broadcast_to(np.uint8(0), plan.out_shape(grid, _batch(layout)))
                  for grid in layout.grids]  # fmt: skip
        wanted = _squeezed(plan, joined(plan, shapes)).shape
        arrays.check_out(out, wanted, plan.result, (call.x, call.weighing and call.weighing.array))
    for number, grid in enumerate(layout.grids):
        shape = plan.out_shape(grid, _batch(layout))
        same = out is not None and out.dtype == plan.work and out.shape == shape
        y = out if same else np.empty_like(call.x, dtype=plan.work, shape=shape)
        place = np.empty(y.size, np.int64) if plan.options.indices else None
        if y.size:
            _check_met(plan, forward(call, number, y, place))
        pieces.append(y)
        places.append(None if place is None else _placed(plan, layout, grid, place))
    y = finish(plan, joined(plan, pieces))
    if out is not None and y is not out:
        out[...] = y
        y = out
    found = None if places[0] is None else _squeezed(plan, joined(plan, places))
    sizes = None if call.sizes is None else plan.extents(call.sizes, layout)
    return Result(y, found, sizes)


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


def _check_met(plan: Plan, met: tuple[int, int]) -> None:
    empty, nans = met
    if empty and plan.options.fill is None:
        raise PoolError(
            f"{empty} windows have nothing real and fill is None; give fill=, or windows that do"
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
    flat = [
        p.transpose(order).reshape(*p.shape[:at], -1, *(p.shape[a] for a in behind)) for p in pieces
    ]
    return np.concatenate(flat, axis=at)


def _squeezed(plan: Plan, y: np.ndarray) -> np.ndarray:
    return y if plan.windows.keepdims else y.reshape([y.shape[a] for a in plan.outer])


def finish(plan: Plan, y: np.ndarray) -> np.ndarray:
    """Round to the result's dtype, and drop the pooled axes where that was asked."""
    y = _squeezed(plan, y)
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


# -- calls that have been made before ---------------------------------------------------------------

QUICK: dict[Any, Any] = {}
MOST_QUICK = 4096


def key(x: Any, windows: Windows, reduce: Any, common: dict[str, Any]) -> Any:
    """What makes two plain calls the same but for the numbers in x; None where nothing does."""
    if type(x) is not np.ndarray:
        return None
    made = (windows, reduce, x.shape, x.strides, x.dtype, tuple(common.items()))
    try:
        hash(made)
    except TypeError:  # arrays among the arguments
        return None
    return made


def remember(key: Any, call: Call) -> None:
    """Keep the kernel and its table for the next call of the same kind, if a fast one serves."""
    if call.path == "portable" or call.plan.windows.joined or not call.plan.windows.keepdims:
        return
    if call.plan.result != call.plan.work or call.plan.options.fill is None:
        return
    quick = kernels.quick(call.plan, call.layout, call.x, call.threads)
    if quick is None:
        return
    if len(QUICK) >= MOST_QUICK:
        QUICK.clear()
    QUICK[key] = quick


# -- the derivative ---------------------------------------------------------------------------------


class Tape:
    """What a call keeps for its derivative: the arrays themselves, and places for max and min."""

    def __init__(self, call: Call) -> None:
        plan = call.plan
        if not plan.reduction.differentiable:
            raise PoolError(f"{plan.reduction.name} has no derivative")
        if plan.dtype.kind not in "fV":
            raise PoolError(f"x is {plan.dtype}; a derivative needs real floating-point numbers")
        self.call = call
        self.taps: list[np.ndarray | None] = []

    @property
    def saved_bytes(self) -> int:
        """Memory kept beside the inputs."""
        return sum(t.nbytes for t in self.taps if t is not None)

    def forward(self) -> np.ndarray:
        call, plan, pieces = self.call, self.call.plan, []
        places = plan.recipe.family == "extreme" and plan.options.ties == "first"
        for number, grid in enumerate(call.layout.grids):
            y = np.empty_like(call.x, dtype=plan.work,
                              shape=plan.out_shape(grid, _batch(call.layout)))  # fmt: skip
            most = math.prod(int(t.count.max(initial=1)) for t in grid)
            width = np.uint8 if most < 255 else np.int64
            taps = np.empty(y.size, width) if places and call.path == "kernels" else None
            if y.size:
                _check_met(plan, forward(call, number, y, None, taps))
            pieces.append(y)
            self.taps.append(taps)
        return finish(plan, joined(plan, pieces))

    def backward(self, g: Any) -> Any:
        """The derivative by x; a tuple where weights or parameters have one too."""
        call, plan, layout = self.call, self.call.plan, self.call.layout
        wanted = plan.reduction.given
        by_weight = call.weighing is not None and call.weighing.weights is not None
        by_weight = by_weight and plan.recipe.weight_slope is not None
        gx: Any = 0.0
        gw: Any = 0.0
        totals = [0.0] * len(wanted)
        for number, piece in enumerate(self._pieces(g)):
            made = self._slopes(number, piece, wanted, by_weight)
            gx = gx + made.x
            gw = gw + made.w if by_weight else gw
            totals = [t + float(p) for t, p in zip(totals, made.params, strict=True)]
        dx = self._as_x(gx)
        more: list[Any] = [self._as_weights(gw)] if by_weight else []
        return (dx, *more, *totals) if more or totals else dx

    def _pieces(self, g: Any) -> list[np.ndarray]:
        """The incoming derivative, grid by grid, in plane order, already divided for a mean."""
        plan, layout = self.call.plan, self.call.layout
        shapes = [plan.out_shape(grid, _batch(layout)) for grid in layout.grids]
        g = self._checked(np.asarray(g), shapes)
        parts = _split(plan, g, shapes)
        found = []
        for part, grid in zip(parts, layout.grids, strict=True):
            flat = part.transpose(*plan.outer, *plan.axes)
            if plan.scaled:
                table = portable.divisor_table(plan, grid)
                planes = math.prod(flat.shape[: len(plan.outer)])
                table = np.repeat(table, planes // max(len(table), 1), axis=0)
                flat = flat.reshape(planes, -1) / np.where(table == 0, 1.0, table)
            width = flat.dtype if flat.dtype in (np.float32, np.float64) else np.float64
            found.append(np.ascontiguousarray(flat, dtype=width).reshape(-1))
        return found

    def _checked(self, g: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
        plan = self.call.plan
        dummy = [np.broadcast_to(np.float64(0), s) for s in shapes]
        wanted = _squeezed(plan, joined(plan, dummy)).shape
        if g.shape != wanted or g.dtype.kind not in "biufV":
            raise PoolError(
                f"the incoming derivative is {g.dtype} of shape {g.shape}; "
                f"the output has shape {wanted}"
            )
        return g if plan.windows.keepdims else g.reshape(shapes[0])

    def _slopes(self, number: int, g: np.ndarray, wanted: tuple[str, ...], by_weight: bool) -> Any:
        call, plan, grid = self.call, self.call.plan, self.call.layout.grids[number]
        if not g.size:
            planes = math.prod(plan.shape[a] for a in plan.outer)
            zero = np.zeros((planes, math.prod(plan.sizes)))
            return portable.Slopes(zero, zero if by_weight else None, (0.0,) * len(wanted))
        if call.path == "portable":
            w = None if call.weighing is None else call.weighing.array
            planes = math.prod(plane_shape(plan, call.layout, grid)[: len(plan.outer)])
            return portable.slopes(plan, call.layout, grid, call.x, g.reshape(planes, -1), w,
                                   call.draws[number], wanted, by_weight)  # fmt: skip
        return kernels.slopes(plan, call.layout, grid, call.x, g, call.weighing,
                              self.taps[number], call.draws[number], wanted, by_weight,
                              call.threads)  # fmt: skip

    def _as_x(self, gx: np.ndarray) -> np.ndarray:
        plan, x = self.call.plan, self.call.x
        found = in_place(plan, gx.reshape([x.shape[a] for a in (*plan.outer, *plan.axes)]))
        if found.dtype == x.dtype and found.flags.c_contiguous == x.flags.c_contiguous:
            return found
        laid = np.empty_like(x, dtype=plan.dtype)
        laid[...] = found
        return laid

    def _as_weights(self, gw: np.ndarray) -> np.ndarray:
        plan, x = self.call.plan, self.call.x
        full = in_place(plan, gw.reshape([x.shape[a] for a in (*plan.outer, *plan.axes)]))
        shape = self.call.weighing.weights.shape  # type: ignore[union-attr]
        extra = full.ndim - len(shape)
        repeated = tuple(
            a for a in range(full.ndim) if a < extra or shape[a - extra] == 1 and full.shape[a] > 1
        )
        return full.sum(axis=repeated).reshape(shape)


def _split(plan: Plan, g: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """A pyramid's joined axis as its pieces again, pooled axes in their places."""
    if not plan.windows.joined:
        return [g]
    at, pieces, first = plan.axes[0], [], 0
    behind = tuple(a for a in plan.outer if a > at)
    order = (*(a for a in plan.outer if a < at), *plan.axes, *behind)
    back = np.argsort(order)
    for shape in shapes:
        size = math.prod(shape[a] for a in plan.axes)
        part = g[(slice(None),) * at + (slice(first, first + size),)]
        pieces.append(part.reshape([shape[a] for a in order]).transpose(back))
        first += size
    return pieces
