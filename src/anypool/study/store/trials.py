"""The life of a trial: enlisted, started, finished or failed. Each function is one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from ...errors import PoolError
from ..records import Result, Trial
from .packing import (
    artifact_from_columns,
    artifact_to_columns,
    bits_from_bytes,
    bits_to_bytes,
    clean,
    epoch_from_columns,
    epoch_to_columns,
    labels_from_bytes,
    numbers_from_json,
    numbers_to_json,
    to_json,
)
from .tables import NOW, artifact, data, epoch, prediction, study_trial, trial

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
CHUNK = 500  # keys a query: databases limit how many values one may carry


def enlist(connection: Connection, study: str, trials: Sequence[Trial]) -> int:
    """Make `trials` belong to the study; how many older ones they push out of it."""
    wanted = {one.key: one for one in trials}
    there = {row.key for row in rows_of(connection, [trial.c.key], wanted)}
    new = [_new_row(one) for key, one in wanted.items() if key not in there]
    if new:
        connection.execute(insert(trial), new)
    listed = _listed(connection, study)
    links = [{"study": study, "key": key} for key in wanted if key not in listed]
    if links:
        connection.execute(insert(study_trial), links)
    return _push_out(connection, study, trials, listed)


def _listed(connection: Connection, study: str) -> dict[str, Trial]:
    query = select(trial.c.key, trial.c.spec).join(study_trial).where(study_trial.c.study == study)
    return {row.key: Trial.of(json.loads(row.spec)) for row in connection.execute(query)}


def _push_out(
    connection: Connection, study: str, trials: Sequence[Trial], listed: Mapping[str, Trial]
) -> int:
    """Drop what was measured on other data or by other versions: it must not mix with the new.

    The trials stay in the store, and come back when they are enlisted again.
    """
    measured = [one for one in trials if one.purpose == "measure"]
    slots = {(one.data, one.arm, one.seed): one.key for one in measured}
    digests = {one.data: one.digest for one in measured}
    old = [
        {"old": key}
        for key, one in listed.items()
        if one.purpose == "measure"
        and (
            slots.get((one.data, one.arm, one.seed), key) != key
            or digests.get(one.data, one.digest) != one.digest
        )
    ]
    if old:
        link = study_trial.c
        gone = delete(study_trial).where(link.study == study, link.key == bindparam("old"))
        connection.execute(gone, old)
    return len(old)


def start(connection: Connection, one: Trial, attempt: int, host: str) -> bool:
    """Note that a worker has begun; False where the trial is finished already."""
    if _lock(connection, one).state == DONE:
        return False
    begun = {"state": RUNNING, "attempt": attempt, "host": clean(host), "started": NOW}
    _set(connection, one.key, **begun, error=None)
    return True


def fail(connection: Connection, one: Trial, attempt: int, error: str, final: bool) -> bool:
    """Note that an attempt ended in `error`; False where the trial is finished already."""
    if _lock(connection, one).state == DONE:
        return False
    ended = {"state": FAILED, "finished": NOW} if final else {"state": WAITING}
    _set(connection, one.key, attempt=attempt, error=clean(error), **ended)
    return True


def finish(connection: Connection, one: Trial, result: Result, receipt: str) -> bool:
    """Keep all of `result` at once; False where another result of the trial is kept already."""
    row = _lock(connection, one)
    if row.state == DONE:
        return row.receipt == receipt
    _check_examples(connection, one, result)
    key = {"key": one.key}
    epochs = [key | epoch_to_columns(line) for line in result.epochs]
    if epochs:
        connection.execute(insert(epoch), epochs)
    bits = {"count": len(result.correct), "bits": bits_to_bytes(result.correct)}
    connection.execute(insert(prediction).values(**key, **bits))
    losses = np.asarray(result.losses).astype("<f4").tobytes()
    files = [artifact_to_columns("losses", losses), artifact_to_columns("weights", result.weights)]
    connection.execute(insert(artifact), [key | file for file in files])
    measures = numbers_to_json(result.measures)
    ended = {"state": DONE, "finished": NOW, "error": None, "host": clean(result.host)}
    _set(connection, one.key, **ended, measures=measures, receipt=receipt)
    return True


def _check_examples(connection: Connection, one: Trial, result: Result) -> None:
    """Bits that do not belong to the data's test examples would spoil every comparison."""
    packed = connection.scalar(select(data.c.labels).where(data.c.digest == one.digest))
    if packed is None or one.purpose != "measure":
        return
    asked = len(labels_from_bytes(packed))
    if len(result.correct) != asked:
        raise PoolError(
            f"a trial of {one.data} says of {len(result.correct)} test examples whether they were "
            f"right; the data set has {asked}"
        )


def _lock(connection: Connection, one: Trial) -> Row:
    """The trial's row, made if need be, that no other driver changes until this transaction ends.

    Two studies may share a trial, and then two drivers may run it.
    """
    query = select(trial.c.state, trial.c.receipt).where(trial.c.key == one.key).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(insert(trial).values(**_new_row(one)))
        row = connection.execute(query).one()
    return row


def _new_row(one: Trial) -> dict[str, Any]:
    spec = to_json(one.document())
    return {"key": one.key, "spec": spec, "purpose": one.purpose, "state": WAITING, "attempt": 0}


def _set(connection: Connection, key: str, **values: Any) -> None:
    connection.execute(update(trial).where(trial.c.key == key).values(**values))


def rows_of(connection: Connection, columns: Sequence[Any], keys: Iterable[str]) -> Iterator[Row]:
    """The rows of these trials' own table that there are, in no order."""
    asked = list(keys)
    for at in range(0, len(asked), CHUNK):
        some = asked[at : at + CHUNK]
        yield from connection.execute(select(*columns).where(trial.c.key.in_(some)))


def states(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """What each trial is: waiting (also one never seen), running, done or failed."""
    asked = list(keys)
    found = rows_of(connection, [trial.c.key, trial.c.state], asked)
    return dict.fromkeys(asked, WAITING) | {row.key: row.state for row in found}


def finished(connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, float]]:
    """The measures of those that are done."""
    rows = rows_of(connection, [trial.c.key, trial.c.state, trial.c.measures], keys)
    return {row.key: numbers_from_json(row.measures) for row in rows if row.state == DONE}


def result(connection: Connection, key: str) -> Result:
    """All that a finished trial left."""
    row = _done(connection, key)
    lines = _all_of(connection, epoch, key)
    bits = _all_of(connection, prediction, key)[0]
    return Result(
        epochs=[epoch_from_columns(line) for line in sorted(lines, key=lambda r: r["epoch"])],
        losses=np.frombuffer(file_of(connection, key, "losses"), "<f4").astype(np.float32),
        correct=bits_from_bytes(bits["bits"], bits["count"]),
        measures=numbers_from_json(row.measures),
        weights=file_of(connection, key, "weights"),
        host=row.host,
    )


def file_of(connection: Connection, key: str, kind: str) -> bytes:
    """A finished trial's file, its sha256 checked."""
    _done(connection, key)
    query = select(artifact).where(artifact.c.key == key, artifact.c.kind == kind)
    return artifact_from_columns(connection.execute(query).one()._asdict())


def _done(connection: Connection, key: str) -> Row:
    row = connection.execute(select(trial).where(trial.c.key == key)).one_or_none()
    if row is None:
        raise PoolError(f"the store holds no trial {key[:12]!r}")
    if row.state != DONE:
        raise PoolError(f"trial {key[:12]} has no result: it is {row.state}")
    return row


def _all_of(connection: Connection, table: Table, key: str) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).where(table.c.key == key))
    return [row._asdict() for row in rows]
