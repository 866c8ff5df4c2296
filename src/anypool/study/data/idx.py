"""IDX, the format of MNIST and its kin: a magic number, the sizes, then the values, big-endian."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError

KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(path: Path) -> NDArray[Any]:
    """The array in an IDX file, plain or gzipped, in the machine's own byte order."""
    return parse(unpacked(path), str(path))


def unpacked(path: Path) -> bytes:
    """The bytes of a file, without the gzip around them."""
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise PoolError(f"{path} is damaged or cut short: {error}") from None
    except OSError as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None


def parse(raw: bytes, name: str) -> NDArray[Any]:
    """The array that the bytes of an IDX file hold; ``name`` is for what goes wrong.

    >>> parse(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "two bytes")
    array([7, 9], dtype=uint8)
    """
    if len(raw) < 4 or raw[:2] != b"\0\0":
        raise PoolError(f"{name} is no IDX file: it does not begin with two zero bytes and a kind")
    kind, axes = raw[2], raw[3]
    if kind not in KINDS:
        known = ", ".join(f"0x{k:02x}" for k in KINDS)
        raise PoolError(f"{name} holds numbers of the unknown kind 0x{kind:02x}; IDX has {known}")
    start = 4 + 4 * axes
    if axes == 0 or len(raw) < start:
        raise PoolError(f"{name} ends within its header, which tells of {axes} axes")
    shape = struct.unpack(f">{axes}I", raw[4:start])
    dtype = np.dtype(KINDS[kind])
    wanted = math.prod(shape) * dtype.itemsize
    if len(raw) - start != wanted:
        sort = "is cut short" if len(raw) - start < wanted else "has bytes after its end"
        raise PoolError(
            f"{name} {sort}: {'x'.join(map(str, shape))} values take {wanted} bytes, "
            f"{len(raw) - start} are there"
        )
    values = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)
