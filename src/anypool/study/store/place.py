"""Where a store stands: a file, or a database on a server."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from ...errors import PoolError
from .mounts import network

# Seconds the databases themselves wait for a lock, before `patiently` looks at the clock.
LOCK_WAIT = 1
# A server that is cut off without a word must become an error, not a hang: seconds, but for the
# last, which is milliseconds.
KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


@dataclass(frozen=True)
class Place:
    """An opened database.

    name: as sentences name it, never with a password
    reader: each transaction sees one moment of the store
    writer: the same connections, but a transaction takes the right to write when it begins
    notes: what the user should know about the place
    pragmas: how SQLite is to write
    """

    name: str
    reader: Engine
    writer: Engine
    notes: tuple[str, ...] = ()
    pragmas: tuple[str, ...] = ()

    def settle(self) -> None:
        """Set how a file is written, now that it is known to be a store and not someone else's."""
        if not self.pragmas:
            return
        self.reader.dispose()
        event.listen(self.reader, "connect", _setter(self.pragmas))


def locate(where: str | os.PathLike[str], *, create: bool, readonly: bool) -> Place:
    """The place that a path or a URL names. Nothing is connected yet."""
    text = os.fspath(where)
    scheme = re.match(r"([a-z][\w+.-]+)://", text, re.IGNORECASE)
    if not scheme:
        return _file(Path(text), create, readonly)
    kind = scheme[1].lower()
    if kind in ("postgresql", "postgres", "postgresql+psycopg"):
        return _server(text)
    raise PoolError(
        f"a store cannot stand on {kind}://; give the path of a file (SQLite) or "
        "postgresql://user@host/database"
    )


def _file(path: Path, create: bool, readonly: bool) -> Place:
    path = path.expanduser().resolve()
    _check_file(path, create and not readonly)
    if not readonly:
        _check_folder(path)
    shared = network(path)
    mode = _mode(path, create=create, readonly=readonly)
    url = URL.create("sqlite", database=path.as_uri(), query={"uri": "true", **mode})
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT})
    event.listen(engine, "connect", _take_charge)
    event.listen(engine, "begin", _begin)
    writer = engine.execution_options(begin="BEGIN IMMEDIATE")
    pragmas = ("query_only = ON",) if readonly else _pragmas(shared)
    return Place(str(path), engine, writer, _notes(path, shared), pragmas)


def _check_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise PoolError(f"{path} is a folder; name a file in it, such as {path / 'study.db'}")
    if not create and not path.exists():
        raise PoolError(f"there is no store at {path}")
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise PoolError(
            f"cannot make a store at {path}: a file stands where a folder must"
        ) from None
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise PoolError(f"cannot make a store at {path}: {words}") from None


def _check_folder(path: Path) -> None:
    """SQLite makes files beside the store, and does not say so where the folder takes none."""
    if not os.access(path.parent, os.W_OK):
        raise PoolError(
            f"cannot write to {path}: its folder takes no new files (read-only, or not yours)"
        )


def _mode(path: Path, *, create: bool, readonly: bool) -> dict[str, str]:
    """How SQLite is to open the file.

    It keeps two small files beside a store in use, for readers too, and only who may write clears
    them away: readers are held back by `query_only` instead. In a folder that takes no files
    SQLite can only read a store that nobody writes, which `immutable` promises.
    """
    if not readonly:
        return {"mode": "rwc" if create else "rw"}
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return {"mode": "rw"}
    resting = not path.with_name(f"{path.name}-wal").exists()
    return {"mode": "ro", "immutable": "1"} if resting else {"mode": "ro"}


def _pragmas(shared: str | None) -> tuple[str, ...]:
    """FULL, since a trial costs minutes and its fsync milliseconds: no power cut takes it back.

    The write-ahead log lets readers read while the driver writes, but it breaks stores that
    several machines see (they share no memory): those get the plain journal.
    """
    return (f"journal_mode = {'TRUNCATE' if shared else 'WAL'}", "synchronous = FULL")


def _notes(path: Path, shared: str | None) -> tuple[str, ...]:
    if not shared:
        return ()
    note = (
        f"{path} stands on a network file system ({shared}): one driver at a time, and slower "
        "writes; for several machines give a postgresql:// URL"
    )
    return (note,)


def _take_charge(connection: Any, _: Any) -> None:
    """Leave beginning to `_begin`: Python's sqlite3 begins no transaction before a SELECT."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _setter(pragmas: tuple[str, ...]) -> Callable[[Any, Any], None]:
    def set_all(connection: Any, _: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    return set_all


def _server(text: str) -> Place:
    try:
        url = make_url(text).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise PoolError(
            "the URL of the store cannot be read; write postgresql://user:password@host:port/"
            "database, with %-codes for letters such as @ and / in the password"
        ) from None
    settings = {k: v for k, v in KEEPALIVE.items() if k not in url.query}
    try:
        engine = create_engine(url, connect_args=settings)
    except ImportError:
        raise PoolError(
            "a store on PostgreSQL needs psycopg: pip install 'anypool[postgres]'"
        ) from None
    # a lost connection is told in words of our own, where nobody listens to psycopg's log
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    event.listen(engine, "connect", _limit_waiting)
    port = f":{url.port}" if url.port else ""
    reader = engine.execution_options(isolation_level="REPEATABLE READ")
    return Place(f"postgresql://{url.host or ''}{port}/{url.database or ''}", reader, engine)


def _limit_waiting(connection: Any, _: Any) -> None:
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT}s'")
    connection.commit()
