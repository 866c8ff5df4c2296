"""WHERE each output looks. Pure integers: no data passes through this room.

One axis at a time: output ``i`` reads ``range(start[i], stop[i], step)``, clipped to what exists;
``span[i]`` is the number of positions it covers when declared padding is counted. A window over
several axes is the product of its axes' ranges, so its count and span are products too.

Tables have a leading group axis. It has length 1 where every sample shares the same windows, and
one row for each sample, box or plane where it does not.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..errors import WindowError

Ints = np.ndarray
MOST = 2**40  # beyond any axis there is; products of two still fit 64 bits where they must


class Table(NamedTuple):
    """The windows of one axis: int64 arrays of shape (groups, outputs), and one step."""

    start: Ints
    stop: Ints
    step: int
    span: Ints

    @property
    def counts(self) -> Ints:
        """How many elements each window really reads."""
        return np.maximum(-((self.start - self.stop) // self.step), 0)


Grid = tuple[Table, ...]


def integer(value: Any, what: str, least: int, fits: str = "") -> int:
    """``value`` as an int of at least ``least``, or a WindowError that says what would fit."""
    try:
        number = operator.index(value)
    except TypeError:
        raise WindowError(f"{what} must be a whole number, not {value!r}") from None
    if number < least:
        raise WindowError(f"{what} is {number}; it must be at least {least}{fits}")
    if number > MOST:
        raise WindowError(f"{what} is {number}; it must be at most {MOST}")
    return number


def each(value: Any, what: str, rank: int, least: int) -> tuple[int, ...]:
    if not isinstance(value, Sequence | np.ndarray):
        return (integer(value, what, least),) * rank
    if len(value) not in (1, rank):
        raise WindowError(
            f"{what} has {len(value)} numbers for {rank} pooled axes; give one number or {rank}"
        )
    numbers = tuple(integer(v, f"{what} of pooled axis {i}", least) for i, v in enumerate(value))
    return numbers if len(numbers) == rank else numbers * rank


def pairs_of(padding: Any, rank: int) -> tuple[tuple[int, int], ...] | str:
    if isinstance(padding, str):
        if padding not in ("valid", "same", "same_lower"):
            raise WindowError(
                f"padding {padding!r} is not known; "
                'use a number, (before, after) pairs, "valid", "same" or "same_lower"'
            )
        return ((0, 0),) * rank if padding == "valid" else padding
    if isinstance(padding, Sequence | np.ndarray) and any(
        isinstance(side, Sequence | np.ndarray) for side in padding
    ):
        if len(padding) != rank:
            raise WindowError(
                f"padding has {len(padding)} pairs for {rank} pooled axes; give {rank}"
            )
        return tuple(pair(side, axis) for axis, side in enumerate(padding))
    return tuple((p, p) for p in each(padding, "padding", rank, 0))


def pair(side: Any, axis: int) -> tuple[int, int]:
    pair = each(side, f"padding of pooled axis {axis}", 2, 0)
    return pair[0], pair[1]


class Rule(Protocol):
    """The windows of one axis, before its size is known."""

    def lay(self, n: int, low: Ints, high: Ints, draw: Any, axis: int) -> Table:
        """The table for n elements, of which ``low <= i < high`` are real (one pair a group)."""
        ...


class Slide(NamedTuple):
    """A window of ``kernel`` elements, ``dilation`` apart, that moves by ``stride``."""

    kernel: int
    stride: int
    before: int
    after: int
    dilation: int
    ceil: bool
    same: str

    @property
    def reach(self) -> int:
        """Positions from a window's first element to its last."""
        return self.dilation * (self.kernel - 1) + 1

    def padding(self, n: int) -> tuple[int, int]:
        if not self.same:
            return self.before, self.after
        total = max((-(-n // self.stride) - 1) * self.stride + self.reach - n, 0)
        small, large = total // 2, total - total // 2
        return (small, large) if self.same == "same" else (large, small)

    def outputs(self, n: int) -> int:
        """PyTorch's and ONNX's rule: no window starts at or beyond the end of the input."""
        before, after = self.padding(n)
        free = n + before + after - self.reach
        if not self.ceil:
            return free // self.stride + 1
        return min(-(-free // self.stride), (n + before - 1) // self.stride) + 1

    def lay(self, n: int, low: Ints, high: Ints, draw: Any, axis: int) -> Table:
        before, after = self.padding(n)
        m, d, reach = self.outputs(n), self.dilation, self.reach
        if m < 1:
            raise WindowError(
                f"window {reach} does not fit axis {axis}: {n} elements with padding "
                f"{before} and {after} make {n + before + after}; use a kernel_size that reaches "
                "no further, more padding, or adaptive windows"
            )
        raw = np.arange(m, dtype=np.int64) * self.stride - before
        span = np.minimum(self.kernel, -((raw - n - after) // d))
        low, high = low[:, None], high[:, None]
        start = raw + np.maximum(-((raw - low) // d), 0) * d
        stop = np.minimum(high, raw + reach)
        return Table(start, np.maximum(stop, start), d, np.broadcast_to(span, start.shape))

    def extent(self, n: int, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """The outputs that lie inside each sample's extent and its padding."""
        before, after = self.padding(n)
        first = -(-low // self.stride)
        free = high + after + before - self.reach
        last = (-(-free // self.stride) if self.ceil else free // self.stride) + 1
        if self.ceil:
            last = np.where((last - 1) * self.stride >= high + before, last - 1, last)
        last = np.clip(np.where(high > low, last, first), first, self.outputs(n))
        return np.minimum(first, last), last


class Parts(NamedTuple):
    """``m`` windows that divide an extent: overlapping (adaptive) or disjoint (split)."""

    m: int | None
    rule: str

    def lay(self, n: int, low: Ints, high: Ints, draw: Any, axis: int) -> Table:
        m = n if self.m is None else self.m
        low, length = low[:, None], (high - low)[:, None]
        i = np.arange(m + 1, dtype=np.int64)
        if self.rule == "split":
            edges = i * (length // m) + np.minimum(i, length % m)
            start, stop = low + edges[:, :-1], low + edges[:, 1:]
        else:
            start, stop = low + i[:-1] * length // m, low - (-i[1:] * length // m)
        return Table(start, stop, 1, stop - start)


class Draw(NamedTuple):
    """Windows of fixed size at pseudo-random places (Graham 2014, in PyTorch's sequence)."""

    kernel: int
    m: int | None
    ratio: float | None

    def lay(self, n: int, low: Ints, high: Ints, draw: Any, axis: int) -> Table:
        m = int(n * self.ratio) if self.m is None else self.m  # type: ignore[operator]
        k, length = self.kernel, high - low
        if m < 1 or (length.size and int(length.min()) < k + m - 1):
            least = int(length.min()) if length.size else n
            raise WindowError(
                f"{m} fractional windows of {k} do not fit axis {axis} of {least} elements; "
                f"use output_size between 1 and {max(least - k + 1, 1)} and kernel_size <= {least}"
            )
        u = np.full(length.shape, 0.5) if draw is None else draw
        gap = (length - k)[:, None]
        alpha = gap / (m - 1) if m > 1 else np.zeros(gap.shape)
        i = np.arange(m, dtype=np.int64)
        u = u[:, None]
        start = np.trunc((i + u) * alpha).astype(np.int64) - np.trunc(u * alpha).astype(np.int64)
        start[:, -1:] = gap
        start += low[:, None]
        return Table(start, start + k, 1, np.full(start.shape, k, np.int64))


class All(NamedTuple):
    """One window over the whole extent."""

    def lay(self, n: int, low: Ints, high: Ints, draw: Any, axis: int) -> Table:
        start, stop = low[:, None], high[:, None]
        return Table(start, stop, 1, stop - start)
