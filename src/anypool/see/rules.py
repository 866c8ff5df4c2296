"""Three ways to cut n inputs into m windows, side by side: two are rules, one is a mistake.

The mistake is a formula that is copied from page to page, ``stride = n // m`` and
``kernel = n - (m - 1) * stride``: right where m divides n, otherwise other windows than PyTorch's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import windows
from ..errors import WindowError
from ..explain import explain
from ..windows import Table
from ..windows.rules import Slide, each


@dataclass(frozen=True)
class Cut:
    """One way to cut: its name, a note, and for each output the inputs it reads."""

    name: str
    note: str
    reads: tuple[range, ...]
    n: int

    @property
    def lengths(self) -> str:
        """How many inputs a window reads: one number, or the least and the most."""
        sizes = sorted({len(inputs) for inputs in self.reads})
        return "–".join(str(size) for size in dict.fromkeys(sizes[:1] + sizes[-1:]))

    @property
    def shared(self) -> int:
        """How many inputs are read more than once."""
        return sum(count > 1 for count in self._counts())

    @property
    def unread(self) -> int:
        """How many inputs are not read at all."""
        return sum(count == 0 for count in self._counts())

    def _counts(self) -> list[int]:
        counts = [0] * self.n
        for inputs in self.reads:
            for i in inputs:
                counts[i] += 1
        return counts


def three_cuts(n: int, m: int) -> tuple[Cut, Cut, Cut]:
    """The windows of n → m by the adaptive rule, by the copied formula, and by split.

    >>> for cut in three_cuts(10, 4):
    ...     print(cut.name, [(r.start, r.stop) for r in cut.reads])
    adaptive [(0, 3), (2, 5), (5, 8), (7, 10)]
    copied formula [(0, 4), (2, 6), (4, 8), (6, 10)]
    split [(0, 3), (3, 6), (6, 8), (8, 10)]
    """
    return (
        Cut("adaptive", "PyTorch's rule", _reads(n, windows.adaptive(m)), n),
        _copied(n, m),
        Cut("split", "no overlap", _reads(n, windows.split(m)), n),
    )


def _reads(n: int, where: windows.Windows) -> tuple[range, ...]:
    """What each window reads on one axis of n inputs."""
    return tuple(range(row.start, row.stop) for row in explain(n, where).table)


def _copied(n: int, m: int) -> Cut:
    kernel, stride = snippet(n, m)
    note = f"k {kernel}, stride {stride}"
    if stride == 0:  # more outputs than inputs
        return Cut("copied formula", f"{note}: fails", (), n)
    return Cut("copied formula", note, _reads(n, copied(m)), n)


def snippet(n: int, m: int) -> tuple[int, int]:
    """The kernel and the stride that the copied formula takes for n inputs and m outputs.

    >>> snippet(10, 7)
    (4, 1)
    """
    stride = n // m
    return n - (m - 1) * stride, stride


class _Snippet(NamedTuple):
    """The rule of one axis: sliding windows, of a size that only looks like adaptive pooling."""

    m: int

    def lay(self, n: int, low: Any, high: Any, draw: Any, axis: int) -> Table:
        kernel, stride = snippet(n, self.m)
        if stride == 0:
            raise WindowError(
                f"the copied formula fails for {n} elements and {self.m} outputs on axis {axis}: "
                f"its stride is 0; it needs at most {n} outputs, windows.adaptive takes any"
            )
        return Slide(kernel, stride, 0, 0, 1, False, "").lay(n, low, high, draw, axis)


@dataclass(frozen=True)
class Copied(windows.Windows):
    """See :func:`copied`."""

    output_size: Any

    own_extent = False

    @property
    def rank(self) -> int | None:
        return len(self.output_size) if isinstance(self.output_size, tuple) else None

    def rules(self, rank: int) -> tuple[tuple[_Snippet, ...], ...]:
        return (tuple(_Snippet(m) for m in each(self.output_size, "output_size", rank, 1)),)


def copied(output_size: Any) -> Copied:
    """The windows that ``stride = n // m; kernel = n - (m - 1) * stride`` gives: not adaptive ones.

    The formula is copied from page to page for adaptive pooling. It has the right shape and other
    values, but where m divides n. These windows run wherever windows do, to show how far it is off;
    they fail where there are more outputs than inputs.

    >>> import numpy as np, anypool as ap
    >>> ap.pool(np.arange(10.0), copied(7), "mean")
    array([1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5])
    >>> ap.adaptive_avg_pool(np.arange(10.0), 7)
    array([0.5, 1.5, 3. , 4.5, 6. , 7.5, 8.5])
    """
    return Copied(tuple(output_size) if np.iterable(output_size) else output_size)
