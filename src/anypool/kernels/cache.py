"""Compiled kernels, and where they are kept between processes.

Numba's own cache does not serve here: a closure over another compiled function never hits, the
variants of one factory share an index that two processes can mix up, and a folder that cannot be
written stops the import. So each kernel has its own file, named after and sealed with all that
decides its machine code. Whatever is wrong with the disk, the kernel is compiled instead.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

from anypool.kernels.identity import identity

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

_SUFFIX = ".kernel"
# What in numba's settings changes machine code without showing in the options or the CPU's name.
_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "USING_SVML")

_lock = threading.Lock()
_made: dict[str, Dispatcher] = {}
_trouble: deque[str] = deque(maxlen=1)  # the last thing that went wrong with the disk


def compile(function: Callable, name: str, *, disk: bool = True, **options: Any) -> Dispatcher:
    """The kernel `function` compiled by Numba, without the GIL, kept on disk under `name`.

    `name` must tell the specialisation: it becomes the symbol's name, so two different kernels
    or helpers of one name would be taken for each other. Use `disk=False` for functions that
    come from the user. `options` are njit's: `fastmath={"nsz"}`, for example.
    """
    options = {"nogil": True, **_options(options)}
    named = _named(function, name)
    known = _identity(named, options) if disk else None
    if known is None:
        return _njit(named, options)
    with _lock:  # made twice, the second would define the symbols of the first again
        if known not in _made:
            _made[known] = _attach(_njit(named, options), known)
        return _made[known]


def helper(function: Callable, name: str, **options: Any) -> Dispatcher:
    """A function for kernels to call: inlined into each, never on disk by itself.

    `name` should hold the kernel's name too. A forked child counts its symbols as the parent
    does, so equal names of different helpers would clash in a kernel read from disk. Python can
    not call a helper: it has no wrapper, which takes a fifth off the time to compile a kernel.
    """
    inner = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return _njit(_named(function, name), {**inner, **_options(options)})


def status() -> dict[str, object]:
    """What the disk cache is doing, for the doctor: on or off, where, why, how much."""
    folder, reason = _place()
    files = _files(folder)
    return {
        "enabled": folder is not None,
        "directory": folder,
        "reason": reason or (_trouble[-1] if _trouble else ""),
        "files": len(files),
        "bytes": sum(files),
    }


def _options(options: dict[str, Any]) -> dict[str, Any]:
    checked = os.environ.get("ANYPOOL_BOUNDSCHECK", "0") not in ("", "0")
    checks = {"boundscheck": True} if checked else {}
    return {"error_model": "numpy", **checks, **options}


def _njit(function: Callable, options: dict[str, Any]) -> Dispatcher:
    from numba import njit

    return njit(**options)(function)


def _identity(function: FunctionType, options: dict[str, Any]) -> str | None:
    try:
        return identity(function, options)
    except Exception as error:  # an empty cell, an array of objects, ...
        _trouble.append(f"{function.__name__} is not kept: {error!r}")
        return None


def _named(function: Callable, name: str) -> FunctionType:
    """A copy, for one plain function may serve several kernels under several names."""
    code, scope = function.__code__, function.__globals__
    copy = FunctionType(code, scope, name, function.__defaults__, function.__closure__)
    copy.__qualname__, copy.__module__ = name, function.__module__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# --- the place on disk --------------------------------------------------------------------------


@functools.cache
def _place() -> tuple[str | None, str]:
    """The folder for kernels of exactly these sources, or None; and what is the matter."""
    if os.environ.get("ANYPOOL_CACHE", "1") == "0":
        return None, "ANYPOOL_CACHE=0"
    try:
        root = _root()
        folder = os.path.join(root, _edition())
        _make(folder)
        _check_owner(root)
        _check_owner(folder)
    except Exception as error:
        return None, str(error)
    try:
        _write(os.path.join(folder, "probe"), b"")
    except OSError as error:  # filled by another, as in a container's image: still good to read
        return folder, f"nothing can be added: {error}"
    return folder, ""


def _root() -> str:
    own = os.environ.get("ANYPOOL_CACHE_DIR")
    if own:
        return os.path.abspath(os.path.expanduser(own))
    home = os.environ.get("HOME", "")
    base = os.environ.get("XDG_CACHE_HOME") or (home and os.path.join(home, ".cache"))
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = home and os.path.join(home, "Library", "Caches")
    if not os.path.isabs(base):  # also "": the current folder is no place for this
        raise OSError("no home folder; set ANYPOOL_CACHE_DIR")
    return os.path.join(base, "anypool")


def _edition() -> str:
    import llvmlite
    import numba

    python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
    return f"numba{numba.__version__}-llvmlite{llvmlite.__version__}-{python}-{_sources()}"


def _sources() -> str:
    """A hash of all kernel and reduction sources: 0.3 ms for 20 files of 10 kB."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    total = hashlib.sha256()
    for path in sorted(_source_files(package)):
        with open(path, "rb") as file:
            text = file.read()
        total.update(f"{os.path.relpath(path, package)} {len(text)}\n".encode())
        total.update(text)
    return total.hexdigest()[:16]


def _source_files(package: str) -> Iterator[str]:
    if not os.path.isfile(os.path.join(package, "kernels", "cache.py")):
        raise OSError("anypool's sources are not files here (a zip, a frozen program)")
    for room in ("kernels", "reductions"):
        for folder, _, names in os.walk(os.path.join(package, room)):
            yield from (os.path.join(folder, name) for name in names if name.endswith(".py"))
    single = os.path.join(package, "reductions.py")
    yield from [single] if os.path.isfile(single) else []


def _make(folder: str) -> None:
    """makedirs, but with every new folder for the user alone: the files are pickles."""
    if os.path.isdir(folder):
        return
    _make(os.path.dirname(folder))
    with contextlib.suppress(FileExistsError):  # another process was quicker, or it is a file
        os.mkdir(folder, 0o700)


def _check_owner(folder: str) -> None:
    if sys.platform == "win32":  # the profile's folders are private there
        return
    info = os.stat(folder)
    if info.st_uid not in (0, os.geteuid()):
        raise PermissionError(f"{folder} belongs to another user")
    if info.st_mode & 0o022:
        raise PermissionError(f"{folder} can be written by other users")


def _files(folder: str | None) -> list[int]:
    try:
        with os.scandir(folder or os.devnull) as entries:
            return [one.stat().st_size for one in entries if one.name.endswith(_SUFFIX)]
    except OSError:
        return []


def _write(path: str, data: bytes) -> None:
    """All or nothing: readers see the old file or the new one."""
    draft = f"{path}.{os.urandom(8).hex()}"
    try:
        with open(draft, "xb") as file:
            file.write(data)
        os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise


# --- numba's side -------------------------------------------------------------------------------


def _attach(dispatcher: Any, known: str) -> Dispatcher:
    folder, _ = _place()
    if folder is None or not hasattr(dispatcher, "_cache"):  # NUMBA_DISABLE_JIT: a plain function
        return dispatcher
    try:
        stem = os.path.join(folder, re.sub(r"[^\w=+-]+", "_", dispatcher.__name__)[:80])
        dispatcher._cache = _disk()(stem, known)
    except Exception as error:  # numba has moved its rooms: all works, nothing is kept
        _trouble.append(f"this numba's cache is not understood: {error!r}")
    return dispatcher


@functools.cache
def _disk() -> type:
    """Our cache in the form numba asks for; built late, for it needs numba's private modules."""
    from numba.core import config
    from numba.core.caching import _Cache
    from numba.core.compiler import CompileResult
    from numba.core.runtime.nrt import rtsys
    from numba.core.serialize import dumps

    settings = [str(getattr(config, word, None)) for word in _SETTINGS]

    class Disk(_Cache):
        """One kernel's files: one for each signature and CPU."""

        def __init__(self, stem: str, known: str) -> None:
            self._stem, self._known = stem, known

        @property
        def cache_path(self) -> Any:
            return os.path.dirname(self._stem)

        def _key(self, signature: object, codegen: Any) -> tuple[str, bytes]:
            key = repr((self._known, signature, codegen.magic_tuple(), settings)).encode()
            return f"{self._stem}-{hashlib.sha256(key).hexdigest()[:24]}{_SUFFIX}", key

        def load_overload(self, sig: object, target_context: Any) -> Any:
            # Numba refreshes its context first, 0.2 to 0.4 s; machine code needs no typing rules,
            # only the runtime's symbols. The first compilation refreshes it all the same.
            try:
                rtsys.initialize(target_context)
                data = _unseal(*self._key(sig, target_context.codegen()))
                if data is None:
                    return None
                return CompileResult._rebuild(target_context, *pickle.loads(data))
            except Exception as error:
                _trouble.append(f"not loaded: {error!r}")
                return None

        def save_overload(self, sig: object, data: Any) -> None:
            try:
                if data.lifted or data.library.has_dynamic_globals:
                    return  # it holds addresses of this process
                payload = dumps(data._reduce())
                if b"numba_hashsecret" not in payload:  # a symbol that loading does not prepare
                    _seal(*self._key(sig, data.codegen), payload)
            except Exception as error:
                _trouble.append(f"not kept: {error!r}")

        def enable(self) -> None:
            """Nothing to do: it is on as long as the dispatcher lives."""

        disable = flush = enable

    return Disk


def _seal(path: str, key: bytes, payload: bytes) -> None:
    _write(path, hashlib.sha256(key + payload).digest() + payload)


def _unseal(path: str, key: bytes) -> bytes | None:
    """The payload, if the file is whole and was written for this very key."""
    try:
        with open(path, "rb") as file:
            seal, payload = file.read(32), file.read()
    except FileNotFoundError:
        return None
    return payload if hashlib.sha256(key + payload).digest() == seal else None
