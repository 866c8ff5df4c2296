"""NPZ files as Keras and as MedMNIST write them."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from .arrays import from_arrays
from .sets import Data

KERAS = ("x_train", "y_train", "x_test", "y_test")
MEDMNIST = ("train_images", "train_labels", "test_images", "test_labels")
VALIDATION = ("val_images", "val_labels")
Arrays = dict[str, NDArray[Any]]


def read(path: Path) -> Data:
    """The data set in an NPZ file; images and labels as `from_arrays` takes them.

    MedMNIST's validation images join the training images: the study draws its own validation
    split for every seed.
    """
    arrays = _arrays(path)
    names = next((n for n in (KERAS, MEDMNIST) if set(n) <= set(arrays)), None)
    if names is None:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise PoolError(
            f"{path} holds {held}; wanted are {', '.join(KERAS)} or {', '.join(MEDMNIST)}"
        )
    parts = [arrays[name] for name in names]
    notes = []
    if set(VALIDATION) <= set(arrays):
        parts[:2] = [_joined(path, *pair) for pair in zip(parts[:2], _both(arrays), strict=True)]
        notes = ["the file's validation images join the training images"]
    x_train, y_train, x_test, y_test = parts
    data = from_arrays(f"npz:{path}", x_train, y_train, x_test, y_test)
    notes = [data.note, *notes] if data.note else notes
    return replace(data, note="; ".join(notes))


def _both(arrays: Arrays) -> list[NDArray[Any]]:
    return [arrays[name] for name in VALIDATION]


def _joined(path: Path, first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.concatenate([first, second])
    except ValueError:
        raise PoolError(
            f"{path}: training and validation have the shapes {first.shape} and {second.shape}, "
            "which do not go together"
        ) from None


def _arrays(path: Path) -> Arrays:
    """Every array of the file; pickled objects, which could run code, are refused."""
    try:
        with path.open("rb") as raw:
            file = np.load(raw, allow_pickle=False)
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise PoolError(f"{path} is damaged or cut short: {error}") from None
    except OSError as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, AttributeError):
        raise PoolError(f"{path} is no NPZ file of plain arrays; numpy.savez writes one") from None
