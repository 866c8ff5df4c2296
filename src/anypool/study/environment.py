"""The environment variables that a process which is started now shall find."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# os.environ belongs to the whole process, and several threads may start a worker at once
_turn = threading.Lock()


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set the variables for the block, and put back what was there.

    >>> with environment({"A_VARIABLE": "1"}):
    ...     os.environ["A_VARIABLE"]
    '1'
    >>> "A_VARIABLE" in os.environ
    False
    """
    with _turn:
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({} if value is None else {name: value})
