"""Where a study runs, as the command line names it."""

from __future__ import annotations

from concurrent.futures import Executor
from difflib import get_close_matches

from ..errors import PoolError
from .pools import Here, Processes

NAMES = {
    "processes": "worker processes on this machine, one for each core",
    "here": "the driver's own process, one trial after the other",
    "ray": "the Ray cluster that runs here, or a new one on this machine",
    "host:port": "the Ray cluster that this machine is a node of",
    "ray://host": "a Ray cluster elsewhere, as its client",
}


def executor(on: str = "processes", workers: int | None = None) -> Executor:
    """The executor that `on` names (see NAMES), with so many workers, or as many as there are.

    >>> with executor("processes", 2) as pool:
    ...     pool.workers
    2
    """
    if on == "here":
        return Here()
    if on == "processes":
        return Processes(workers)
    if on == "ray" or ":" in on:
        from .rays import Cluster

        return Cluster(None if on == "ray" else on, workers)
    near = get_close_matches(on, NAMES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}"
    raise PoolError(f"there is no place {on!r} to run a study on; {hint}")
