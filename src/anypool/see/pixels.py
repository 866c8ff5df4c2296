"""Files that Pillow reads as numbers: any kind of pixel, of any size, in bounded memory.

Pillow's own guard against decompression bombs is a number of pixels for the whole program. Ours
is on the bytes that decoding would take, and it is asked before anything is decoded.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError
from .picture import MOST, Limits, Photo, Picture, gathered, ranged, smaller

MOST_DECODED = 2 * 2**30  # bytes that decoding may take
_SMALL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # all others take 4 a pixel
_ONE_AT_A_TIME = threading.Lock()
_DRAWINGS = {"EPS", "WMF"}  # programs that draw, not pixels; Pillow would start another to run them
# what a camera says of how it was held -> what turns the picture upright
_UPRIGHT = {
    2: lambda v: v[:, ::-1],
    3: lambda v: v[::-1, ::-1],
    4: lambda v: v[::-1],
    5: lambda v: v.swapaxes(0, 1),
    6: lambda v: v[::-1].swapaxes(0, 1),
    7: lambda v: v[::-1, ::-1].swapaxes(0, 1),
    8: lambda v: v[:, ::-1].swapaxes(0, 1),
}


class Page(NamedTuple):
    """One decoded page: its numbers, what they are divided by, and how much it was shrunk."""

    values: Photo
    unit: float | None
    factor: int


def decoded(file: BinaryIO, name: str, pages: bool, limits: Limits | None) -> Picture:
    """The photograph in a file, or all its pages as a volume; every fault is one sentence."""
    with _one_sentence(name):
        image = _opened(file, name)
        return _volume(image, name, limits) if pages else _photo(image, name, limits)


def of_pillow(image: Any, name: str, limits: Limits | None) -> Picture:
    """The picture that a Pillow image holds; the image stays as it is."""
    with _one_sentence(name):
        return _photo(image.copy(), name, limits)


@contextmanager
def _one_sentence(name: str) -> Iterator[None]:
    try:
        yield
    except PoolError:
        raise
    except MemoryError:
        raise PoolError(f"{name} needs more memory than there is") from None
    except Exception as error:  # on a damaged file decoders raise anything: OSError, SyntaxError...
        if "decompression bomb" in str(error):
            raise PoolError(f"{name} has more pixels than are read of such a file") from None
        words = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise PoolError(f"{name} is damaged or cut short: {words}") from None


def _opened(file: BinaryIO, name: str) -> Any:
    """The image, not decoded yet: as Image.open, but for its limit on pixels."""
    try:
        from PIL import Image
    except ImportError:
        raise PoolError("photographs need pillow: pip install 'anypool[image]'") from None
    Image.init()
    start = file.read(16)
    for kind in Image.ID:
        factory, accepts = Image.OPEN[kind]
        if kind in _DRAWINGS or (accepts and accepts(start) in (False, None)):
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # not of this kind after all
    raise PoolError(f"{name} is not a photograph that can be read")


def _photo(image: Any, name: str, limits: Limits | None) -> Picture:
    count, size = getattr(image, "n_frames", 1), image.size
    page = _page(image, name)
    notes = []
    if count > 1:
        notes = [f"{name} has {count} pages and the first is shown; slices make them a volume"]
    if page.factor > 1:
        notes.append(f"{name} is read at 1/{page.factor} of its {size[1]} × {size[0]} pixels")
    return ranged(name, page.values, page.unit, limits, factor=page.factor, notes=tuple(notes))


def _volume(image: Any, name: str, limits: Limits | None) -> Picture:
    """Every page as a slice; they must be alike."""
    count, (columns, rows) = getattr(image, "n_frames", 1), image.size
    if count == 1:
        raise PoolError(f"{name} has one page; slices are for volumes of several")
    if count * rows * columns > MOST:
        raise PoolError(
            f"{name} has {count} pages of {rows} × {columns}, {_millions(count * rows * columns)} "
            f"million pixels; at most {_millions(MOST)} fit: {MOST // (rows * columns)} such pages"
        )
    first = _page(image, name)
    made = np.empty((count, *first.values.shape), np.float32)
    made[0] = first.values
    for number in range(1, count):
        image.seek(number)
        page = _page(image, name)
        if page.values.shape != first.values.shape or page.unit != first.unit:
            raise PoolError(f"page {number} of {name} is not like the first; a volume needs alike")
        made[number] = page.values
    return ranged(name, made, first.unit, limits, volume=True)


def _page(image: Any, name: str) -> Page:
    """The page at hand, upright, in numbers."""
    drafted = _draft(image)
    columns, rows = image.size
    _check(rows, columns, image.mode, name)
    with _roomy(rows * columns):
        image.load()
    sideways = image.getexif().get(0x0112)  # asked now: a TIFF turns itself while it loads
    columns, rows = image.size
    factor = smaller(rows, columns, MOST)
    deep = image.mode == "F" or image.mode.startswith("I")
    values = gathered(rows, columns, factor, _deep(image) if deep else _plain(image))
    turned = np.ascontiguousarray(_UPRIGHT.get(sideways, lambda v: v)(values))
    return Page(turned, _unit(turned, image.mode) if deep else 255.0, factor * drafted)


def _unit(values: Photo, mode: str) -> float | None:
    """What numbers of 16 bits are divided by; wider ones have no known range."""
    fits = mode != "F" and values.min() >= 0 and values.max() <= 65535
    return 65535.0 if fits else None


@contextmanager
def _roomy(pixels: int) -> Iterator[None]:
    """Pillow's own limit out of the way while a photograph that passed ours is decoded."""
    from PIL import Image

    most = Image.MAX_IMAGE_PIXELS
    if most is None or pixels <= most:
        yield
        return
    with _ONE_AT_A_TIME:
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = most


def _draft(image: Any) -> int:
    """JPEG decodes at 1/2, 1/4 or 1/8 at once: ask for what is needed; give what was granted."""
    columns, rows = image.size
    factor = smaller(rows, columns, MOST)
    if factor > 1:
        image.draft(None, (columns // factor, rows // factor))
    return max(round(rows / image.size[1]), 1)


def _check(rows: int, columns: int, mode: str, name: str) -> None:
    """Refuse what would fill the memory, before it is decoded."""
    each = _SMALL.get(mode, 4)
    if rows * columns * each > MOST_DECODED:
        side = int((MOST_DECODED / each) ** 0.5)
        raise PoolError(
            f"{name} has {rows} × {columns} pixels, {rows * columns * each / 2**30:.1f} GB decoded;"
            f" at most {MOST_DECODED / 2**30:g} GB are read: {side} × {side} would fit"
        )


def _plain(image: Any) -> Any:
    """Bands of plain grey or RGB, 8 bit, laid on white where the image is transparent."""
    from PIL import Image

    kind = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"

    def part(top: int, bottom: int) -> NDArray[Any]:
        band = _cut(image, top, bottom)
        if image.has_transparency_data:
            colours = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), colours)
        return np.asarray(band.convert(kind))

    return part


def _deep(image: Any) -> Any:
    """Bands of numbers as they are: 16 and 32 bit integers, floating-point."""

    def part(top: int, bottom: int) -> NDArray[Any]:
        return np.asarray(_cut(image, top, bottom))

    return part


def _cut(image: Any, top: int, bottom: int) -> Any:
    whole = (top, bottom) == (0, image.size[1])
    return image if whole else image.crop((0, top, image.size[0], bottom))


def _millions(count: int) -> str:
    return f"{count / 1e6:.3g}"
