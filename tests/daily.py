"""Which tests run by day, where all would take too long: drawn by name, the same each time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

FEW = 16  # values of a parameter: so many are all seen; a table's rows are drawn like any test


def left(items: Iterable[Any], every: Callable[[Any], int]) -> list[Any]:
    """The tests that wait for the night: all but one in ``every(item)``.

    Tests without parameters all run, and of a parameter with few values each value does.
    """
    some = [item for item in items if hasattr(item, "callspec") and every(item) > 1]
    values: dict[Any, set[int]] = {}
    for item in some:
        for where, index in _values(item):
            values.setdefault(where, set()).add(index)
    seen, waiting = set(), []
    for item in some:
        new = {v for v in _values(item) if len(values[v[0]]) <= FEW} - seen
        if new or not zlib.crc32(item.name.encode()) % every(item):
            seen |= new
        else:
            waiting.append(item)
    return waiting


def _values(item: Any) -> list[tuple[Any, int]]:
    """Its parameters, and which of their values it has."""
    indices = item.callspec.indices
    return [((item.path, item.originalname, name), i) for name, i in indices.items()]
