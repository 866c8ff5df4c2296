"""How the driver tells what goes on: bars on a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .bars import Bars
from .board import Board, Event
from .records import Result, Trial
from .telling import clock, of_event

if TYPE_CHECKING:
    from .drive import Summary

PERIOD = 0.25


class Quiet:
    """Tells nothing."""

    def show(self, event: Event, board: Board) -> None:
        """Something happened."""

    def draw(self, board: Board) -> None:
        """Time went by."""

    def close(self) -> None:
        """Nothing more will come."""


class Lines(Quiet):
    """A line for each trial that starts, ends or fails: for logs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def show(self, event: Event, board: Board) -> None:
        """Write the event's sentence, if it has one."""
        if line := of_event(event, board):
            self._stream.write(f"{clock()} {line}\n")
            self._stream.flush()


class Json(Quiet):
    """One JSON object a line, numbers that are not finite as null: for programs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def show(self, event: Event, board: Board) -> None:
        """Write the event as it is."""
        finite = {name: _finite(value) for name, value in event.items()}
        self._stream.write(json.dumps(finite, allow_nan=False) + "\n")
        self._stream.flush()


class Progress:
    """What the driver reports to; by itself it tells nobody.

    A view that cannot be written to any more (a closed pipe, a full disk) falls silent: it must
    not end a study.
    """

    def __init__(self, view: Quiet | Bars | None = None) -> None:
        self.board = Board()
        self._view = view or Quiet()
        self._drawn = 0.0

    def begin(
        self, name: str, total: int, todo: int, workers: int, notes: Iterable[str] = ()
    ) -> None:
        """A run begins: `todo` of `total` trials are still to be run; `notes` are worth knowing."""
        self.board = Board(name, total, total - todo, workers=workers)
        for note in notes:
            self._show({"event": "note", "text": note})
        counts = {"total": total, "finished": total - todo, "workers": workers}
        self._show({"event": "begin", "study": name, **counts})

    def start(self, trial: Trial, attempt: int, note: Path) -> None:
        """A trial was handed to a worker, which leaves its progress in the file `note`."""
        self._show(self.board.add(trial, attempt, note))

    def done(self, trial: Trial, result: Result) -> None:
        """A trial is finished and kept."""
        self._show(self.board.finish(trial, result))

    def retry(self, trial: Trial, attempt: int, reason: str) -> None:
        """A trial crashed and will be tried again."""
        self._show(self.board.drop("retry", trial, attempt, reason))

    def failed(self, trial: Trial, attempt: int, reason: str) -> None:
        """A trial crashed for the last time."""
        self._show(self.board.drop("failed", trial, attempt, reason))

    def stopping(self, running: int) -> None:
        """The user stopped the study; `running` trials are saving their checkpoints."""
        self._show({"event": "stopping", "running": running})

    def end(self, summary: Summary) -> None:
        """The run is over, for whatever reason."""
        self._show({"event": "end", **asdict(summary)})
        self._guard(self._view.close)

    def tick(self) -> None:
        """Time went by: look at the notes, at most four times a second."""
        if time.monotonic() - self._drawn < PERIOD:
            return
        self._drawn = time.monotonic()
        for event in self.board.look():
            self._show(event)
        self._guard(lambda: self._view.draw(self.board))

    def _show(self, event: Event) -> None:
        self._guard(lambda: self._view.show(event, self.board))

    def _guard(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._view = Quiet()


def progress(stream: IO[str], *, quiet: bool = False, as_json: bool = False) -> Progress:
    """Progress for `stream`: bars where it is a terminal, lines where it is not."""
    if quiet:
        return Progress()
    if as_json:
        return Progress(Json(stream))
    return Progress(Bars(stream) if stream.isatty() else Lines(stream))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
