"""The explorer: one HTML file in which every output shows its window."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import PoolError
from .assemble import page
from .opening import opening
from .photograph import photograph
from .whole import write_whole

__all__ = ["Explorer", "explorer"]


@dataclass(frozen=True)
class Explorer:
    """The page as one text; a notebook shows it in a frame of its own.

    ``notes`` says what was done to the photograph, if anything.
    """

    html: str = field(repr=False)
    notes: tuple[str, ...] = ()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all; give its path.

        A folder that is missing is made. A path that cannot be written is a PoolError.
        """
        return write_whole(Path(path), self.html)

    def _repr_html_(self) -> str:
        """The same file in a frame that may run its script and nothing else."""
        return (
            f'<iframe title="anypool explorer" srcdoc="{html.escape(self.html)}" '
            'sandbox="allow-scripts" allow="clipboard-write" '
            'style="width: 100%; height: 60rem; border: 0; color-scheme: normal"></iframe>'
        )


def explorer(
    photo: Any = None,
    *,
    numbers: Any = None,
    state: str = "",
    out: str | os.PathLike[str] | None = None,
) -> Explorer:
    """The explorer page, with a photograph or a grid of numbers of yours in it.

    Args:
        photo: a path, or an array of (rows, columns) or (rows, columns, 3 or 4), uint8 or floats
            between 0 and 1. It is made smaller, to 256 a side, and ``notes`` says so.
        numbers: instead of it, rows of any numbers, at most 64 of 64.
        state: how the page opens: what follows the # in a link that the page copied.
        out: also write the page to this file.

    >>> page = explorer(numbers=[[6, 9, 9, 2], [6, 9, 6, 0]], state="#a=max,adaptive,n2&b=none")
    >>> page.html[:15], page.notes
    ('<!doctype html>', ())
    """
    if photo is not None and numbers is not None:
        raise PoolError("give a photograph or numbers, one of the two")
    given = None if photo is None else photograph(photo)
    picture = "photo" if given else "" if numbers is None else "numbers"
    handed = {"photo": given and given.given(), "state": opening(state, picture, numbers)}
    made = Explorer(page(handed), (given.note,) if given and given.note else ())
    if out is not None:
        made.save(out)
    return made
