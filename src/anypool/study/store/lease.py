"""One driver a study: who may write, for as long as he shows that he lives."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Row, delete, insert, select, update

from ...errors import PoolError
from .tables import NOW, lease

# A driver beats each few seconds; one that was silent for so long has lost its study.
STALE = 60.0


@dataclass(frozen=True)
class Held:
    """A lease in hand. notes: whom it was taken over from, if anyone."""

    study: str
    token: str
    notes: tuple[str, ...] = ()


def take(connection: Connection, study: str, token: str, *, force: bool) -> Held:
    """The lease of `study`, where it is free, stale or `force` is given."""
    row = connection.execute(
        select(lease, NOW.label("now")).where(lease.c.study == study).with_for_update()
    ).one_or_none()
    mine = {"host": socket.gethostname(), "home": _home(), "pid": os.getpid(), "token": token}
    values = {**mine, "since": NOW, "heartbeat": NOW}
    if row is None:
        connection.execute(insert(lease).values(study=study, **values))
        return Held(study, token)
    if row.token == token:  # this very call came through before, and its answer got lost
        return Held(study, token)
    if not (force or _is_stale(row)):
        raise PoolError(_in_use(row))
    connection.execute(update(lease).where(lease.c.study == study).values(**values))
    return Held(study, token, (_taken_over(row),))


def renew(connection: Connection, held: Held) -> None:
    """Show that the driver lives."""
    hold(connection, held)
    connection.execute(update(lease).where(lease.c.token == held.token).values(heartbeat=NOW))


def hold(connection: Connection, held: Held) -> None:
    """Make sure, inside a transaction that writes, that nobody took the lease or takes it now."""
    row = connection.execute(
        select(lease).where(lease.c.study == held.study).with_for_update()
    ).one_or_none()
    if row is None or row.token != held.token:
        by = f"{row.host} (process {row.pid})" if row else "another driver, which has ended"
        raise PoolError(
            f"study {held.study!r} was taken over by {by}; this driver writes no more: nothing "
            "that was finished is lost"
        )


def give_back(connection: Connection, held: Held) -> None:
    connection.execute(delete(lease).where(lease.c.token == held.token))


def new_token() -> str:
    return uuid.uuid4().hex


def _is_stale(row: Row) -> bool:
    silent = row.now - row.heartbeat > STALE
    return silent or (row.home == _home() and not _is_alive(row.pid))


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@cache
def _home() -> str:
    """Where a process number means something: this machine since it started, this container.

    Containers may share a host's name but count their processes apart. Where the system does not
    tell (and where `os.kill(pid, 0)` would do harm, on Windows), no home equals another.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return uuid.uuid4().hex


def _in_use(row: Row) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.since))
    ago = max(0, round(row.now - row.heartbeat))
    return (
        f"study {row.study!r} is being run by process {row.pid} on {row.host} since {since} (last "
        f"sign of life {ago} s ago); wait until it ends, or take the study over with --force"
    )


def _taken_over(row: Row) -> str:
    return f"took study {row.study!r} over from process {row.pid} on {row.host}"
