"""WHERE each output looks: frozen values that a user makes, and what they mean.

``rules.py`` beside this file holds the arithmetic of one axis; a kind of windows says which rule
serves each pooled axis and what becomes of the pooled axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import WindowError
from .rules import All, Draw, Grid, Ints, Parts, Rule, Slide, Table, each, integer, pairs_of

__all__ = [
    "Adaptive", "Boxes", "Fractional", "Grid", "Pyramid", "Sliding", "Table", "Whole", "Windows",
    "adaptive", "boxes", "fractional", "lay", "pyramid", "sliding", "split", "whole",
]  # fmt: skip


@dataclass(frozen=True)
class Windows:
    """Where each output looks; the base of every kind. A frozen, printable value.

    ``rank`` is the number of axes it fixes (None: any); ``keepdims`` and ``joined`` say what
    becomes of the pooled axes; ``own_extent`` whether ``sizes`` lays the windows out anew.
    """

    @property
    def rank(self) -> int | None:
        return None

    keepdims = True
    joined = False
    own_extent = True
    pads = False
    random = False

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        """One rule for each pooled axis, for each grid of windows."""
        return ()


@dataclass(frozen=True)
class Sliding(Windows):
    """See :func:`sliding`."""

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    ceil_mode: bool = False

    own_extent = False

    @property
    def rank(self) -> int | None:
        return _rank(self.kernel_size)

    @property
    def pads(self) -> bool:  # type: ignore[override]
        """Whether a mean counts padding by default: explicit padding yes, "same" no."""
        return not isinstance(self.padding, str)

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        kernel = each(self.kernel_size, "kernel_size", rank, 1)
        stride = kernel if self.stride is None else each(self.stride, "stride", rank, 1)
        dilation = each(self.dilation, "dilation", rank, 1)
        pairs = pairs_of(self.padding, rank)
        same, sides = (pairs, ((0, 0),) * rank) if isinstance(pairs, str) else ("", pairs)
        ceil = bool(self.ceil_mode) and not same
        return (
            tuple(
                Slide(k, s, b, a, d, ceil, same)
                for k, s, (b, a), d in zip(kernel, stride, sides, dilation, strict=True)
            ),
        )


@dataclass(frozen=True)
class Adaptive(Windows):
    """See :func:`adaptive` and :func:`split`."""

    output_size: Any
    rule: str = "adaptive"

    @property
    def rank(self) -> int | None:
        return _rank(self.output_size)

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        sizes = self.output_size if self.rank else (self.output_size,) * rank
        if len(sizes) != rank:
            raise WindowError(
                f"output_size has {len(sizes)} numbers for {rank} pooled axes; "
                f"give one number or {rank}"
            )
        return (tuple(Parts(_size(m, a), _rule(self.rule)) for a, m in enumerate(sizes)),)


@dataclass(frozen=True)
class Whole(Windows):
    """See :func:`whole`."""

    keepdims: bool = True

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        return ((All(),) * rank,)


@dataclass(frozen=True)
class Fractional(Windows):
    """See :func:`fractional`."""

    kernel_size: Any
    output_size: Any = None
    output_ratio: Any = None
    rng: Any = field(default=None, compare=False)
    drawn: bool = False

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.drawn

    @property
    def rank(self) -> int | None:
        return _rank(self.kernel_size) or _rank(self.output_size) or _rank(self.output_ratio)

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        kernel = each(self.kernel_size, "kernel_size", rank, 1)
        if (self.output_size is None) == (self.output_ratio is None):
            raise WindowError("give output_size or output_ratio, one of the two")
        if self.output_size is not None:
            sizes = each(self.output_size, "output_size", rank, 1)
            return (tuple(Draw(k, m, None) for k, m in zip(kernel, sizes, strict=True)),)
        ratios = self.output_ratio if _rank(self.output_ratio) else (self.output_ratio,) * rank
        if len(ratios) != rank or not all(0 < float(r) < 1 for r in ratios):
            raise WindowError(
                f"output_ratio is {self.output_ratio}; give {rank} numbers between 0 and 1"
            )
        return (tuple(Draw(k, None, float(r)) for k, r in zip(kernel, ratios, strict=True)),)


@dataclass(frozen=True)
class Pyramid(Windows):
    """See :func:`pyramid`."""

    bins: tuple[Any, ...] = (1, 2, 4)
    rule: str = "adaptive"

    joined = True

    @property
    def rank(self) -> int | None:
        ranks = {_rank(b) for b in self.bins} - {None}
        return ranks.pop() if len(ranks) == 1 else None

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        if not self.bins:
            raise WindowError("bins is empty; give at least one number of bins, such as (1, 2, 4)")
        return tuple(Adaptive(b, self.rule).rules(rank)[0] for b in self.bins)


@dataclass(frozen=True)
class Boxes(Windows):
    """See :func:`boxes`."""

    boxes: tuple[tuple[int, ...], ...]
    output_size: Any
    rule: str = "adaptive"

    @property
    def rank(self) -> int | None:
        return len(self.boxes[0][1:]) // 2 if self.boxes else _rank(self.output_size)

    def rules(self, rank: int) -> tuple[tuple[Rule, ...], ...]:
        return Adaptive(self.output_size, self.rule).rules(rank)


def lay(
    rules: Sequence[Rule],
    sizes: Sequence[int],
    extents: Sequence[tuple[Ints, Ints]],
    axes: Sequence[int],
    draws: Sequence[Ints] | None = None,
) -> Grid:
    """The tables of one grid: each axis has a size, and a real extent ``low <= i < high``."""
    return tuple(
        rule.lay(n, low, high, None if draws is None else draws[i], axis)
        for i, (rule, n, (low, high), axis) in enumerate(
            zip(rules, sizes, extents, axes, strict=True)
        )
    )


def _rank(value: Any) -> int | None:
    return len(value) if isinstance(value, tuple) else None


def _frozen(value: Any) -> Any:
    """Lists and arrays as tuples, all the way down, so that windows hash and compare."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_frozen(v) for v in value)
    return value


def _size(m: Any, axis: int) -> int | None:
    return None if m is None else integer(m, f"output_size of pooled axis {axis}", 1)


def _rule(rule: str) -> str:
    if rule not in ("adaptive", "split"):
        raise WindowError(f'rule {rule!r} is not known; use "adaptive" or "split"')
    return rule


def sliding(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Sliding:  # fmt: skip
    """Windows of one size that move by a stride (None: the kernel size).

    ``padding`` is a number, one for each axis, ``(before, after)`` pairs, "valid", "same" (the odd
    element at the end: TensorFlow, ONNX SAME_UPPER) or "same_lower"; any amount. ``ceil_mode``
    keeps a last window that hangs over the end, by PyTorch's and ONNX's rule.

    >>> sliding(3, stride=2, padding=1)
    Sliding(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)
    """
    kernel_size, stride, padding, dilation = map(_frozen, (kernel_size, stride, padding, dilation))
    return Sliding(kernel_size, stride, padding, dilation, bool(ceil_mode))


def adaptive(output_size: Any, rule: str = "adaptive") -> Adaptive:
    """``output_size`` windows whatever the input size; None keeps an axis as it is.

    Window i of m over n elements reads ``floor(i*n/m)`` up to ``ceil((i+1)*n/m)``: PyTorch's rule.
    The windows overlap unless m divides n. ``rule="split"`` gives the disjoint ones.

    >>> adaptive(7)
    Adaptive(output_size=7, rule='adaptive')
    """
    return Adaptive(_frozen(output_size), _rule(rule))


def split(output_size: Any) -> Adaptive:
    """``output_size`` disjoint windows, as ``numpy.array_split`` cuts: every element read once.

    >>> split((2, 3))
    Adaptive(output_size=(2, 3), rule='split')
    """
    return Adaptive(_frozen(output_size), "split")


def whole(keepdims: bool = True) -> Whole:
    """One window over everything. ``keepdims=False`` drops the pooled axes.

    >>> whole(keepdims=False)
    Whole(keepdims=False)
    """
    return Whole(bool(keepdims))


def fractional(
    kernel_size: Any, output_size: Any = None, output_ratio: Any = None, rng: Any = None
) -> Fractional:
    """Windows of one size at pseudo-random places (Graham 2014, arXiv:1412.6071).

    One number u for each plane and axis places them, in PyTorch's sequence; ``rng=None`` means
    u = 0.5. ``rng`` is a ``numpy.random.Generator`` or a seed.

    >>> fractional(2, output_size=7)
    Fractional(kernel_size=2, output_size=7, output_ratio=None, rng=None, drawn=False)
    """
    kernel_size, output_size, output_ratio = map(_frozen, (kernel_size, output_size, output_ratio))
    return Fractional(kernel_size, output_size, output_ratio, rng, rng is not None)


def pyramid(bins: Sequence[Any] = (1, 2, 4), rule: str = "adaptive") -> Pyramid:
    """Adaptive windows of several sizes, one after the other (He et al. 2014, arXiv:1406.4729).

    The pooled axes become one axis, where the first of them stood, bins in row-major order.

    >>> pyramid((1, 2))
    Pyramid(bins=(1, 2), rule='adaptive')
    """
    return Pyramid(_frozen(tuple(bins)), _rule(rule))


def boxes(boxes: Any, output_size: Any, rule: str = "adaptive") -> Boxes:
    """Adaptive windows laid on boxes: rows of batch index, starts, stops (whole, half-open).

    >>> boxes([[0, 0, 0, 4, 6]], 2).rank
    2
    """
    rows = np.asarray(boxes)
    if rows.ndim != 2 or rows.shape[1] < 3 or rows.shape[1] % 2 == 0:
        raise WindowError(
            f"boxes have shape {rows.shape}; give (n, 1 + 2 * axes): batch index, starts, stops"
        )
    if rows.size and not np.issubdtype(rows.dtype, np.integer):
        if not np.all(rows == np.floor(rows)):
            raise WindowError("boxes must be whole numbers; round them the way you mean it")
        rows = rows.astype(np.int64)
    return Boxes(tuple(map(tuple, rows.tolist())), _frozen(output_size), _rule(rule))
