"""A training that may stop at any moment: its state on disk, whole or not at all."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from ..errors import PoolError


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step."""
    stage = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(stage)
        os.replace(stage, path)
    except OSError as error:
        why = error.strerror or str(error)
        raise PoolError(
            f"cannot write {path}: {why}; finished trials are safe, and the same command goes on "
            "once there is room"
        ) from None
    finally:
        stage.unlink(missing_ok=True)


def save(path: Path, state: dict[str, Any]) -> None:
    """Keep a training's state; a reader finds the old one or the new one."""

    def write(stage: Path) -> None:
        with stage.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())

    write_whole(path, write)


def load(path: Path) -> dict[str, Any] | None:
    """The state kept there; None where there is none, or where a dying disk has spoilt it."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever a spoilt file raises: the training then begins anew
        return None


class Clock:
    """Tells a training when its state is due, and that it was asked to stop."""

    def __init__(self, every: float) -> None:
        self.every, self.last = every, time.monotonic()
        self.stopping = False

    def due(self) -> bool:
        return self.stopping or time.monotonic() - self.last >= self.every

    def kept(self) -> None:
        """The state is on disk; leave now if a signal asked for it."""
        self.last = time.monotonic()
        if self.stopping:
            raise SystemExit(128 + signal.SIGTERM)

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        self.stopping = True


@contextmanager
def clock(every: float) -> Iterator[Clock]:
    """A clock that SIGTERM stops, where signals can be heard (in the main thread)."""
    ticking = Clock(every)
    if threading.current_thread() is not threading.main_thread():
        yield ticking
        return
    before = signal.signal(signal.SIGTERM, ticking.stop)
    try:
        yield ticking
    finally:
        signal.signal(signal.SIGTERM, before)
