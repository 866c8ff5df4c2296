"""Which pooling for my data? Trials, a store that survives, and an honest verdict.

``plan`` says what to find out, ``run`` runs what is not finished yet, ``Study`` answers: ``verdict``,
``compare``, ``report``, ``network``, ``export``. The command ``anypool study`` does the same.
"""

from __future__ import annotations

try:
    from .data import Data, from_arrays, from_dataset, load
    from .drive import StoppedError
    from .pools import Here, Processes
    from .session import plan, run
    from .store import open_store
    from .study import Study
    from .verdict import judge
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"anypool.study needs {error.name}, which is not installed: pip install 'anypool[study]'",
        name=error.name,
    ) from None

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
