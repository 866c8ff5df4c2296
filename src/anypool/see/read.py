"""Photographs of any kind as one kind of array: from files, the web, and memory."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import url2pathname

from ..errors import PoolError
from .fetch import fetch, shown, split
from .numbers import MAGIC, of_array, stored
from .picture import Limits, Photo, Picture, levels, silent
from .pixels import decoded, of_pillow

Bytes = BufferedReader | BytesIO
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def read(
    source: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    sha256: str | None = None,
    tell: Callable[[str], None] = silent,
) -> Photo:
    """The photograph as float32 between 0 and 1: (rows, columns) if grey, else (rows, columns, 3).

    Any kind of pixel Pillow knows is read: 8 and 16 bit, palette, grey; a transparent photograph
    is laid on white, as it will be shown. Of several pages the first is read.

    Args:
        source: a file, or a file://, http:// or https:// address (at most 64 MB); photographs, and
            .npy files of one array.
        limits: the numbers that become 0 and 1; needed where the pixels are floating-point or have
            more than 16 bits, whose range nobody knows.
        sha256: what the file's SHA-256 must be, in hexadecimal.
        tell: hears of downloads, and that a photograph of more than 25 million pixels was read
            smaller, each of its pixels the mean of a block.

    Raises:
        PoolError: one sentence, where it cannot be read.
    """
    picture = load(source, limits=limits, sha256=sha256, tell=tell)
    if not picture.known:
        raise PoolError(
            f"{picture.name} holds floating-point pixels without a known range, or more than 16 "
            "bits a pixel; say limits=(black, white), or save it with 8 or 16 bits"
        )
    for note in picture.notes:
        tell(note)
    return levels(picture)


def load(
    source: Any,
    *,
    name: str = "",
    limits: Limits | None = None,
    pages: bool = False,
    sha256: str | None = None,
    tell: Callable[[str], None] = silent,
) -> Picture:
    """The picture that a path, an address, an array or a Pillow image stands for.

    `pages`: three axes, or a file's pages, are a volume. `name` is what an array is called.
    """
    if isinstance(source, str | os.PathLike):
        return _from_file(os.fsdecode(source), limits, pages, sha256, tell)
    if sha256 is not None:
        raise PoolError("sha256 is for files and addresses; an array in memory has none")
    if hasattr(source, "getbands"):  # a Pillow image; np.asarray would give a palette's numbers
        return of_pillow(source, name, limits)
    return of_array(source, name or "x", pages, limits)


def label(source: Any) -> str:
    """What a photograph is called: the last part of its path or address.

    >>> label("https://example.org/pets/my%20cat.jpg?size=9"), label("photos/cup.png")
    ('my cat.jpg', 'cup.png')
    """
    text = os.fsdecode(source)
    if _ADDRESS.match(text):
        parts = split(text)
        return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc or text
    return Path(text).name


def _from_file(
    text: str,
    limits: Limits | None,
    pages: bool,
    sha256: str | None,
    tell: Callable[[str], None],
) -> Picture:
    named = shown(text) if _ADDRESS.match(text) else text
    with _opened(text, tell) as file:
        _check_sum(file, named, sha256)
        start = file.read(len(MAGIC))
        file.seek(0)
        if not start:
            raise PoolError(f"{named} is empty: it has 0 bytes")
        if start == MAGIC:
            return of_array(stored(file, named), named, pages, limits)
        return decoded(file, named, pages, limits)


def _opened(text: str, tell: Callable[[str], None]) -> Bytes:
    """The bytes of a file or an address, to be read from their start."""
    address = _ADDRESS.match(text)
    if address and address[0].lower() != "file://":
        tell(f"downloading {shown(text)}")
        return fetch(text, tell=tell)
    path = _local(text) if address else text
    try:
        return open(path, "rb")  # the caller closes it
    except (FileNotFoundError, ValueError):  # ValueError: a name that no file can have
        raise PoolError(f"there is no file {path}") from None
    except OSError as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or 'no access').lower()}") from None


def _local(text: str) -> str:
    """The path that a file:// address stands for."""
    parts = split(text)
    if parts.netloc not in ("", "localhost"):
        raise PoolError(f"{text} lies on another machine; use file:/// and a path of this one")
    return url2pathname(parts.path)


def _check_sum(file: Bytes, name: str, wanted: str | None) -> None:
    """Refuse bytes that are not the asked ones."""
    if wanted is None:
        return
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", wanted):
        raise PoolError(f"sha256 is {wanted!r}; it has 64 hexadecimal digits")
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    if found != wanted.lower():
        raise PoolError(f"{name} has the SHA-256 {found}, not the one that was asked for")
