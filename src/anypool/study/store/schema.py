"""Making the tables, and bringing those of an older anypool up to date."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, insert, inspect, select, update

from ...errors import PoolError
from .tables import VERSION, about, metadata

# version -> what makes the next version of it, inside the one transaction of `prepare`
MIGRATIONS: dict[int, Callable[[Connection], None]] = {}


def prepare(connection: Connection, place: str, *, create: bool) -> None:
    """Make an empty database a store, and an older store one of this version."""
    if not inspect(connection).has_table(about.name):
        _make(connection, place, create)
    else:
        _migrate(connection, place)


def check(connection: Connection, place: str) -> None:
    """Look whether a store that must not be written can be read."""
    if not inspect(connection).has_table(about.name):
        raise PoolError(f"{place} is not a store: it holds no study")
    version = _version(connection, place)
    if version < VERSION:
        raise PoolError(
            f"{place} was made by an older anypool (version {version} of {VERSION}); open it once "
            "for writing, which brings it up to date"
        )


def _make(connection: Connection, place: str, create: bool) -> None:
    others = inspect(connection).get_table_names()
    if others:
        raise PoolError(
            f"{place} is not a store: it holds a table {min(others)!r} of something else; give "
            "the study a database of its own"
        )
    if not create:
        raise PoolError(f"{place} is not a store: it holds no study")
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(about).values(version=VERSION))


def _migrate(connection: Connection, place: str) -> None:
    # Of two drivers that find an older store, the second waits here until the first has changed it.
    # And a place that cannot be written says so now, not when the first training has ended.
    connection.execute(update(about).values(version=about.c.version))
    for step in range(_version(connection, place), VERSION):
        if step not in MIGRATIONS:
            raise PoolError(f"{place} was made by an anypool too old to read (version {step})")
        MIGRATIONS[step](connection)
    connection.execute(update(about).values(version=VERSION))


def _version(connection: Connection, place: str) -> int:
    version = connection.scalar(select(about.c.version))
    if version is None:
        raise PoolError(f"{place} is damaged: it does not say its version; restore a copy")
    if version > VERSION:
        raise PoolError(
            f"{place} was made by a newer anypool (version {version}; this one reads {VERSION}): "
            "pip install --upgrade anypool"
        )
    return version
