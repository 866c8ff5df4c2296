"""Files from the network, checked against their sha256, kept in a cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests

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
        except requests.exceptions.RequestException as error:
            faults.append(_fault(mirror, error))
        except ValueError:
            faults.append(f"what {_host(mirror)} sent does not match its checksum")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise PoolError(f"cannot write {folder / file}: {why}") from None
    ways = f"get {source.mirrors[0]}{file} elsewhere and put it into {folder}"
    ways += f", or {source.instead}" if source.instead else ""
    raise PoolError(f"cannot download {file}: {'; '.join(faults)}; nothing was kept; {ways}")


def _retrieved(url: str, sha256: str, folder: Path, file: str, tell: Tell) -> Path:
    def download(url: str, place: str, pooch_: Any) -> None:
        tell(f"downloading {url}")
        with Bar(file) as bar:
            get = pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, timeout=PATIENCE)
            get(url, place, pooch_)

    return Path(pooch.retrieve(url, f"sha256:{sha256}", file, folder, downloader=download))


def _host(mirror: str) -> str:
    return urlsplit(mirror).netloc


def _fault(mirror: str, error: requests.exceptions.RequestException) -> str:
    """What went wrong, in the words of a user and not of a network library."""
    host = _host(mirror)
    if error.response is not None:
        return f"{host} answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"{host} stopped in the middle of the file"
    if isinstance(error, requests.exceptions.Timeout):
        return f"{host} does not answer"
    return f"{host} cannot be reached"
