"""Arrays as pictures: what their axes mean, and files that hold one."""

from __future__ import annotations

import io
import math
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import PoolError
from .picture import MOST, Limits, Photo, Picture, gathered, ranged, smaller

MAGIC = b"\x93NUMPY"
_UNITS = {"b1": 1.0, "u1": 255.0, "u2": 65535.0}
_CHANNELS = (1, 3, 4)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def of_array(given: Any, name: str, volume: bool, limits: Limits | None) -> Picture:
    """The picture that an array holds.

    (rows, columns) is grey; (rows, columns, 3) colour, 4 with transparency, which is laid on
    white; (3, rows, columns) colour as PyTorch has it; three other axes are a volume of slices.
    With `volume` three axes always are, and four are a volume in colour.
    """
    x = _plain(given, name)
    x, volume = _turned(x, name, volume)
    unit = _UNITS.get(x.dtype.str[1:]) if limits is None else None
    space, colour = (3 if volume else 2), x.ndim > (3 if volume else 2)
    rows, columns = x.shape[space - 2 : space]
    factor, notes = smaller(rows, columns, MOST), ()
    if volume:
        _check_volume(x.shape, name)
        return ranged(name, _light(x, colour, unit, limits), unit, limits, volume=True)

    def part(top: int, bottom: int) -> NDArray[Any]:
        return _light(x[top:bottom], colour, unit, limits)

    values = gathered(rows, columns, factor, part)
    if factor > 1:
        notes = (f"{name} is drawn at 1/{factor} of its {rows} × {columns} pixels",)
    return ranged(name, values, unit, limits, factor=factor, notes=notes)


def stored(file: BinaryIO, name: str) -> NDArray[Any]:
    """The array in a .npy file, not read before it is used."""
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran, dtype = _HEADERS[version](file)
    except (ValueError, KeyError, EOFError) as error:
        raise PoolError(f"{name} is damaged or cut short: {error}") from None
    start = file.tell()
    have, need = file.seek(0, io.SEEK_END) - start, math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise PoolError(f"{name} holds Python objects; a picture holds numbers")
    if have < need:
        raise PoolError(f"{name} is cut short: it holds {have} of {need} bytes")
    if need == 0:
        return np.empty(shape, dtype)
    order = "F" if fortran else "C"
    if isinstance(file, io.BytesIO):
        return np.ndarray(shape, dtype, file.getbuffer(), start, order=order)
    return np.memmap(file, dtype, "r", start, shape, order)


def several(x: Any) -> bool:
    """Whether an array is a batch of photographs: four axes, of which one is of channels."""
    shape = getattr(x, "shape", ())
    return len(shape) == 4 and (shape[3] in _CHANNELS or shape[1] in _CHANNELS)


def _plain(given: Any, name: str) -> NDArray[Any]:
    """What was given as a NumPy array of real numbers, or one sentence."""
    try:
        x = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except (TypeError, ValueError):
        raise PoolError(
            f"{name} is no array: its rows differ in length or hold no numbers"
        ) from None
    if x.dtype.kind not in "buif":
        raise PoolError(f"{name} has dtype {x.dtype}; a picture holds bool, integers or floats")
    if x.size == 0:
        raise PoolError(f"{name} has shape {x.shape}: there is nothing to draw")
    return x


def _turned(x: NDArray[Any], name: str, volume: bool) -> tuple[NDArray[Any], bool]:
    """The array with its channels last, if it has any, and whether it is a volume."""
    first, last = (x.shape[0], x.shape[-1]) if x.ndim else (0, 0)
    if x.ndim == 2 and not volume:
        return x, False
    if x.ndim == 4 and volume and last in _CHANNELS:
        return x, True
    if x.ndim == 3 and (volume or last not in _CHANNELS):
        if first in (1, 3) and not volume:
            return np.moveaxis(x, 0, -1), False
        return x, True
    if x.ndim == 3:
        return x, False
    wanted = "3 axes (or 4 in colour) for a volume" if volume else "2 axes, or 3 in colour"
    raise PoolError(f"{name} has shape {x.shape}; a picture has {wanted}")


def _light(x: NDArray[Any], colour: bool, unit: float | None, limits: Limits | None) -> Photo:
    """float32 numbers, grey or RGB: one channel is grey, a fourth is laid on white."""
    values = x.astype(np.float32)
    if not colour or values.shape[-1] == 3:
        return values
    if values.shape[-1] == 1:
        return values[..., 0]
    white = np.float32(unit or (limits[1] if limits else 1.0))
    alpha = np.clip(values[..., 3:] / np.float32(unit or 1.0), 0, 1)
    return np.asarray(values[..., :3] * alpha + white * (1 - alpha), dtype=np.float32)


def _check_volume(shape: tuple[int, ...], name: str) -> None:
    voxels = math.prod(shape[:3])
    if voxels > MOST:
        raise PoolError(
            f"{name} has {voxels / 1e6:.3g} million voxels; at most {MOST / 1e6:.3g} are drawn: "
            f"{max(MOST // math.prod(shape[1:3]), 1)} slices of it would fit, or pool it first"
        )
