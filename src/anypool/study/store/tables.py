"""The tables of a store, alike in SQLite and in PostgreSQL.

Times are seconds since 1970 by the database's own clock: drivers on several machines must agree on
how old a heartbeat is, and their clocks need not.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    extract,
    func,
)

VERSION = 1
NOW = cast(extract("epoch", func.current_timestamp()), Double)

metadata = MetaData()


def _trial_key() -> Column[str]:
    return Column("key", String(64), ForeignKey("trial.key"), primary_key=True)


def _study_name() -> Column[str]:
    return Column("study", Text, ForeignKey("study.name"), primary_key=True)


# What says that these tables are a store, and of which version.
about = Table("anypool_store", metadata, Column("version", Integer, nullable=False))

study = Table(
    "study",
    metadata,
    Column("name", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("created", Double, nullable=False),
)

# Each `begin` of a study: the commands that made it, and where they ran.
session = Table(
    "session",
    metadata,
    _study_name(),
    Column("number", Integer, primary_key=True),
    Column("token", String(32), nullable=False),
    Column("at", Double, nullable=False),
    Column("command", Text, nullable=False),
    Column("machine", Text, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    _study_name(),
    Column("host", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("token", String(32), nullable=False),
    Column("since", Double, nullable=False),
    Column("heartbeat", Double, nullable=False),
)

data = Table(
    "data",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("classes", Text, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)

# receipt: which call wrote the result, so that a call whose answer got lost knows its own work.
trial = Table(
    "trial",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("spec", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("host", Text),
    Column("started", Double),
    Column("finished", Double),
    Column("error", Text),
    Column("measures", Text),
    Column("receipt", String(32)),
)

study_trial = Table("study_trial", metadata, _study_name(), _trial_key())

# Numbers no column can hold (NaN, names of a recipe's own) stand in `more`, as JSON.
epoch = Table(
    "epoch",
    metadata,
    _trial_key(),
    Column("epoch", Integer, primary_key=True),
    Column("loss", Double),
    Column("train_accuracy", Double),
    Column("accuracy", Double),
    Column("seconds", Double),
    Column("more", Text),
)

prediction = Table(
    "prediction",
    metadata,
    _trial_key(),
    Column("count", Integer, nullable=False),
    Column("bits", LargeBinary, nullable=False),
)

artifact = Table(
    "artifact",
    metadata,
    _trial_key(),
    Column("kind", Text, primary_key=True),
    Column("packing", Text, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
)
