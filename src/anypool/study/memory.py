"""This process's memory: how much it held at most, and that it keeps what it will need again."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import sys
from pathlib import Path


def forget_peak() -> None:
    """Begin to count anew, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The peak in bytes; since the process began where the system cannot forget."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


# glibc's names for its settings, from malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed() -> None:
    """Let glibc keep freed memory for the next batch instead of giving it back to the system.

    A training frees and asks for the same megabytes at every step, and each fresh page costs a
    fault: `python -m bench.study_rows --memory` says what that is on this machine.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 1 << 25)  # the most glibc allows
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(M_TOP_PAD, 1 << 26)
