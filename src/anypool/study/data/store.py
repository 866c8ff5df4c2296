"""A data set on disk as plain .npy files, which worker processes map into memory and share."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ...see.folder import whole
from .sets import Data, Images, Labels

ABOUT = "set.json"
FORMAT = 1
SAMPLES, PIECE = 64, 4096
Files = dict[str, NDArray[Any]]


def keep(data: Data, folder: Path) -> Path:
    """Write the set into ``folder/<digest>`` unless it is there intact; that folder.

    It is written whole or not at all, and many processes may keep the same set at once.
    """
    place = Path(folder) / data.digest
    if _intact(place):
        return place
    try:
        with whole(place) as stage:
            _write(data, stage)
    except PoolError:
        if not _intact(place):  # else another process has been first
            raise
    return place


def recall(path: Path) -> Data:
    """The set that `keep` wrote, its images mapped into memory and not to be written to.

    What it costs does not grow with the set: sizes, labels and samples of the images are compared
    with the sums that `keep` noted. A damaged or foreign folder is a PoolError.
    """
    path = Path(path)
    about = _about(path)
    files = {name: _file(path, name, sum_) for name, sum_ in about["sums"].items()}
    train, test = (_images(files, part) for part in ("train", "test"))
    labels = [np.array(files[f"{part}_labels"]) for part in ("train", "test")]
    told = (tuple(about["classes"]), about["digest"], about["note"])
    return Data(about["name"], train, labels[0], test, labels[1], *told)


def _intact(path: Path) -> bool:
    try:
        recall(path)
    except PoolError:
        return False
    return True


def _write(data: Data, stage: Path) -> None:
    files = _files("train", data.train_images, data.train_labels)
    files |= _files("test", data.test_images, data.test_labels)
    for name, array in files.items():
        np.save(stage / f"{name}.npy", array, allow_pickle=False)
    about = {
        "format": FORMAT,
        "name": data.name,
        "digest": data.digest,
        "classes": data.classes,
        "note": data.note,
        "sums": {name: _sum(array) for name, array in files.items()},
    }
    (stage / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _files(part: str, images: Images, labels: Labels) -> Files:
    """The arrays of one part; images of different sizes lie end to end beside their shapes."""
    if isinstance(images, np.ndarray):
        return {f"{part}_images": images, f"{part}_labels": labels}
    flat = np.concatenate([image.ravel() for image in images])
    shapes = np.array([image.shape for image in images], np.int64)
    return {f"{part}_images": flat, f"{part}_labels": labels, f"{part}_shapes": shapes}


def _images(files: Files, part: str) -> Images:
    flat, shapes = files[f"{part}_images"], files.get(f"{part}_shapes")
    if shapes is None:
        return flat
    ends = np.cumsum(shapes.prod(axis=1))[:-1]
    pieces = np.split(np.asarray(flat), ends)
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _sum(array: NDArray[Any]) -> str:
    """A cheap mark of an array: its type and shape, and a checksum of 64 pieces spread over it."""
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    step = max(PIECE, -(-len(raw) // SAMPLES))
    total = zlib.crc32(raw[-PIECE:].tobytes())
    for start in range(0, len(raw), step):
        total = zlib.crc32(raw[start : start + PIECE].tobytes(), total)
    return f"{array.dtype.str} {array.shape} {total:08x}"


def _about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        form = about.get("format")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise PoolError(f"there is no kept data set at {path}: {why}") from None
    except (ValueError, AttributeError):
        raise _damaged(path, ABOUT) from None
    if form != FORMAT:
        raise PoolError(
            f"the data set kept at {path} has the format {form}, this anypool reads {FORMAT}; "
            "remove the folder and it is written anew"
        )
    return about


def _file(path: Path, name: str, wanted: str) -> NDArray[Any]:
    try:
        array = np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise _damaged(path, f"{name}.npy") from None
    if _sum(array) != wanted:
        raise _damaged(path, f"{name}.npy")
    return array


def _damaged(path: Path, file: str) -> PoolError:
    return PoolError(
        f"the data set kept at {path} is damaged: {file} is not as it was written; remove the "
        "folder and it is written anew"
    )
