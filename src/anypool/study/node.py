"""What runs on a node of a cluster: the call, with folders that this machine has."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PoolError
from . import child
from .signals import interrupts_terminate

# file below a folder -> what it holds
Files = dict[str, bytes]


def pack(folder: str) -> Files:
    """All that the folder holds, to be sent to another machine."""
    base = Path(folder)
    try:
        files = sorted(file for file in base.rglob("*") if file.is_file())
        packed = {file.relative_to(base).as_posix(): file.read_bytes() for file in files}
    except OSError as error:
        raise PoolError(f"cannot read the data in {folder}: {error.strerror}") from None
    if not packed:
        raise PoolError(f"there is no data in {folder}")
    return packed


def on_node(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    parcels: Mapping[str, Callable[[], Files]],
) -> child.Outcome:
    """The outcome of the call; `parcels` give the data folders that this machine may lack.

    Ctrl-C, which is how a cluster interrupts a call, reaches it as SIGTERM.
    """
    with interrupts_terminate():
        return child.attempt(lambda: fn(*(_at_home(arg, parcels) for arg in args), **kwargs))


def _at_home(job: Any, parcels: Mapping[str, Callable[[], Files]]) -> Any:
    """The job with folders of this machine, where the driver's are not here."""
    if not getattr(job, "data", ""):
        return job
    data, scratch = _data(Path(job.data), parcels), _scratch(Path(job.scratch))
    return replace(job, data=str(data), scratch=str(scratch))


def _data(folder: Path, parcels: Mapping[str, Callable[[], Files]]) -> Path:
    if folder.is_dir():
        return folder
    local = _cache() / "data" / folder.name  # named by the digest of what it holds
    if not local.is_dir():
        _unpack(parcels[str(folder)](), local)
    return local


def _scratch(folder: Path) -> Path:
    """The driver's folder where this machine has it too, else one of this machine's own."""
    if folder.is_dir():
        return folder
    local = _cache() / "scratch"
    local.mkdir(parents=True, exist_ok=True)
    return local


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "anypool" / "nodes"


def _unpack(files: Files, folder: Path) -> None:
    """Make the folder whole or not at all; of several workers at once the first one wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for name, content in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_bytes(content)
        _publish(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _publish(stage: Path, folder: Path) -> None:
    try:
        stage.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
