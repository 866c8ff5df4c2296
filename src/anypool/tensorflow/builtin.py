"""TensorFlow's own pooling operations where they mean the same, for graphs without XLA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..plan import Plan
from ..windows.rules import Slide
from .lift import Tensor, tf

MOST_AREA = 1024  # elements of a window that TensorFlow adds up one after the other
SERVED = {("max", 2): tf.nn.max_pool2d, ("mean", 2): tf.nn.avg_pool2d,
          ("max", 3): tf.nn.max_pool3d, ("mean", 3): tf.nn.avg_pool3d}  # fmt: skip


@dataclass(frozen=True)
class Own:
    """Sliding windows by one operation of TensorFlow: everything but the data, worked out once."""

    apply: Callable[..., Tensor]
    kernel: list[int]
    stride: list[int]
    padding: str  # of TensorFlow: "SAME", or "VALID" behind padding and cutting of our own
    sides: Any  # (before, after) for each axis of the laid out x, or None
    cut: Any  # slices that leave out what no window reads, or None
    fill: float
    factors: Any  # what a mean is multiplied by, or None
    negative: bool  # the least is the largest of the negative
    axes: tuple[int, ...]
    shape: tuple[Any, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """The values; x in float32 or float64."""
        laid = self._laid(-x if self.negative else x)
        if self.cut is not None:
            laid = laid[self.cut]
        if self.sides is not None:
            laid = tf.pad(laid, self.sides, constant_values=tf.constant(self.fill, x.dtype))
        y = self.apply(laid, self.kernel, self.stride, self.padding)
        if self.factors is not None:
            y = y * tf.constant(self.factors, x.dtype)
        y = self._full(y)
        return -y if self.negative else y

    def _laid(self, x: Tensor) -> Tensor:
        """x as (planes, *pooled, channels); one pooled axis gets another of length 1 before it."""
        if self._natural():
            return x
        if self._turned():
            x = tf.transpose(x, self._order())
        first, last = self._spots()
        shape = list(x.shape)
        sizes = ([1] if len(self.axes) == 1 else []) + shape[first:last]
        tail = shape[last:]
        width = -1 if None in tail else int(np.prod(tail))
        lead = -1 if width != -1 else int(np.prod(shape[:first]))
        return tf.reshape(x, [lead, *sizes, width])

    def _full(self, y: Tensor) -> Tensor:
        """What came out with the axes of x."""
        if self._natural():
            return y
        pooled = list(y.shape[1:-1])[-len(self.axes) :]
        shape = list(self.shape)
        if not self._turned():
            first, last = self.axes[0], self.axes[-1] + 1
            return tf.reshape(y, _sizes([*shape[:first], *pooled, *shape[last:]]))
        turned = [shape[a] for a in self._order()]
        first, last = self._spots()
        y = tf.reshape(y, _sizes([*turned[:first], *pooled, *turned[last:]]))
        return tf.transpose(y, np.argsort(self._order()))

    def _natural(self) -> bool:
        """Whether x already lies as TensorFlow wants it."""
        return self.axes == tuple(range(1, len(self.shape) - 1)) and len(self.axes) > 1

    def _turned(self) -> bool:
        """Channels first: TensorFlow pools with the channels last."""
        return self.axes[-1] == len(self.shape) - 1 and self.axes[0] > 1

    def _order(self) -> list[int]:
        first = self.axes[0]
        return [*range(first - 1), *self.axes, first - 1]

    def _spots(self) -> tuple[int, int]:
        """Where the pooled axes stand, once x is turned."""
        first = self.axes[0] - self._turned()
        return first, first + len(self.axes)


def _sizes(shape: list[Any]) -> list[int]:
    return [-1 if n is None else n for n in shape]


def find(plan: Plan) -> Own | None:
    """The operation of TensorFlow for this plan, or None; kept with the plan."""
    if "own" not in plan.kept:
        plan.kept["own"] = _make(plan) if _serves(plan) else None
    return plan.kept["own"]


def _serves(plan: Plan) -> bool:
    rules, rank = plan.rules[0], len(plan.axes)
    if not all(isinstance(r, Slide) and r.dilation == 1 for r in rules) or rank > 3:
        return False
    if plan.axes != tuple(range(plan.axes[0], plan.axes[0] + rank)):
        return False
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    hollow = any(bool((t.counts == 0).any()) for t in grid)
    if hollow or (rank == 3 and plan.dtype == np.float64):
        return False
    many = np.prod([r.kernel for r in rules]) > MOST_AREA
    return not many or plan.reduction.name in ("max", "min")


def _make(plan: Plan) -> Own:
    rules, name, one = plan.rules[0], plan.reduction.name, len(plan.axes) == 1
    kind = "max" if name in ("max", "min") else "mean"
    kernel, stride = [r.kernel for r in rules], [r.stride for r in rules]
    # "SAME" averages of TensorFlow count no padding, as ours
    same = all(r.same == "same" for r in rules) and (kind == "max" or not plan.counts_padding)
    same = same and name != "sum" and plan.options.divisor_override is None
    sides, cut = (None, None) if same else _edges(plan)
    if one:
        kernel, stride = [1, *kernel], [1, *stride]
    return Own(
        SERVED[kind, len(kernel)], kernel, stride, "SAME" if same else "VALID", sides, cut,
        -np.inf if kind == "max" else 0.0, None if same or kind == "max" else _factors(plan),
        name == "min", plan.axes, plan.shape,
    )  # fmt: skip


def _edges(plan: Plan) -> tuple[Any, Any]:
    """Padding as TensorFlow's "VALID" windows want it, and what they never read."""
    extra = [[0, 0]] if len(plan.axes) == 1 else []
    sides, cut = [[0, 0], *extra], [slice(None)] * (1 + len(extra))
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    for rule, n, table in zip(plan.rules[0], plan.sizes, grid, strict=True):
        before = rule.padding(n)[0]
        after = (table.start.shape[1] - 1) * rule.stride + rule.kernel - before - n
        sides.append([before, max(after, 0)])
        cut.append(slice(0, n + min(after, 0)))
    sides.append([0, 0])
    read = [s.stop for s in cut[-len(plan.axes) :]]
    less = any(stop < n for stop, n in zip(read, plan.sizes, strict=True))
    return sides if any(map(any, sides)) else None, tuple(cut) if less else None


def _factors(plan: Plan) -> np.ndarray | None:
    """TensorFlow divides by the kernel's area; what is wanted is another divisor, or none."""
    rank, area = max(len(plan.axes), 2), np.prod([r.kernel for r in plan.rules[0]])
    total = np.full((1,) * (rank + 2), float(area))
    if plan.reduction.name == "sum":
        return total
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    for i, counts in enumerate(reversed(plan.divisors(grid))):
        shape = [1] * (rank + 2)
        shape[rank - i] = counts.shape[1]
        total = total / counts.reshape(shape)
    return None if (total == 1).all() else total


def backward(plan: Plan, x: Tensor, g: Tensor) -> Tensor | None:
    """The derivative by TensorFlow's own operation, for finite numbers; None where it is wrong.

    ``max_pool3d`` gives each of several equals all of it.
    """
    own = find(plan)
    if own is None or (len(plan.axes) == 3 and plan.reduction.name in ("max", "min")):
        return None
    if not tf.executing_eagerly():
        return tf.gradients(own(x), x, g)[0]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = own(x)
    return tape.gradient(y, x, g)
