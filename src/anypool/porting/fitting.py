"""Which windows of anypool's read what was seen: settings tried as hypotheses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..windows import Windows, adaptive, sliding, split, whole
from ..windows.rules import All, Parts, Rule, Slide
from .pooling import short
from .probing import Seen

Ints = tuple[int, ...]


class Fit(NamedTuple):
    """Windows that read what was seen on every size, in anypool's words."""

    kind: str  # sliding, adaptive, split, copied, whole
    kernel: Ints = ()
    stride: Ints = ()
    dilation: Ints = ()
    padding: tuple[tuple[int, int], ...] | str = ()
    ceil: bool = False
    output: Ints = ()
    keepdims: bool = True

    def windows(self, sizes: Ints) -> Windows:
        """The windows to lay on these sizes."""
        if self.kind == "whole":
            return whole(self.keepdims)
        if self.kind == "copied":
            stride = tuple(n // m for n, m in zip(sizes, self.output, strict=True))
            rows = zip(sizes, self.output, stride, strict=True)
            return sliding(tuple(n - (m - 1) * s for n, m, s in rows), stride)
        if self.kind in ("adaptive", "split"):
            return {"adaptive": adaptive, "split": split}[self.kind](self.output)
        return sliding(self.kernel, self.stride, self.padding or 0, self.dilation, self.ceil)

    @property
    def kind_words(self) -> str:
        """Which rule lays the windows, for a reader."""
        return {
            "whole": "one window over everything",
            "sliding": "sliding windows",
            "adaptive": "adaptive windows (overlapping, floor and ceil)",
            "split": 'disjoint windows (rule="split")',
            "copied": "the copied formula's windows (stride n // m, kernel n - (m - 1) stride)",
        }[self.kind]

    @property
    def words(self) -> str:
        """The windows for a reader, after the name of a reduction."""
        if self.kind == "whole":
            return " of everything"
        if self.kind != "sliding":
            return f" to {short(self.output)} by {self.kind_words}"
        parts = [f"kernel {short(self.kernel)}", f"stride {short(self.stride)}"]
        if any(d > 1 for d in self.dilation):
            parts.append(f"dilation {short(self.dilation)}")
        return f", {', '.join(parts)}"

    @property
    def edges(self) -> str:
        """What happens at the edges, for a reader; "" where nothing does."""
        parts = [f"padding {padding_words(self.padding)}"] * bool(self.padding)
        return " and ".join([*parts, *["ceil mode"] * self.ceil])


def padding_words(padding: tuple[tuple[int, int], ...] | str) -> str:
    if isinstance(padding, str):
        return f'"{padding}"'
    if all(b == a for b, a in padding):
        return str(short([b for b, _ in padding]))
    return str(short(padding))


def fits(seen: Sequence[Seen], axes: Ints) -> Iterator[Fit]:
    """Every setting that reads exactly what was seen, the plainest first."""
    for made in _candidates(seen, axes):
        if all(_agrees(made, one, axes) for one in seen):
            yield made


def _agrees(made: Fit, one: Seen, axes: Ints) -> bool:
    sizes = tuple(one.shape[a] for a in axes)
    rules = _rules(made.windows(sizes), len(axes))
    return all(_same(rule, one.reads[a], n) for rule, a, n in zip(rules, axes, sizes, strict=True))


def _rules(windows: Windows, rank: int) -> Sequence[Rule]:
    return windows.rules(rank)[0]


def _same(rule: Rule, seen: np.ndarray, n: int) -> bool:
    """Whether a rule reads what a table shows."""
    if isinstance(rule, Slide) and rule.outputs(n) != len(seen):
        return False
    if isinstance(rule, Parts | All) and (1 if isinstance(rule, All) else rule.m) != len(seen):
        return False
    table = rule.lay(n, np.array([0]), np.array([n]), None, 0)
    place = np.arange(n)
    start, stop = table.start[0][:, None], table.stop[0][:, None]
    inside = (place >= start) & (place < stop) & ((place - start) % table.step == 0)
    return bool((inside == seen).all())


def _candidates(seen: Sequence[Seen], axes: Ints) -> Iterator[Fit]:
    keep = not seen[0].dropped
    outputs = {tuple(one.out[a] for a in axes) for one in seen}
    if outputs == {(1,) * len(axes)}:
        yield Fit("whole", keepdims=keep)
    yield from _sliding(seen, axes)
    if len(outputs) == 1:
        for kind in ("adaptive", "split", "copied"):
            if kind != "copied" or all(m <= one.shape[a] for one in seen
                                       for m, a in zip(*outputs, axes, strict=True)):  # fmt: skip
                yield Fit(kind, output=next(iter(outputs)))


class Steps(NamedTuple):
    """What one axis's tables tell of sliding windows."""

    kernel: int
    stride: int
    dilation: int
    before: int


def _sliding(seen: Sequence[Seen], axes: Ints) -> Iterator[Fit]:
    found = [_steps([one.reads[a] for one in seen]) for a in axes]
    if any(s is None for s in found):
        return
    steps = [s for s in found if s is not None]
    kernel, stride, dilation = (tuple(s[i] for s in steps) for i in range(3))
    before = tuple(s.before for s in steps)
    if not any(before):
        yield Fit("sliding", kernel, stride, dilation)
    yield Fit("sliding", kernel, stride, dilation, tuple((b, b) for b in before))
    for word in ("same", "same_lower"):
        yield Fit("sliding", kernel, stride, dilation, word)
    for ceil in (True, False):
        for afters in _afters(steps):
            pairs = tuple(zip(before, afters, strict=True))
            padding = pairs if any(before) or any(afters) else ()
            yield Fit("sliding", kernel, stride, dilation, padding, ceil)


def _afters(steps: Sequence[Steps]) -> Iterator[Ints]:
    """Padding at the end to try: as at the start, then the same for every axis, then more."""
    yield tuple(s.before for s in steps)
    most = max(s.dilation * (s.kernel - 1) + 1 + s.stride for s in steps)
    for extra in range(most + 1):
        yield (extra,) * len(steps)
    for extra in range(-1, 2):
        yield tuple(max(s.before + extra, 0) for s in steps)


def _steps(tables: Sequence[np.ndarray]) -> Steps | None:
    """Kernel, stride, dilation and first padding from the tables of one axis."""
    largest = max(tables, key=lambda t: t.shape[1])
    rows = [np.flatnonzero(row) for row in largest]
    kernel = max((len(row) for row in rows), default=0)
    full = [i for i, row in enumerate(rows) if len(row) == kernel]
    if not kernel:
        return None
    gaps = {int(g) for row in rows for g in np.diff(row)}
    if len(gaps) > 1:
        return None
    dilation = gaps.pop() if gaps else 1
    raw = [_raw(row, i, full, kernel, dilation) for i, row in enumerate(rows)]
    known = [(i, r) for i, r in enumerate(raw) if r is not None]
    if len(known) < 2:
        stride = kernel
    else:
        (i, first), (j, last) = known[0], known[-1]
        if (last - first) % (j - i) or last == first:
            return None
        stride = (last - first) // (j - i)
    before = known[0][0] * stride - known[0][1]
    return Steps(kernel, stride, dilation, before) if before >= 0 else None


def _raw(row: np.ndarray, i: int, full: list[int], kernel: int, dilation: int) -> int | None:
    """Where a window starts when padding is counted; None where nothing of it is seen."""
    if not len(row):
        return None
    if i < full[0]:  # clipped at the start
        return int(row[-1]) - (kernel - 1) * dilation
    return int(row[0])
