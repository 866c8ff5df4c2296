"""anypool windows: a picture of which inputs each output reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PoolError
from . import parts

if TYPE_CHECKING:
    from ..windows import Windows

EXAMPLE = "Example: anypool windows 10 --adaptive 7 -o windows.svg"


def windows(
    size: parts.Size,
    adaptive: parts.Adaptive = None,
    split: parts.Split = None,
    kernel: parts.Kernel = None,
    stride: parts.Stride = None,
    padding: parts.Padding = "0",
    dilation: parts.Dilation = "1",
    ceil: parts.Ceil = False,
    fractional: parts.Fractional = None,
    pyramid: parts.Pyramid = None,
    whole: parts.Whole = False,
    real: Annotated[
        bool, typer.Option("--exclude-padding", help="A mean does not count padding.")
    ] = False,
    values: Annotated[
        str | None,
        typer.Option(help="The inputs' numbers: '1,9,2', or '1 2; 3 4' for rows; drawn as well."),
    ] = None,
    reduce: Annotated[
        str, typer.Option(help="The reduction; all but mean and sum need --values.")
    ] = "mean",
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file: ends in .svg, .png or .pdf.")
    ] = "windows.svg",
    columns: Annotated[
        int | None, typer.Option(help="How many pictures side by side; as many as fit.")
    ] = None,
    dpi: Annotated[int, typer.Option(help="Dots per inch, 20 to 1200.")] = 120,
) -> None:
    """Draw which inputs each output reads, how often, and what gradient comes back."""
    from ..see import save
    from ..see import windows as picture

    shape = parts.shape(size)
    where = parts.windows_of(
        adaptive=adaptive, split=split, kernel=kernel, stride=stride, padding=padding,
        dilation=dilation, ceil=ceil, fractional=fractional, pyramid=pyramid, whole=whole,
    )  # fmt: skip
    drawn = [where] if adaptive is None else _three(shape, where)
    figure = picture(
        shape, *drawn, reduce=reduce, x=None if values is None else _array(values, shape),
        count_include_pad=False if real else None, columns=columns, dpi=dpi,
    )  # fmt: skip
    typer.echo(f"wrote {save(figure, out)}")


def _three(shape: tuple[int, ...], where: Any) -> list[Windows]:
    """The true windows, those of the copied formula where it runs at all, and split."""
    from .. import see
    from ..windows import split

    outputs = where.output_size
    each = outputs if isinstance(outputs, tuple) else (outputs,) * len(shape)
    runs = all(m <= n for n, m in zip(shape, each, strict=False))
    if not runs:
        typer.echo("note: the copied formula fails where outputs outnumber inputs", err=True)
    return [where, *([see.copied(outputs)] if runs else []), split(outputs)]


def _array(text: str, shape: tuple[int, ...]) -> Any:
    """The numbers in the shape of the input."""
    import numpy as np

    rows = parts.real_numbers(text, "--values")
    if len({len(row) for row in rows}) > 1:
        raise PoolError(f"--values is {text!r}; give rows of equal length")
    try:
        return np.array(rows).reshape(shape)
    except ValueError:
        count, inputs = sum(map(len, rows)), " x ".join(map(str, shape))
        raise PoolError(f"--values has {count} numbers for {inputs} inputs") from None
