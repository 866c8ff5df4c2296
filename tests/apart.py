"""Tests of a framework in a process of their own: Keras takes its backend once and for all.

TensorFlow's threads also stay out of the processes that other tests fork.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import anypool

FRAMES = Path(__file__).parent / "frames"
SOURCE = Path(anypool.__file__).parent.parent


def need(package: str) -> str:
    """Skip where a package is missing, without loading it: TensorFlow stays out of this process."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)
    return package


def run(
    *files: str, backend: str = "", marks: str = "not nightly", every: int = 1, most: int = 1500
) -> int:
    """Run test files of ``frames/`` in a fresh pytest; how many passed. A failure is raised.

    ``every``: only one test in so many, drawn by its name; at night all of them run.
    """
    more = {"KERAS_BACKEND": backend} if backend else {}
    more["ANYPOOL_EVERY"] = str(every)
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path, "ANYPOOL_APART": files[0]}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", marks,
               *(str(FRAMES / f"{name}.py") for name in files)]  # fmt: skip
    done = subprocess.run(
        command, check=False, env={**os.environ, **quiet, **more}, capture_output=True, text=True,
        timeout=most,
    )  # fmt: skip
    told = done.stdout[-8000:]
    if done.returncode:
        raise AssertionError(f"{' '.join(files)} on {backend or 'its own'}:\n{told}{done.stderr}")
    return int(found[1]) if (found := re.search(r"(\d+) passed", told)) else 0
