"""Where the figures come from: the machine, its versions, its load, and how fast it copies."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np

from anypool import doctor
from bench import ROOT, peers
from bench.timing import Effort, side_by_side, spread

PACKAGES = (
    "anypool", "numpy", "numba", "llvmlite", "torch", "onnxruntime", "openvino", "jax",
    "tensorflow-cpu", "scikit-image", "scipy", "numbagg", "xarray", "ml_dtypes",
)  # fmt: skip


def facts(effort: Effort) -> dict[str, Any]:
    """Everything about here and now that a figure depends on."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": doctor.cpu()["name"],
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("ANYPOOL_NUM_THREADS", "0")) or None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "missing": peers.missing(),
        "load_before": load(),
        "copy_gigabytes_per_second": copying(effort),
    }


def load() -> list[float] | None:
    """Processes that want to run: the mean of 1, 5 and 15 minutes."""
    try:
        return [round(figure, 2) for figure in os.getloadavg()]
    except (OSError, AttributeError):  # not on Windows
        return None


def commit() -> str:
    """The checkout's commit, with a word if it has changes."""
    try:
        short = _git("rev-parse", "--short", "HEAD").strip()
        return short + (" and changes" if _git("status", "--porcelain", "src").strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def copying(effort: Effort, size: int = 1 << 27) -> dict[str, float]:
    """Bytes read and written in a second by a plain copy, on one thread and on two."""
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    halves = [slice(0, size // 2), slice(size // 2, size)]

    def part(where: slice) -> None:
        np.copyto(target[where], source[where])

    with ThreadPoolExecutor(2) as pool:
        calls = {"one": lambda: part(slice(None)), "two": lambda: list(pool.map(part, halves))}
        seconds = side_by_side(calls, effort)
    return {name: round(2 * size / spread(s).median / 1e9, 2) for name, s in seconds.items()}
