"""A file that is whole or absent."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ...errors import PoolError


def write_whole(path: Path, text: str) -> Path:
    """Write `text` beside `path`, then put it in its place in one step; give the path."""
    if path.is_dir():  # also "", which is the folder at hand and has no name
        raise PoolError(f"cannot write {path}: it is a folder; name a file")
    stage = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stage.write_text(text, encoding="utf-8", newline="\n")
        os.replace(stage, path)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise PoolError(f"cannot write {path}: {words[:1].lower()}{words[1:]}") from None
    finally:
        with suppress(OSError, ValueError):
            stage.unlink(missing_ok=True)
    return path
