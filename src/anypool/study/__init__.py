"""Which pooling for my data? Trials, a store that survives, and an honest verdict.

``plan`` says what to find out, ``run`` runs what is not finished yet, ``Study`` answers:
``verdict``, ``compare``, ``report``, ``network``, ``export``. The command ``anypool study`` does
the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# a worker process reads this file too, and shall not load what it will never use
if TYPE_CHECKING:
    from .data import Data, from_arrays, from_dataset, load
    from .drive import StoppedError
    from .pools import Here, Processes
    from .session import plan, run
    from .store import open_store
    from .study import Study
    from .verdict import judge

_HOMES = {
    "Data": "data",
    "from_arrays": "data",
    "from_dataset": "data",
    "load": "data",
    "StoppedError": "drive",
    "Here": "pools",
    "Processes": "pools",
    "plan": "session",
    "run": "session",
    "open_store": "store",
    "Study": "study",
    "judge": "verdict",
}

__all__ = [
    "Data",
    "Here",
    "Processes",
    "StoppedError",
    "Study",
    "from_arrays",
    "from_dataset",
    "judge",
    "load",
    "open_store",
    "plan",
    "run",
]


def __getattr__(name: str) -> Any:
    """Every name loads its room on first touch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'anypool.study' has no attribute {name!r}")
    try:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"anypool.study needs {error.name}, which is not installed: "
            "pip install 'anypool[study]'",
            name=error.name,
        ) from None
