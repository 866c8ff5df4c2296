"""anypool bench: the user's own call beside whatever else is installed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PoolError
from . import parts

if TYPE_CHECKING:
    from ..bench import Job

EXAMPLE = "Example: anypool bench 8x64x56x56 --kernel 3 --stride 2 --padding 1"
Shape = Annotated[
    str, typer.Argument(metavar="SHAPE", help="Batch x channels x sides: 8x64x56x56.")
]


def bench(
    shape: Shape,
    reduce: Annotated[
        str, typer.Option(help="max, min, avg, sum, lp, gem, lse, soft, median or std.")
    ] = "max",
    adaptive: Annotated[str | None, typer.Option(help="Output size: 7, or 7x5.")] = None,
    kernel: parts.Kernel = None,
    stride: parts.Stride = None,
    padding: Annotated[str, typer.Option(help="1, or one an axis: 1x2.")] = "0",
    dilation: parts.Dilation = "1",
    pyramid: parts.Pyramid = None,
    whole: parts.Whole = False,
    layout: Annotated[
        str, typer.Option(help="Where the channels are: first, or last (8x56x56x64).")
    ] = "first",
    dtype: Annotated[
        str, typer.Option(help="float32, float64, float16, bfloat16, uint8 or int32.")
    ] = "float32",
    indices: Annotated[
        bool, typer.Option("--indices", help="Of max: where each stands, as well.")
    ] = False,
    backward: Annotated[
        bool, typer.Option("--backward", help="Time the way back, not the way forth.")
    ] = False,
    mask: Annotated[
        bool, typer.Option("--mask", help="Pool what is real: seven of ten elements.")
    ] = False,
    against: Annotated[
        str | None, typer.Option(help="Only these peers: torch,jax; else all that are installed.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of every library; as many as anypool uses.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where it runs; only cpu today.")] = "cpu",
    turns: Annotated[int, typer.Option(help="How often each has its turn, 1 to 100.")] = 7,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON, and no table.")
    ] = False,
    plot: Annotated[
        str | None, typer.Option(help="Draw it, too: a file that ends in .svg, .png or .pdf.")
    ] = None,
) -> None:
    """Time a pooling of your own beside every library that is installed."""
    if device != "cpu":
        raise PoolError(f"--device is {device!r}; anypool bench measures on the CPU only, today")
    if not 1 <= turns <= 100:
        raise PoolError(f"--turns is {turns}; it must lie between 1 and 100")
    if not (adaptive or kernel or pyramid or whole):
        raise PoolError(
            "say which windows: --kernel 3 with --stride and --padding, --adaptive 7, "
            "--whole, or --pyramid 1,2,4"
        )
    where = parts.windows_of(
        adaptive=adaptive, split=None, kernel=kernel, stride=stride, padding=padding,
        dilation=dilation, ceil=False, fractional=None, pyramid=pyramid, whole=whole,
    )  # fmt: skip
    job = _job(parts.several(shape, "SHAPE"), where, _operation(reduce, indices), layout, dtype,
               backward, mask)  # fmt: skip
    _can(plot)
    found = _measured(job, against, _threads(threads), turns)
    if "error" in found:
        raise PoolError(f"anypool cannot run this: {found['error']}")
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _show(found)
    if plot:
        from ..bench.told import drawn
        from ..see import save

        typer.echo(f"wrote {save(drawn(found), plot)}", err=as_json)


def _operation(reduce: str, indices: bool) -> str:
    from ..bench import OPERATIONS

    if not indices:
        known = [name for name in OPERATIONS if " " not in name]
        if reduce not in {*known, "mean"}:
            raise PoolError(f"--reduce is {reduce!r}; one of {', '.join(known)} is measured")
        return {"mean": "avg"}.get(reduce, reduce)
    if reduce != "max":
        raise PoolError(f"--indices are of max; {reduce} has none that others could give")
    return "max and indices"


def _job(
    shape: tuple[int, ...], where: Any, operation: str, layout: str, dtype: str, backward: bool,
    mask: bool,
) -> Job:  # fmt: skip
    """What is measured, checked once by the library itself."""
    from ..bench import Job
    from ..explain import explain

    kind = type(where).__name__.lower()
    names = {"sliding": ("kernel_size", "stride", "padding", "dilation"),
             "adaptive": ("output_size",), "pyramid": ("bins",)}.get(kind, ())  # fmt: skip
    if isinstance(getattr(where, "padding", 0), str):
        raise PoolError(f"--padding is {where.padding!r}; give numbers: the peers differ in words")
    given = {name: getattr(where, name) for name in names}
    job = Job(operation, kind, shape, {k: v for k, v in given.items() if v is not None}, layout,
              dtype, backward, mask)  # fmt: skip
    explain(job.shape, where, axes=job.axes)  # its errors are the right sentences
    return job


def _can(plot: str | None) -> None:
    """Before anything is measured: whether the picture can be drawn."""
    from ..see.save import FORMATS

    if plot is not None and not plot.lower().endswith(tuple(f".{end}" for end in FORMATS)):
        raise PoolError(f"--plot is {plot!r}; its name must end in .svg, .png or .pdf")
    if plot is not None:
        from ..see.style import settings

        settings()


def _threads(asked: int | None) -> int:
    from ..kernels.threads import count

    return count(asked)


def _measured(job: Job, against: str | None, threads: int, turns: int) -> dict[str, Any]:
    from ..bench.told import facts, measured

    found = measured(job, against, threads, turns, _note)
    return found | {"machine": facts(threads)} if "error" not in found else found


def _note(words: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"  {words}", err=True)


def _show(found: dict[str, Any]) -> None:
    """A table, the fastest first; below it who took no part, and why."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..bench.told import head, lines, notes

    console = Console(highlight=False)
    table = Table(title=escape(found["name"]), title_justify="left")
    for number, name in enumerate(head()):
        table.add_column(name, justify="right" if number else "left")
    for line in lines(found):
        table.add_row(*line)
    console.print(table)
    for note in notes(found):
        console.print(escape(note), style="dim")
