"""anypool warm: the common kernels compiled beforehand."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLE = "Example: anypool warm --pool max --pool mean --dtype float32"


def warm(
    pool: Annotated[
        list[str] | None,
        typer.Option(help="A reduction; say it again for more: max and mean.", metavar="NAME"),
    ] = None,
    dtype: Annotated[
        list[str] | None, typer.Option(help="A dtype; say it again for more: float32.")
    ] = None,
    forward: Annotated[
        bool, typer.Option("--forward-only", help="Not what training needs on the way back.")
    ] = False,
) -> None:
    """Compile the common kernels now, so that no first call has to wait."""
    from ..warm import POOLS
    from ..warm import warm as compiled

    made = compiled(
        pool or POOLS,
        dtype or ("float32",),
        training=not forward,
        tell=lambda words: typer.echo(f"  {words}", err=True),
    )
    typer.echo(f"{made.kernels} new kernels in {made.seconds:.0f} s, kept in {made.folder}")
