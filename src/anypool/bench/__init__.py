"""anypool beside whatever else is installed: what `anypool bench` and the repository's grid share.

Nothing here is loaded by `import anypool`; each peer is imported in a process of its own.
"""

from __future__ import annotations

from .job import DTYPES, OPERATIONS, Job
from .limit import bandwidth, better, least_seconds
from .peers import PEERS, chosen, installed
from .turns import FULL, QUICK, measure, workers

__all__ = [
    "DTYPES", "FULL", "OPERATIONS", "PEERS", "QUICK", "Job", "bandwidth", "better", "chosen",
    "installed", "least_seconds", "measure", "workers",
]  # fmt: skip
