"""The driver's progress on a terminal: a bar for the whole, and a line for each running trial."""

from __future__ import annotations

from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .board import Board, Event, Running
from .telling import of_event, percent, rest

WIDTH = 40
# events that leave a line above the bars; the others show in the bars themselves
LASTING = {"note", "retry", "failed", "stopping", "end"}


class Bars:
    """Draws only when told to, so that no thread of its own runs beside the driver."""

    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def show(self, event: Event, board: Board) -> None:
        """Something happened: draw it, and leave a line where it should last."""
        if not self._live.is_started:
            self._live.start()
        if event["event"] in LASTING:
            self._console.print(Text(of_event(event, board)))
        self.draw(board)

    def draw(self, board: Board) -> None:
        """The bars as they stand now."""
        self._live.update(picture(board), refresh=True)

    def close(self) -> None:
        """Take the bars away; what was finished is told by the lines above them."""
        self._live.stop()


def picture(board: Board) -> Group:
    """What is drawn: the total, then each running trial."""
    table = Table.grid(padding=(0, 2))
    table.add_row(
        Text(board.name),
        ProgressBar(total=max(1, board.total), completed=_done(board), width=WIDTH),
        f"{board.finished}/{board.total}",
        rest(board),
    )
    for one in board.running.values():
        table.add_row(*_row(one))
    return Group(table)


def _done(board: Board) -> float:
    return board.finished + board.failed + sum(one.share for one in board.running.values())


def _row(one: Running) -> tuple[str | Text | ProgressBar, ...]:
    name = Text(f"{one.trial.data} {one.trial.arm} seed {one.trial.seed}")
    if not one.note:
        return name, ProgressBar(total=1, completed=0, width=WIDTH), "", ""
    bar = ProgressBar(total=1, completed=one.share, width=WIDTH)
    epochs = f"epoch {one.note.get('epoch')}/{one.note.get('epochs')}"
    return name, bar, epochs, percent(one.note.get("accuracy"))
