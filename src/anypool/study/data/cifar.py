"""CIFAR-10's binary version: records of one label byte and 32x32 red, green, blue bytes."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError

RECORD = 1 + 3 * 32 * 32
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{FOLDER}/data_batch_{i}.bin" for i in range(1, 6))
TEST = (f"{FOLDER}/test_batch.bin",)
Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read(path: Path) -> tuple[Part, Part]:
    """Images (N, 3, 32, 32) and labels to learn from and to be tested on, out of the tar.gz.

    Only the six files with the records are read, and nothing is unpacked to disk.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            parts = [_part(archive, names) for names in (TRAIN, TEST)]
    except KeyError as error:
        raise PoolError(f"{path} is not CIFAR-10's binary version: {error.args[0]}") from None
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise PoolError(f"{path} is damaged or cut short: {error}") from None
    return parts[0], parts[1]


def _part(archive: tarfile.TarFile, names: tuple[str, ...]) -> Part:
    every = [_records(archive, name) for name in names]
    records = np.concatenate(every)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def _records(archive: tarfile.TarFile, name: str) -> NDArray[np.uint8]:
    file = archive.extractfile(name)
    raw = file.read() if file else b""
    if not raw or len(raw) % RECORD:
        raise PoolError(
            f"{name} has {len(raw)} bytes; CIFAR-10 is made of records of {RECORD} bytes"
        )
    return np.frombuffer(raw, np.uint8).reshape(-1, RECORD)
