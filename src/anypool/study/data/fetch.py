"""Files from the network, checked against their sha256, kept in a cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch

from ...errors import PoolError
from .bar import Bar
from .registry import SOURCES, Source

CHUNK = 1 << 16
PATIENCE = (10, 60)  # seconds to reach a server, and to wait for its next bytes
Tell = Callable[[str], None]


def cache_folder() -> Path:
    """Where downloads are kept if the caller names no folder."""
    return Path(pooch.os_cache("anypool")) / "data"


def fetched(name: str, cache: Path | None, tell: Tell) -> list[Path]:
    """The files of a registered data set, downloaded unless the cache has them intact."""
    source = SOURCES[name]
    folder = (cache or cache_folder()) / name
    pooch.get_logger().setLevel("WARNING")  # `tell` says what is being downloaded
    return [_file(source, file, folder, tell) for file in source.files]


def _file(source: Source, file: str, folder: Path, tell: Tell) -> Path:
    """One file from the first mirror that has it."""
    faults: list[str] = []
    for mirror in source.mirrors:
        try:
            return _retrieved(mirror + file, source.files[file], folder, file, tell)
        except ValueError:
            faults.append(f"what {_host(mirror)} sent does not match its checksum")
        except OSError as error:
            faults.append(_fault(mirror, error, folder / file))
    ways = f"get {source.mirrors[0]}{file} elsewhere and put it into {folder}"
    ways += f", or {source.instead}" if source.instead else ""
    raise PoolError(f"cannot download {file}: {'; '.join(faults)}; nothing was kept; {ways}")


def _retrieved(url: str, sha256: str, folder: Path, file: str, tell: Tell) -> Path:
    def download(url: str, place: Any, pooch_: Any) -> None:
        tell(f"downloading {url}")
        with Bar(file) as bar:
            kind: Any = pooch.HTTPDownloader
            kind(progressbar=bar, chunk_size=CHUNK, timeout=PATIENCE)(url, place, pooch_)

    downloader: Any = download
    return Path(pooch.retrieve(url, f"sha256:{sha256}", file, folder, downloader=downloader))


def _host(mirror: str) -> str:
    return urlsplit(mirror).netloc


def _fault(mirror: str, error: OSError, place: Path) -> str:
    """What went wrong, in the words of a user; a disk that fails needs no second mirror.

    The network library's errors are OSErrors that carry the server's response, or None.
    """
    if not hasattr(error, "response"):
        raise PoolError(f"cannot write {place}: {(error.strerror or str(error)).lower()}") from None
    answer = getattr(error, "response")  # noqa: B009 (not every OSError has it)
    if answer is not None:
        return f"{_host(mirror)} answers {answer.status_code} {answer.reason}"
    if type(error).__name__ == "ChunkedEncodingError":
        return f"{_host(mirror)} stopped in the middle of the file"
    return f"{_host(mirror)} cannot be reached or does not answer"
