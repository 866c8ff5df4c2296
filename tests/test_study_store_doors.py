"""Opening a store: every place it can and cannot stand, each refusal one sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from anypool.errors import PoolError
from anypool.study.store import mounts, open_store, schema
from anypool.study.store.tables import VERSION
from stored import assert_same, begun, result, trial

pytest_plugins = ["postgres"]


def query(path, words):
    with sqlite3.connect(path) as connection:
        found = connection.execute(words).fetchall()
    connection.close()
    return found


@pytest.fixture
def disk(tmp_path):
    """A disk of one megabyte, and the word that mounts it anew in another way."""
    folder = tmp_path / "disk"
    folder.mkdir()
    make = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.name != "posix" or os.geteuid() or subprocess.run(make, check=False).returncode:
        pytest.skip("no disk can be mounted here: run as root, with the right to mount")
    yield (
        folder,
        lambda how: subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True),
    )
    subprocess.run(["umount", str(folder)], check=True)


def test_a_file_is_made_where_asked(tmp_path):
    with open_store(tmp_path / "deep" / "er" / "s.db") as store:
        assert store.name == str(tmp_path / "deep" / "er" / "s.db")
        assert store.notes == ()


def test_the_file_is_written_safely(tmp_path):
    with begun(tmp_path / "s.db") as store, store._place.reader.begin() as connection:
        asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS]
    assert asked == list(PRAGMAS.values())


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1000}


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "a#b.db", "ü.db", ":memory:"])
def test_any_name_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for readonly in (False, True, False):
        with open_store(name, readonly=readonly) as store:
            store.studies()
    assert os.listdir(tmp_path) == [name]


def test_a_store_at_rest_is_one_file_that_opens_elsewhere(tmp_path):
    path = tmp_path / "s.db"
    with begun(path) as store:
        store.finish(trial(), result(trial()))
    assert os.listdir(tmp_path) == ["s.db"]
    shutil.copy(path, tmp_path / "copy.db")
    for readonly in (True, False):
        with open_store(tmp_path / "copy.db", readonly=readonly) as copy:
            assert_same(copy.result(trial().key), result(trial()))


def test_a_reader_writes_nothing(where):
    begun(where).close()
    with open_store(where, readonly=True) as store:
        for write in (
            lambda: store.start(trial(), 1, "here"),
            lambda: store.finish(trial(), result(trial())),
            lambda: store.remember("d", "x", ["a"], [0]),
            store.lease("pilot").__enter__,
        ):
            with pytest.raises(PoolError, match="was opened for reading only"):
                write()
        assert store.studies()[0].missing == 6


def test_a_file_that_is_not_there(tmp_path):
    for options in ({"create": False}, {"readonly": True}):
        with pytest.raises(PoolError, match=r"there is no store at .*s\.db"):
            open_store(tmp_path / "s.db", **options)
    assert os.listdir(tmp_path) == []


def test_a_folder(tmp_path):
    with pytest.raises(PoolError, match=r"is a folder; name a file in it, such as .*study\.db"):
        open_store(tmp_path)


def test_a_file_where_a_folder_must_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(PoolError, match="a file stands where a folder must"):
        open_store(tmp_path / "file" / "s.db")


@pytest.mark.parametrize("readonly", [False, True])
def test_a_file_of_something_else(tmp_path, readonly):
    path = tmp_path / "s.db"
    path.write_bytes(b"a photograph, perhaps" * 100)
    with pytest.raises(PoolError, match="is not a store: it is no SQLite file"):
        open_store(path, readonly=readonly)
    assert path.read_bytes() == b"a photograph, perhaps" * 100


@pytest.mark.parametrize("readonly", [False, True])
def test_a_database_of_another_program_is_left_alone(tmp_path, readonly):
    path = tmp_path / "s.db"
    query(path, "CREATE TABLE bookmark (address TEXT)")
    before = path.read_bytes()
    with pytest.raises(PoolError, match="is not a store: it holds"):
        open_store(path, readonly=readonly)
    assert path.read_bytes() == before


def test_an_empty_database_is_no_store_to_a_reader(where, tmp_path):
    (tmp_path / "study.db").touch()
    for options in ({"create": False}, {"readonly": True}):
        with pytest.raises(PoolError, match="is not a store: it holds no study"):
            open_store(where, **options)


def test_a_damaged_store(tmp_path):
    path = tmp_path / "s.db"
    with begun(path) as store:
        store.finish(trial(), result(trial(), 100_000))
    rotten = bytearray(path.read_bytes())
    rotten[4096:] = bytes(len(rotten) - 4096)
    path.write_bytes(rotten)
    with pytest.raises(PoolError, match=r"is damaged .*; restore it from a copy"):
        open_store(path).studies()


def test_a_store_cut_short(tmp_path):
    path = tmp_path / "s.db"
    with begun(path) as store:
        store.finish(trial(), result(trial(), 100_000))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(PoolError, match=r"is damaged|disk under it reports an error"):
        open_store(path).result(trial().key)


def set_version(where, version, *words):
    """Make the store one of another version."""
    from sqlalchemy import text

    with open_store(where) as store, store._place.writer.begin() as connection:
        for each in (f"UPDATE anypool_store SET version = {version}", *words):
            connection.execute(text(each))


def test_a_store_of_a_newer_version(where):
    begun(where).close()
    set_version(where, VERSION + 1)
    for readonly in (False, True):
        with pytest.raises(PoolError, match=r"made by a newer anypool .*pip install --upgrade"):
            open_store(where, readonly=readonly)


def add_receipts(connection):
    connection.exec_driver_sql("ALTER TABLE trial ADD COLUMN receipt VARCHAR(32)")


def test_a_store_of_an_older_version_is_brought_up_to_date(where, monkeypatch):
    begun(where).close()
    set_version(where, 0, "ALTER TABLE trial DROP COLUMN receipt")
    monkeypatch.setitem(schema.MIGRATIONS, 0, add_receipts)
    with pytest.raises(PoolError, match=r"made by an older anypool .* open it once for writing"):
        open_store(where, readonly=True)
    for _ in range(2):
        with open_store(where) as store:
            assert store.studies()[0].missing == 6
    with open_store(where, readonly=True) as store:
        assert store.finished([trial().key]) == {}


def test_a_migration_that_fails_changes_nothing(where, monkeypatch):
    begun(where).close()
    set_version(where, 0, "ALTER TABLE trial DROP COLUMN receipt")

    def half(connection):
        add_receipts(connection)
        raise RuntimeError("the power went")

    monkeypatch.setitem(schema.MIGRATIONS, 0, half)
    with pytest.raises(RuntimeError, match="the power went"):
        open_store(where)
    monkeypatch.setitem(schema.MIGRATIONS, 0, add_receipts)
    with open_store(where) as store:
        assert store.finish(trial(), result(trial()))


def test_a_version_nobody_can_read(where):
    begun(where).close()
    set_version(where, -1)
    with pytest.raises(PoolError, match=r"too old to read .version -1"):
        open_store(where)
    set_version_raw(where)
    with pytest.raises(PoolError, match="does not say its version"):
        open_store(where)


def set_version_raw(where):
    from sqlalchemy import text

    from anypool.study.store.place import locate

    place = locate(where, create=False, readonly=False)
    with place.writer.begin() as connection:
        connection.execute(text("DELETE FROM anypool_store"))
    place.reader.dispose()


@pytest.fixture
def sealed(tmp_path):
    """A store in a file that cannot be written, in a folder that can."""
    path = tmp_path / "s.db"
    begun(path).close()
    path.chmod(0o444)
    bind = ["mount", "--bind", str(path), str(path)]
    bound = os.access(path, os.W_OK) and subprocess.run(bind, check=False).returncode == 0
    if bound:  # root may write every file, but for one mounted read-only
        subprocess.run(["mount", "-o", "remount,ro,bind", str(path)], check=True)
    elif os.access(path, os.W_OK):
        pytest.skip("root may write every file here, and may not mount one read-only")
    yield path
    if bound:
        subprocess.run(["umount", str(path)], check=True)


def test_a_file_nobody_may_write(sealed):
    path = sealed
    with pytest.raises(PoolError, match=r"cannot write to .*read-only"):
        open_store(path)
    with open_store(path, readonly=True) as store:
        assert store.studies()[0].missing == 6


def test_a_disk_mounted_read_only(disk):
    folder, remount = disk
    begun(folder / "s.db").close()
    remount("ro")
    for name in ("s.db", "new.db"):
        with pytest.raises(PoolError, match=r"cannot write to .*db: its folder takes no new files"):
            open_store(folder / name)
    with open_store(folder / "s.db", readonly=True) as store:
        assert store.studies()[0].missing == 6


def test_a_disk_that_is_full_before_the_first_study(disk):
    folder, _ = disk
    with pytest.raises(OSError, match="No space"):
        (folder / "ballast").write_bytes(bytes(2**21))
    with pytest.raises(PoolError, match=r"no space is left|reports an error or is full"):
        open_store(folder / "s.db")


MOUNTED = """\
/dev/vda / ext4 rw 0 0
filer:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
me@host: /my\\040disk fuse.sshfs rw 0 0
tmpfs /twice tmpfs rw 0 0
//server/share /twice cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/s.db", "nfs4"),
        ("/home", "nfs4"),
        ("/home/local/s.db", None),
        ("/homely/s.db", None),
        ("/my disk/s.db", "fuse.sshfs"),
        ("/twice/s.db", "cifs"),
        ("/s.db", None),
    ],
)
def test_network_file_systems_are_known(tmp_path, monkeypatch, path, kind):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    assert mounts.network(Path(path)) is None  # a system that does not tell
    (tmp_path / "mounts").write_text(MOUNTED)
    assert mounts.network(Path(path)) == kind


def test_a_store_on_a_network_file_system(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    begun(path).close()  # made on a disk of its own, then carried there
    (tmp_path / "mounts").write_text(f"filer:/x {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    with open_store(path) as store:
        assert len(store.notes) == 1
        assert "network file system (nfs): one driver at a time" in store.notes[0]
        store.finish(trial(), result(trial()))
        with store._place.reader.begin() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "truncate"
        assert not path.with_name("s.db-wal").exists()
        assert_same(store.result(trial().key), result(trial()))


def test_two_stores_made_at_the_same_moment(where):
    """Both find nothing and both make it: one waits for the other."""
    program = "import sys; from anypool.study.store import open_store as o; sys.stdin.read(1); "
    program += "print(o(sys.argv[1]).studies())"
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen([sys.executable, "-c", program, where], stdin=pipe, stdout=pipe, text=True)
        for _ in range(2)
    ]
    for each in both:
        each.stdin.write("x")
        each.stdin.flush()
    assert [each.communicate(timeout=240)[0].strip() for each in both] == ["[]", "[]"]


@pytest.mark.parametrize("url", ["mysql://a:secret@h/d", "sqlite:///x.db", "S3://bucket/x"])
def test_other_places_are_refused(url):
    with pytest.raises(PoolError, match=r"a store cannot stand on .*://; give the path") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u:secret@h:port/d", "postgres://u:secret@h:1:2/d"])
def test_urls_that_cannot_be_read(url):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(PoolError, match="URL of the store cannot be read") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_psycopg_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(PoolError, match=r"pip install 'anypool\[postgres\]'"):
        open_store("postgresql://host/database")


def test_a_server_that_is_not_there(postgres):
    url = f"postgresql://u:secret@127.0.0.1:{unused_port()}/d"
    with pytest.raises(PoolError, match=r"postgresql://127.0.0.1:.* cannot be reached") as caught:
        open_store(url, patience=0.2)
    assert "secret" not in str(caught.value)


def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_what_a_server_refuses(postgres):
    wrong = postgres.url("postgres", password="secret")
    with pytest.raises(PoolError, match="refuses: password authentication failed") as caught:
        open_store(wrong)
    assert "secret" not in str(caught.value)
    with pytest.raises(PoolError, match='refuses: database "nothere" does not exist'):
        open_store(postgres.url("nothere"))


def test_a_place_on_the_server_where_nothing_may_be_made(postgres):
    postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = f"postgresql://guest:guest@127.0.0.1:{postgres.port}/postgres"
    with pytest.raises(PoolError, match=r"no permission in postgresql://.*: permission denied"):
        open_store(url)


def test_the_url_as_other_programs_write_it(postgres):
    short = postgres.fresh().replace("postgresql://", "postgres://")
    with open_store(short) as store:
        assert store.studies() == []
        assert "sesame" not in store.name
