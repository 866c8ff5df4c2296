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
        raise PoolError(f"{name} has {len(classes)} classes; a comparison needs two or more")
    for part, (images, labels) in (("training", train), ("test", test)):
        _check(f"{name}: the {part} set", images, labels, classes)
    learnt, tested = _alike(name, train[0], test[0])
    parts = (learnt, train[1], tested, test[1])
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


def _alike(name: str, train: Images, test: Images) -> tuple[Images, Images]:
    """Both parts as arrays if every image has one shape, else both as lists."""
    shapes = _shapes(train) | _shapes(test)
    if any(min(shape) < 1 for shape in shapes):
        raise PoolError(f"{name} holds an image without pixels; leave it out")
    channels = sorted({shape[0] for shape in shapes})
    if len(channels) > 1:
        told = " and ".join(map(str, channels))
        raise PoolError(f"{name} mixes images of {told} channels; all need the same number")
    types = sorted({str(image.dtype) for part in (train, test) for image in part})
    if len(types) > 1:
        raise PoolError(f"{name} mixes {' and '.join(types)} images; all need the same type")
    if len(shapes) > 1:
        return list(train), list(test)
    return _array(train), _array(test)


def _shapes(images: Images) -> set[tuple[int, ...]]:
    return {image.shape for image in images}


def _array(images: Images) -> NDArray[Any]:
    return images if isinstance(images, np.ndarray) else np.stack(images)


def digest(
    train: Images, train_labels: Labels, test: Images, test_labels: Labels, classes: Sequence[str]
) -> str:
    """The sha256 of what a set holds; the same whether it lies in memory or in a file."""
    total = hashlib.sha256(json.dumps(list(classes)).encode())
    for images, labels in ((train, train_labels), (test, test_labels)):
        total.update(f"{len(images)} {images[0].dtype.name}".encode())
        for image in [images] if isinstance(images, np.ndarray) else images:
            total.update(str(image.shape).encode())
            total.update(np.ascontiguousarray(image, image.dtype.newbyteorder("<")).data)
        total.update(np.ascontiguousarray(labels, "<i8").data)
    return total.hexdigest()
