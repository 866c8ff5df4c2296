"""Bytes from the web: http and https only, bounded in size and time, told while they come."""

from __future__ import annotations

import http.client
import io
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from ..errors import PoolError
from .picture import silent

MOST_BYTES = 64 * 2**20
SILENT = 20.0  # seconds without a byte
LONGEST = 600.0  # seconds for the whole
_STEP = 8 * 2**20  # bytes between two words about the progress
_ACCEPTED = ("http", "https")
_AGENT = "anypool (https://pypi.org/project/anypool)"


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Redirects stay on http and https."""

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> urllib.request.Request | None:
        try:
            _check(newurl)
        except PoolError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, *, tell: Callable[[str], None] = silent) -> io.BytesIO:
    """What an http or https address holds, at most 64 MB; every fault becomes one sentence."""
    _check(url)
    name = shown(url)
    opener = urllib.request.build_opener(_Redirect)
    try:
        request = urllib.request.Request(_quoted(url), headers={"User-Agent": _AGENT})
        with opener.open(request, timeout=SILENT) as answer:
            return _body(answer, name, tell)
    except PoolError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise PoolError(f"{name} answers {error.code} {_clause(error.reason)}") from None
    except TimeoutError:
        raise PoolError(f"{name} was silent for {SILENT:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise PoolError(f"{name} was silent for {SILENT:g} s") from None
        raise PoolError(f"cannot reach {name}: {_clause(error.reason)}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise PoolError(f"cannot read {name}: {_clause(error)}") from None


def shown(url: str) -> str:
    """The address without what may be secret: no user, no password, no query.

    >>> shown("https://me:secret@example.org/cat.jpg?key=1")
    'https://example.org/cat.jpg'
    """
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def split(url: str) -> urllib.parse.SplitResult:
    """The parts of an address, or one sentence where it has none."""
    try:
        return urllib.parse.urlsplit(url)
    except ValueError as error:
        raise PoolError(f"{url!r} is no address: {_clause(error)}") from None


def _check(url: str) -> None:
    """Refuse what is not read: other schemes, and passwords that errors might repeat."""
    parts = split(url)
    scheme = parts.scheme.lower()
    if "@" in parts.netloc:
        raise PoolError(f"{shown(url)} came with a user's name; such addresses are not read")
    if scheme not in _ACCEPTED:
        raise PoolError(
            f"{scheme}:// addresses are not read; give a file, or an http:// or https:// address"
        )


def _quoted(url: str) -> str:
    """The address with spaces and foreign letters as the web writes them."""
    parts = split(url.strip())
    path, query = (
        urllib.parse.quote(text, safe="%/:=&?~+!$,;'@()*[]") for text in (parts.path, parts.query)
    )
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path or "/", query, ""))


def _body(answer: Any, name: str, tell: Callable[[str], None]) -> io.BytesIO:
    """The answer's bytes, as long as they are few enough and come in time."""
    promised = _length(answer)
    if promised is not None and promised > MOST_BYTES:
        raise PoolError(f"{name} has {_mb(promised)}; at most {_mb(MOST_BYTES)} are downloaded")
    body, began, said = io.BytesIO(), time.monotonic(), 0
    while piece := answer.read1(2**16):
        body.write(piece)
        have = body.tell()
        if have > MOST_BYTES:
            raise PoolError(f"{name} has more than {_mb(MOST_BYTES)}, which is the most")
        if time.monotonic() - began > LONGEST:
            raise PoolError(f"{name} took more than {LONGEST:g} s for {_mb(have)}")
        if have - said >= _STEP:
            tell(f"{name}: {_mb(have)}" + (f" of {_mb(promised)}" if promised else ""))
            said = have
    if promised is not None and body.tell() < promised:
        raise PoolError(f"{name} broke off after {body.tell()} of {promised} bytes")
    body.seek(0)
    return body


def _length(answer: Any) -> int | None:
    given = answer.headers.get("Content-Length", "")
    return int(given) if given.isdecimal() and not answer.chunked else None


def _mb(count: int) -> str:
    return f"{count / 2**20:.3g} MB"


def _clause(error: Any) -> str:
    """A few plain words of what went wrong, without a full stop."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0].rstrip(".")
