"""A study as tables for other programs: Parquet, CSV or JSON, whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ...errors import PoolError
from ...see.folder import whole
from .outcomes import bits_of, curves_of, facts
from .packing import to_json
from .studies import Entry, entries, plan, sessions

Record = dict[str, Any]
Tables = dict[str, list[Record]]
WORDS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def gather(connection: Connection, name: str) -> Record:
    """All that is exported of a study. "correct" is a word of 0 and 1, a letter a test example."""
    found = entries(connection, name)
    curves, bits = curves_of(connection, name), bits_of(connection, name)
    sets = {entry.trial.digest: entry for entry in found}
    return {
        "plan": plan(connection, name).document(),
        "sessions": [vars(each) for each in sessions(connection, name)],
        "data": [_data_set(connection, entry) for entry in sets.values()],
        "trials": [
            _trial(entry)
            | {"epochs": curves.get(entry.trial.key, [])}
            | {"correct": _word(bits.get(entry.trial.key, ()))}
            for entry in found
        ],
    }


def _word(bits: Iterable[bool]) -> str:
    return "".join("01"[bit] for bit in map(int, bits))


def _data_set(connection: Connection, entry: Entry) -> Record:
    classes, labels = facts(connection, entry.trial)
    named = {"data": entry.trial.data, "digest": entry.trial.digest}
    return named | {"classes": list(classes), "labels": labels.tolist()}


def _trial(entry: Entry) -> Record:
    facts = {name: value for name, value in vars(entry).items() if name != "trial"}
    return {"key": entry.trial.key} | entry.trial.document() | facts


def write(document: Record, path: Path) -> list[Path]:
    """Write what `gather` found as the suffix of `path` says; the files written.

    .json is one file, NaN and the infinities in it the words "nan", "inf" and "-inf". .csv and
    .parquet are a folder of that name with the tables data, trials, epochs and predictions, where
    lists and settings are JSON text.
    """
    if path.suffix == ".json":
        return _write_json(document, path)
    if path.suffix not in TABLES:
        raise PoolError(
            f"cannot export to {path.name!r}: the name must end in .json, "
            f"{' or '.join(TABLES)} to say the format"
        )
    with whole(path) as stage:
        tables = _tables(document)
        for name, records in tables.items():
            TABLES[path.suffix](stage / f"{name}{path.suffix}", _columns(records))
    return [path / f"{name}{path.suffix}" for name in tables]


def _write_json(document: Record, path: Path) -> list[Path]:
    text = json.dumps(_strict(document), allow_nan=False, indent=1)
    if path.is_dir():
        raise PoolError(f"cannot write to {path}: it is a folder; name a file")
    with whole(path.parent) as stage:
        (stage / path.name).write_text(text + "\n", encoding="utf-8")
    return [path]


def _strict(value: Any) -> Any:
    """The plain value with words for the numbers that JSON lacks."""
    return json.loads(json.dumps(value), parse_constant=WORDS.__getitem__)


def _tables(document: Record) -> Tables:
    trials = document["trials"]
    return {
        "data": document["data"],
        "trials": [_flat(one) for one in trials],
        "epochs": [_named(one) | row for one in trials for row in one["epochs"]],
        "predictions": [_named(o) | {"correct": o["correct"]} for o in trials if o["correct"]],
    }


def _flat(one: Record) -> Record:
    """A trial as one line: each measure a column, a name that is taken not taken twice."""
    facts = {n: v for n, v in one.items() if n not in ("epochs", "correct", "measures")}
    return facts | {n: v for n, v in one["measures"].items() if n not in facts}


def _named(one: Record) -> Record:
    return {name: one[name] for name in ("key", "data", "arm", "seed")}


def _columns(records: list[Record]) -> dict[str, list[Any]]:
    """Every name that any record has, in order of first sight; what a record lacks is None."""
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [_cell(record.get(name)) for record in records] for name in names}


def _cell(value: Any) -> Any:
    return to_json(_strict(value)) if isinstance(value, dict | list | tuple) else value


def _write_csv(file: Path, columns: dict[str, list[Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream)
        lines.writerow(columns)
        lines.writerows(zip(*columns.values(), strict=True))


def _write_parquet(file: Path, columns: dict[str, list[Any]]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise PoolError("parquet needs pyarrow: pip install 'anypool[parquet]'") from None
    parquet.write_table(pyarrow.table(columns), file)


TABLES: dict[str, Callable[[Path, dict[str, list[Any]]], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
