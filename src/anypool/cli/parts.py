"""What the commands share: numbers as people type them, and progress as a terminal shows it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from ..errors import PoolError
from ..windows import Windows

_MOST = 100_000  # a table of more rows would say nothing and take minutes to print


# how windows are asked for, the same words in every command
Size = Annotated[str, typer.Argument(metavar="SIZE", help="Input size: 10, or 10x12.")]
Adaptive = Annotated[
    str | None, typer.Option(help="Output size: 7, or 7x5; shows three rules side by side.")
]
Split = Annotated[
    str | None, typer.Option(help="Output size of windows that do not overlap: 7, or 7x5.")
]
Kernel = Annotated[str | None, typer.Option(help="Window size: 3, or 3x2.")]
Stride = Annotated[str | None, typer.Option(help="Step; the window size if not given.")]
Padding = Annotated[str, typer.Option(help="1, 1x2, valid, same (extra at the end) or same_lower.")]
Dilation = Annotated[str, typer.Option(help="Distance between a window's elements.")]
Ceil = Annotated[bool, typer.Option("--ceil", help="Round the output size up.")]
Fractional = Annotated[
    str | None, typer.Option(help="Output size of fractional windows of size --kernel.")
]
Pyramid = Annotated[str | None, typer.Option(help="Several output sizes at once: 1,2,4.")]
Whole = Annotated[bool, typer.Option("--whole", help="One window over everything.")]


def windows_of(
    *,
    adaptive: str | None,
    split: str | None,
    kernel: str | None,
    stride: str | None,
    padding: str,
    dilation: str,
    ceil: bool,
    fractional: str | None,
    pyramid: str | None,
    whole: bool,
) -> Windows:
    """The windows that the options ask for: exactly one kind of them."""
    from .. import windows

    kinds = {
        "--adaptive": adaptive, "--split": split, "--pyramid": pyramid,
        "--whole": whole or None, "--kernel": kernel,
    }  # fmt: skip
    given = [name for name, value in kinds.items() if value is not None]
    if len(given) != 1:
        raise PoolError(
            "say which windows: --adaptive 7, --split 7, --pyramid 1,2,4, --whole, or --kernel 3 "
            f"with --stride and the rest{'; not several at once' * (len(given) > 1)}"
        )
    if fractional is not None and kernel is None:
        raise PoolError("--fractional needs the size of its windows: --kernel 2")
    makers: dict[str, Callable[[], Windows]] = {
        "--adaptive": lambda: windows.adaptive(numbers(adaptive or "", "--adaptive")),
        "--split": lambda: windows.split(numbers(split or "", "--split")),
        "--pyramid": lambda: windows.pyramid(several(pyramid or "", "--pyramid")),
        "--whole": windows.whole,
        "--kernel": lambda: windows.sliding(
            numbers(kernel or "", "--kernel"),
            None if stride is None else numbers(stride, "--stride"),
            padding if padding.isidentifier() else numbers(padding, "--padding", least=0),
            numbers(dilation, "--dilation"),
            ceil,
        ),
    }
    if fractional is not None:
        outputs = numbers(fractional, "--fractional")
        return windows.fractional(numbers(kernel or "", "--kernel"), outputs)
    return makers[given[0]]()


def several(text: str, option: str, least: int = 1) -> tuple[int, ...]:
    """(1, 2, 4) for "1,2,4", (4,) for "4"."""
    found = numbers(text, option, least)
    return found if isinstance(found, tuple) else (found,)


def real_numbers(text: str, option: str) -> list[list[float]]:
    """Rows of numbers: "1 2; 3 4" and "1,2;3,4" are two rows of two."""
    rows = [re.split(r"[,\s]+", row.strip()) for row in text.split(";")]
    try:
        return [[float(word) for word in row] for row in rows]
    except ValueError:
        raise PoolError(f"{option} is {text!r}; write numbers such as 1,9,2.5") from None


def pairs(texts: Sequence[str] | None, option: str) -> list[tuple[str, str]]:
    """("max", "avg") for "max,avg"."""
    found = [tuple(word.strip() for word in text.split(",")) for text in texts or ()]
    for words, text in zip(found, texts or (), strict=True):
        if len(words) != 2 or not all(words):
            raise PoolError(f"{option} is {text!r}; write two names, such as max,avg")
    return [(words[0], words[1]) for words in found]


def numbers(text: str, option: str, least: int = 1) -> int | tuple[int, ...]:
    """3 for "3", (3, 2) for "3x2" or "3,2"."""
    parts = re.split(r"[x,×]", text.strip())
    if not all(re.fullmatch(r"[0-9]{1,99}", part) for part in parts):
        raise PoolError(f"{option} is {text!r}; write a number such as 3, or one an axis: 3x2")
    first, *rest = (int(part) for part in parts)
    if any(not least <= number <= _MOST for number in (first, *rest)):
        raise PoolError(f"{option} is {text!r}; it must lie between {least} and {_MOST}")
    return (first, *rest) if rest else first


def shape(text: str) -> tuple[int, ...]:
    return several(text, "SIZE")


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal, a line a step elsewhere; give the function that feeds it."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda words: typer.echo(f"  {words}", err=True)
        return
    columns = (SpinnerColumn(), MofNCompleteColumn(), TimeElapsedColumn(), "{task.description}")
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=steps)
        heard = itertools.count()

        def tell(words: str) -> None:
            done = next(heard)  # a download says more than was expected
            bar.update(task, description=words, completed=done, total=max(steps, done + 1))

        yield tell
