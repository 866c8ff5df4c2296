"""When the rank kernels serve a Plan (median, quantile, topk, mode), and how to call them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..plan import Plan
from . import crowds, fast, ordercode, rows, singles
from .frame import Flat
from .ordercode import Order
from .share import kind_of

MOST = 128  # numbers a network takes; beyond, ranks
MOST_CHANNELS = 1 << 30  # any number of them may lie on one long row
MOST_RANKS = 8  # ranks that are wanted at once (mode wants them all: only of few numbers)


class Wish(NamedTuple):
    """What a reduction wants of n numbers: the first rank, a share of the way to the next."""

    name: str
    number: float = 0.0

    def ranks(self, n: int) -> tuple[int, ...]:
        """The ranks that a network of n numbers finds, the most important first."""
        if self.name == "top":
            return tuple(range(n - 1, max(n - 1 - int(self.number), -1), -1))
        if self.name == "mode":
            return tuple(range(n))
        low = self.place(n)[0]
        return (low,) if self.name == "value" else (low, min(low + 1, n - 1))

    def place(self, n: int) -> tuple[int, float]:
        """The rank wanted of n real numbers, and the share that ``netvectors`` asks for."""
        if self.name == "top":
            return n - 1, float(n)
        if self.name == "mode":
            return 0, float(n)
        if self.name == "between":
            place = self.number * (n - 1)
            return math.floor(place), place - math.floor(place)
        return (n - 1) // 2, 0.0 if n % 2 or self.name == "value" else 0.5


def ready(
    plan: Plan, pooled: Sequence[fast.Axis], channels: int, planes: list[fast.Axis], x: Flat,
    y: Flat,
) -> fast.Fast | str:  # fmt: skip
    """The rank kernel for these windows, or why there is none."""
    if len(pooled) > 3:
        return "more than three pooled axes have no fast kernel"
    asked = wish(plan.reduction.name, dict(plan.reduction.params))
    axis, others = fast.by_stride(pooled)
    outer, places = fast.sides_of(others), fast.triples(planes)
    inner, run = as_one_row(fast.inner_of(plan, axis, channels))
    order = order_of(asked, outer, inner, goes_short(inner))
    if order is None:
        return _crowd(plan, asked, axis, others, channels, places, x, y)
    kernel = kernel_of(kind_of(plan.dtype), kind_of(plan.work), order)
    table = pack(x.first, y.first, places, outer, inner, run, asked, order)
    return fast.Fast("order", kernel, table, rows.count_rows(places, outer))


def _crowd(
    plan: Plan, asked: Wish, axis: fast.Axis, others: Sequence[fast.Axis], channels: int,
    places: Sequence[tuple[int, int, int]], x: Flat, y: Flat,
) -> fast.Fast | str:  # fmt: skip
    """The kernel for windows too large for a network, or why there is none."""
    if asked.name not in ("value", "middle", "between"):
        return f"{plan.reduction} of so many numbers has no fast kernel"
    outer, inner = fast.sides_of(others), fast.inner_of(plan, axis, channels)
    table = rows.pack(x.first, y.first, places, outer, inner._replace(span=1, channels=1))
    table[crowds.EXTRA] = len(table)
    block, tall = _block(outer, inner)
    total, columns = rows.count_rows(places, outer), _sliding(outer, inner)
    names = kind_of(plan.dtype), kind_of(plan.work), asked.name
    high = len(outer[-1].start) if outer else 1
    blocks = -(-high // block)
    extra = [_bits(asked.number), _numbers(outer, inner), tall, 0, block, blocks, channels]
    table = np.concatenate([table, np.array(extra, np.int64)])
    if columns and tall * inner.length < 1 << 31:
        return fast.Fast("crowd", sliding_of(*names), table, total // high * blocks * channels)
    return fast.Fast("crowd", single_of(*names, inner.start is not None), table, total)


def _numbers(outer: Sequence[rows.Outer], inner: rows.Inner) -> int:
    """How many numbers a window holds at most."""
    return math.prod(int(_counts(o.start, o.stop, o.gap).max(initial=1)) for o in outer) * _width(
        inner
    )


def _block(outer: Sequence[rows.Outer], inner: rows.Inner) -> tuple[int, int]:
    """Rows of outputs that are worked on together, and what a column of theirs holds at most."""
    if not outer:
        return 1, 1
    axis = outer[-1]
    counts = _counts(axis.start, axis.stop, axis.gap)
    rows_each = int(counts.max(initial=1))
    block = min(max(rows_each, 8), len(axis.start))
    tall = max(
        int((axis.start[i : i + block] + counts[i : i + block]).max() - axis.start[i])
        for i in range(0, len(axis.start), block)
    )
    deep = math.prod(int(_counts(o.start, o.stop, o.gap).max(initial=1)) for o in outer[:-1])
    return block, max(tall, 1) * deep


def _sliding(outer: Sequence[rows.Outer], inner: rows.Inner) -> bool:
    """Whether a window shares most of its columns with the one before, and its rows are dense."""
    dense = inner.gap == 1 and all(o.gap == 1 for o in outer[-1:])
    return inner.start is None and dense and 6 * inner.stride <= inner.size


@lru_cache(maxsize=64)
def sliding_of(kind: str, out: str, finish: str) -> Callable:
    return crowds.make_sliding(kind, out, finish)


@lru_cache(maxsize=64)
def single_of(kind: str, out: str, finish: str, ragged: bool) -> Callable:
    return singles.make_single(kind, out, finish, ragged)


def wish(name: str, params: dict[str, object]) -> Wish:
    """The wish behind a reduction's name and parameters."""
    if name == "median":
        return Wish("value" if params else "middle")
    if name == "quantile":
        return Wish("between", float(params["q"]))  # type: ignore[arg-type]
    return Wish("mode") if name == "mode" else Wish("top", float(params["k"]))  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def kernel_of(kind: str, out: str, order: Order) -> Callable:
    return ordercode.make_kernel(kind, out, order)


def order_of(
    asked: Wish, outer: Sequence[rows.Outer], inner: rows.Inner, short: bool
) -> Order | None:  # fmt: skip
    """The network that serves these windows, or None where it would be too large."""
    height = math.prod(int(_counts(o.start, o.stop, o.gap).max(initial=1)) for o in outer)
    width = _width(inner)
    total = height * width
    if total > MOST or len(asked.ranks(total)) > (16 if asked.name == "mode" else MOST_RANKS):
        return None
    wanted = asked.ranks(total)
    if inner.start is not None or not short:
        return Order(height, width, wanted, asked.name, ragged=inner.start is not None)
    share = asked.place(total)[1]
    alone = asked.name in ("middle", "between") and share == 0
    return Order(
        height, width, wanted, asked.name, wanted[:1] if alone else wanted,
        "value" if alone else asked.name, inner.stride,
    )  # fmt: skip


def _counts(start: np.ndarray, stop: np.ndarray, gap: int) -> np.ndarray:
    return np.maximum(0, -((start - stop) // gap))


def _width(inner: rows.Inner) -> int:
    if inner.start is None or inner.stop is None:
        return inner.size
    return int(_counts(inner.start, inner.stop, 1).max(initial=1))


def goes_short(inner: rows.Inner) -> bool:
    """Whether neighbouring windows follow each other in memory, so that vectors run over them."""
    steps = (1, 2, 3, 4)
    return (
        inner.start is None and inner.channels == 1 and inner.stride in steps
        and inner.x_stride == 1 and inner.y_stride == 1
    )  # fmt: skip


def as_one_row(inner: rows.Inner) -> tuple[rows.Inner, int]:
    """Windows that move by one place, on one long row; and how many neighbours read alike."""
    row = rows.flattened(inner, most=MOST_CHANNELS)
    return row, inner.channels if row.channels < inner.channels else 1


def pack(
    x0: int, y0: int, planes: Sequence[tuple[int, int, int]], outer: Sequence[rows.Outer],
    inner: rows.Inner, run: int, asked: Wish, order: Order,
) -> np.ndarray:  # fmt: skip
    """The table of a row kernel, and behind it what only these kernels read."""
    table = rows.pack(x0, y0, planes, outer, inner._replace(span=1))
    table[ordercode.EXTRA] = len(table)
    total = order.height * order.width
    wanted = asked.place(total)[0]
    places = [asked.place(max(n, 1)) for n in range(total + 1)]
    first, last = _complete(inner) if order.step else (0, 0)
    high = int(_counts(outer[-1].start, outer[-1].stop, outer[-1].gap).max()) if outer else 1
    extra = [run, first, last, high, order.width, _bits(asked.place(total)[1])]
    extra += [wanted - place for place, _ in places] + [_bits(share) for _, share in places]
    return np.concatenate([table, np.array(extra, np.int64)])


def _complete(inner: rows.Inner) -> tuple[int, int]:
    """The outputs whose windows stand wholly inside the row."""
    first = -(-inner.before // inner.stride)
    room = inner.length + inner.before - (inner.size - 1) * inner.gap - 1
    last = min(room // inner.stride + 1, inner.outputs)
    return (first, last) if first < last else (0, 0)


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.int64))
