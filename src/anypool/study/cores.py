"""How many cores this process may really use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBER = Path("/proc/self/cgroup")

Quota = Callable[[Path], Iterator[float]]


def cores(root: Path = ROOT, member: Path = MEMBER) -> int:
    """Cores that affinity and the container's quota leave to this process, at least 1.

    >>> cores() >= 1
    True
    """
    shares = [_affinity(), *_quotas(root, member)]
    return max(1, int(min(shares)))


def _affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on macOS and Windows
        return os.cpu_count() or 1


def _quotas(root: Path, member: Path) -> Iterator[float]:
    """The quota of every control group this process is in: the tightest one holds."""
    for line in _text(member).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _upward(root, path, _second_version)
        elif "cpu" in controllers.split(","):
            yield from _upward(root / "cpu", path, _first_version)


def _upward(root: Path, path: str, read: Quota) -> Iterator[float]:
    group = root / path.strip("/")
    for place in (group, *group.parents):
        if place.is_relative_to(root):
            yield from read(place)


def _second_version(group: Path) -> Iterator[float]:
    quota, _, period = _text(group / "cpu.max").partition(" ")
    yield from _share(quota, period)


def _first_version(group: Path) -> Iterator[float]:
    yield from _share(_text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us"))


def _share(quota: str, period: str) -> Iterator[float]:
    """Nothing where there is no limit, which is written as "max" or as -1."""
    if quota.isdigit() and period.isdigit():
        yield int(quota) / int(period)


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
