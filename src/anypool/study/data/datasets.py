"""Data sets of PyTorch and of Hugging Face, read through what both promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from .arrays import MOST_CHANNELS, labels_of, numbered, pixels
from .pictures import coloured, first, of_pillow
from .sets import Data, collected

IMAGES = ("image", "img", "pixel_values", "images")
LABELS = ("label", "labels", "fine_label")
Pair = tuple[Any, Any]


def from_dataset(
    name: str,
    train: Any,
    test: Any,
    classes: Sequence[str] | None = None,
    *,
    image: str | None = None,
    label: str | None = None,
) -> Data:
    """A data set from two torch datasets, or from two splits of a Hugging Face dataset.

    Torch: items are (image, label). Hugging Face: the columns ``image``/``img``/``pixel_values``
    and ``label``/``labels`` are found, or named by the arguments. An image is a Pillow image, or an
    array or tensor of (h, w), (C, h, w) or (h, w, C); sizes may differ. A label is a whole number
    or a word. Class names come from ``classes``, else from the dataset, else from the labels.
    """
    every = [list(_pairs(name, part, image, label)) for part in (train, test)]
    if not all(every):
        raise PoolError(f"{name} is empty; the training and the test set need images")
    known = classes or _classes(train, label) or _words(every)
    images = [[_image(name, picture) for picture, _ in part] for part in every]
    if {picture.shape[0] for part in images for picture in part} == {1, 3}:
        images = [[coloured(picture) for picture in part] for part in images]
    numbers = [_numbers(name, [word for _, word in part], known) for part in every]
    names = known or numbered(name, *numbers)
    return collected(name, (images[0], numbers[0]), (images[1], numbers[1]), names)


def _pairs(name: str, part: Any, image: str | None, label: str | None) -> Iterator[Pair]:
    """The images with their labels, whichever way the dataset hands them out."""
    columns = getattr(part, "column_names", None)
    if columns is None:
        return map(_pair, _items(part))
    picture = _column(name, "image", columns, image, IMAGES)
    word = _column(name, "label", columns, label, LABELS)
    return ((row[picture], row[word]) for row in _items(part))


def _items(part: Any) -> Iterable[Any]:
    """By number where there is a length: a torch dataset need not end when it is iterated."""
    return (part[i] for i in range(len(part))) if hasattr(part, "__len__") else part


def _pair(item: Any) -> Pair:
    try:
        picture, label = item
    except (TypeError, ValueError):
        raise PoolError(
            f"an item of the dataset is {type(item).__name__}; (image, label) is wanted"
        ) from None
    return picture, label


def _column(
    name: str, what: str, columns: Sequence[str], asked: str | None, usual: Sequence[str]
) -> str:
    found = [c for c in ([asked] if asked else usual) if c in columns]
    if not found:
        wanted = repr(asked) if asked else " or ".join(usual)
        raise PoolError(
            f"{name} has no column {wanted}; it has {', '.join(columns)}: say {what}=..."
        )
    return found[0]


def _classes(part: Any, label: str | None) -> Sequence[str] | None:
    """The names that a dataset itself gives to its classes."""
    features = getattr(part, "features", None) or {}
    column = next((c for c in ([label] if label else LABELS) if c in features), None)
    return getattr(features[column], "names", None) if column else getattr(part, "classes", None)


def _words(every: list[list[Pair]]) -> list[str] | None:
    """The classes of labels that are words, in their order."""
    words = {word for part in every for _, word in part if isinstance(word, str)}
    return sorted(words) or None


def _numbers(name: str, labels: list[Any], classes: Sequence[str] | None) -> NDArray[np.int64]:
    places = {word: number for number, word in enumerate(classes or ())}
    strange = next((w for w in labels if isinstance(w, str) and w not in places), None)
    if strange is not None:
        raise PoolError(f"{name} has the label {strange!r}, which is none of its classes")
    numbers = [places[w] if isinstance(w, str) else np.asarray(w) for w in labels]
    return labels_of(np.array(numbers), f"{name}: the labels")


def _image(name: str, picture: Any) -> NDArray[Any]:
    if hasattr(picture, "getbands"):
        return of_pillow(picture)
    array = pixels(np.asarray(picture), f"{name}: the images")
    if array.ndim == 2:
        return array[None]
    if array.ndim != 3:
        raise PoolError(f"{name} holds an image of shape {array.shape}; (C, h, w) is wanted")
    last = array.shape[0] > MOST_CHANNELS >= array.shape[2]
    return first(array) if last else array
