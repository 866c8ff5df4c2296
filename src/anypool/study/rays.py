"""Executor on a Ray cluster: one Ray task a trial.

Ray only computes; what is finished is in the driver's store, so nothing is asked of a cluster but
that it answers. Mind who can reach one: without Ray's tokens (`RAY_AUTH_MODE=token`, the default
of new versions only) whoever reaches its ports runs any code there.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import PoolError
from . import child
from .cores import cores
from .environment import environment
from .node import on_node, pack

GCS, CLIENT = 6379, 10001
# seconds: a port that does not answer for so long has no cluster behind it
PATIENCE = 10.0
# what `ray start` leaves to say which cluster runs on this machine
STANDING = Path("/tmp/ray/ray_current_cluster")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


class Cluster(Executor):
    """Ray tasks of one core each, spread over the nodes of a cluster.

    address: None for the cluster that runs here, or a new one on this machine; "host:port" for the
    one this machine is a node of; "ray://host" for one reached as a client (needs ray[client]).

    A job whose data folder is not on the worker's machine finds it in Ray's object store, where it
    is put once; its checkpoint stays on that machine. The nodes need the same anypool.

    Raises PoolError where Ray is not installed, and within a minute where no cluster answers.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._ray = _ray()
        self._limit = workers
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, address or _standing(), workers)
        # crashes are counted and told by the driver alone, so Ray makes no attempts of its own
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._task = self._ray.remote(**options)(on_node)
        self._shipped: dict[str, Callable[[], Any]] = {}
        self._running: dict[Future[Any], Any] = {}

    @property
    def workers(self) -> int:
        """The cores of the cluster at this moment (nodes come and go), or fewer if asked."""
        number = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return min(number, self._limit or number)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of `fn(*args, **kwargs)` on some node; all of it must pickle."""
        folders = {job.data for job in args if getattr(job, "data", "")}
        parcels = {folder: self._parcel(folder) for folder in folders}
        reference = self._task.remote(fn, args, kwargs, parcels)
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        self._running[outer] = reference
        outer.add_done_callback(lambda done: self._running.pop(done, None))
        reference.future().add_done_callback(lambda inner: _pass_on(inner, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; with `cancel_futures` running trials save their checkpoints first."""
        if cancel_futures:
            self._cancel()
        if wait:
            _wait(self._running)
        if wait and self._own:
            self._ray.shutdown()
            self._own = False

    def _cancel(self) -> None:
        """Interrupt all tasks; those that do not heed it in time are killed."""
        running = dict(self._running)
        for force in (False, True):
            for future, reference in running.items():
                if not future.done():
                    self._ray.cancel(reference, force=force)
            _wait(running, child.GRACE)

    def _parcel(self, folder: str) -> Callable[[], Any]:
        """What fetches the folder from the object store, on a node that lacks it."""
        if folder not in self._shipped:
            self._shipped[folder] = partial(_fetch, [self._ray.put(pack(folder))])
        return self._shipped[folder]


def _fetch(references: list[Any]) -> Any:
    """A reference in a list is not fetched before it is asked for."""
    return _ray().get(references[0])


def _wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> None:
    wait(list(futures), timeout)


def _pass_on(inner: Future[Any], outer: Future[Any]) -> None:
    """Give the outer future what the task's outcome holds, or what became of the task."""
    error = inner.exception()
    outcome = child.Outcome(error=error) if error is not None else inner.result()
    if outcome.error is None:
        outer.set_result(outcome.value)
    else:
        outer.set_exception(outcome.error)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise PoolError("a Ray cluster needs ray: pip install 'anypool[ray]'") from None
    return ray


def _standing() -> str | None:
    """The cluster that the environment names, or else one that runs on this machine."""
    if named := os.environ.get("RAY_ADDRESS"):
        return named
    try:
        address = STANDING.read_text().strip()
        _knock(*_parts(address))
    except (OSError, PoolError):  # none, or one that has ended without tidying up
        return None
    return address


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    """Join the cluster at `address`, or start one for this machine alone."""
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        settings |= {"num_cpus": workers or cores(), "include_dashboard": False}
    else:
        _probe(address)
    with environment(QUIET):
        try:
            ray.init(address or "local", **settings)
        except Exception as error:  # Ray raises anything: ValueError, RuntimeError, its own...
            raise PoolError(f"cannot use {_name(address)}: {_clause(error)}") from None


def _probe(address: str) -> None:
    """Make sure that a cluster answers: Ray itself waits for minutes, then ends the process."""
    host, port = _parts(address)
    _knock(host, port)
    if address.startswith("ray://"):
        return
    try:
        import_module("ray._raylet").GcsClient(address=f"{host}:{port}")
    except Exception as error:
        raise PoolError(f"no Ray cluster answers at {address}: {_clause(error)}") from None


def _parts(address: str) -> tuple[str, int]:
    """Host and port; "ray://host" and "host" have the ports that Ray gives them."""
    client = address.startswith("ray://")
    host, _, port = address.removeprefix("ray://").partition(":")
    port = port or str(CLIENT if client else GCS)
    if not host or not port.isdigit():
        raise PoolError(
            f"{address!r} is not the address of a Ray cluster; write host:{GCS}, or "
            "ray://host to come as a client"
        )
    return host, int(port)


def _knock(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError as error:
        raise PoolError(
            f"no Ray cluster answers at {host}:{port}: {_clause(error)}; start one there with "
            "`ray start --head`, or leave the address out"
        ) from None


def _name(address: str | None) -> str:
    return f"the Ray cluster at {address}" if address else "Ray on this machine"


def _clause(error: Exception) -> str:
    """The first line of what was said, without a full stop."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.strip().splitlines()[0].rstrip(".")
