"""The poolings of known networks, as rows to measure on a GPU."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

Shape = tuple[int, ...]


class Row(NamedTuple):
    """One pooling: whose it is, a function of torch.nn.functional, its arguments, x's shape."""

    network: str
    name: str
    args: tuple[Any, ...]
    shape: Shape

    @property
    def adaptive(self) -> bool:
        return self.name.startswith("adaptive")

    @property
    def title(self) -> str:
        inside = ", ".join(map(str, self.args))
        return f"{self.network}: {self.name}({inside}) of {'x'.join(map(str, self.shape))}"


ROWS = [
    Row("ResNet-50", "max_pool2d", (3, 2, 1), (64, 64, 112, 112)),
    Row("ResNet-50", "adaptive_avg_pool2d", (1,), (64, 2048, 7, 7)),
    *(Row("VGG-16", "max_pool2d", (2, 2), (32, channels, side, side))
      for channels, side in ((64, 224), (128, 112), (256, 56), (512, 28), (512, 14))),
    Row("VGG-16", "adaptive_avg_pool2d", (7,), (32, 512, 10, 12)),
    Row("VGG-16", "adaptive_max_pool2d", (7,), (32, 512, 10, 12)),
    *(Row("U-Net 3-D", "max_pool3d", (2, 2), (2, channels, side, side, side))
      for channels, side in ((32, 128), (64, 64), (128, 32))),
    Row("U-Net 3-D", "avg_pool3d", (3, 2, 1), (2, 32, 128, 128, 128)),
    *(Row("PSPNet", "adaptive_avg_pool2d", (bins,), (8, 2048, 60, 60)) for bins in (1, 2, 3, 6)),
    Row("large windows", "max_pool2d", (13, 1, 6), (8, 512, 40, 40)),
]  # fmt: skip
DTYPES, LAYOUTS = ("float32", "bfloat16"), ("first", "last")


def small(row: Row) -> Row:
    """The same pooling of little data."""
    batch, channels, *sides = row.shape
    return row._replace(shape=(min(batch, 2), min(channels, 8), *(min(n, 24) for n in sides)))


def bytes_moved(shape: Shape, out: Shape, size: int, tap: int) -> int:
    """The bytes that a pooling moves at least, either way: x (or its derivative) and the output.

    ``tap`` is what the way back reads beside the incoming derivative, in bytes for each output.
    """
    return math.prod(shape) * size + math.prod(out) * (size + tap)
