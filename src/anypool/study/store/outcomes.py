"""What a verdict reads: for every data set, which test examples each trained network got right."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, select

from ...errors import PoolError
from ..records import Outcomes, Plan, Row, Trial
from .packing import bits_from_bytes, epoch_from_columns, labels_from_bytes
from .studies import Entry, entries, plan
from .tables import data, epoch, prediction, study_trial
from .trials import DONE, FAILED


def outcomes(connection: Connection, name: str) -> list[Outcomes]:
    """One for each data set that has a trial done or failed, in the plan's order."""
    asked = plan(connection, name)
    by_data: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(connection, name):
        if entry.trial.purpose == "measure" and entry.state in (DONE, FAILED):
            by_data[entry.trial.data].append(entry)
    bits, curves = bits_of(connection, name), curves_of(connection, name)
    return [_one(connection, asked, some, bits, curves) for some in by_data.values()]


def bits_of(connection: Connection, name: str) -> dict[str, NDArray[np.bool_]]:
    """Which test examples each finished trial of the study got right, by key."""
    rows = _rows(connection, prediction, name)
    return {row["key"]: bits_from_bytes(row["bits"], row["count"]) for row in rows}


def curves_of(connection: Connection, name: str) -> dict[str, list[Row]]:
    """The epochs of the study's finished trials, by key."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(connection, epoch, name):
        found[row["key"]].append(epoch_from_columns(row))
    return {key: sorted(rows, key=_number) for key, rows in found.items()}


def _number(row: Row) -> float:
    return row["epoch"] or 0


def _rows(connection: Connection, table: Table, name: str) -> Iterable[Any]:
    query = select(table).join(study_trial, study_trial.c.key == table.c.key)
    return connection.execute(query.where(study_trial.c.study == name)).mappings()


def _one(
    connection: Connection, asked: Plan, found: list[Entry], bits: Any, curves: Any
) -> Outcomes:
    done = [entry for entry in found if entry.state == DONE]
    failed = [entry for entry in found if entry.state == FAILED]
    classes, labels = facts(connection, found[0].trial)
    return Outcomes(
        data=found[0].trial.data,
        classes=classes,
        labels=labels,
        arms=asked.arms,
        seeds=asked.seeds,
        correct=_table((entry, bits[entry.trial.key]) for entry in done),
        measures=_table((entry, entry.measures) for entry in done),
        curves=_table((entry, curves.get(entry.trial.key, [])) for entry in done),
        failed=_table((entry, _reason(entry)) for entry in failed),
    )


def facts(connection: Connection, one: Trial) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes and the test labels of the data set that the trial was run on."""
    row = connection.execute(select(data).where(data.c.digest == one.digest)).one_or_none()
    if row is None:
        raise PoolError(f"the store does not know the test labels of {one.data}: remember them")
    return tuple(json.loads(row.classes)), labels_from_bytes(row.labels)


def _table(cells: Iterable[tuple[Entry, Any]]) -> dict[str, dict[int, Any]]:
    """table[arm][seed]"""
    table: dict[str, dict[int, Any]] = defaultdict(dict)
    for entry, value in cells:
        table[entry.trial.arm][entry.trial.seed] = value
    return dict(table)


def _reason(entry: Entry) -> str:
    """The last line of the traceback: what happened, without where."""
    lines = (entry.error or "").strip().splitlines() or ["no reason was noted"]
    return lines[-1].strip()
