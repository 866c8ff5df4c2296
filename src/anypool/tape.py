"""The derivative of a call: what is kept on the way there, and the way back."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from . import kernels, portable
from .engine import (
    Call,
    batch_of,
    check_met,
    finish,
    forward,
    in_place,
    joined,
    plane_shape,
    squeezed,
    trained,
    trainers,
)
from .errors import PoolError
from .plan import Plan


class Tape:
    """What a call keeps for its derivative: the arrays themselves, and places for max and min."""

    def __init__(self, call: Call) -> None:
        plan = call.plan
        if not plan.reduction.differentiable:
            raise PoolError(f"{plan.reduction.name} has no gradient")
        if plan.dtype.kind not in "fV":
            raise PoolError(f"x is {plan.dtype}; a gradient needs real floating-point numbers")
        self.call = call
        self.taps: list[np.ndarray | None] = []
        self.fast: list[Any] = []

    def without_x(self) -> Tape:
        """The same without its input, for a caller who keeps that himself."""
        return self.with_x(None)

    def with_x(self, x: Any) -> Tape:
        """The same with its input given back."""
        other = copy.copy(self)
        other.call = self.call._replace(x=x)
        return other

    @property
    def saved_bytes(self) -> int:
        """Memory kept beside the inputs."""
        return sum(t.nbytes for t in self.taps if t is not None)

    def forward(self) -> np.ndarray:
        call, plan, pieces = self.call, self.call.plan, []
        places = plan.recipe.family == "extreme" and plan.options.ties == "first"
        self.fast = trainers(call)
        for number, grid in enumerate(call.layout.grids):
            y = np.empty_like(call.x, dtype=plan.work,
                              shape=plan.out_shape(grid, batch_of(call.layout)))  # fmt: skip
            if self.fast and places:
                y, tap, empty = trained(call, number, self.fast[number])
                check_met(plan, (empty, 0))
                pieces.append(y)
                self.taps.append(tap)
                continue
            most = math.prod(int(t.counts.max(initial=1)) for t in grid)
            width = np.uint8 if most < 255 else np.int64
            taps = np.empty(y.size, width) if places and call.path == "kernels" else None
            if y.size:
                check_met(plan, forward(call, number, y, None, taps))
            pieces.append(y)
            self.taps.append(taps)
        return finish(plan, joined(plan, pieces))

    def backward(self, g: Any) -> Any:
        """The derivative by x; a tuple where weights or parameters have one too."""
        call, plan = self.call, self.call.plan
        if self.fast:
            return self._backward_fast(np.asarray(g))
        wanted = plan.reduction.given
        dx = self._backward_smooth(np.asarray(g))
        if dx is not None and not wanted:
            return dx
        weighed = call.weighing is not None and call.weighing.weights is not None
        by_weight = weighed and plan.recipe.weight_slope is not None
        gx: Any = 0.0
        gw: Any = 0.0
        totals = [0.0] * len(wanted)
        for number, piece in enumerate(self._pieces(g)):
            made = self._slopes(number, piece, wanted, by_weight, dx is None)
            if dx is None:
                gx = gx + made.x
            gw = gw + made.w if by_weight else gw
            totals = [t + float(p) for t, p in zip(totals, made.params, strict=True)]
        dx = self._as_x(gx) if dx is None else dx
        more: list[Any] = [self._as_weights(gw, by_weight)] if weighed else []
        return (dx, *more, *totals) if more or totals else dx

    def _backward_fast(self, g: np.ndarray) -> np.ndarray:
        """The same by the kernels made for training, rounded to x's dtype once."""
        x, parts = self.call.x, self._parts(g)
        wide = x.dtype if g.dtype == x.dtype and len(parts) == 1 else _width(g.dtype, x.dtype)
        gx: Any = None
        for made, part, taps in zip(self.fast, parts, self.taps, strict=True):
            one = made.x.empty(wide)
            made.backward(made.y.laid(part, wide), taps, one, self.call.threads)
            gx = one if gx is None else np.add(gx, one, out=gx)
        with np.errstate(over="ignore"):
            return gx.astype(x.dtype, copy=False)

    def _backward_smooth(self, g: np.ndarray) -> np.ndarray | None:
        """The same for lse, gem and their kin by kernels of their own, where they serve."""
        call, gx = self.call, None
        if call.path != "kernels" or call.weighing is not None:
            return None
        for number, part in enumerate(self._parts(g)):
            one = kernels.smooth_slopes(call.plan, call.layout, number, call.x, part, call.threads)
            if one is None:
                return None
            gx = one if gx is None else np.add(gx, one, out=gx)
        return gx

    def _parts(self, g: np.ndarray) -> list[np.ndarray]:
        """The incoming derivative, grid by grid."""
        return _split(self.call.plan, self._checked(g), self._shapes)

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the output's grids."""
        plan, layout = self.call.plan, self.call.layout
        return [plan.out_shape(grid, batch_of(layout)) for grid in layout.grids]

    @cached_property
    def _wanted(self) -> tuple[int, ...]:
        """The shape of the output."""
        dummy = [np.broadcast_to(np.float64(0), s) for s in self._shapes]
        return squeezed(self.call.plan, joined(self.call.plan, dummy)).shape

    def _pieces(self, g: Any) -> list[np.ndarray]:
        """The same in plane order, already divided for a mean."""
        plan, layout = self.call.plan, self.call.layout
        found = []
        for part, grid in zip(self._parts(np.asarray(g)), layout.grids, strict=True):
            flat = part.transpose(*plan.outer, *plan.axes)
            if plan.scaled:
                table = portable.divisor_table(plan, grid)
                planes = math.prod(flat.shape[: len(plan.outer)])
                table = np.repeat(table, planes // max(len(table), 1), axis=0)
                flat = flat.reshape(planes, table.shape[1]) / np.where(table == 0, 1.0, table)
            width = flat.dtype if flat.dtype in (np.float32, np.float64) else np.float64
            found.append(np.ascontiguousarray(flat, dtype=width).reshape(-1))
        return found

    def _checked(self, g: np.ndarray) -> np.ndarray:
        if g.shape != self._wanted or g.dtype.kind not in "biufV":
            raise PoolError(
                f"the incoming gradient is {g.dtype} of shape {g.shape}; "
                f"the output has shape {self._wanted}"
            )
        return g if self.call.plan.windows.keepdims else g.reshape(self._shapes[0])

    def _slopes(
        self, number: int, g: np.ndarray, wanted: tuple[str, ...], by_weight: bool, by_x: bool
    ) -> Any:
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
                              call.threads, by_x)  # fmt: skip

    def _as_x(self, gx: np.ndarray) -> np.ndarray:
        plan, x = self.call.plan, self.call.x
        found = in_place(plan, gx.reshape([x.shape[a] for a in (*plan.outer, *plan.axes)]))
        if found.dtype == x.dtype and found.flags.c_contiguous == x.flags.c_contiguous:
            return found
        laid = np.empty_like(x, dtype=plan.dtype)
        laid[...] = found
        return laid

    def _as_weights(self, gw: np.ndarray, known: bool) -> np.ndarray:
        """Summed over what the weights were repeated for; 0 where they only say what is real."""
        plan, x = self.call.plan, self.call.x
        if not known:
            return np.zeros(self.call.weighing.weights.shape)  # type: ignore[union-attr]
        full = in_place(plan, gw.reshape([x.shape[a] for a in (*plan.outer, *plan.axes)]))
        shape = self.call.weighing.weights.shape  # type: ignore[union-attr]
        extra = full.ndim - len(shape)
        given = (1,) * extra + shape
        repeated = tuple(a for a, (n, m) in enumerate(zip(given, full.shape, strict=True)) if n < m)
        return full.sum(axis=repeated).reshape(shape)


def _width(g: np.dtype, x: np.dtype) -> np.dtype:
    """What derivatives of g's dtype for an x of this dtype are added up in."""
    known = g if g in (np.float32, np.float64) else np.dtype(np.float64)
    if g.itemsize == 2 and g.kind in "fV":
        known = np.dtype(np.float32)
    return np.promote_types(known, np.float32 if x.itemsize == 2 else x)


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
