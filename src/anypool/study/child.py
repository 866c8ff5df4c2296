"""What runs inside a worker process: calls come in by a pipe, outcomes go back.

This file loads nothing heavy, so that a worker is ready to be told apart from one that cannot
start at all.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, NoReturn

from .signals import listen_now

READY = b"ready"
# how long a worker may take to save its checkpoint before it is killed
GRACE = 30.0
TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True)
class Outcome:
    """What a call gave or raised, in a form that travels between processes."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        """The value; raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return self.value


def attempt(call: Callable[[], Any]) -> Outcome:
    """The outcome of `call`, whatever it raises; the error carries its traceback as a note."""
    try:
        return Outcome(call())
    except BaseException as error:  # SystemExit too: it is how a trial leaves with its checkpoint
        error.add_note("In the worker:\n" + traceback.format_exc())
        return Outcome(error=_portable(error))


def serve(pipe: Connection, nice: int) -> None:
    """Answer the calls that come through `pipe` until its other end closes."""
    _settle(nice)
    with suppress(EOFError, OSError):  # the driver is gone, or wants no more
        pipe.send_bytes(READY)
        while True:
            call = pipe.recv_bytes()
            pipe.send_bytes(_packed(attempt(lambda call=call: pickle.loads(call)())))


def _settle(nice: int) -> None:
    """Leave Ctrl-C and hang-ups to the driver, end on SIGTERM, and notice when the driver dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    listen_now()
    if nice:
        os.nice(nice)
    threading.Thread(target=_outlive, daemon=True).start()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)


def _outlive() -> None:
    """Wait for the driver's death; then the trial may save its checkpoint, and no more."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(TERMINATED)


def _packed(outcome: Outcome) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # pickling runs the classes' own code
        return pickle.dumps(Outcome(error=RuntimeError(f"the result does not pickle: {error}")))


def _portable(error: BaseException) -> BaseException:
    """The error, or where it does not survive a pickle, one of the same words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pickling runs the class's own code
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.__notes__ = error.__notes__
        return plain
    return error
