"""What is going on at the moment: which trials run, how far each is, how long the rest may take."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .records import Result, Trial

Event = dict[str, Any]


@dataclass
class Running:
    """A trial that was handed over, and the last note that its worker left beside it."""

    trial: Trial
    attempt: int
    path: Path
    note: dict[str, Any] = field(default_factory=dict)

    def look(self) -> bool:
        """Read the note; true where a new epoch has ended."""
        try:
            note = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):  # not there yet, or the worker runs elsewhere
            return False
        if not isinstance(note, dict) or note.get("epoch") == self.note.get("epoch"):
            return False
        self.note = note
        return True

    @property
    def share(self) -> float:
        """How much of the trial is done, from 0 to 1."""
        epochs = self.note.get("epochs") or 0
        return min(1.0, self.note.get("epoch", 0) / epochs) if epochs else 0.0


@dataclass
class Board:
    """The state of a run; times in seconds."""

    name: str = ""
    total: int = 0
    finished: int = 0
    failed: int = 0
    workers: int = 1
    running: dict[str, Running] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def left(self) -> float | None:
        """Seconds that the rest may take, judged by the trials finished here; None before one is.

        >>> board = Board(total=10, finished=4, workers=2, took=[60.0, 80.0])
        >>> board.left()
        210.0
        """
        if not self.took:
            return None
        begun = sum(one.share for one in self.running.values())
        rest = max(0.0, self.total - self.finished - self.failed - begun)
        return rest * sum(self.took) / len(self.took) / max(1, self.workers)

    def add(self, trial: Trial, attempt: int, path: Path) -> Event:
        """A trial was handed over."""
        self.running[trial.key] = Running(trial, attempt, path)
        return _event("start", trial) | {"attempt": attempt}

    def finish(self, trial: Trial, result: Result) -> Event:
        """A trial is done and kept."""
        self.running.pop(trial.key, None)
        self.finished += 1
        seconds = result.measures.get("seconds", 0.0)
        self.took.append(seconds)
        known = {"accuracy": result.measures.get("accuracy"), "seconds": seconds}
        return _event("done", trial) | known | self._counts()

    def drop(self, kind: str, trial: Trial, attempt: int, reason: str) -> Event:
        """A trial crashed: kind is "retry", or "failed" for good."""
        self.running.pop(trial.key, None)
        self.failed += kind == "failed"
        return _event(kind, trial) | {"attempt": attempt, "reason": reason} | self._counts()

    def look(self) -> list[Event]:
        """An event for each running trial that has ended an epoch since the last look."""
        news = [one for one in self.running.values() if one.look()]
        return [_event("epoch", one.trial) | _numbers(one.note) for one in news]

    def _counts(self) -> Event:
        left = self.left()
        rest = None if left is None else round(left, 1)
        return {"finished": self.finished, "total": self.total, "left": rest}


def _event(kind: str, trial: Trial) -> Event:
    named = {"key": trial.key, "data": trial.data, "arm": trial.arm, "seed": trial.seed}
    return {"event": kind, **named}


def _numbers(note: dict[str, Any]) -> Event:
    names = ("epoch", "epochs", "loss", "accuracy", "seconds")
    return {name: note[name] for name in names if name in note}
