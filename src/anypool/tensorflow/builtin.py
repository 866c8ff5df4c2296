"""TensorFlow's own pooling operations where they mean the same, for graphs without XLA."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..plan import Plan
from ..windows.rules import Slide
from .lift import DType, Tensor, tf

MOST_AREA = 1024  # elements of a window that TensorFlow adds up one after the other
SERVED = {("max", 2): tf.nn.max_pool2d, ("mean", 2): tf.nn.avg_pool2d,
          ("max", 3): tf.nn.max_pool3d, ("mean", 3): tf.nn.avg_pool3d}  # fmt: skip


def find(plan: Plan) -> Callable[[Tensor], Tensor] | None:
    """Sliding windows by one operation of TensorFlow, as a function of x in float32 or float64."""
    rules, rank = plan.rules[0], len(plan.axes)
    if not all(isinstance(r, Slide) and r.dilation == 1 for r in rules) or rank > 3:
        return None
    if plan.axes != tuple(range(plan.axes[0], plan.axes[0] + rank)):
        return None
    if (rank == 3 and plan.dtype == np.float64) or _hollow(plan):
        return None
    many = np.prod([r.kernel for r in rules]) > MOST_AREA
    if many and plan.reduction.name not in ("max", "min"):
        return None
    return partial(_pooled, plan)


def _pooled(plan: Plan, x: Tensor) -> Tensor:
    rules, rank, name = plan.rules[0], len(plan.axes), plan.reduction.name
    kernel, stride = [r.kernel for r in rules], [r.stride for r in rules]
    laid, back = _laid(plan, x)
    padded = _padded(plan, laid, name)
    if rank == 1:
        padded, kernel, stride = padded[:, None], [1, *kernel], [1, *stride]
    kind = "max" if name in ("max", "min") else "mean"
    own = SERVED[kind, len(kernel)]
    if kind == "mean":
        y = own(padded, kernel, stride, "VALID")
        y = y[:, 0] if rank == 1 else y
        return back(y * _factors(plan, x.dtype, name))
    sign = 1.0 if name == "max" else -1.0
    raw = padded if sign > 0 else -padded
    y = own(raw, kernel, stride, "VALID")
    y = y[:, 0] if rank == 1 else y
    return back(y if sign > 0 else -y)


def _hollow(plan: Plan) -> bool:
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    return any(bool((t.counts == 0).any()) for t in grid)


def _laid(plan: Plan, x: Tensor) -> tuple[Tensor, Any]:
    """x as (planes, *pooled, channels), and the way back for what is pooled."""
    first, last = plan.axes[0], plan.axes[-1] + 1
    shape = list(x.shape)
    behind = last < len(shape)
    if not behind and first > 1:  # channels first: TensorFlow pools with the channels last
        order = [*range(first - 1), *range(first, last), first - 1]
        turned = tf.transpose(x, order)
        flat = _flat(turned, first - 1, last - 1)
        inverse = np.argsort(order)

        def back(y: Tensor) -> Tensor:
            full = _full(y, [*shape[: first - 1]], [shape[first - 1]])
            return tf.transpose(full, inverse)

        return flat, back
    return _flat(x, first, last), lambda y: _full(y, shape[:first], shape[last:])


def _flat(x: Tensor, first: int, last: int) -> Tensor:
    shape = list(x.shape)
    tail = int(np.prod(shape[last:])) if None not in shape[last:] else -1
    lead = -1 if tail != -1 else int(np.prod(shape[:first]))
    return tf.reshape(x, [lead, *shape[first:last], tail])


def _full(y: Tensor, lead: list[Any], tail: list[Any]) -> Tensor:
    shape = [*lead, *y.shape[1:-1], *tail]
    return tf.reshape(y, [-1 if n is None else n for n in shape])


def _padded(plan: Plan, x: Tensor, name: str) -> Tensor:
    """Padding as TensorFlow's "VALID" windows want it; what is never read is cut off."""
    sides, cut = [[0, 0]], [slice(None)]
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    for rule, n, table in zip(plan.rules[0], plan.sizes, grid, strict=True):
        before = rule.padding(n)[0]
        reach = (table.start.shape[1] - 1) * rule.stride + rule.kernel
        after = reach - before - n
        sides.append([before, max(after, 0)])
        cut.append(slice(0, n + min(after, 0)))
    worst = {"max": -np.inf, "min": np.inf}.get(name, 0.0)
    if any(s.stop is not None and s.stop < n for s, n in zip(cut[1:], plan.sizes, strict=True)):
        x = x[tuple(cut)]
    sides.append([0, 0])
    if not any(map(any, sides)):
        return x
    return tf.pad(x, sides, constant_values=tf.constant(worst, x.dtype))


def _factors(plan: Plan, dtype: DType, name: str) -> Any:
    """TensorFlow divides by the kernel's area; what is wanted is another divisor, or none."""
    rank, area = len(plan.axes), np.prod([r.kernel for r in plan.rules[0]])
    if name == "sum":
        return tf.constant(float(area), dtype)
    [grid] = plan.fixed.grids  # type: ignore[union-attr]
    total = np.full((1,) * (rank + 2), float(area))
    for i, counts in enumerate(plan.divisors(grid)):
        shape = [1] * (rank + 2)
        shape[i + 1] = counts.shape[1]
        total = total / counts.reshape(shape)
    return tf.constant(total, dtype) if not (total == 1).all() else tf.constant(1.0, dtype)
