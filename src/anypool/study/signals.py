"""Ctrl-C, SIGTERM and hang-ups as a wish that the driver hears between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

WORDS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "the end of its terminal"}


class Ears:
    """Remembers the first signal; a second one interrupts at once."""

    def __init__(self) -> None:
        self.heard: int | None = None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """The handler itself."""
        if self.heard is not None:
            raise KeyboardInterrupt
        self.heard = number


@contextmanager
def listening() -> Iterator[Ears]:
    """Give the ears for as long as the block runs; signals that are ignored stay ignored.

    Python hands signals to the main thread only, so elsewhere nothing is ever heard.
    """
    ears = Ears()
    if threading.current_thread() is not threading.main_thread():
        yield ears
        return
    before = {number: signal.getsignal(number) for number in _numbers()}
    wanted = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    try:
        for number in wanted:
            signal.signal(number, ears.hear)
        yield ears
    finally:
        for number, old in wanted.items():
            signal.signal(number, old if old is not None else signal.SIG_DFL)


@contextmanager
def inherited_later() -> Iterator[None]:
    """Processes started in the block hear no signal of the terminal's before they `listen_now`.

    Whoever presses Ctrl-C signals the whole group, and a worker that still loads would die loudly.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _numbers())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def listen_now() -> None:
    """Hear what was held back when this process was started."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _numbers())


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in WORDS if hasattr(signal, name)]


def word(number: int) -> str:
    """What a person calls the signal.

    >>> word(signal.SIGINT)
    'Ctrl-C'
    """
    name = signal.Signals(number).name
    return WORDS.get(name, name)


@contextmanager
def interrupts_terminate() -> Iterator[None]:
    """Ctrl-C reaches what runs in the block as SIGTERM, on which a trial saves its checkpoint."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)  # the driver's ears, where the driver itself runs the trial
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
