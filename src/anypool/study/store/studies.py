"""Studies and data sets: what was asked, by which command, of which examples."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ...errors import PoolError
from ..records import Plan, Trial
from .packing import clean, labels_to_bytes, numbers_from_json, to_json
from .tables import NOW, data, session, study, study_trial, trial
from .trials import DONE, FAILED

# What every trial of a study shares: another value would be another study.
FIXED = ("network", "place", "recipe", "precision")


@dataclass(frozen=True)
class Line:
    """A study in a list. created: seconds since 1970; missing: trials neither done nor failed."""

    name: str
    created: float
    done: int
    failed: int
    missing: int


@dataclass(frozen=True)
class Session:
    """One `begin` of a study. at: seconds since 1970."""

    at: float
    command: str
    machine: dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A trial of a study as the store knows it.

    state: "waiting", "running", "done" or "failed"; started, finished: seconds since 1970
    error: the text of the last attempt that crashed; measures: empty until done
    """

    trial: Trial
    state: str
    attempt: int
    host: str | None
    started: float | None
    finished: float | None
    error: str | None
    measures: dict[str, float]


def begin(
    connection: Connection, plan: Plan, command: str, machine: Mapping[str, Any], token: str
) -> None:
    """Create the study, or let it grow by what the plan adds."""
    _check_name(plan.name)
    row = connection.execute(
        select(study.c.document).where(study.c.name == plan.name).with_for_update()
    ).one_or_none()
    if row is None:
        new = {"name": plan.name, "document": _document(plan), "created": NOW}
        connection.execute(insert(study).values(**new))
    else:
        grown = _document(grow(Plan.of(json.loads(row.document)), plan))
        connection.execute(update(study).where(study.c.name == plan.name).values(document=grown))
    mine = session.c.study == plan.name
    tokens = set(connection.scalars(select(session.c.token).where(mine)))
    if token not in tokens:
        note = {"command": clean(command), "machine": _json("machine", dict(machine))}
        at = {"study": plan.name, "number": len(tokens) + 1, "token": token, "at": NOW}
        connection.execute(insert(session).values(**at, **note))


def _check_name(name: str) -> None:
    if not (name.isprintable() and name == name.strip() and 1 <= len(name) <= 200):
        raise PoolError(
            f"a study cannot be called {name!r}; a name is one line of 1 to 200 characters "
            "without blanks at its ends"
        )


def _document(plan: Plan) -> str:
    return _json("plan", plan.document())


def _json(what: str, value: Any) -> str:
    try:
        return to_json(value)
    except (TypeError, ValueError) as error:
        raise PoolError(f"the {what} of a study must be plain values: {error}") from None


def grow(old: Plan, new: Plan) -> Plan:
    """The plan with all arms, data sets and seeds of both; what `new` leaves open stays."""
    _refuse_other(old, new)
    return replace(
        new,
        data=tuple(dict.fromkeys(old.data + new.data)),
        arms=tuple(dict.fromkeys(old.arms + new.arms)),
        seeds=tuple(sorted({*old.seeds, *new.seeds})),
        reference=new.reference or old.reference,
        tune=new.tune or old.tune,
        tuned={**old.tuned, **new.tuned},
    )


def _refuse_other(old: Plan, new: Plan) -> None:
    before, after = old.document(), new.document()
    said = [words for name in FIXED for words in _differences(name, before[name], after[name])]
    if said:
        raise PoolError(
            f"study {new.name!r} was begun with {', '.join(f'{w} (now {n})' for w, n in said)}; "
            "give the new one another name, or run it as it was begun"
        )


def _differences(name: str, before: Any, after: Any) -> list[tuple[str, str]]:
    """What differs, as (what it was, what is asked); of a recipe only the settings that do."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        same = _json(name, before) == _json(name, after)
        return [] if same else [(f"{name} {before!r}", repr(after))]
    pairs = [(key, before.get(key), after.get(key)) for key in {**before, **after}]
    return [words for key, *both in pairs for words in _differences(f"{name} {key}", *both)]


def plan(connection: Connection, name: str) -> Plan:
    document = connection.scalar(select(study.c.document).where(study.c.name == clean(name)))
    if document is None:
        raise PoolError(_unknown(connection, name))
    return Plan.of(json.loads(document))


def _unknown(connection: Connection, name: str) -> str:
    names = list(connection.scalars(select(study.c.name).order_by(study.c.created)))
    near = difflib.get_close_matches(name, names, 3, 0.4) or names[-3:]
    there = f"it has {', '.join(map(repr, near))}" if near else "it holds no study yet"
    return f"the store has no study {name!r}; {there}"


def studies(connection: Connection) -> list[Line]:
    """Every study, the oldest first."""
    counted = connection.execute(
        select(study_trial.c.study, trial.c.state, func.count())
        .join(trial)
        .group_by(study_trial.c.study, trial.c.state)
    )
    counts: dict[str, Counter[str]] = {}
    for name, state, number in counted:
        counts.setdefault(name, Counter())[state] += number
    rows = connection.execute(select(study).order_by(study.c.created, study.c.name))
    return [_line(row.name, row.created, counts.get(row.name, Counter())) for row in rows]


def _line(name: str, created: float, count: Counter[str]) -> Line:
    done, failed = count[DONE], count[FAILED]
    return Line(name, created, done, failed, count.total() - done - failed)


def sessions(connection: Connection, name: str) -> list[Session]:
    """Every command that began or extended the study, the first one first."""
    plan(connection, name)
    query = select(session).where(session.c.study == name).order_by(session.c.number)
    return [Session(r.at, r.command, json.loads(r.machine)) for r in connection.execute(query)]


def entries(connection: Connection, name: str) -> list[Entry]:
    """Every trial of the study: data sets and arms in the plan's order, then by seed."""
    asked = plan(connection, name)
    query = select(trial).join(study_trial).where(study_trial.c.study == name)
    found = [
        Entry(
            Trial.of(json.loads(row.spec)),
            *(row.state, row.attempt, row.host, row.started, row.finished, row.error),
            numbers_from_json(row.measures) if row.measures else {},
        )
        for row in connection.execute(query)
    ]
    sets, arms = _order(asked.data), _order(asked.arms)

    def place(entry: Entry) -> tuple[Any, ...]:
        one = entry.trial
        at = sets.get(one.data, len(sets)), arms.get(one.arm, len(arms))
        return (one.purpose, *at, one.seed, one.key)

    return sorted(found, key=place)


def _order(names: Iterable[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(names)}


def remember(
    connection: Connection,
    digest: str,
    name: str,
    classes: Sequence[str],
    labels: Iterable[int],
    note: str,
) -> None:
    """Keep what a verdict needs of a data set; one digest is always the same data set."""
    kept = connection.execute(select(data.c.name).where(data.c.digest == digest)).one_or_none()
    if kept is None:
        facts = {"name": clean(name), "classes": to_json(list(classes)), "note": clean(note)}
        packed = labels_to_bytes(labels)
        connection.execute(insert(data).values(digest=digest, **facts, labels=packed))
