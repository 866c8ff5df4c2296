"""anypool image: photographs pooled every way."""

from __future__ import annotations

from typing import Annotated

import typer

from .parts import numbers, progress

EXAMPLE = "Example: anypool image cat.jpg cup.png --pool max --pool avg --kernel 4"
_POOL_HELP = (
    "A pooling to draw; say it again for more: max, avg, min, gem, soft, median, ..., adaptive, "
    "global, adaptive-max, global-gem."
)


def image(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help="Photographs to pool.")],
    pool: Annotated[list[str] | None, typer.Option(help=_POOL_HELP, metavar="NAME")] = None,
    kernel: Annotated[str, typer.Option(help="Window size: 2, or 2x3 for rows x columns.")] = "2",
    stride: Annotated[str | None, typer.Option(help="Step; the window size if not given.")] = None,
    adaptive: Annotated[str, typer.Option(help="Output size of the adaptive poolings.")] = "7",
    out: Annotated[str, typer.Option(help="Folder for the figures and index.html.")] = "pooled",
    dpi: Annotated[int, typer.Option(help="Dots per inch of the figures, 20 to 1200.")] = 120,
) -> None:
    """Pool photographs and draw every pooling beside the original."""
    from ..see.image import DEFAULT, gallery

    names = pool or DEFAULT
    with progress(len(photos) * (len(names) + 2)) as tell:
        files = gallery(
            photos,
            names,
            kernel=numbers(kernel, "--kernel"),
            stride=None if stride is None else numbers(stride, "--stride"),
            adaptive=numbers(adaptive, "--adaptive"),
            out=out,
            dpi=dpi,
            tell=tell,
        )
    for file in files:
        typer.echo(f"wrote {file}")
