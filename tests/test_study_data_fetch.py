"""Downloads: checked, cached, mirrored, and one sentence for everything that can go wrong."""

import gzip
import hashlib
import http.server
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pooch", reason="pooch is not installed")
pytest.importorskip("PIL", reason="pillow is not installed")

from anypool import PoolError
from anypool.study.data import bar, cifar, load, loading
from anypool.study.data.fetch import cache_folder
from anypool.study.data.registry import IDX, SOURCES
from test_study_data_files import archive, idx_bytes, whole_cifar

X = np.random.default_rng(6).integers(0, 256, (20, 28, 28))
Y = np.arange(20) % 10
FILES = {
    name: gzip.compress(idx_bytes(array), mtime=0)
    for name, array in zip(IDX, (X, Y, X[:10], Y[:10]), strict=True)
}


class Server(http.server.ThreadingHTTPServer):
    """A mirror on this machine; `mood` says how it answers."""

    files: dict[str, bytes]
    asked: list[str]
    mood: str


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if self.server.mood in ("404", "503") or name not in self.server.files:
            return self.send_error(int(self.server.mood if self.server.mood.isdigit() else 404))
        raw = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        body = raw[: len(raw) // 2] if self.server.mood == "stops" else raw
        self.wfile.write(b"?" * len(raw) if self.server.mood == "lies" else body)
        return None

    def log_message(self, *words):
        pass


@pytest.fixture
def mirror():
    server = Server(("127.0.0.1", 0), Handler)
    server.files, server.asked, server.mood = dict(FILES), [], "well"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture
def register(monkeypatch):
    """Point a data set to mirrors of ours; the sums are those of the files of the first."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def point(name, mirrors, files):
        sums = {file: hashlib.sha256(raw).hexdigest() for file, raw in files.items()}
        source = replace(SOURCES[name], mirrors=tuple(mirrors), files=sums)
        monkeypatch.setitem(SOURCES, name, source)

    return point


NOBODY = "http://127.0.0.1:9/"  # the discard port, where nothing listens


def test_a_set_is_downloaded_once(mirror, register, tmp_path):
    register("mnist", [address(mirror)], FILES)
    said = []
    data = load("mnist", cache=tmp_path, tell=said.append)
    assert np.array_equal(data.train_images[:, 0], X)
    assert np.array_equal(data.test_labels, Y[:10])
    assert data.classes == tuple("0123456789")
    assert said == [f"downloading {address(mirror)}{name}" for name in IDX]
    assert load("mnist", cache=tmp_path).digest == data.digest
    assert mirror.asked == list(IDX)
    assert sorted(p.name for p in (tmp_path / "mnist").iterdir()) == sorted(IDX)


def test_a_spoiled_file_in_the_cache_is_downloaded_again(mirror, register, tmp_path):
    register("kmnist", [address(mirror)], FILES)
    load("kmnist", cache=tmp_path)
    (tmp_path / "kmnist" / IDX[1]).write_bytes(b"spoiled")
    load("kmnist", cache=tmp_path)
    assert mirror.asked == [*IDX, IDX[1]]


def test_a_file_put_into_the_cache_by_hand_is_taken(register, tmp_path):
    register("mnist", [NOBODY], FILES)
    (tmp_path / "mnist").mkdir()
    for name, raw in FILES.items():
        (tmp_path / "mnist" / name).write_bytes(raw)
    assert len(load("mnist", cache=tmp_path).train_labels) == 20


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("lies", "127.0.0.1:[0-9]+ sent does not match its checksum"),
        ("stops", "127.0.0.1:[0-9]+ stopped in the middle of the file"),
        ("404", "127.0.0.1:[0-9]+ answers 404 Not Found"),
        ("503", "127.0.0.1:[0-9]+ answers 503 Service Unavailable"),
    ],
)
def test_a_bad_download_is_one_sentence_and_leaves_nothing(mood, words, mirror, register, tmp_path):
    register("mnist", [address(mirror)], FILES)
    mirror.mood = mood
    with pytest.raises(PoolError, match=words) as caught:
        load("mnist", cache=tmp_path)
    assert f"get {address(mirror)}{IDX[0]} elsewhere and put it into" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    mirror.mood = "well"
    assert len(load("mnist", cache=tmp_path).train_labels) == 20


def test_without_a_network_it_is_said_what_to_do(register, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "DEBIAN", str(tmp_path / "no Debian"))
    register("fashion-mnist", [NOBODY], FILES)
    with pytest.raises(PoolError, match="cannot be reached or does not answer") as caught:
        load("fashion-mnist", cache=tmp_path)
    assert str(caught.value).endswith("or on Debian, apt install dataset-fashion-mnist")


@pytest.mark.parametrize("mood", ["lies", "stops", "404"])
def test_the_next_mirror_helps(mood, mirror, register, tmp_path):
    other = Server(("127.0.0.1", 0), Handler)
    other.files, other.asked, other.mood = {}, [], mood
    other.files = dict(FILES)
    thread = threading.Thread(target=other.serve_forever, args=(0.01,))
    thread.start()
    try:
        register("mnist", [address(other), address(mirror)], FILES)
        assert len(load("mnist", cache=tmp_path).train_labels) == 20
    finally:
        other.shutdown()
        other.server_close()
        thread.join()
    assert len(mirror.asked) == 4


def test_a_cache_that_cannot_be_written_is_one_sentence(mirror, register, tmp_path):
    register("mnist", [address(mirror)], FILES)
    (tmp_path / "file").write_text("")
    with pytest.raises(PoolError, match=r"file/mnist/train-images-idx3-ubyte\.gz: not a directory"):
        load("mnist", cache=tmp_path / "file")


def test_cifar10_comes_out_of_its_archive(mirror, register, tmp_path):
    raw = archive(tmp_path / "c.tar.gz", whole_cifar()).read_bytes()
    mirror.files = {"cifar-10-binary.tar.gz": raw}
    register("cifar10", [address(mirror)], mirror.files)
    data = load("cifar10", cache=tmp_path)
    assert data.train_images.shape == (20, 3, 32, 32)
    assert data.classes[9] == "truck"
    assert len(cifar.TRAIN) == 5


# --- Fashion-MNIST from Debian --------------------------------------------------------------------
def test_fashion_mnist_is_read_from_debians_package():
    if not Path(loading.DEBIAN).exists():
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    data = load("fashion-mnist")
    assert data.train_images.shape == (60000, 1, 28, 28)
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    assert data.classes[9] == "Ankle boot"
    assert round(float(data.train_images.mean()), 4) == 72.9404  # the set's well-known mean


def test_another_fashion_mnist_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "DEBIAN", str(tmp_path))
    for name, raw in FILES.items():
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(PoolError, match="does not match its checksum; install dataset-fashion"):
        load("fashion-mnist")


# --- the registry and the bar ---------------------------------------------------------------------
def test_every_source_is_pinned_and_encrypted():
    for source in SOURCES.values():
        assert all(mirror.startswith("https://") and mirror[-1] == "/" for mirror in source.mirrors)
        assert all(len(bytes.fromhex(sum_)) == 32 for sum_ in source.files.values())
        assert len(set(source.classes)) == 10


def test_the_cache_has_a_home_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "anypool" / "data"


def test_the_bar_shows_on_a_terminal_only(monkeypatch, capsys):
    class Terminal:
        def isatty(self):
            return True

    with bar.Bar("file") as quiet:
        quiet.update(5)
    assert capsys.readouterr() == ("", "")
    assert quiet.progress.disable
    monkeypatch.setattr(bar.sys, "stderr", Terminal())
    shown = bar.Bar("file")
    assert not shown.progress.disable
    shown.total = 10
    shown.update(5)
    shown.update(5)
    shown.reset()
    shown.update(10)
    assert shown.progress.tasks[0].percentage == 100
