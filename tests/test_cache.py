"""Compiled kernels on disk: right, never mixed up, and never in the way, whatever the disk does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="numba is not installed: there is nothing to compile")

SRC = Path(__file__).resolve().parents[1] / "src"
IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    shutil.copy(Path(__file__).parent / "toy_kernels.py", folder / "toy.py")
    # A copy, or an edit of a kernel in the middle of a test would rightly start a new cache.
    shutil.copytree(SRC, folder, ignore=IGNORED, dirs_exist_ok=True)
    return folder


@pytest.fixture
def start(toy, tmp_path):
    """Start `code` in a new process with a cache of this test's own."""

    def started(code: str, src: Path = toy, without: str = "", **env: str) -> subprocess.Popen:
        env = {**os.environ, "ANYPOOL_CACHE_DIR": str(tmp_path / "kept"), **env}
        env["PYTHONPATH"] = os.pathsep.join([str(src), str(toy)])
        env = {key: value for key, value in env.items() if key not in without.split()}
        command = [sys.executable, "-W", "error", "-c", "import json, toy; " + code]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)

    return started


@pytest.fixture
def fresh(start):
    """What `code` prints in a new process, read as JSON; it must end well and keep stderr empty."""

    def ran(code: str, **env: str):
        return result(start(code, **env))

    return ran


def result(process: subprocess.Popen):
    out, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    return json.loads(out)


CHECK = "print(json.dumps(toy.check()))"
FEW = "print(json.dumps(toy.check(toy.VARIANTS[:2])))"
STATUS = "print(json.dumps({'hits': toy.check(toy.VARIANTS[:2]), **toy.cache.status()}))"
ALL = 12  # len(VARIANTS)


def test_closures_over_helpers_are_found_again(fresh, tmp_path):
    assert fresh(CHECK) == 0
    files = sorted((tmp_path / "kept").rglob("*.kernel"))
    assert len(files) == ALL
    assert fresh(CHECK) == ALL
    assert sorted((tmp_path / "kept").rglob("*.kernel")) == files
    if os.name != "nt":
        folders = [tmp_path / "kept", files[0].parent]
        assert [path.stat().st_mode & 0o777 for path in folders] == [0o700, 0o700]


def test_two_processes_fill_an_empty_cache_at_once(start, fresh):
    code = "print(json.dumps(toy.check(dtypes=(toy.np.float64, toy.np.float32))))"
    both = [start(code), start(code.replace("toy.check(", "toy.check(toy.VARIANTS[::-1], "))]
    for process in both:
        assert result(process) >= 0
    assert fresh(code) == 2 * ALL


def test_only_what_differs_is_compiled_again(fresh):
    """One name, and a different helper, constant, intrinsic, option or setting."""
    ways = {
        "plain": "toy.make('max', 2, 1.0, False, 'one')",
        "helper": "toy.make('min', 2, 1.0, False, 'one')",
        "constant": "toy.make('max', 2, 0.5, False, 'one')",
        "intrinsic": "toy.make('max', 2, 1.0, True, 'one')",
        "option": "toy.make('max', 2, 1.0, False, 'one', fastmath={'nsz', 'contract'})",
    }
    code = """
x, found = toy.X, {}
for way, made in ways.items():
    kernel = eval(made)
    out = x[:7].copy()
    kernel(x, out, 0, 1)
    found[way] = [out[0], kernel.stats.cache_hits.total()]
print(json.dumps(found))"""
    code = f"ways = {ways}{code}"
    values = {"plain": 6.0, "helper": 2.0, "constant": 3.0, "intrinsic": -6.0, "option": 6.0}
    for hits in (0, 1):
        assert fresh(code) == {way: [value, hits] for way, value in values.items()}
    checked = fresh(code, ANYPOOL_BOUNDSCHECK="1")
    assert {hits for _, hits in checked.values()} == {0}
    assert {hits for _, hits in fresh(code, NUMBA_OPT="2").values()} == {0}


def test_changed_sources_start_a_new_folder(fresh, toy, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(toy, copy, ignore=IGNORED)
    assert fresh(FEW, src=copy) == 0
    assert fresh(FEW) == 2  # the same sources in another place
    with (copy / "anypool" / "kernels" / "threads.py").open("a") as file:
        file.write("# changed\n")
    assert fresh(FEW, src=copy) == 0
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_name_with_strange_letters(fresh):
    code = """
kernel = toy.make('max', 2, name='a/b\\\\c: <p=0.5> "é" ' + 'long' * 80)
toy.right(kernel, 'max', 2, 1.0, False)
print(kernel.stats.cache_hits.total())"""
    assert [fresh(code), fresh(code)] == [0, 1]


def test_one_name_twice_in_a_process_is_one_kernel(fresh):
    code = "print(json.dumps(toy.make('max') is toy.make('max')))"
    assert fresh(code) is True


def test_read_kernels_live_beside_compiled_ones(fresh):
    """Reading leaves out numba's slow set-up; what is compiled or called later still finds it."""
    code = """
from numba import njit
hits = toy.check(toy.VARIANTS[:2])
made = toy.check([('sum', 4, 2.0, False)], disk=False)
row = toy.make(*toy.VARIANTS[0])
@njit
def outer(x):
    out = x[:7].copy()
    row(x, out, 0, 7)
    return out.sum()
told = toy.X[:7].copy()
row(toy.X, told, 0, 7)
print(json.dumps([hits, made, bool(outer(toy.X) == told.sum())]))"""
    assert fresh(code) == [0, 0, True]
    assert fresh(code) == [2, 0, True]


def test_a_kernel_made_in_another_module(fresh, toy):
    assert fresh(FEW) == 0
    shutil.copy(toy / "toy.py", toy / "other.py")
    code = "import other; print(json.dumps(other.check(other.VARIANTS[:2])))"
    assert fresh(code) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_childs_kernels_do_not_clash_with_the_parents(fresh):
    """Both count their symbols from the same number (numba#10486)."""
    code = """
import os, warnings
from anypool.kernels import threads
warnings.simplefilter('ignore', DeprecationWarning)  # 3.12: forking beside threads
first, second, third = toy.VARIANTS[:3]
kernel = toy.make(*first)
toy.right(kernel, *first)
threads.run(lambda a, b: toy.right(kernel, *first), 8, 4)
child = os.fork()
if child == 0:
    toy.check([second])
    toy.right(kernel, *first)
    threads.run(lambda a, b: toy.right(kernel, *first), 8, 4)
    os._exit(0)
status = os.waitpid(child, 0)[1]
made = toy.check([third])
read = toy.check([second])
again = toy.check([first, second, third])
print(json.dumps([status, made, read]))"""
    assert fresh(code) == [0, 0, 1]


def test_broken_files_are_compiled_again(fresh, tmp_path):
    assert fresh(CHECK) == 0
    files = sorted((tmp_path / "kept").rglob("*.kernel"))
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    files[1].write_bytes(b"")
    files[2].write_bytes(os.urandom(5000))
    flipped = bytearray(files[3].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    files[3].write_bytes(flipped)
    four, five = files[4].read_bytes(), files[5].read_bytes()
    files[4].write_bytes(five)  # a whole and honest file, but of another kernel
    files[5].write_bytes(four)
    files[6].unlink()
    files[7].unlink()
    files[7].mkdir()
    files[8].write_bytes(files[8].read_bytes() + b"more")
    assert fresh(CHECK) == ALL - 9
    assert fresh(CHECK) == ALL - 1  # all healed but the folder in the file's place
    assert list((tmp_path / "kept").rglob("*.kernel.*")) == []  # no drafts left


@pytest.mark.parametrize("place", ["below a file", "in /proc", "too long"])
def test_a_place_that_cannot_be_made(fresh, tmp_path, place):
    (tmp_path / "file").write_text("")
    where = {
        "below a file": str(tmp_path / "file" / "kept"),
        "in /proc": "/proc/anypool",
        "too long": str(tmp_path / ("x" * 300)),
    }[place]
    told = fresh(STATUS, ANYPOOL_CACHE_DIR=where)
    assert (told["enabled"], told["directory"], told["hits"]) == (False, None, 0)
    assert told["reason"]


def test_no_home(fresh, tmp_path):
    told = fresh(STATUS, without="HOME XDG_CACHE_HOME LOCALAPPDATA ANYPOOL_CACHE_DIR")
    assert (told["enabled"], told["reason"]) == (False, "no home folder; set ANYPOOL_CACHE_DIR")
    told = fresh(STATUS, without="ANYPOOL_CACHE_DIR", XDG_CACHE_HOME="relative")
    assert told["enabled"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="the folders are named as on Linux")
def test_the_places_in_order(fresh, tmp_path):
    home = {"HOME": str(tmp_path / "home"), "without": "ANYPOOL_CACHE_DIR XDG_CACHE_HOME"}
    assert fresh(STATUS, **home)["directory"].startswith(f"{tmp_path}/home/.cache/anypool/numba")
    home = {"XDG_CACHE_HOME": str(tmp_path / "xdg"), "without": "ANYPOOL_CACHE_DIR HOME"}
    told = fresh(STATUS, **home)
    assert told["directory"].startswith(f"{tmp_path}/xdg/anypool/numba")
    assert (told["enabled"], told["reason"], told["files"]) == (True, "", 2)
    assert told["bytes"] > 1000


def test_switched_off(fresh, tmp_path):
    told = fresh(STATUS, ANYPOOL_CACHE="0")
    assert (told["enabled"], told["reason"]) == (False, "ANYPOOL_CACHE=0")
    assert not (tmp_path / "kept").exists()


def test_disk_false_keeps_nothing(fresh, tmp_path):
    code = "print(toy.check(toy.VARIANTS[:2], disk=False))"
    assert [fresh(code), fresh(code)] == [0, 0]
    assert not (tmp_path / "kept").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners of files")
@pytest.mark.parametrize("spoil", ["can be written by other users", "belongs to another user"])
def test_folders_that_others_may_have_filled_are_not_read(fresh, tmp_path, spoil):
    assert fresh(FEW) == 0
    if spoil.startswith("can"):
        (tmp_path / "kept").chmod(0o777)
    elif os.geteuid():
        pytest.skip("only root can give a folder away")
    else:
        os.chown(next((tmp_path / "kept").iterdir()), 12345, -1)
    told = fresh(STATUS)
    assert (told["hits"], told["enabled"]) == (0, False)
    assert spoil in told["reason"]


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on files")
def test_a_full_disk(fresh):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    told = fresh(limit + STATUS)
    assert (told["files"], told["enabled"]) == (0, True)
    assert "not kept" in told["reason"]


def test_a_numba_that_has_moved_its_rooms(fresh):
    """Its private modules may change with any release: then nothing is kept, and all works."""
    code = "import numba.core.caching; del numba.core.caching._Cache; " + STATUS
    told = fresh(code)
    assert (told["hits"], told["files"]) == (0, 0)
    assert "cache is not understood" in told["reason"]


def test_a_folder_to_read_only(fresh, tmp_path):
    """As in a container: filled while it was built, never written afterwards."""
    assert fresh(FEW) == 0
    code = (
        "toy.cache._write = lambda *_: (_ for _ in ()).throw(OSError(30, 'Read-only')); " + STATUS
    )
    told = fresh(code)
    assert (told["hits"], told["enabled"]) == (2, True)
    assert "Read-only" in told["reason"]


def test_without_compilation(fresh):
    code = "print(toy.cache.compile(lambda x: x + 1, 'plain')(2))"
    assert fresh(code, NUMBA_DISABLE_JIT="1") == 3
