"""Arrays of any usual layout as images and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from .sets import Data, Images, Labels, collected

MOST_CHANNELS = 4


def from_arrays(
    name: str,
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    classes: Sequence[str] | None = None,
) -> Data:
    """A data set from arrays, or from lists of images of any sizes.

    Images: (N, H, W), (N, H, W, C) or (N, C, H, W) with C at most 4, channels first where both
    fit; or a list of (h, w) or (C, h, w), with any C. Bytes stay bytes, other whole numbers from 0
    to 255 become bytes, floats become float32. Labels: whole numbers from 0, (N,) or (N, 1).
    Without ``classes`` they are called by their numbers. PoolError says what does not fit.

    >>> x = np.zeros((6, 8, 8), np.uint8)
    >>> data = from_arrays("mine", x, [0, 1, 2, 0, 1, 2], x[:3], [0, 1, 2])
    >>> data.train_images.shape, data.classes
    ((6, 1, 8, 8), ('0', '1', '2'))
    """
    train, note = images_of(x_train, f"{name}: the training images")
    test, _ = images_of(x_test, f"{name}: the test images")
    learnt = labels_of(y_train, f"{name}: the training labels")
    tested = labels_of(y_test, f"{name}: the test labels")
    known = numbered(name, learnt, tested) if classes is None else classes
    return collected(name, (train, learnt), (test, tested), known, note)


def images_of(x: Any, what: str) -> tuple[Images, str]:
    """Images with their channels first, and a word on which axis was taken for the channels."""
    if not hasattr(x, "shape"):
        return [one_image(np.asarray(image), what) for image in x], ""
    array = pixels(np.asarray(x), what)
    if array.ndim == 3:
        return array[:, None], ""
    if array.ndim != 4:
        raise PoolError(
            f"{what} have the shape {array.shape}; (N, H, W), (N, H, W, C) or (N, C, H, W) fit"
        )
    if array.shape[1] <= MOST_CHANNELS:
        return array, ""
    if array.shape[3] <= MOST_CHANNELS:
        note = f"read as (N, H, W, C): the last axis holds {array.shape[3]} channels"
        return np.ascontiguousarray(np.moveaxis(array, 3, 1)), note
    raise PoolError(
        f"{what} have the shape {array.shape}, where neither axis 1 nor the last holds 1 to "
        f"{MOST_CHANNELS} channels; give a list of (C, H, W) arrays if there are more"
    )


def one_image(image: NDArray[Any], what: str) -> NDArray[Any]:
    """One image as (C, h, w), from (h, w) or (C, h, w)."""
    if image.ndim not in (2, 3):
        raise PoolError(f"{what} hold one of shape {image.shape}; (h, w) or (C, h, w) fit")
    return pixels(image.reshape(-1, *image.shape[-2:]), what)


def pixels(array: NDArray[Any], what: str) -> NDArray[Any]:
    """The values as uint8 or float32."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
            return array.astype(np.float32)
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iu":
        raise PoolError(f"{what} are of type {array.dtype}; bytes or floats fit")
    if array.size and (array.min() < 0 or array.max() > 255):
        raise PoolError(
            f"{what} are whole numbers from {array.min()} to {array.max()}; "
            "scale them to 0..255 (uint8) or to floats"
        )
    return array.astype(np.uint8)


def labels_of(y: Any, what: str) -> Labels:
    """Labels as int64 (N,)."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise PoolError(f"{what} have the shape {array.shape}; one whole number an image fits")
    if array.size and array.dtype.kind not in "iu":
        raise PoolError(f"{what} are of type {array.dtype}; they must be whole numbers from 0")
    return array.astype(np.int64)


def numbered(name: str, *labels: Labels) -> tuple[str, ...]:
    """Class names for labels that have none: their numbers."""
    every = np.concatenate(labels)
    most = int(every.max()) if len(every) else 0
    if most >= len(every):
        raise PoolError(
            f"{name} has the label {most} but only {len(every)} examples; labels count the "
            "classes from 0"
        )
    return tuple(map(str, range(most + 1)))
