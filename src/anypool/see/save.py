"""A figure as a file: whole or not at all, its letters as text, the same bytes each time."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PoolError
from .folder import why
from .style import PAPER, foreign_letters, settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
# what says when and by what a file was made, and what we know of no figure
_SILENT: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


_ABOUT = {"png": "Description", "svg": "Description", "pdf": "Subject"}


def save(
    figure: Figure, path: str | os.PathLike[str], *, dpi: int | None = None, about: str = ""
) -> Path:
    """Write a figure as .png, .svg or .pdf, by the path's suffix; give the path.

    Letters stay text in SVG and PDF, so that they can be read, searched and restyled. The file is
    there when it is whole; the same figure gives the same bytes. `dpi` is of PNG and of the
    photographs in the others; None: the figure's own. `about` is kept in the file as what it shows.

    Raises:
        PoolError: where the suffix is another, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower()[1:] not in FORMATS:
        raise PoolError(f"{path} ends in {path.suffix or 'nothing'}; use .png, .svg or .pdf")
    stage = path.with_name(f".anypool-{secrets.token_hex(4)}{path.suffix}")
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(figure, stage, dpi, about)
        os.replace(stage, path)
    except OSError as error:
        raise PoolError(f"cannot write to {path}: {why(error)}") from None
    finally:
        stage.unlink(missing_ok=True) if stage.parent.is_dir() else None
    return path


def write(figure: Figure, path: Path, dpi: int | None = None, about: str = "") -> Path:
    """Write a figure into a file of its own suffix; give the path."""
    kind = path.suffix.lower()[1:]
    told = _SILENT[kind] | ({_ABOUT[kind]: about} if about else {})
    with settings(**{"svg.hashsalt": "anypool"}), foreign_letters():
        figure.savefig(path, format=kind, dpi=dpi or figure.dpi, facecolor=PAPER, metadata=told)
    return path
