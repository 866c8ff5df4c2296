"""Where a study's numbers come from: the versions, the machine, the command."""

from __future__ import annotations

import hashlib
import inspect
import os
import platform
import shlex
import sys
from collections.abc import Callable
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


def versions(network: Callable[..., Any] | None = None) -> dict[str, str]:
    """What a trial's outcome may depend on, beside its settings.

    network: the user's own factory, whose source then counts: a changed one makes new trials
    """
    known = {"anypool": version("anypool"), "torch": torch.__version__.partition("+")[0]}
    if network is None:
        return known
    try:
        source = inspect.getsource(inspect.getmodule(network) or network)
    except (OSError, TypeError):  # typed at a prompt: there is no file to look at
        return known
    return known | {"network": hashlib.sha256(source.encode()).hexdigest()[:16]}


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
