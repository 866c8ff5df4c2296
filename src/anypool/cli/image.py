"""anypool image: photographs pooled every way."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import PoolError
from .parts import numbers, pairs, progress, real_numbers, several

EXAMPLE = "Example: anypool image cat.jpg cup.png --pool max --pool avg --kernel 4"
_POOL_HELP = (
    "A pooling to draw; say it again for more: max, avg, min, gem, soft, median, ..., adaptive, "
    "global, adaptive-max, global-gem."
)
_Names = list[str] | None


def image(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photographs to pool: files or addresses.")
    ],
    pool: Annotated[_Names, typer.Option(help=_POOL_HELP, metavar="NAME")] = None,
    kernel: Annotated[str, typer.Option(help="Window size: 2, or 2x3 for rows x columns.")] = "2",
    stride: Annotated[str | None, typer.Option(help="Step; the window size if not given.")] = None,
    adaptive: Annotated[str, typer.Option(help="Output size of the adaptive poolings.")] = "7",
    difference: Annotated[
        _Names,
        typer.Option(
            help="Two poolings, or one and original, to take apart; say it again for more.",
            metavar="NAME,NAME",
        ),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Differences with their sign, zero white.")
    ] = False,
    box: Annotated[
        _Names,
        typer.Option(
            help="A box to pool by itself; say it again for more.", metavar="ROW,COLUMN,ROW,COLUMN"
        ),
    ] = None,
    box_size: Annotated[str, typer.Option(help="Output size of the boxes.")] = "7",
    box_reduce: Annotated[str, typer.Option(help="Reduction of the boxes.")] = "max",
    slices: Annotated[
        str | None,
        typer.Option(help="Read volumes; draw so many slices (3), or these (0,12,39)."),
    ] = None,
    limits: Annotated[
        str | None, typer.Option(help="The numbers drawn black and white: '-10,40'.")
    ] = None,
    sha256: Annotated[
        _Names, typer.Option(help="The SHA-256 that a photograph must have, one for each.")
    ] = None,
    form: Annotated[
        _Names, typer.Option("--format", help="png, svg or pdf; say it again for more.")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(help="Dots for each pixel, the same for every panel.")
    ] = None,
    columns: Annotated[int | None, typer.Option(help="How many panels side by side.")] = None,
    out: Annotated[str, typer.Option(help="Folder for the figures and index.html.")] = "pooled",
    dpi: Annotated[int, typer.Option(help="Dots per inch of the figures, 20 to 1200.")] = 120,
) -> None:
    """Pool photographs and draw every pooling beside the original."""
    from ..see.image import APART, gallery

    boxes = [_box(text) for text in box or ()]
    names = pool or (None if not boxes else [])
    apart = pairs(difference, "--difference") or ([] if boxes else APART)
    notes: list[str] = []
    with progress(len(photos) * ((7 if names is None else len(names)) + 2)) as tell:
        files = gallery(
            photos,
            names,
            kernel=numbers(kernel, "--kernel"),
            stride=None if stride is None else numbers(stride, "--stride"),
            adaptive=numbers(adaptive, "--adaptive"),
            differences=apart,
            signed=signed,
            boxes=boxes or None,
            box_size=numbers(box_size, "--box-size"),
            box_reduce=box_reduce,
            slices=None if slices is None else numbers(slices, "--slices", least=0),
            limits=None if limits is None else _two(limits),
            sha256=sha256,
            scale=scale,
            columns=columns,
            out=out,
            formats=form or ["png"],
            dpi=dpi,
            tell=tell,
            note=notes.append,
        )
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    for file in files:
        typer.echo(f"wrote {file}")


def _box(text: str) -> tuple[int, ...]:
    found = several(text, "--box", least=0)
    if len(found) != 4:
        raise PoolError(f"--box is {text!r}; write four numbers: row,column,row,column")
    return found


def _two(text: str) -> tuple[float, float]:
    rows = real_numbers(text, "--limits")
    if len(rows) != 1 or len(rows[0]) != 2:
        raise PoolError(f"--limits is {text!r}; write two numbers, for black and white")
    return rows[0][0], rows[0][1]
