"""How much of the machine's time a container may use: Linux control groups, versions 1 and 2."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from pathlib import Path

CGROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


@functools.cache
def quota() -> int | None:
    """Whole cores that this process's groups may use, rounded up; None where nothing limits them.

    Read once in a process: it takes a few small files.
    """
    found = [cores for folder in _folders() if (cores := _cores(folder)) is not None]
    return max(1, math.ceil(min(found))) if found else None


def _folders() -> Iterator[Path]:
    """Every folder that may hold a limit of this process: its own groups' and those above."""
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number != "0" and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS if number == "0" else CGROUPS / "cpu"
        here = root / path.lstrip("/")
        # a container may see its own group at the root, under a path of the machine outside
        yield from (folder for folder in (here, *here.parents) if folder.is_relative_to(root))


def _cores(folder: Path) -> float | None:
    """What one folder allows, in cores."""
    try:
        if (two := folder / "cpu.max").exists():
            time, period = two.read_text().split()
        else:
            time = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        cores = float(time) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max": no limit
        return None
    return cores if cores > 0 else None
