"""WHERE windows read, as tensors made in the graph itself, and the cutting of windows.

The arithmetic is that of ``windows/rules.py``, for sizes that may be plain numbers, symbols
(``torch.export``) or tensors without axes (``torch.jit.trace``): nothing here branches on a size
that is not a plain number, so a traced graph stays right at every size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..windows.rules import All, Draw, Parts, Rule, Slide

Size = Any  # an int, a SymInt, or a Tensor without axes


class Axis(NamedTuple):
    """One pooled axis of a tensor of ``rank`` axes: its size, and what of it is real.

    ``low`` and ``high`` are None, or tensors of ``rank + 1`` axes that broadcast over the samples;
    ``draw`` likewise for random places.
    """

    axis: int
    rank: int
    n: Size
    device: torch.device
    low: Tensor | None = None
    high: Tensor | None = None
    draw: Tensor | None = None

    def line(self, m: Size) -> Tensor:
        """0 to m - 1 along this axis; one more axis, the last, is for a window's elements."""
        line = torch.arange(m, device=self.device)
        return line[(None,) * self.axis + (slice(None),) + (None,) * (self.rank - self.axis)]


class Places(NamedTuple):
    """The windows of one axis: ``outputs`` of them, the longest with ``most`` elements.

    ``reads`` and ``real`` have the tensor's axes, the outputs in their place, and a last axis for
    a window's elements. ``reads`` None: windows side by side, which a reshape finds; ``rest``:
    elements are left over behind them. ``real`` None: every window has ``most`` elements.
    ``span`` counts declared padding too (None: none declared). ``full``: no window is empty.
    ``own``: samples have windows of their own.
    """

    axis: Axis
    outputs: Size
    most: Size
    reads: Tensor | None = None
    real: Tensor | None = None
    span: Any = None
    full: bool = True
    own: bool = False
    rest: bool = False

    @property
    def whole(self) -> bool:
        """One window over everything."""
        side_by_side = self.reads is None and not self.rest
        return side_by_side and self.real is None and plain(self.outputs) == 1

    @property
    def counts(self) -> Any:
        """How many elements each window really reads."""
        return self.most if self.real is None else self.real.sum(-1)

    @property
    def spans(self) -> Any:
        return self.counts if self.span is None else self.span

    def positions(self) -> Tensor:
        """Where each element of each window stands on the axis."""
        if self.reads is not None:
            return self.reads
        return side_by_side(self.axis, self.outputs, self.most)


def plain(n: Size) -> int | None:
    """A size where it is a plain number."""
    return n if type(n) is int else None


def least(a: Size, b: Size) -> Size:
    return torch.minimum(a, b) if isinstance(a, Tensor) else torch.sym_min(a, b)


def at_least_0(a: Size) -> Size:
    return a.clamp(min=0) if isinstance(a, Tensor) else torch.sym_max(a, 0)


def lay(rule: Rule, axis: Axis) -> Places:
    """The windows of a rule on one axis."""
    if isinstance(rule, Slide):
        return slide(rule, axis)
    if isinstance(rule, Parts):
        return parts(rule, axis)
    if isinstance(rule, Draw):
        return drawn(rule, axis)
    assert isinstance(rule, All)  # noqa: S101 - there is no fifth
    return tiles(axis, 1, axis.n)


def tiles(axis: Axis, outputs: Size, most: Size, rest: bool = False) -> Places:
    """Windows side by side from the start."""
    if axis.low is None:
        return Places(axis, outputs, most, rest=rest)
    real = _within(axis, side_by_side(axis, outputs, most), None)
    return Places(axis, outputs, most, None, real, full=False, rest=rest)


def _within(axis: Axis, index: Tensor, real: Tensor | None) -> Tensor | None:
    """What is real by the samples' extents too."""
    if axis.low is None or axis.high is None:
        return real
    inside = (index >= axis.low) & (index < axis.high)
    return inside if real is None else real & inside


def side_by_side(axis: Axis, outputs: Size, most: Size) -> Tensor:
    taps = torch.arange(most, device=axis.device)
    return axis.line(outputs) * most + taps


# -- sliding ------------------------------------------------------------------------------------


def slide(rule: Slide, axis: Axis) -> Places:
    before, after = slide_padding(rule, axis.n)
    m = slide_outputs(rule, axis.n, before, after)
    solid = _fits(rule, axis.n, before, after, m)
    span = rule.kernel if not rule.ceil else None
    if solid and rule.dilation == 1 and rule.kernel == rule.stride and plain(m) is not None:
        return tiles(axis, m, rule.kernel, axis.n % rule.kernel > 0)
    taps = torch.arange(rule.kernel, device=axis.device) * rule.dilation
    index = axis.line(m) * rule.stride - before + taps
    if span is None:
        span = (index < axis.n + after).sum(-1)
    real = None
    if not solid:
        real = (index >= 0) & (index < axis.n)
        index = torch.where(real, index, 0)
    full = axis.low is None and (solid or _reaches(rule, axis.n, before, after))
    return Places(axis, m, rule.kernel, index, _within(axis, index, real), span, full)


def slide_padding(rule: Slide, n: Size) -> tuple[Size, Size]:
    if not rule.same:
        return rule.before, rule.after
    steps = (n + rule.stride - 1) // rule.stride - 1
    total = at_least_0(steps * rule.stride + rule.reach - n)
    small = total // 2
    return (small, total - small) if rule.same == "same" else (total - small, small)


def slide_outputs(rule: Slide, n: Size, before: Size, after: Size) -> Size:
    if rule.same:
        return (n + rule.stride - 1) // rule.stride
    free = n + before + after - rule.reach
    if not rule.ceil:
        return free // rule.stride + 1
    # no window may start at or beyond the end of the input
    return least((free + rule.stride - 1) // rule.stride, (n + before - 1) // rule.stride) + 1


def _fits(rule: Slide, n: Size, before: Size, after: Size, m: Size) -> bool:
    """Whether every window surely lies inside the input."""
    if plain(n) is not None:
        return before == 0 and (m - 1) * rule.stride + rule.reach <= n
    return not rule.same and not rule.ceil and rule.before == rule.after == 0


def _reaches(rule: Slide, n: Size, before: Size, after: Size) -> bool:
    """Whether every window surely reads something."""
    size = plain(n)
    dense = rule.dilation == 1 or (size is not None and rule.dilation <= size)
    return dense and (bool(rule.same) or (before < rule.reach and after < rule.reach))


# -- adaptive and split -------------------------------------------------------------------------


def parts(rule: Parts, axis: Axis) -> Places:
    n, shared = axis.n, axis.low is None
    m = n if rule.m is None else rule.m
    if shared and rule.m is None:
        return tiles(axis, n, 1)
    if rule.m == 1:
        return tiles(axis, 1, n)
    size = plain(n)
    if shared and size is not None and size % m == 0:
        return tiles(axis, m, size // m)
    low, length = (0, n) if axis.low is None else (axis.low, axis.high - axis.low)  # type: ignore[operator]
    i = axis.line(m)
    if rule.rule == "split":
        quotient = length // m
        more = length - quotient * m  # this many parts are one longer
        start = i * quotient + i - (i - more).clamp(min=0)
        stop = start + quotient + (i < more)
    else:
        start = i * length // m
        stop = ((i + 1) * length + (m - 1)) // m
    most, solid = longest(rule, n, m, shared)
    index = start + low + torch.arange(most, device=axis.device)
    if solid and shared:
        return Places(axis, m, most, index)
    real = index < stop + low
    full = shared and (rule.rule != "split" or (size is not None and size >= m))
    return Places(axis, m, most, torch.where(real, index, 0), real, None, full, not shared)


def longest(rule: Parts, n: Size, m: Size, shared: bool) -> tuple[Size, bool]:
    """The most elements of a part of n (or, not ``shared``, fewer); whether each has as many."""
    if rule.rule == "split":
        return (n + m - 1) // m, False
    if plain(n) is None or plain(m) is None or not shared:
        return (n + m - 1) // m + 1, False
    rest = n % m
    step = rest // math.gcd(rest, m)  # edges i * n / m meet whole numbers, or are crossed
    return n // m + min(step, 2), step < 2


# -- pseudo-random places -----------------------------------------------------------------------


def drawn(rule: Draw, axis: Axis) -> Places:
    """Graham's places, in PyTorch's sequence; the arithmetic is in double as everywhere."""
    wide = torch.float32 if axis.device.type == "mps" else torch.float64
    m, k = draw_outputs(rule, axis.n), rule.kernel
    low, length = (0, axis.n) if axis.low is None else (axis.low, axis.high - axis.low)  # type: ignore[operator]
    i = axis.line(m)
    u: Any = 0.5 if axis.draw is None else axis.draw.to(wide)
    gap = length - k
    alpha = _as_wide(gap, wide) / (m - 1) if plain(m) != 1 else 0.0
    first = (i + u) * alpha if axis.draw is not None else (i.to(wide) + u) * alpha
    start = first.to(torch.int64) - _truncated(u * alpha)
    start = start + (i == m - 1) * (gap - start) + low
    own = axis.low is not None or axis.draw is not None
    return Places(axis, m, k, start + torch.arange(k, device=axis.device), span=k, own=own)


def draw_outputs(rule: Draw, n: Size) -> Size:
    if rule.m is not None:
        return rule.m
    if isinstance(n, Tensor):
        return (n.to(torch.float64) * rule.ratio).to(torch.int64)  # type: ignore[operator]
    return torch.sym_int(n * rule.ratio)  # type: ignore[operator]


def _as_wide(a: Any, wide: torch.dtype) -> Any:
    return a.to(wide) if isinstance(a, Tensor) else a


def _truncated(a: Any) -> Any:
    return a.to(torch.int64) if isinstance(a, Tensor) else torch.sym_int(a)


# -- cutting ------------------------------------------------------------------------------------


def cut(x: Tensor, places: Places) -> Tensor:
    """Every window of one axis: the outputs in its place, their elements along a new last axis.

    Axes that x has beyond the rank are elements that were cut before. Windows side by side are a
    view.
    """
    a = places.axis.axis
    head, tail = x.shape[:a], x.shape[a + 1 :]
    parted = (*head, places.outputs, places.most, *tail)
    if places.reads is None:
        if places.rest:
            x = x[(slice(None),) * a + (slice(0, places.outputs * places.most),)]
        return x.reshape(parted).movedim(a + 1, x.ndim)
    if not places.own and plain(places.outputs) is None:  # a reshape would ask whether it fits
        kept = (a, places.axis.rank)
        index = places.reads[tuple(slice(None) if i in kept else 0 for i in range(kept[1] + 1))]
        taken = x[(slice(None),) * a + (index,)]
        return taken.movedim(a + 1, x.ndim).contiguous()  # or strides would be compared
    if not places.own:
        taken = x.index_select(a, places.reads.reshape(-1))
        return taken.reshape(parted).movedim(a + 1, x.ndim)
    index = places.reads.movedim(places.axis.rank, a + 1).flatten(a, a + 1)
    index = index.reshape(*index.shape, *(1,) * (x.ndim - index.ndim))
    taken = torch.gather(x, a, index.expand(*head, -1, *tail))
    return taken.reshape(parted).movedim(a + 1, x.ndim)
