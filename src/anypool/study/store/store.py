"""The store: what a driver writes and a reader reads, each call one whole transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection

from ...errors import PoolError
from ..records import Outcomes, Plan, Result, Trial
from . import export as exports
from . import lease as leases
from . import outcomes as verdicts
from . import schema, studies, trials
from .lease import Held
from .patience import patiently
from .place import Place, locate
from .studies import Entry, Line, Session

T = TypeVar("T")
OPENING = 10.0  # seconds: who opens a store waits before the screen
LEAVING = 2.0  # seconds: a lease that cannot be given back runs out by itself


def open_store(
    where: str | os.PathLike[str],
    *,
    create: bool = True,
    readonly: bool = False,
    patience: float = 60.0,
) -> Store:
    """The store at `where`: a path is a SQLite file, postgresql://user@host/database a server.

    create: make the file, or the tables in the empty database, where there are none
    readonly: refuse every write, and leave an older store as it is
    patience: seconds for which a read or a write is tried again while the database is locked or
        away

    Raises PoolError, in one sentence, where there is no store, where it is damaged, of another
    program or of a newer anypool, and where the place cannot be reached or written.

    >>> import tempfile
    >>> with open_store(tempfile.mkdtemp() + "/study.db") as store:
    ...     store.studies()
    []
    """
    place = locate(where, create=create, readonly=readonly)
    store = Store(place, readonly=readonly, patience=patience)
    try:
        store._make_ready(create)
    except BaseException:
        store.close()
        raise
    return store


class Store:
    """An opened store. One driver writes; any number of readers may look on.

    name: where it stands, for messages; notes: what its user should know about that place
    """

    def __init__(self, place: Place, *, readonly: bool, patience: float) -> None:
        self.name, self.notes = place.name, place.notes
        self.readonly, self.patience = readonly, patience
        self._place = place
        self._held: Held | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database. A SQLite store is then one file again, to be copied anywhere."""
        self._place.reader.dispose()

    # What a driver writes

    def begin(self, plan: Plan, *, command: str, machine: Mapping[str, Any]) -> None:
        """Create the study of the plan's name, or add the plan's arms, data sets and seeds to it.

        Raises PoolError where the study was begun with another network, place, recipe or precision.
        """
        token = leases.new_token()
        self._write(lambda c: studies.begin(c, plan, command, machine, token))

    def remember(
        self, digest: str, name: str, classes: Sequence[str], labels: Iterable[int], note: str = ""
    ) -> None:
        """Keep the classes and the test labels (integers, in order) of the data set `digest`."""
        kept = list(labels)
        self._write(lambda c: studies.remember(c, digest, name, classes, kept, note))

    def enlist(self, name: str, trials_: Iterable[Trial]) -> int:
        """Make the trials belong to the study; call it with all of the plan's.

        Gives the number of older trials that they push out: those measured with the same arm and
        seed but other settings or versions, or on a data set that has changed. They stay in the
        store, but no verdict mixes them in.
        """
        some = list(trials_)
        self.plan(name)
        return self._write(lambda c: trials.enlist(c, name, some))

    def start(self, trial: Trial, attempt: int, host: str) -> bool:
        """Note that attempt 1, 2, ... runs on `host`; False where the trial is done already."""
        return self._write(lambda c: trials.start(c, trial, attempt, host))

    def finish(self, trial: Trial, result: Result) -> bool:
        """Keep a result, all of it or nothing.

        False where another result of this trial was kept before: the first one stays.
        """
        receipt = leases.new_token()
        return self._write(lambda c: trials.finish(c, trial, result, receipt))

    def fail(self, trial: Trial, attempt: int, error: str, final: bool) -> bool:
        """Note that an attempt crashed with the text `error`, and whether it was the last one.

        False where the trial is done already; then nothing changes.
        """
        return self._write(lambda c: trials.fail(c, trial, attempt, error, final))

    @contextmanager
    def lease(self, name: str, *, force: bool = False) -> Iterator[Held]:
        """The right to write the study, for the block: call `beat` each few seconds inside it.

        Raises PoolError where another driver holds it, unless that one is dead or was silent for
        60 s, or `force` is given. Who lost a lease gets a PoolError at the next write.
        """
        if self._held:
            raise PoolError(f"this store is driving study {self._held.study!r}; open another one")
        token = leases.new_token()
        self.plan(name)
        self._held = held = self._write(lambda c: leases.take(c, name, token, force=force))
        try:
            yield held
        finally:
            self._held = None
            with suppress(PoolError):
                self._write(lambda c: leases.give_back(c, held), LEAVING)

    def beat(self) -> None:
        """Show that the driver lives; PoolError where another one took its study over."""
        held = self._held
        if held is None:
            raise PoolError("there is no lease to renew: beat inside `with store.lease(name)`")
        self._write(lambda c: leases.renew(c, held))

    # What anyone reads

    def plan(self, name: str) -> Plan:
        """The plan of a study, with all that was added to it."""
        return self._read(lambda c: studies.plan(c, name))

    def studies(self) -> list[Line]:
        """Every study with its counts, the oldest first."""
        return self._read(studies.studies)

    def sessions(self, name: str) -> list[Session]:
        """The commands that began and extended a study, and the machines they ran on."""
        return self._read(lambda c: studies.sessions(c, name))

    def trials(self, name: str) -> list[Entry]:
        """Every trial of a study with its state, in the order of the plan."""
        return self._read(lambda c: studies.entries(c, name))

    def missing(self, keys: Iterable[str]) -> set[str]:
        """Those that have no result: never run, running, stopped or failed."""
        return {key for key, state in self.states(keys).items() if state != trials.DONE}

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """key -> "waiting" (also one never seen), "running", "done" or "failed"."""
        asked = list(keys)
        return self._read(lambda c: trials.states(c, asked))

    def finished(self, keys: Iterable[str]) -> dict[str, dict[str, float]]:
        """key -> measures, of those that are done: how tuning reads its trials."""
        asked = list(keys)
        return self._read(lambda c: trials.finished(c, asked))

    def result(self, key: str) -> Result:
        """All that a finished trial left, bit for bit."""
        return self._read(lambda c: trials.result(c, key))

    def weights(self, key: str) -> bytes:
        """The final weights of a finished trial, as `torch.save` wrote them."""
        return self._read(lambda c: trials.file_of(c, key, "weights"))

    def outcomes(self, name: str) -> list[Outcomes]:
        """What a verdict reads: one for each data set with a measured trial done or failed."""
        return self._read(lambda c: verdicts.outcomes(c, name))

    def export(self, name: str, path: str | os.PathLike[str]) -> list[Path]:
        """Write a study for other programs, as .json, .csv or .parquet; the files written.

        JSON is one file; the others are a folder of the tables data, trials, epochs, predictions.
        """
        return exports.write(self._read(lambda c: exports.gather(c, name)), Path(path))

    # How

    def _read(self, work: Callable[[Connection], T], patience: float | None = None) -> T:
        def whole() -> T:
            with self._place.reader.begin() as connection:
                return work(connection)

        return patiently(whole, self.patience if patience is None else patience, self.name)

    def _write(self, work: Callable[[Connection], T], patience: float | None = None) -> T:
        if self.readonly:
            raise PoolError(f"{self.name} was opened for reading only")

        def whole() -> T:
            with self._place.writer.begin() as connection:
                if self._held:
                    leases.hold(connection, self._held)
                return work(connection)

        return patiently(whole, self.patience if patience is None else patience, self.name)

    def _make_ready(self, create: bool) -> None:
        wait = min(OPENING, self.patience)
        if not self.readonly:
            self._write(lambda c: schema.prepare(c, self.name, create=create), wait)
        self._place.settle()
        # also the first look under a store's own settings: a disk that cannot bear them shows here
        self._read(lambda c: schema.check(c, self.name), wait)
