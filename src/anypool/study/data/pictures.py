"""Pictures as bytes with their channels first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...see.read import read

Pixels = NDArray[np.uint8]


def opened(path: Path, longest: int | None) -> tuple[Pixels, bool]:
    """The picture as uint8 (1, h, w) if grey, else (3, h, w), and whether it was scaled down."""
    values = np.rint(read(path) * np.float32(255)).astype(np.uint8)
    edge = max(values.shape[:2])
    small = longest is None or edge <= longest
    return first(values if small else _scaled(values, longest / edge)), not small


def _scaled(values: Pixels, by: float) -> Pixels:
    rows, columns = (max(1, round(n * by)) for n in values.shape[:2])
    return np.asarray(Image.fromarray(values).resize((columns, rows), Image.Resampling.BILINEAR))


def first(values: NDArray[Any]) -> NDArray[Any]:
    """(h, w) or (h, w, C) with the channels first."""
    flat = values[:, :, None] if values.ndim == 2 else values
    return np.ascontiguousarray(flat.transpose(2, 0, 1))


def coloured(image: Pixels) -> Pixels:
    """A grey or coloured picture as three channels."""
    return np.repeat(image, 3, axis=0) if image.shape[0] == 1 else image


def of_pillow(image: Any) -> Pixels:
    """A Pillow image as uint8 (1, h, w) or (3, h, w), laid on white where it is transparent."""
    if image.mode.startswith("I"):  # grey of 16 bits, of which the upper 8 are kept
        return first((np.asarray(image).astype(np.int64) // 257).clip(0, 255).astype(np.uint8))
    kind = "L" if image.mode in ("1", "L", "LA", "La", "F") else "RGB"
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return first(np.asarray(image.convert(kind)))
