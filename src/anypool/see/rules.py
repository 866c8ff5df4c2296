"""Three ways to cut n inputs into m windows, side by side: two are rules, one is a mistake.

The mistake is a formula that is copied from page to page, ``stride = n // m`` and
``kernel = n - (m - 1) * stride``: right where m divides n, otherwise other windows than PyTorch's.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import windows
from ..explain import explain


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
    stride = n // m
    kernel = n - (m - 1) * stride
    note = f"k {kernel}, stride {stride}"
    if stride == 0:  # more outputs than inputs
        return Cut("copied formula", f"{note}: fails", (), n)
    return Cut("copied formula", note, _reads(n, windows.sliding(kernel, stride)), n)
