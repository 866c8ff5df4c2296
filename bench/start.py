"""What a user waits for once: the import, and the first call of a kernel, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

from bench import ROOT
from bench.timing import spread

_IMPORT = """
import time
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""
_FIRST = """
import time
import numba, numpy as np
import anypool as ap
x = np.zeros((4, 16, 32, 32), np.float32)
began = time.perf_counter()
{call}
print(time.perf_counter() - began)
print(ap.explain(x.shape, {windows}, kernel=True, axes=(2, 3), reduce={reduce!r}).kernel)
"""


class First(NamedTuple):
    """A first call, in words, and what explain needs to name its kernel."""

    call: str
    windows: str
    reduce: str


CALLS = {
    "rows": First("ap.max_pool(x, 3, 2, 1)", "ap.windows.sliding(3, 2, 1)", "max"),
    "flat": First("ap.global_avg_pool(x)", "ap.windows.whole()", "mean"),
    "generic": First("ap.median_pool(x, 3)", "ap.windows.sliding(3)", "median"),
}


def imports(runs: int) -> dict[str, Any]:
    """Seconds to import anypool, and NumPy alone, each in fresh processes, in turns."""
    taken: dict[str, list[float]] = {"anypool": [], "numpy": []}
    for _ in range(runs):
        for module, seconds in taken.items():
            seconds.append(float(_fresh(_IMPORT.format(module=module))[0]))
    return {module: spread(seconds)._asdict() for module, seconds in taken.items()}


def first_calls(name: str, runs: int) -> dict[str, Any]:
    """Seconds of the first call of a kernel beyond `import numba`: compiled, then from disk."""
    code, cold, kept = _FIRST.format(**CALLS[name]._asdict()), [], []
    told = ""
    for _ in range(max(1, runs // 3)):
        with tempfile.TemporaryDirectory(prefix="anypool-bench-") as folder:
            first, told = _fresh(code, ANYPOOL_CACHE_DIR=folder)
            cold.append(float(first))
            kept += [float(_fresh(code, ANYPOOL_CACHE_DIR=folder)[0]) for _ in range(3)]
    said = {"call": CALLS[name].call, "expected": name, "kernel": told.removeprefix("kernel: ")}
    return said | {"compiled": spread(cold)._asdict(), "from_disk": spread(kept)._asdict()}


def _fresh(code: str, **settings: str) -> list[str]:
    """What a new process prints, line by line.

    Python keeps the bytecode of what it imports, as it does for everyone who installed anypool.
    """
    changed = {"ANYPOOL_CACHE", "PYTHONDONTWRITEBYTECODE"}
    clean = {name: value for name, value in os.environ.items() if name not in changed}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False,
        env=clean | settings,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no word"])[-1])
    return done.stdout.splitlines()
