"""What the commands share: numbers as people type them, and progress as a terminal shows it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from ..errors import PoolError

_MOST = 100_000  # a table of more rows would say nothing and take minutes to print


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
    sizes = numbers(text, "SIZE")
    return sizes if isinstance(sizes, tuple) else (sizes,)


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
        yield lambda words: bar.update(task, description=words, completed=next(heard))
