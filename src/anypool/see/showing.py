"""What values that can be drawn have in common: files, notebooks, and words for classes."""

from __future__ import annotations

import base64
import importlib.util
import io
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PoolError
from .style import PAPER, foreign_letters, settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")
_SHOWN = 4  # images of a batch that a notebook shows by itself


class Shown:
    """A value with `figure(image)` that notebooks show and files keep."""

    pictures: tuple[Any, ...]

    def figure(self, image: int = 0, *, dpi: int = 120) -> Figure:
        """One image of the batch, drawn."""
        raise NotImplementedError

    def save(
        self, path: str | os.PathLike[str], image: int = 0, *, dpi: int = 120, **how: Any
    ) -> Path:
        """Write the figure of one image, whole or not at all; the suffix says PNG, SVG or PDF.

        how: further arguments of `figure`
        """
        target = checked(path)
        return written(self.figure(image, dpi=dpi, **how), target)

    def _repr_png_(self) -> bytes | None:
        if importlib.util.find_spec("matplotlib") is None:
            return None
        return encoded(self.figure(0), "png")

    def _repr_html_(self) -> str | None:
        """The figures of the first images of the batch, as one block."""
        if importlib.util.find_spec("matplotlib") is None:
            return None
        count = len(self.pictures)
        words = escape(repr(self))
        shown = [self._as_html(image, words) for image in range(min(count, _SHOWN))]
        more = f"<p>{count - _SHOWN} more: .figure({_SHOWN}), …</p>" if count > _SHOWN else ""
        return f"<div>{''.join(shown)}{more}</div>"

    def _as_html(self, image: int, words: str) -> str:
        data = base64.b64encode(encoded(self.figure(image), "png")).decode()
        return (
            f'<img alt="image {image}: {words}" style="max-width:100%;height:auto" '
            f'src="data:image/png;base64,{data}">'
        )


def encoded(figure: Figure, kind: str) -> bytes:
    """The figure as the bytes of a file; the same figure gives the same bytes."""
    silent = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    file = io.BytesIO()
    with settings(**{"svg.hashsalt": "anypool"}), foreign_letters():
        figure.savefig(file, format=kind, facecolor=PAPER, metadata=silent[kind])
    return file.getvalue()


def checked(path: str | os.PathLike[str]) -> Path:
    """The path, if its suffix names a kind of picture and its folder is there."""
    target = Path(path)
    if target.suffix.lower() not in KINDS:
        raise PoolError(f"{target} does not say what to write; let it end in {', '.join(KINDS)}")
    if target.is_dir():
        raise PoolError(f"cannot write {target}: it is a folder")
    return target


def dots_checked(dpi: int) -> int:
    if not 20 <= dpi <= 1200:
        raise PoolError(f"dpi is {dpi}; it must lie between 20 and 1200")
    return dpi


def written(figure: Figure, target: Path) -> Path:
    """Write the figure beside its place, then put it there in one step."""
    data = encoded(figure, target.suffix.lower()[1:])
    stage = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage.write_bytes(data)
        os.replace(stage, target)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise PoolError(f"cannot write {target}: {why}") from None
    finally:
        with suppress(OSError):  # its folder may be none
            stage.unlink(missing_ok=True)
    return target


def needs_torch() -> None:
    """Say how to get PyTorch where it is missing."""
    if importlib.util.find_spec("torch") is None:
        raise PoolError("to look inside a network needs PyTorch: pip install 'anypool[torch]'")


def named(number: int, classes: Sequence[str] | None) -> str:
    """A class by its name, or by its number.

    >>> named(1, ["coat", "bag"]), named(1, None)
    ('bag', 'class 1')
    """
    return classes[number] if classes is not None else f"class {number}"


def said(numbers: Any, classes: Sequence[str] | None, most: int = 4) -> str:
    """Several classes in words.

    >>> said([0, 0, 1], ["coat", "bag"])
    'coat, coat, bag'
    """
    words = [named(int(n), classes) for n in numbers[:most]]
    return ", ".join([*words, *["…"] * (len(numbers) > most)])
