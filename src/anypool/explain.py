"""The windows of a call, in words and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from . import kernels
from .plan import Options, make
from .reductions import Reduction, resolve
from .windows import Windows


class Row(NamedTuple):
    """One output along one axis: the inputs it reads, and what a mean divides by."""

    grid: int
    axis: int
    output: int
    start: int
    stop: int
    step: int
    reads: int
    divisor: int


@dataclass(frozen=True)
class Explanation:
    """What :func:`explain` found; prints as a table.

    ``table`` has a :class:`Row` for each output along each axis (a window over several axes is the
    product of its axes' rows); ``coverage[axis]`` says how many outputs read each input;
    ``weight[axis]`` how much of an incoming derivative of ones each input gets under a mean;
    ``kernel`` which loop would run it, and why (where asked for).
    """

    shape: tuple[int, ...]
    output: tuple[int, ...]
    windows: Windows
    table: tuple[Row, ...]
    coverage: dict[int, np.ndarray] = field(compare=False)
    weight: dict[int, np.ndarray] = field(compare=False)
    kernel: str = ""

    def __str__(self) -> str:
        lines = [f"{self.windows}", f"{self.shape} -> {self.output}"]
        for axis in self.coverage:
            lines += ["", *_axis_lines(self, axis)]
        return "\n".join([*lines, *(["", self.kernel] if self.kernel else [])])


def _axis_lines(e: Explanation, axis: int) -> list[str]:
    lines = [f"axis {axis}: {e.shape[axis]} inputs", "output   reads          count  divisor"]
    for row in (r for r in e.table if r.axis == axis):
        step = f":{row.step}" if row.step > 1 else ""
        span = f"[{row.start}:{row.stop}{step}]" if row.reads else "nothing"
        lines.append(f"{row.output:>6}   {span:<14} {row.reads:>5}  {row.divisor:>7}")
    cover, weight = e.coverage[axis], e.weight[axis]
    shared, unread = int((cover > 1).sum()), int((cover == 0).sum())
    lines.append(f"inputs read more than once: {shared}; never: {unread}")
    lines.append("times read:  " + _short([str(c) for c in cover]))
    lines.append("mean weight: " + _short([f"{w:.3g}" for w in weight]))
    return lines


def _short(words: list[str], most: int = 24) -> str:
    return " ".join(words if len(words) <= most else [*words[:most], "..."])


def explain(
    shape: Any, windows: Windows, kernel: bool = False, *, dtype: Any = "float32",
    reduce: str | Reduction = "max", axes: Any = None,
) -> Explanation:  # fmt: skip
    """Say which inputs each output reads, what it divides by, and how the windows overlap.

    Args:
        shape: the sizes of the pooled axes (a number for one), or with ``axes`` a whole shape.
        kernel: also say which loop would run ``reduce`` on a ``dtype`` array of that shape.

    >>> import anypool as ap
    >>> print(ap.explain(10, ap.windows.adaptive(7)))  # doctest: +ELLIPSIS
    Adaptive(output_size=7, rule='adaptive')
    (10,) -> (7,)
    <BLANKLINE>
    axis 0: 10 inputs
    output   reads          count  divisor
         0   [0:2]              2        2
         1   [1:3]              2        2
         2   [2:5]              3        3
    ...
    """
    sizes = tuple(int(n) for n in (shape if np.iterable(shape) else (shape,)))
    pooled = tuple(range(len(sizes))) if axes is None else axes
    plan = make(sizes, np.dtype(dtype), windows, resolve(reduce), pooled, Options())
    layout = plan.layout()
    rows: list[Row] = []
    coverage, weight = {}, {}
    for number, grid in enumerate(layout.grids):
        for axis, table in zip(plan.axes, grid, strict=True):
            own, cover, share = _axis(table, number, axis, sizes[axis], plan.counts_padding)
            rows += own
            coverage[axis] = coverage.get(axis, 0) + cover
            weight[axis] = weight.get(axis, 0) + share
    words = ""
    if kernel:
        choice = kernels.choose(plan, kernels.unreal(sizes, plan.dtype))
        words = f"kernel: {choice.name} ({choice.why})"
    output = plan.out_shape(layout.grids[0]) if len(layout.grids) == 1 else _joined(plan, layout)
    return Explanation(sizes, output, windows, tuple(rows), coverage, weight, words)


def _joined(plan: Any, layout: Any) -> tuple[int, ...]:
    total = sum(int(np.prod([t.start.shape[1] for t in grid])) for grid in layout.grids)
    behind = tuple(plan.shape[a] for a in plan.outer if a > plan.axes[0])
    return (*plan.shape[: plan.axes[0]], total, *behind)


def _axis(
    table: Any, number: int, axis: int, n: int, padded: bool
) -> tuple[list[Row], np.ndarray, np.ndarray]:
    rows, cover, share = [], np.zeros(n, np.int64), np.zeros(n)
    divisors = (table.span if padded else table.counts)[0]
    for o, (start, stop) in enumerate(zip(table.start[0], table.stop[0], strict=True)):
        reads = slice(int(start), int(stop), table.step)
        rows.append(Row(number, axis, o, int(start), int(stop), table.step,
                        int(table.counts[0, o]), int(divisors[o])))  # fmt: skip
        cover[reads] += 1
        share[reads] += 1 / max(int(divisors[o]), 1)
    return rows, cover, share
