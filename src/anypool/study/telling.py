"""The driver's events in plain words."""

from __future__ import annotations

import time
from typing import Any

from .board import Board, Event


def of_event(event: Event, board: Board) -> str:
    """One line about the event, or nothing where it is too small for a log."""
    return _LINES.get(event["event"], _silent)(event, board)


def clock() -> str:
    """The time of day, as a log line begins."""
    return time.strftime("%H:%M:%S")


def duration(seconds: float) -> str:
    """A time span as people say it.

    >>> duration(75.0), duration(9.2), duration(7500)
    ('1 min 15 s', '9 s', '2 h 05 min')
    """
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def percent(share: Any) -> str:
    """An accuracy from 0 to 1 in percent; a dash where there is none."""
    return f"{100 * share:.2f} %" if isinstance(share, int | float) else "–"


def rest(board: Board) -> str:
    """How long the remaining trials may take, if one was finished here to judge by."""
    left = board.left()
    return "" if left is None else f"about {duration(left)} left"


def first_line(reason: str) -> str:
    """What went wrong, out of a whole traceback: its last line that is not indented."""
    lines = [line for line in reason.partition("\nIn the worker:")[0].splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line[0].isspace()), reason)


def _begin(event: Event, board: Board) -> str:
    return (
        f"{board.name}: {board.finished} of {board.total} trials are finished, "
        f"the others run on {board.workers} workers"
    )


def _note(event: Event, board: Board) -> str:
    return event["text"]


def _start(event: Event, board: Board) -> str:
    again = f", attempt {event['attempt']}" if event["attempt"] > 1 else ""
    return f"{_trial(event)} starts{again}"


def _done(event: Event, board: Board) -> str:
    count = f"[{board.finished}/{board.total}]"
    spent = f"{percent(event['accuracy'])} in {duration(event['seconds'])}"
    ending = "; ".join(part for part in (spent, rest(board)) if part)
    return f"{count} {_trial(event)}: {ending}"


def _retry(event: Event, board: Board) -> str:
    return f"{_trial(event)} failed and is tried again: {first_line(event['reason'])}"


def _failed(event: Event, board: Board) -> str:
    tries = event["attempt"]
    times = f"{tries} times" if tries > 1 else "once, as it would again"
    return f"{_trial(event)} failed {times}: {first_line(event['reason'])}"


def _stopping(event: Event, board: Board) -> str:
    return f"stopping: {event['running']} running trials save their checkpoints"


def _end(event: Event, board: Board) -> str:
    failed = f", {len(event['failed'])} failed" if event["failed"] else ""
    finished = event["before"] + event["done"]
    return f"{finished} of {board.total} trials finished{failed} ({duration(event['seconds'])})"


def _silent(event: Event, board: Board) -> str:
    return ""


def _trial(event: Event) -> str:
    return f"{event['data']}, {event['arm']}, seed {event['seed']}"


_LINES = {
    "begin": _begin,
    "note": _note,
    "start": _start,
    "done": _done,
    "retry": _retry,
    "failed": _failed,
    "stopping": _stopping,
    "end": _end,
}
