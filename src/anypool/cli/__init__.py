"""The command line: parse, call one function, print. Everything it does, the library can do."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PoolError
from . import bench, explore, features, image, parts, warm, windows
from .study import app as study

if TYPE_CHECKING:
    from rich.table import Table

    from ..see.rules import Cut

app = typer.Typer(
    name="anypool",
    help="Every pooling of any array: see it, explain it, check it.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=image.EXAMPLE)(image.image)
app.command(epilog=windows.EXAMPLE)(windows.windows)
app.command(epilog=explore.EXAMPLE)(explore.explore)
app.command(epilog=features.EXAMPLE)(features.features)
app.command(epilog=warm.EXAMPLE)(warm.warm)
app.command(epilog=bench.EXAMPLE)(bench.bench)
app.add_typer(study)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is well, 2 is one sentence on stderr and nothing done."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks × or ■ gets ? and no traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return app(arguments and list(arguments), prog_name="anypool", standalone_mode=False) or 0
    except PoolError as error:
        _sorry(str(error))
        return getattr(error, "code", 2)  # a study that was stopped says by which signal
    except (KeyboardInterrupt, typer.Abort):
        _sorry("stopped; nothing was written")
        return 130
    except Exception as error:
        # typer's own usage errors; their class lives elsewhere in older versions of typer
        words = getattr(error, "format_message", None)
        if words is None:
            raise
        return _sorry(words())


def _sorry(words: str) -> int:
    typer.echo(f"anypool: {' '.join(words.split())}", err=True)
    return 2


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anypool {version('anypool')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Every pooling of any array: see it, explain it, check it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog="Example: anypool explain 10 --adaptive 7")
def explain(
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
    why: Annotated[bool, typer.Option("--why", help="Say which kernel runs it, and why.")] = False,
) -> None:
    """Show which inputs each output reads."""
    from ..explain import explain as laid_out

    shape = parts.shape(size)
    where = parts.windows_of(
        adaptive=adaptive, split=split, kernel=kernel, stride=stride, padding=padding,
        dilation=dilation, ceil=ceil, fractional=fractional, pyramid=pyramid, whole=whole,
    )  # fmt: skip
    if adaptive is not None:
        _show_cuts(shape, parts.numbers(adaptive, "--adaptive"))
    else:
        typer.echo(laid_out(shape, where))
    if why:
        typer.echo(laid_out(shape, where, kernel=True).kernel)


@app.command(epilog="Example: anypool doctor")
def doctor() -> None:
    """Say what anypool finds here: versions, CPU features, kernels, compile cache, threads."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from ..doctor import report

    table = Table.grid("", "", Column(overflow="fold"), padding=(0, 2))
    for section, facts in report().items():
        for number, (name, words) in enumerate((facts or {"": "none set"}).items()):
            table.add_row("" if number else f"[bold]{section}[/bold]", name, escape(words))
    Console(highlight=False).print(table)


def _show_cuts(shape: tuple[int, ...], outputs: int | tuple[int, ...]) -> None:
    """For each axis a table of three rules: the true windows, the copied formula's, split's."""
    from rich.console import Console

    from ..see.rules import three_cuts

    outputs = outputs if isinstance(outputs, tuple) else (outputs,) * len(shape)
    if len(outputs) != len(shape):
        raise PoolError(f"--adaptive has {len(outputs)} numbers for {len(shape)} axes")
    console = Console(highlight=False)
    for axis, (n, m) in enumerate(zip(shape, outputs, strict=True)):
        name = f"axis {axis}: " if len(shape) > 1 else ""
        console.print(_cuts_table(f"{name}{n} inputs, {m} outputs", n, three_cuts(n, m)))


def _cuts_table(title: str, n: int, cuts: tuple[Cut, ...]) -> Table:
    """One row an output, one column a rule; short axes are drawn as well."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE, show_footer=True)
    table.caption_justify = "left"
    table.caption = "length: of a window; shared: inputs read more than once"
    table.add_column("output", "length\nshared\nunread", justify="right", no_wrap=True)
    for cut in cuts:
        footer = f"{cut.lengths}\n{cut.shared}\n{cut.unread}"
        table.add_column(f"{cut.name}\n{cut.note}", footer if cut.reads else "", no_wrap=True)
    for output, reads in enumerate(itertools.zip_longest(*(cut.reads for cut in cuts))):
        table.add_row(str(output), *("" if r is None else _drawn(r, n) for r in reads))
    return table


def _drawn(reads: range, n: int) -> str:
    """As "0–1 ■■······": a window's first and last input, and a picture where the axis is short."""
    if not reads:
        return "nothing"
    words = f"{reads[0]}–{reads[-1]}" if len(reads) > 1 else f"{reads[0]}"
    if n > 14:  # three pictures fit 80 columns up to here
        return words
    width = 2 * len(str(n - 1)) + 1
    return f"{words:<{width}} {''.join('■' if i in reads else '·' for i in range(n))}"
