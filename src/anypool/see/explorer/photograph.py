"""The photograph inside the page: 8-bit pixels as a PNG in the file itself, at most 256 a side."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ...ops import adaptive_avg_pool
from ..picture import Picture, levels
from ..read import label, load

LONGEST = 256


@dataclass(frozen=True)
class Photograph:
    """Pixels as the page has them: uint8, (rows, columns) or (rows, columns, 3)."""

    name: str
    pixels: NDArray[np.uint8]
    note: str = ""

    def given(self) -> dict[str, str]:
        """What the page reads."""
        return {"name": self.name, "data": _png(self.pixels), "note": self.note}


def photograph(photo: Any) -> Photograph:
    """A photograph from a path, or from an array of uint8 or of floats between 0 and 1.

    >>> import numpy as np
    >>> print(photograph(np.zeros((512, 300), np.uint8)).note)
    The photograph has 512 × 300 pixels (rows × columns); it was made smaller, to 256 × 150.
    """
    name, values, notes, whole = _opened(photo)
    white = 255 if values.dtype == np.uint8 else 1  # a large array is not copied as floats
    shape = values.shape[:2]
    scale = LONGEST / max(shape)
    if scale < 1:
        rows, cols = (max(round(side * scale), 1) for side in shape)
        values = adaptive_avg_pool(values, (rows, cols), axes=(0, 1))
        size = f"{name} has {shape[0]} × {shape[1]} pixels (rows × columns); it"
        notes = [*notes, f"{size if whole else 'It'} was made smaller, to {rows} × {cols}"]
    return Photograph(name, _bytes(values, white), " ".join(f"{note}." for note in notes))


def _opened(photo: Any) -> tuple[str, NDArray[Any], list[str], bool]:
    """A photograph's name; its pixels, uint8 or floats between 0 and 1; notes; if all were read."""
    if not isinstance(photo, str | os.PathLike):
        return "The photograph", _checked(np.asarray(photo)), [], True
    picture, name = load(photo), label(photo)
    if picture.volume:
        raise PoolError(f"{name} is a volume; give a photograph, or one slice as an array")
    if not np.isfinite(picture.values).all():
        raise PoolError(f"{name} holds nan or infinity, which no pixel of the page can be")
    return name, levels(picture), _notes(picture, name), picture.factor == 1


def _notes(picture: Picture, name: str) -> list[str]:
    """What reading it has to say, without its folder; the page has no slices."""
    notes = [note.replace(picture.name, name, 1) for note in picture.notes]
    return [note.removesuffix("; slices make them a volume") for note in notes]


def _checked(values: NDArray[Any]) -> NDArray[Any]:
    """The array without transparency, uint8 or floats between 0 and 1; or one sentence."""
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        raise PoolError(
            f"the photograph has shape {values.shape}; give (rows, columns) or (rows, columns, "
            "3 or 4)"
        )
    if not values.size:
        raise PoolError(f"the photograph has shape {values.shape}; it has no pixels")
    if values.dtype == np.uint8:
        return _on_white(values, 255)
    if values.dtype.kind != "f":
        raise PoolError(
            f"the photograph holds {values.dtype}; give uint8, or floats between 0 and 1 "
            "(numbers= takes a small grid of any numbers)"
        )
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= 1:
        raise PoolError(
            f"the photograph holds {low:g} to {high:g}; floats must lie between 0 and 1 "
            "(numbers= takes a small grid of any numbers)"
        )
    return _on_white(values, 1)


def _on_white(values: NDArray[Any], white: int) -> NDArray[Any]:
    if values.ndim == 2 or values.shape[2] == 3:
        return values
    colours, alpha = values[..., :3] / white, values[..., 3:] / white
    return colours * alpha + (1 - alpha)


def _bytes(values: NDArray[Any], white: int) -> NDArray[np.uint8]:
    return np.rint(values * np.float64(255 / white)).astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> str:
    """The pixels as a data URL; no colour profile, so that a browser changes no number."""
    try:
        from PIL import Image
    except ImportError:
        raise PoolError("photographs need pillow: pip install 'anypool[image]'") from None
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
