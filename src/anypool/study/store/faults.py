"""What a database complains about, as one sentence; and whether waiting may help."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

RESUME = "what was finished is kept: run the same command again to go on"

# SQLite's primary result codes. The meaning is fixed by its file format's documentation.
BUSY, LOCKED = 5, 6
SQLITE_WORDS = {
    3: "no permission to use {place}",
    BUSY: "{place} has been locked by another program for too long (a backup?); " + RESUME,
    LOCKED: "{place} has been locked by another program for too long (a backup?); " + RESUME,
    8: "cannot write to {place}: the file or its folder is read-only",
    10: "cannot use {place}: the disk under it reports an error or is full; free some space; "
    + RESUME,
    11: "{place} is damaged ({clause}); restore it from a copy",
    13: "no space is left where {place} stands; free some; " + RESUME,
    14: "cannot open {place}: no permission, or its folder cannot hold the files SQLite keeps "
    "beside it",
    26: "{place} is not a store: it is no SQLite file",
}
# PostgreSQL's SQLSTATE, by code or by the class of its first two letters.
POSTGRES_WORDS = {
    "53100": "no space is left on the disk of {place}; free some; " + RESUME,
    "42501": "no permission in {place}: {clause}",
    "25006": "cannot write to {place}: it is read-only",
    "55P03": "{place} has been locked by another program for too long; " + RESUME,
    "08": "{place} cannot be reached ({clause}); " + RESUME,
    "57": "{place} has stopped ({clause}); " + RESUME,
}
# Connection lost, deadlock or clash, too many clients, lock not given in time, server stopping;
# 42P07 is another driver that made the tables at the same moment.
PASSING_STATES = ("08", "40", "42P07", "53300", "55P03", "57P01", "57P02", "57P03")
# A server that answers "FATAL" has refused, unless it only is not ready yet.
NOT_READY = re.compile("starting up|shutting down|recovery|too many|connection slots")


@dataclass(frozen=True)
class Fault:
    """One complaint of a database: what it says, whether time may heal it."""

    words: str
    passing: bool

    def sentence(self, place: str) -> str:
        return self.words.replace("{place}", place)


def fault_of(error: DBAPIError) -> Fault:
    """What `error` means; SQLite and PostgreSQL each have their own codes."""
    # Two drivers that add the same row at the same moment: the second look finds it there.
    if isinstance(error, IntegrityError):
        return Fault("{place} refuses a row: " + clause(error), passing=True)
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_fault(error)
    return _postgres_fault(error)


def clause(error: DBAPIError) -> str:
    """The database's own words, short, as a part of a sentence."""
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    return lines[0].replace("connection failed: ", "").rstrip(" .:;")


def _filled(words: str, error: DBAPIError) -> str:
    return words.replace("{clause}", clause(error))


def _sqlite_fault(error: DBAPIError) -> Fault:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    words = SQLITE_WORDS.get(code, "cannot use {place}: {clause}")
    return Fault(_filled(words, error), passing=code in (BUSY, LOCKED))


def _postgres_fault(error: DBAPIError) -> Fault:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return _connection_fault(error)
    words = POSTGRES_WORDS.get(state) or POSTGRES_WORDS.get(state[:2])
    passing = state.startswith(PASSING_STATES)
    return Fault(_filled(words or "cannot use {place}: {clause}", error), passing)


def _connection_fault(error: DBAPIError) -> Fault:
    """No connection, or one that broke: a refusal carries no SQLSTATE, only the server's words."""
    said = str(error.orig)
    refused = "FATAL" in said and not NOT_READY.search(said)
    if refused:
        reason = clause(error).split("FATAL:")[-1].strip()
        return Fault("{place} refuses: " + reason, passing=False)
    words = "{place} cannot be reached ({clause}); " + RESUME
    lost = isinstance(error, OperationalError) or error.connection_invalidated
    return Fault(_filled(words, error), passing=lost)
