"""anypool explore: the page in which every output shows its window."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

EXAMPLE = "Example: anypool explore cat.jpg --out cat.html"


def explore(
    photo: Annotated[
        str | None, typer.Argument(metavar="PHOTO", help="A photograph to put into the page.")
    ] = None,
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file to write.")
    ] = "anypool-explorer.html",
    state: Annotated[
        str, typer.Option(help="How the page opens: a link that it copied, from the # on.")
    ] = "",
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page that shows which inputs each output sees; it works from disk, offline."""
    from ..see.explorer import explorer

    made = explorer(photo, state=state)
    file = made.save(out)
    for note in made.notes:
        typer.echo(note)
    typer.echo(f"wrote {file} ({file.stat().st_size / 1000:.0f} kB)")
    typer.echo(f"open {file.resolve().as_uri()}")
    if show and not webbrowser.open(file.resolve().as_uri()):
        typer.echo("no browser was found; open the file yourself", err=True)
