"""Values as the columns of a store hold them, and back again, bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PoolError
from ..records import Row

# One value of SQLite holds at most 1e9 bytes, one of PostgreSQL 2**30.
LARGEST = 999_000_000
COLUMNS = ("epoch", "loss", "train_accuracy", "accuracy", "seconds")


def to_json(value: Any) -> str:
    """Canonical JSON: equal documents are equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain(value: Any) -> Any:
    """A number as JSON knows it; the three that JSON lacks become "nan", "inf" and "-inf"."""
    number = value.item() if hasattr(value, "item") else value
    finite = number is None or math.isfinite(number)
    return number if finite else str(number)


def from_plain(value: Any) -> Any:
    """The number that `plain` made a word of."""
    return float(value) if isinstance(value, str) else value


def numbers_to_json(numbers: Mapping[str, Any]) -> str:
    """
    >>> numbers_to_json({"accuracy": 0.5, "loss": float("nan")})
    '{"accuracy":0.5,"loss":"nan"}'
    """
    return to_json({name: plain(value) for name, value in numbers.items()})


def numbers_from_json(text: str) -> dict[str, Any]:
    return {name: from_plain(value) for name, value in json.loads(text).items()}


def clean(text: str) -> str:
    """Text any database takes: PostgreSQL has no NUL, and no lone half of a character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def epoch_to_columns(row: Row) -> dict[str, Any]:
    """An epoch's columns. SQLite keeps NaN as NULL, so what is not finite goes to `more`."""
    known = {name: plain(row.get(name)) for name in COLUMNS}
    words = {name: value for name, value in known.items() if isinstance(value, str)}
    others = {name: plain(row[name]) for name in row if name not in COLUMNS}
    more = words | others
    columns = known | dict.fromkeys(words)
    return {**columns, "more": to_json(more) if more else None}


def epoch_from_columns(columns: Mapping[str, Any]) -> Row:
    row = {name: columns[name] for name in COLUMNS}
    return row | (numbers_from_json(columns["more"]) if columns["more"] else {})


def bits_to_bytes(bits: NDArray[np.bool_]) -> bytes:
    """Eight examples a byte: 10 000 of them take 1.25 KB."""
    return np.packbits(np.asarray(bits, dtype=bool)).tobytes()


def bits_from_bytes(packed: bytes, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count).astype(bool)


def labels_to_bytes(labels: Iterable[int]) -> bytes:
    return zlib.compress(np.asarray(labels).astype("<i8").tobytes())


def labels_from_bytes(packed: bytes) -> NDArray[np.int64]:
    return np.frombuffer(zlib.decompress(packed), "<i8").astype(np.int64)


def artifact_to_columns(kind: str, content: bytes) -> dict[str, Any]:
    """A trial's file, squeezed where that saves a twentieth (random weights hardly shrink)."""
    if len(content) > LARGEST:
        raise PoolError(
            f"the {kind} of a trial take {len(content):,} bytes; a store holds at most "
            f"{LARGEST:,} in one piece"
        )
    squeezed = zlib.compress(content, 1)
    small = len(squeezed) < 0.95 * len(content)
    sha256 = hashlib.sha256(content).hexdigest()
    packing, kept = ("zlib", squeezed) if small else ("none", content)
    return {"kind": kind, "packing": packing, "bytes": kept, "sha256": sha256}


def artifact_from_columns(columns: Mapping[str, Any]) -> bytes:
    unpack = {"zlib": zlib.decompress, "none": bytes}[columns["packing"]]
    try:
        content = unpack(columns["bytes"])
    except zlib.error:
        content = None
    if content is None or hashlib.sha256(content).hexdigest() != columns["sha256"]:
        raise PoolError(
            f"the {columns['kind']} of trial {columns['key'][:12]} are damaged: their sha256 does "
            "not match; restore the store from a copy"
        )
    return content
