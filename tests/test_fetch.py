"""Photographs from the web: every fault one sentence, nothing unbounded. Loopback servers only."""

import hashlib
import http.server
import io
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from anypool import PoolError
from anypool.see import fetch as web
from anypool.see import read

pytest.importorskip("PIL", reason="pillow is not installed")

from PIL import Image

RGB = np.random.default_rng(7).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def png():
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "png")
    return file.getvalue()


PNG = png()


class Site(http.server.BaseHTTPRequestHandler):
    """A small site: a path names a way to answer."""

    protocol_version = "HTTP/1.1"
    seen: list = []  # noqa: RUF012

    def log_message(self, *_):
        """Say nothing on stderr."""

    def do_GET(self):
        Site.seen.append((self.path, self.headers["User-Agent"]))
        way = self.path.strip("/").split("?")[0].split(".")[0] or "cat"
        getattr(self, way.replace("%20", "_"), self.missing)()

    def answer(self, body, code=200, length=None, **headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def cat(self):
        self.answer(PNG)

    my_cat = cat

    def missing(self):
        self.answer(b"no", 404)

    def broken(self):
        self.answer(b"no", 500)

    def page(self):
        self.answer(b"<html>not a picture</html>", Content_Type="text/html")

    def nothing(self):
        self.answer(b"")

    def moved(self):
        self.answer(b"", 302, Location="/cat.png")

    def round(self):
        self.answer(b"", 302, Location="/round")

    def escape(self):
        self.answer(b"", 302, Location="file:///etc/passwd")

    def fpt(self):
        self.answer(b"", 302, Location="ftp://127.0.0.1/cat.png")

    def short(self):
        self.answer(PNG[:100], length=len(PNG))
        self.close_connection = True

    def large(self):
        self.answer(PNG, length=10**9)
        self.close_connection = True

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(0, len(PNG), 500):
            piece = PNG[i : i + 500]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def silent(self):
        time.sleep(1)
        self.close_connection = True

    def drip(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(40):
            self.wfile.write(b"x" * 10)
            self.wfile.flush()
            time.sleep(0.05)


@contextmanager
def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # a client that hangs up is part of the test
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def site():
    with serving(Site) as address:
        yield address


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Loopback is asked directly, whatever this machine's settings."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "path", ["cat.png", "", "moved", "chunks.png", "my cat.png", "cat.png?a=1"]
)
def test_a_photograph_comes_from_the_web(site, path):
    np.testing.assert_allclose(read(f"{site}/{path}"), RGB / 255, atol=1e-6)


def test_who_asks(site):
    read(f"{site}/cat.png")
    assert Site.seen[-1][1].startswith("anypool")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.png", "answers 404 Not Found"),
        ("broken.png", "answers 500 Internal Server Error"),
        ("round.png", "answers 302 .* infinite loop"),
        ("page.html", r"page\.html is not a photograph that can be read"),
        ("nothing.png", r"nothing\.png is empty: it has 0 bytes"),
        ("short.png", "broke off after 100 of"),
        ("large.png", "has 954 MB; at most 64 MB are downloaded"),
        ("escape.png", "answers 302 .* is not allowed"),
        ("fpt.png", "ftp:// addresses are not read"),
    ],
)
def test_a_fault_is_one_sentence(site, path, words):
    with pytest.raises(PoolError, match=words) as caught:
        read(f"{site}/{path}")
    assert "\n" not in str(caught.value)


def test_more_than_was_promised(site, monkeypatch):
    monkeypatch.setattr(web, "MOST_BYTES", 1000)
    with pytest.raises(PoolError, match=r"has more than 0\.000954 MB, which is the most"):
        read(f"{site}/chunks.png")


def test_a_silent_server(site, monkeypatch):
    monkeypatch.setattr(web, "SILENT", 0.1)
    with pytest.raises(PoolError, match=r"silent\.png was silent for 0\.1 s"):
        read(f"{site}/silent.png")


def test_a_server_that_never_ends(site, monkeypatch):
    monkeypatch.setattr(web, "LONGEST", 0.1)
    with pytest.raises(PoolError, match=r"drip\.png took more than 0\.1 s"):
        read(f"{site}/drip.png")


def test_a_server_that_is_down():
    with socket.socket() as room:
        room.bind(("127.0.0.1", 0))
        port = room.getsockname()[1]
    with pytest.raises(PoolError, match=f"cannot reach http://127.0.0.1:{port}/cat.png: "):
        read(f"http://127.0.0.1:{port}/cat.png")


def test_what_speaks_no_http():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak():
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(PoolError, match=r"cannot read http://127\.0\.0\.1"):
            read(f"http://127.0.0.1:{server.getsockname()[1]}/cat.png")
        thread.join()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://example.org/cat.png", "ftp:// addresses are not read; give a file, or an http://"),
        ("s3://bucket/cat.png", "s3:// addresses are not read"),
        ("http://", "cannot re"),
        ("http://exa mple/", "cannot re"),
        ("http://[::1/cat", "is no address"),
    ],
)
def test_addresses_that_are_none(address, words):
    with pytest.raises(PoolError, match=words):
        read(address)


def test_what_is_secret_is_not_repeated(site):
    for secret in (
        f"{site}/nowhere.png?key=hunter2",
        "https://me:hunter2@example.org/cat.png",
        "ftp://me:hunter2@example.org/cat.png",
    ):
        with pytest.raises(PoolError, match=r"127\.0\.0\.1|example\.org") as caught:
            read(secret)
        assert "hunter2" not in str(caught.value)


def test_progress_is_told(site, monkeypatch):
    monkeypatch.setattr(web, "_STEP", 500)
    heard = []
    read(f"{site}/chunks.png", tell=heard.append)
    assert heard[0] == f"downloading {site}/chunks.png"
    assert len(heard) > 2
    assert all("MB" in words for words in heard[1:])


def test_the_checksum(site, tmp_path):
    right = hashlib.sha256(PNG).hexdigest()
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    for source in (f"{site}/cat.png", path):
        assert read(source, sha256=right.upper()).shape == (20, 30, 3)
        with pytest.raises(PoolError, match=f"has the SHA-256 {right}, not the one"):
            read(source, sha256="0" * 64)
        with pytest.raises(PoolError, match="sha256 is 'abc'; it has 64 hexadecimal digits"):
            read(source, sha256="abc")


def test_file_addresses(tmp_path):
    path = tmp_path / "my cat.png"
    path.write_bytes(PNG)
    assert read(path.as_uri()).shape == (20, 30, 3)
    with pytest.raises(PoolError, match="there is no file"):
        read((tmp_path / "gone.png").as_uri())
    with pytest.raises(PoolError, match="lies on another machine"):
        read("file://server/share/cat.png")


def test_the_command_takes_addresses(site, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from anypool.cli import main

    right = hashlib.sha256(PNG).hexdigest()
    out = tmp_path / "out"
    asked = ["image", f"{site}/my%20cat.png", "--pool", "max", "--sha256", right]
    assert main([*asked, "--out", str(out), "--dpi", "40"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"wrote {out / 'my cat.png'}"
    assert f"downloading {site}/my%20cat.png" in said.err
    assert "<h2>my cat.png</h2>" in (out / "index.html").read_text("utf-8")
    assert main(["image", f"{site}/page.html", "--out", str(tmp_path / "none")]) == 2
    assert "page.html is not a photograph that can be read" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
