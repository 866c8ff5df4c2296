"""A progress bar in the shape that pooch asks for, drawn by rich."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn


class Bar:
    """One download's bar on a terminal; nothing where the output is no terminal.

    pooch sets `total`, calls `update` with the bytes of each piece, and at the end `reset`,
    `update` with all bytes, and `close`.
    """

    def __init__(self, title: str) -> None:
        columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        hidden = not sys.stderr.isatty()
        self.progress = Progress(*columns, console=Console(stderr=True), disable=hidden)
        self.task = self.progress.add_task(title, total=None)
        self.total = 0

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def update(self, count: int) -> None:
        self.progress.update(self.task, advance=count, total=self.total or None)

    def reset(self) -> None:
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        self.progress.stop()
