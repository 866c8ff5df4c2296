"""Where a study's numbers come from: the versions, the machine, the command."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def command() -> str:
    """The command line of this process, as one would type it again.

    >>> isinstance(command(), str)
    True
    """
    program, *rest = sys.argv
    return shlex.join([Path(program).name, *rest])


def versions() -> dict[str, str]:
    """What a trial's outcome may depend on, beside its settings."""
    return {"anypool": version("anypool"), "torch": torch.__version__.partition("+")[0]}


def machine() -> dict[str, Any]:
    """This machine in a few words."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "anypool": version("anypool"),
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.partition(": ")[2] for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
