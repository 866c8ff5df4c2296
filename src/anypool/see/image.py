"""Photographs pooled every way: one figure each, and a page that shows them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PoolError
from .figure import Panel, arranged, check
from .folder import whole
from .images import Ask, groups_of, on_one_scale
from .page import Entry, entry, page
from .picture import Limits, Photo, Picture, silent
from .read import label, load
from .save import FORMATS, write
from .ways import DEFAULT, Pooling, poolings

__all__ = ["DEFAULT", "Pooling", "gallery", "panels", "poolings"]

APART = (("max", "avg"),)


def panels(
    photo: Photo,
    ways: Sequence[Pooling],
    *,
    kernel: Any = 2,
    stride: Any = None,
    tell: Callable[[str], None] = silent,
) -> list[Panel]:
    """The original, each pooling of it, and how far max and average lie apart.

    >>> import numpy as np
    >>> for panel in panels(np.eye(4, dtype="float32"), poolings(["max"], kernel=4), kernel=4):
    ...     print(panel.title, panel.size)
    original 4 × 4
    max_pool(x, 4, axes=(0, 1)) 1 × 1
    abs(max_pool(x, 4, axes=(0, 1)) - avg_pool(x, 4, axes=(0, 1))) 1 × 1
    """
    ask = Ask(tuple(ways), APART, kernel=kernel, stride=stride)
    [group] = groups_of(Picture("", photo), ask, tell)
    return list(group.panels)


def gallery(
    photos: Sequence[str | os.PathLike[str]],
    names: Iterable[Any] | None = None,
    *,
    kernel: Any = 2,
    stride: Any = None,
    adaptive: Any = 7,
    differences: Sequence[tuple[Any, Any]] = APART,
    signed: bool = False,
    boxes: Any = None,
    box_size: Any = 7,
    box_reduce: Any = "max",
    slices: int | Sequence[int] | None = None,
    limits: Limits | None = None,
    sha256: Sequence[str] | None = None,
    scale: int | None = None,
    columns: int | None = None,
    out: str | os.PathLike[str] = "pooled",
    formats: Sequence[str] = ("png",),
    dpi: int = 120,
    tell: Callable[[str], None] = silent,
    note: Callable[[str], None] = silent,
) -> list[Path]:
    """Write one figure a photograph and an ``index.html`` into `out`; give the files' paths.

    The folder is whole or untouched: a photograph that cannot be read leaves nothing behind.
    `tell` hears a few words before each step: reading, every pooling, drawing. `note` hears what
    must be known of a photograph: that it was read smaller, that only its first page is shown.

    The other arguments are those of :func:`anypool.see.images`; `formats` are of "png", "svg" and
    "pdf", the first being shown on the page; `sha256` has one checksum a photograph.
    """
    check(dpi, columns, scale)
    _check(formats, photos, sha256)
    ask = Ask(
        None if names is None else tuple(names), tuple(differences), signed, boxes, box_size,
        box_reduce, slices, kernel, stride, adaptive, dpi, scale,
    )  # fmt: skip
    entries: list[Entry] = []
    with whole(Path(out)) as stage:
        for number, (source, target) in enumerate(zip(photos, _targets(photos), strict=True)):
            tell(f"reading {os.fspath(source)}")
            picture = load(
                source, limits=limits, pages=slices is not None,
                sha256=sha256[number] if sha256 else None, tell=tell,
            )  # fmt: skip
            for words in picture.notes:
                note(words)
            picture = replace(picture, name=label(source))
            groups = on_one_scale(groups_of(picture, ask.of(number), tell))
            tell(f"drawing {target}.{formats[0]}")
            figure = arranged(groups, columns=columns, scale=scale, dpi=dpi)
            files = [write(figure, stage / f"{target}.{kind}", dpi) for kind in formats]
            shown = [panel for group in groups for panel in group.panels]
            entries.append(entry(label(source), files, shown, picture.notes))
        (stage / "index.html").write_text(page(entries), encoding="utf-8", errors="replace")
    made = [file.name for e in entries for file in e.figures]
    return [Path(out) / name for name in (*made, "index.html")]


def _check(formats: Sequence[str], photos: Sequence[Any], sha256: Sequence[str] | None) -> None:
    """Refuse formats that nobody draws, and checksums that are not one a photograph."""
    for kind in formats:
        if kind not in FORMATS:
            raise PoolError(f"no figure is written as {kind!r}; use {', '.join(FORMATS)}")
    if not formats or len(set(formats)) < len(formats):
        raise PoolError(f"formats are {list(formats)}; name at least one, and each once")
    if sha256 and len(sha256) != len(photos):
        raise PoolError(
            f"{len(sha256)} checksums for {len(photos)} photographs; give one for each, in order"
        )


def _targets(photos: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A file's stem for each figure: the photograph's own, numbered where two are alike."""
    names: list[str] = []
    for photo in photos:
        stem, count = _stem(photo), 1
        while (name := stem if count == 1 else f"{stem}-{count}") in names:
            count += 1
        names.append(name)
    return names


def _stem(photo: str | os.PathLike[str]) -> str:
    """The photograph's name without its suffix, as a file of any system can be called."""
    stem = Path(label(photo).replace("/", "_")).stem
    return "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in stem) or "photo"
