"""A folder of results that is whole or absent, whatever happens while it is made."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import PoolError


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give a hidden folder to write into; what it holds appears in `folder` when the block ends.

    Where the block fails nothing is left behind. A folder that already exists keeps its other
    files, and each new one replaces its namesake in one step.
    """
    stage = _stage(folder)
    try:
        yield stage
        _publish(stage, folder)
    except OSError as error:
        raise PoolError(f"cannot write to {folder}: {why(error)}") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _stage(folder: Path) -> Path:
    """An empty hidden folder on the same disk as `folder`, so that moving is one step."""
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(20, "it is a file; name a folder")
        base = next(place for place in (folder, *folder.parents) if place.exists())
        stage = base / f".anypool-{secrets.token_hex(4)}"
        stage.mkdir()
    except OSError as error:
        raise PoolError(f"cannot write to {folder}: {why(error)}") from None
    return stage


def _publish(stage: Path, folder: Path) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage.rename(folder)
        return
    made = sorted(stage.iterdir())
    for file in made:
        if (folder / file.name).is_dir():
            raise IsADirectoryError(21, f"{file.name} is a folder there")
    for file in made:
        os.replace(file, folder / file.name)


def why(error: OSError) -> str:
    words = error.strerror or str(error) or type(error).__name__
    return words[:1].lower() + words[1:]
