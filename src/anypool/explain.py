"""The windows of a call, in words and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
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
    ``kernel`` which loop would run it, and why (where asked for). In a notebook it is a table of
    HTML, in the notebook's own colours.
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

    def _repr_html_(self) -> str:
        """The same for a notebook: tables with captions and headings, no colours of their own."""
        head = f"<p><code>{escape(repr(self.windows))}</code>: {self.shape} → {self.output}</p>"
        tables = [table for axis in self.coverage for table in _axis_tables(self, axis)]
        end = [f"<p>{escape(self.kernel)}</p>"] if self.kernel else []
        return "\n".join(["<div>", head, *tables, *end, "</div>"])


def _axis_lines(e: Explanation, axis: int) -> list[str]:
    lines = [f"axis {axis}: {e.shape[axis]} inputs", "output   reads          count  divisor"]
    for row in (r for r in e.table if r.axis == axis):
        output, span, count, divisor = _cells_of(row)
        lines.append(f"{output:>6}   {span:<14} {count:>5}  {divisor:>7}")
    cover, weight = e.coverage[axis], e.weight[axis]
    shared, unread = int((cover > 1).sum()), int((cover == 0).sum())
    lines.append(f"inputs read more than once: {shared}; never: {unread}")
    lines.append("times read:  " + _short([str(c) for c in cover]))
    lines.append("mean weight: " + _short([f"{w:.3g}" for w in weight]))
    return lines


_MOST_ROWS, _LAST_ROWS = 40, 4


def _axis_tables(e: Explanation, axis: int) -> list[str]:
    """Of one axis: what each output reads, and what each input gets."""
    rows = [row for row in e.table if row.axis == axis]
    several = rows[-1].grid > 0 if rows else False
    heads = [*(["grid"] if several else []), "output", "reads", "count", "divisor"]
    cells = [[*([row.grid] if several else []), *_cells_of(row)] for row in rows]
    hidden = len(cells) - _MOST_ROWS
    if hidden > 0:
        gap = f"… {hidden} more …"
        cells[_MOST_ROWS - _LAST_ROWS : -_LAST_ROWS] = [[gap, *[""] * (len(heads) - 1)]]
    cover, weight = e.coverage[axis], e.weight[axis]
    shared, unread = int((cover > 1).sum()), int((cover == 0).sum())
    words = f"read more than once: {shared}, never: {unread}"
    inputs = _few([str(i) for i in range(len(cover))])
    gets = [["times read", *_few([str(c) for c in cover])],
            ["mean weight", *_few([f"{w:.3g}" for w in weight])]]  # fmt: skip
    return [
        _html_table(f"axis {axis}: {e.shape[axis]} inputs, {len(rows)} outputs", heads, cells),
        _html_table(f"axis {axis}: what each input gets ({words})", ["input", *inputs], gets),
    ]


def _cells_of(row: Row) -> list[Any]:
    step = f":{row.step}" if row.step > 1 else ""
    reads = f"[{row.start}:{row.stop}{step}]" if row.reads else "nothing"
    return [row.output, reads, row.reads, row.divisor]


def _html_table(caption: str, heads: list[str], rows: list[list[Any]]) -> str:
    """A table that a screen reader can walk: its first column names the rows."""
    top = "".join(f'<th scope="col">{escape(str(head))}</th>' for head in heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{top}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


def _short(words: list[str], most: int = 24) -> str:
    return " ".join(_few(words, most))


def _few(words: list[str], most: int = 24) -> list[str]:
    return words if len(words) <= most else [*words[:most], "..."]


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
    output = _joined(plan, layout) if windows.joined else plan.out_shape(layout.grids[0])
    if not windows.keepdims:
        output = tuple(plan.shape[a] for a in plan.outer)
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
