"""A folder of class folders: pictures of any kinds and sizes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import PoolError
from .pictures import Pixels, coloured, opened
from .sets import Data, Labels, collected
from .splits import split

SUFFIXES = frozenset(
    ".bmp .gif .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()  # noqa: SIM905
)
VALIDATION = ("val", "valid", "validation")
TEST_SHARE, TEST_SEED = 0.2, 0
LEAST = 3
Found = list[tuple[Path, str]]


@dataclass
class Reading:
    """What came out of reading pictures: those that could be read, and how many were changed."""

    pictures: list[Pixels] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    faults: list[Path] = field(default_factory=list)
    scaled: int = 0


def read(path: Path, longest: int | None, skip_corrupt: bool, tell: Callable[[str], None]) -> Data:
    """The data set in a folder: a folder for each class, or those within train/ and test/.

    Without train/ and test/ a fifth of every class, always the same, is kept as the test set.
    Pictures in train/ and in val/ are learnt from. Hidden files and files that are no pictures are
    passed over. All pictures become grey or all RGB, as the set needs.
    """
    if longest is not None and longest < 1:
        raise PoolError(f"the longest edge is {longest} pixels; it must be 1 or more")
    train, test = _found(path)
    classes = sorted({name for _, name in train})
    _enough(path, train, test, classes)
    tell(f"reading {len(train) + len(test)} pictures from {path}")
    readings = [_read(part, classes, longest) for part in (train, test)]
    notes = _notes(path, readings, len(train) + len(test), longest, skip_corrupt)
    for note in notes:
        tell(note)
    return _data(path, readings, classes, "; ".join(notes))


def _found(path: Path) -> tuple[Found, Found]:
    """Every picture with the name of its class: to learn from and, if apart, to be tested on."""
    names = _folders(path)
    if "train" not in names and "test" not in names:
        return _pictures(path), []
    if not {"train", "test"} <= set(names):
        there, missing = ("train", "test") if "train" in names else ("test", "train")
        raise PoolError(f"{path} has a folder {there} but no folder {missing}; both are needed")
    more = [name for name in VALIDATION if name in names]
    learnt = [found for name in ("train", *more) for found in _pictures(path / name)]
    tested = _pictures(path / "test")
    if not tested:
        raise PoolError(f"{path}/test holds no pictures; fill it, or do without train and test")
    return learnt, tested


def _folders(path: Path) -> list[str]:
    try:
        return sorted(p.name for p in path.iterdir() if p.is_dir() and p.name[0] != ".")
    except OSError as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None


def _pictures(path: Path) -> Found:
    return [(file, name) for name in _folders(path) for file in _files(path / name)]


def _files(folder: Path) -> list[Path]:
    """Every picture below a class folder, in the order of their names."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, file) for file in files if not file.startswith(".")]
    pictures = (file for file in found if file.suffix.lower() in SUFFIXES)
    return sorted(pictures, key=lambda file: file.relative_to(folder).as_posix())


def _enough(path: Path, train: Found, test: Found, classes: list[str]) -> None:
    if len(classes) < 2:
        held = f"pictures of the one class {classes[0]}" if classes else "no class folders"
        raise PoolError(f"{path} holds {held}; two or more folders with pictures are needed")
    strange = sorted({name for _, name in test} - set(classes))
    if strange:
        raise PoolError(f"{path}/test has the class {strange[0]}, which train lacks")
    bare = [name for name in _folders(path) if not test and name not in classes]
    if bare:
        raise PoolError(f"{path}/{bare[0]} holds no pictures; remove it, or put pictures in")


def _read(part: Found, classes: list[str], longest: int | None) -> Reading:
    reading = Reading()
    for path, name in part:
        try:
            picture, scaled = opened(path, longest)
        except PoolError:
            reading.faults.append(path)
            continue
        reading.pictures.append(picture)
        reading.labels.append(classes.index(name))
        reading.scaled += scaled
    return reading


def _notes(
    path: Path, readings: list[Reading], count: int, longest: int | None, skip_corrupt: bool
) -> list[str]:
    """What a reader must know; corrupt pictures are refused unless they may be skipped."""
    faults = [str(fault.relative_to(path)) for part in readings for fault in part.faults]
    scaled = sum(part.scaled for part in readings)
    notes = []
    if scaled:
        notes = [f"{scaled} of {count} pictures were scaled down to {longest} pixels, longest edge"]
    if faults:
        some = ", ".join(faults[:5]) + (f" and {len(faults) - 5} more" * (len(faults) > 5))
        if not skip_corrupt:
            raise PoolError(
                f"{len(faults)} of {count} pictures in {path} cannot be read: {some}; mend or "
                "remove them, or leave them out with --skip-corrupt (skip_corrupt=True)"
            )
        notes.append(f"{len(faults)} of {count} pictures cannot be read and are left out: {some}")
    return notes


def _data(path: Path, readings: list[Reading], classes: list[str], note: str) -> Data:
    train, test = readings
    if any(p.shape[0] == 3 for part in readings for p in part.pictures):
        for part in readings:
            part.pictures = [coloured(picture) for picture in part.pictures]
    labels = np.array(train.labels, np.int64)
    apart = bool(test.labels or test.faults)
    _least(path, labels, classes, 2 if apart else LEAST)
    if apart:
        parts = (train.pictures, labels), (test.pictures, np.array(test.labels, np.int64))
    else:
        parts = tuple(
            (_chosen(train.pictures, some), labels[some])
            for some in split(labels, TEST_SEED, TEST_SHARE)
        )
    return collected(f"folder:{path}", parts[0], parts[1], classes, note)


def _least(path: Path, labels: Labels, classes: list[str], least: int) -> None:
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < least:
        name = classes[int(counts.argmin())]
        raise PoolError(
            f"{path} has {counts.min()} pictures of {name} to split; every class needs at least "
            f"{least}: to learn from, to validate on"
            + (" and to be tested on" if least == LEAST else "")
        )


def _chosen(pictures: list[Pixels], some: Labels) -> list[Pixels]:
    return [pictures[i] for i in some]
