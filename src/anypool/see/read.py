"""Photographs of any kind as one kind of array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError

Photo = NDArray[np.float32]


def read(path: str | os.PathLike[str]) -> Photo:
    """The photograph as float32 between 0 and 1: (rows, columns) if grey, else (rows, columns, 3).

    Any kind of pixel Pillow knows is read: 8 and 16 bit, palette, grey; a transparent photograph
    is laid on white, as it will be shown.
    """
    image = _load(Path(path))
    if image.mode.startswith("I"):
        return _deep(np.asarray(image), path)
    if image.mode == "F":
        raise PoolError(
            f"{path} holds floating-point pixels without a known range; "
            "load it as an array and pool that from Python"
        )
    return np.asarray(_flat(image), dtype=np.float32) / np.float32(255)


def _load(path: Path) -> Any:
    """The decoded image, upright; every fault of the file becomes one sentence."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise PoolError("photographs need pillow: pip install 'anypool[image]'") from None
    try:
        with Image.open(path) as file:
            file.load()
            return ImageOps.exif_transpose(file)
    except FileNotFoundError:
        raise PoolError(f"there is no file {path}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or 'no access').lower()}") from None
    except Image.UnidentifiedImageError:
        raise PoolError(f"{path} is not a photograph that can be read") from None
    except Exception as error:  # on a damaged file decoders raise anything: OSError, SyntaxError...
        raise PoolError(f"{path} is damaged or cut short: {_clause(error)}") from None


def _flat(image: Any) -> Any:
    """The image as plain grey or RGB, 8 bit, laid on white where it is transparent."""
    from PIL import Image

    kind = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours)
    return image.convert(kind)


def _deep(values: NDArray[Any], path: str | os.PathLike[str]) -> Photo:
    """Grey of 16 bits, which Pillow gives as 16 or 32 bit integers."""
    if values.min() < 0 or values.max() > 65535:
        raise PoolError(f"{path} holds more than 16 bits a pixel; 8 and 16 are read")
    return values.astype(np.float32) / np.float32(65535)


def _clause(error: Exception) -> str:
    """The first line of what a decoder said, without a full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
