"""Trying again for as long as what stands in the way may pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from ...errors import PoolError
from .faults import fault_of

T = TypeVar("T")
CLASHES = 5  # a row that clashes more often than any race explains is a mistake, not a race


def patiently(work: Callable[[], T], seconds: float, place: str) -> T:
    """What `work` gives, tried again with growing pauses for `seconds`; then one sentence.

    `work` is one whole transaction that may be repeated: nobody can tell whether a transaction
    whose connection broke while it was committed has happened.
    """
    end = time.monotonic() + seconds
    clashes = 0
    for pause in _pauses():
        try:
            return work()
        except DBAPIError as error:
            fault = fault_of(error)
            clashes += isinstance(error, IntegrityError)
            late = time.monotonic() + pause > end or clashes >= CLASHES
            if late or not fault.passing:
                raise PoolError(fault.sentence(place)) from None
        time.sleep(pause)
    raise AssertionError("the pauses never end")


def _pauses() -> Iterator[float]:
    """Seconds: 0.05, twice as long each time, 2 at most."""
    pause = 0.05
    while True:
        yield pause
        pause = min(2 * pause, 2.0)
