"""WHERE windows read along an axis whose size is known only at run time: tensors made in the graph.

The arithmetic is that of ``windows/rules.py``; nothing branches on a size, so one graph is right at
every size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import ShapeError
from ..windows.rules import All, Draw, Parts, Rule, Slide
from .lift import Tensor, gathered, tf

Size = Any  # an int, or a tensor without axes


class Spots(NamedTuple):
    """The windows of one axis: ``outputs`` of them, each of ``most`` elements or fewer.

    ``index`` is (outputs, most), or (batch, outputs, most) where samples have windows of their
    own; ``real`` likewise, None where all elements are there. ``span`` counts declared padding.
    ``whole``: one window over everything.
    """

    outputs: Size
    index: Tensor
    real: Tensor | None
    span: Any = None
    full: bool = True
    whole: bool = False


def outputs(rule: Rule, n: Size) -> Size:
    """How many windows a rule lays on n elements."""
    if isinstance(rule, Slide):
        return _slide_outputs(rule, n, *_padding(rule, n))
    if isinstance(rule, All):
        return 1
    return n if rule.m is None else rule.m  # type: ignore[attr-defined]


def lay(rule: Rule, n: Size, low: Tensor | None, high: Tensor | None) -> Spots:
    """The windows of a rule; ``low`` and ``high`` are (batch,) extents of padded samples."""
    if isinstance(rule, Slide):
        return _slide(rule, n, low, high)
    if isinstance(rule, Parts):
        return _parts(rule, n, low, high)
    if isinstance(rule, All):
        index = tf.range(n)[None]
        return Spots(1, index, _within(index, None, low, high), None, low is None, low is None)
    assert isinstance(rule, Draw)  # noqa: S101 - there is no fifth
    if rule.m is None:
        raise ShapeError("output_ratio needs sizes known beforehand; give output_size")
    gap = n - rule.kernel
    i = tf.cast(tf.range(rule.m), tf.float64)
    alpha = tf.cast(gap, tf.float64) / max(rule.m - 1, 1)
    start = tf.cast((i + 0.5) * alpha, tf.int32) - tf.cast(0.5 * alpha, tf.int32)
    start = tf.where(tf.range(rule.m) == rule.m - 1, gap, start)
    return Spots(rule.m, start[:, None] + tf.range(rule.kernel), None, rule.kernel)


def _within(index: Tensor, real: Any, low: Any, high: Any) -> Any:
    """What is real by the samples' extents too."""
    if low is None:
        return real
    inside = (index >= low[:, None, None]) & (index < high[:, None, None])
    return inside if real is None else real & inside


def _padding(rule: Slide, n: Size) -> tuple[Size, Size]:
    if not rule.same:
        return rule.before, rule.after
    total = tf.maximum((-(-n // rule.stride) - 1) * rule.stride + rule.reach - n, 0)
    small = total // 2
    return (small, total - small) if rule.same == "same" else (total - small, small)


def _slide_outputs(rule: Slide, n: Size, before: Size, after: Size) -> Size:
    if rule.same:
        return -(-n // rule.stride)
    free = n + before + after - rule.reach
    if not rule.ceil:
        return tf.maximum(free // rule.stride + 1, 0)
    # no window may start at or beyond the end of the input
    return tf.maximum(tf.minimum(-(-free // rule.stride), (n + before - 1) // rule.stride) + 1, 0)


def _slide(rule: Slide, n: Size, low: Any, high: Any) -> Spots:
    before, after = _padding(rule, n)
    m = _slide_outputs(rule, n, before, after)
    raw = tf.range(m) * rule.stride - before
    index = raw[:, None] + tf.range(rule.kernel) * rule.dilation
    solid = not rule.same and not rule.ceil and rule.before == rule.after == 0
    real = None if solid else (index >= 0) & (index < n)
    span = tf.minimum(rule.kernel, -((raw - n - after) // rule.dilation))
    reaches = rule.dilation == 1 and (
        bool(rule.same) or (rule.before < rule.reach and rule.after < rule.reach)
    )
    real = _within(index, real, low, high)
    index = index if solid else tf.clip_by_value(index, 0, n - 1)
    return Spots(m, index, real, span, low is None and (solid or reaches))


def _parts(rule: Parts, n: Size, low: Any, high: Any) -> Spots:
    m = n if rule.m is None else rule.m
    length, first = n, 0
    if low is not None:
        length, first = (high - low)[:, None], low[:, None]
    i, each, rest = tf.range(m), length // m, length % m
    if rule.rule == "split":
        start = first + i * each + tf.minimum(i, rest)
        stop = start + each + tf.cast(i < rest, tf.int32)
        most = -(-n // m)
    else:  # i * n would not fit 32 bits on long axes
        start = first + i * each + i * rest // m
        stop = first + (i + 1) * each + ((i + 1) * rest + (m - 1)) // m
        most = tf.minimum(-(-n // m) + 1, n)
    index = start[..., None] + tf.range(most)
    full = low is None and (rule.rule != "split" or rule.m is None)
    return Spots(m, tf.minimum(index, n - 1), index < stop[..., None], None, full)


def cut(x: Tensor, spots: Spots, axis: int) -> Tensor:
    """Every window of one axis: the outputs in its place, their elements along a new last axis."""
    own = spots.index.shape.rank - 2
    taken = gathered(x, spots.index, axis, own)
    rank = x.shape.rank + 1
    return tf.transpose(taken, [*(i for i in range(rank) if i != axis + 1), axis + 1])


def shaped(a: Tensor, axis: int, rank: int, extra: int = 0) -> Tensor:
    """(outputs, most) or (batch, outputs, most) numbers beside cut windows, to broadcast.

    ``extra`` axes of elements that were cut before stand between.
    """
    batch = a.shape.rank == 3
    head = (None,) * (axis - batch)
    tail = (None,) * (rank - 1 - axis + extra)
    lead = (slice(None),) if batch else ()
    return a[(*lead, *head, slice(None), *tail, slice(None))]
