"""A real PostgreSQL for the tests: started on the first use, stopped with the session.

A test module asks for it by `pytest_plugins = ["postgres"]` and takes the fixture `postgres`, or
`where`, which is every place where a store can stand: a file, then a database.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

USER = "anypool"
PASSWORD = "open sesame/?@"


def programs() -> Path | None:
    """The folder of the newest server's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _version(program: Path) -> int:
    word = program.parent.parent.name
    return int(word) if word.isdigit() else 0


class Server:
    """One server on a free loopback port, in a folder of its own, as a user who is not root."""

    def __init__(self, bin: Path, folder: Path) -> None:
        self.bin, self.folder, self.data = bin, folder, folder / "data"
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        # The server refuses to run as root. It dies with the tests, however those end.
        as_user = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            as_user += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        self.as_user = as_user

    def make(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", str(self.data), "-U", USER, "-A", "scram-sha-256",
            "--pwfile", str(secret), "--no-sync", "-E", "UTF8", "--locale", "C",
        )  # fmt: skip

    def start(self) -> None:
        """Start it; not from a thread that ends, since the server ends with its starter."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start the server from the main thread")
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "shared_buffers": "16MB",
        }
        words = [f"-c{name}={value}" for name, value in settings.items()]
        command = [*self.as_user, str(self.bin / "postgres"), "-D", str(self.data)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, f"-p{self.port}", *words], stdout=log, stderr=log, cwd=self.folder
            )
        self._await()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is the orderly way that drops every client; SIGQUIT is the crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        from urllib.parse import quote

        secret = quote(password, safe="")
        return f"postgresql://{USER}:{secret}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """The URL of an empty corner: a schema of its own, which costs less than a database."""
        name = f"t{next(self._names)}"
        self.execute(f"CREATE SCHEMA {name}")
        return self.url("postgres") + f"?options=-csearch_path%3D{name}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _await(self) -> None:
        import psycopg

        until = time.monotonic() + 60
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def _run(self, program: str, *words: str) -> None:
        command = [*self.as_user, str(self.bin / program), *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(done.stderr)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    bin = programs()
    if bin is None or shutil.which("setpriv") is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql util-linux")
    # a short path: the name of a unix socket has at most 107 characters
    folder = Path(tempfile.mkdtemp(prefix="anypool-pg-"))
    server = Server(bin, folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store can be opened."""
    if request.param == "sqlite":
        return str(tmp_path / "study.db")
    return request.getfixturevalue("postgres").fresh()
