"""A data set as the study holds it: checked once, named by what it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError

Image = NDArray[Any]
Images = NDArray[Any] | list[Image]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Data:
    """Images with their classes, to learn from and to be tested on.

    train_images, test_images: uint8 (N, C, H, W), or a list of uint8 (C, h, w) where sizes differ;
        float32 where the set came as floats
    train_labels, test_labels: int64 (N,), from 0 to len(classes) - 1
    digest: the sha256 of the content and of its split, not of its name
    note: what a reader must know, such as "12 images were scaled down"; empty if nothing
    """

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: tuple[str, ...]
    digest: str
    note: str = ""

    @property
    def ragged(self) -> bool:
        """Whether the images are of different sizes."""
        return not isinstance(self.train_images, np.ndarray)


def collected(
    name: str,
    train: tuple[Images, Labels],
    test: tuple[Images, Labels],
    classes: Sequence[str],
    note: str = "",
) -> Data:
    """The checked set; images of one size become one array, of several sizes a list."""
    classes = tuple(str(c) for c in classes)
    if len(classes) < 2:
        raise PoolError(f"{name} has the one class {classes}; a comparison needs two or more")
    for part, (images, labels) in (("training", train), ("test", test)):
        _check(f"{name}: the {part} set", images, labels, classes)
    stacked = _stacked(name, train[0], test[0])
    parts = (stacked[0], train[1], stacked[1], test[1])
    return Data(name, *parts, classes, digest(*parts, classes), note)


def _check(what: str, images: Images, labels: Labels, classes: tuple[str, ...]) -> None:
    if len(images) == 0:
        raise PoolError(f"{what} is empty; it needs images")
    if len(images) != len(labels):
        raise PoolError(f"{what} has {len(images)} images and {len(labels)} labels; one each")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(classes):
        wrong = low if low < 0 else high
        raise PoolError(
            f"{what} has the label {wrong}; with {len(classes)} classes "
            f"labels go from 0 to {len(classes) - 1}"
        )
    if images[0].dtype.kind == "f" and not all(np.isfinite(image).all() for image in images):
        raise PoolError(f"{what} holds pixels that are NaN or infinite; mend or leave those out")


def _stacked(name: str, train: Images, test: Images) -> tuple[Images, Images]:
    """Both parts as arrays if every image has one shape, else both as lists."""
    every = (train, test)
    if all(isinstance(part, np.ndarray) for part in every) and train[0].shape == test[0].shape:
        return train, test
    shapes = {image.shape for part in every for image in part}
    if len({shape[0] for shape in shapes}) > 1:
        counts = sorted({shape[0] for shape in shapes})
        raise PoolError(
            f"{name} mixes images of {' and '.join(map(str, counts))} channels; "
            "all must have the same number"
        )
    if any(min(shape) < 1 for shape in shapes):
        raise PoolError(f"{name} holds an image without pixels; leave it out")
    if len(shapes) == 1:
        return np.stack(list(train)), np.stack(list(test))
    return list(train), list(test)


def digest(
    train: Images, train_labels: Labels, test: Images, test_labels: Labels, classes: Sequence[str]
) -> str:
    """The sha256 of what a set holds; the same whether it lies in memory or in a file."""
    total = hashlib.sha256(json.dumps(list(classes)).encode())
    for images, labels in ((train, train_labels), (test, test_labels)):
        total.update(f"{len(images)} {images[0].dtype.str}".encode())
        for image in [images] if isinstance(images, np.ndarray) else images:
            total.update(str(image.shape).encode())
            total.update(np.ascontiguousarray(image).data)
        total.update(np.ascontiguousarray(labels, "<i8").data)
    return total.hexdigest()
