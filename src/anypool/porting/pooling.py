"""One pooling in anypool's own words, whatever framework it was said in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..windows.rules import Slide

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pooling:
    """Windows and a reduction, every default made explicit.

    ``padding`` is pairs, "same" or "same_lower"; ``channels`` "first" or "last"; ``left_out`` the
    arguments that were left to the source's defaults.
    """

    windows: str  # sliding, adaptive, split, whole, fractional
    reduce: str  # max, min, mean, sum, lp
    rank: int
    kernel: Ints = ()
    stride: Ints = ()
    padding: Pairs | str = ()
    dilation: Ints = ()
    ceil: bool = False
    counts: bool = False  # whether a mean counts declared padding
    divisor: int | None = None
    output: tuple[int | None, ...] = ()
    ratio: tuple[float, ...] = ()
    p: float = 2.0
    signed: bool = False  # an Lp that takes x as it is, not |x|: PyTorch's
    keepdims: bool = True
    indices: bool = False
    channels: str = "first"
    left_out: frozenset[str] = frozenset()
    size: Ints | None = None

    @property
    def slides(self) -> list[Slide]:
        """One rule of sliding windows for each axis."""
        word = self.padding if isinstance(self.padding, str) else ""
        pairs = ((0, 0),) * self.rank if isinstance(self.padding, str) else self.padding
        rows = zip(self.kernel, self.stride, pairs, self.dilation, strict=True)
        return [Slide(k, s, b, a, d, self.ceil, word) for k, s, (b, a), d in rows]

    @property
    def reach(self) -> Ints:
        return tuple(slide.reach for slide in self.slides)

    @property
    def pads(self) -> Pairs | None:
        """Padding as pairs; None where it depends on a size that is not known."""
        if not isinstance(self.padding, str):
            return self.padding
        if self.size is not None:
            return tuple(s.padding(n) for s, n in zip(self.slides, self.size, strict=True))
        if all(s == 1 for s in self.stride):  # then any size will do
            return tuple(slide.padding(1) for slide in self.slides)
        return None

    @property
    def overhang(self) -> Ints | None:
        """How far ceil mode's last window hangs over, axis by axis; None where not known."""
        if not self.ceil:
            return (0,) * self.rank
        if self.size is None or (pads := self.pads) is None:
            return None
        rows = zip(self.slides, self.size, pads, strict=True)
        return tuple(max((r.outputs(n) - 1) * r.stride + r.reach - n - b - a, 0)
                     for r, n, (b, a) in rows)  # fmt: skip

    @property
    def padded(self) -> bool:
        """Whether any padding was declared."""
        return isinstance(self.padding, str) or any(b or a for b, a in self.padding)

    @property
    def dilated(self) -> bool:
        return any(d > 1 for d in self.dilation)

    @property
    def said(self) -> str:
        """The windows in a few words, for messages."""
        if self.windows in ("adaptive", "split"):
            return f"{self.windows} windows to {short(self.output)}"
        return "whole windows" if self.windows == "whole" else f"windows of {short(self.kernel)}"


def short(values: Any) -> Any:
    """One number in place of equal ones."""
    return values[0] if values and all(v == values[0] for v in values) else tuple(values)
