"""Right classes however they are given: numbers or names, one or one an image."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError


def numbers_of(
    true: Any, classes: Sequence[str] | None, count: int | None, images: int
) -> NDArray[np.int64] | None:
    """The number of the right class of each image.

    >>> numbers_of("bag", ["coat", "bag"], 2, 1), numbers_of([1, 0], None, 2, 2)
    (array([1]), array([1, 0]))
    """
    if true is None:
        return None
    one = isinstance(true, str) or np.ndim(true) == 0
    given = [true] * images if one else list(true)
    if len(given) != images:
        raise PoolError(f"true names {len(given)} classes for {images} images; give one for each")
    return np.array([_number(word, classes, count) for word in given], np.int64)


def _number(word: Any, classes: Sequence[str] | None, count: int | None) -> int:
    if isinstance(word, str):
        if classes is not None and word in classes:
            return list(classes).index(word)
        return _unknown(word, classes)
    number = int(word)
    most = count if count is not None else None if classes is None else len(classes)
    if number != word or number < 0 or (most is not None and number >= most):
        known = f"; there are {most}, from 0" if most is not None else "; classes count from 0"
        raise PoolError(f"true is {word}, which is no class{known}")
    return number


def _unknown(word: str, classes: Sequence[str] | None) -> int:
    if classes is None:
        raise PoolError(f"true is {word!r}, but the classes have no names; give its number")
    close = difflib.get_close_matches(word, classes, 2, 0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise PoolError(f"no class is called {word!r}; {hint}The classes: {', '.join(classes)}")
