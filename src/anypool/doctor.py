"""What anypool finds on this machine, as plain data: versions, CPU, kernels, cache, threads."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Callable

import numpy as np

from .explain import explain
from .kernels import why_not
from .kernels.cache import status
from .kernels.threads import describe
from .windows import Windows, adaptive, sliding, whole

Facts = dict[str, str]

_NEEDED = ("anypool", "numpy", "numba", "llvmlite")
_OPTIONAL = ("torch", "jax", "keras", "matplotlib", "pillow", "ml_dtypes")
_VARIABLES = (
    *("ANYPOOL_NUM_THREADS", "ANYPOOL_KERNELS", "ANYPOOL_CACHE", "ANYPOOL_CACHE_DIR"),
    *("ANYPOOL_BOUNDSCHECK", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME"),
)
_FIRST, _LAST = ((8, 64, 56, 56), (2, 3)), ((8, 56, 56, 64), (1, 2))
_CALLS = {
    "max 3x3, channels first": (*_FIRST, sliding(3, 2, 1), "max"),
    "max 3x3, channels last": (*_LAST, sliding(3, 2, 1), "max"),
    "mean, adaptive to 7x7": (*_FIRST, adaptive(7), "mean"),
    "mean, global": (*_FIRST, whole(), "mean"),
    "median 3x3": (*_FIRST, sliding(3), "median"),
}


def report() -> dict[str, Facts]:
    """Everything `anypool doctor` prints: sections of facts, each a name and a few words.

    >>> sorted(report())
    ['cache', 'cpu', 'kernels', 'settings', 'threads', 'versions']
    """
    sections: dict[str, Callable[[], Facts]] = {
        "versions": versions,
        "cpu": cpu,
        "kernels": kernels,
        "cache": compile_cache,
        "threads": thread_pool,
        "settings": settings,
    }
    return {name: facts() for name, facts in sections.items()}


def versions() -> Facts:
    """Python and the packages that matter; an optional one that is missing is left out."""
    found = {name: _version(name) for name in _NEEDED + _OPTIONAL}
    kept = {name: it or "not installed" for name, it in found.items() if it or name in _NEEDED}
    return {"python": f"{platform.python_version()} on {platform.platform()}", **kept}


def cpu() -> Facts:
    """The processor, and the instruction sets NumPy found in it."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]  # type: ignore[index]
    features = [*extensions.get("baseline", []), *extensions.get("found", [])]
    return {
        "name": _cpu_name(),
        "cores": f"{os.cpu_count()}",
        "features": " ".join(features) or "none found",
    }


def kernels() -> Facts:
    """Whether the compiled kernels are there, and which one common calls would run."""
    missing = why_not()
    if missing:
        remedy = "" if "ANYPOOL" in missing else "; pip install 'numba>=0.62'"
        return {"compiled": f"no: {missing}; plain NumPy gives the same, slower{remedy}"}
    chosen = {call: _kernel(*example) for call, example in _CALLS.items()}
    return {
        "compiled": "yes, by numba at the first call of each",
        **chosen,
        **in_programs(),
        **on_gpu(),
    }


def in_programs() -> Facts:
    """Whether programs that JAX compiles for the CPU call the kernels; nothing without JAX."""
    if importlib.util.find_spec("jax") is None:
        return {}
    try:
        from .jax import proof
    except Exception as error:  # a broken neighbour must not break the doctor
        return {"inside JAX's programs": f"no: jax does not load: {error}"}
    reason = proof.why_not()
    told = f"no: {reason}; XLA's own operations give the same" if reason else "yes, tried just now"
    return {"inside JAX's programs": told}


def on_gpu() -> Facts:
    """Who pools CUDA tensors; nothing without PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return {}
    try:
        from .torch import gpu
    except Exception as error:  # a broken neighbour must not break the doctor
        return {"on a GPU": f"no: torch does not load: {error}"}
    return {"on a GPU": gpu.describe()}


def _kernel(shape: tuple[int, ...], axes: tuple[int, int], where: Windows, reduce: str) -> str:
    told = explain(shape, where, kernel=True, axes=axes, reduce=reduce).kernel
    return told.removeprefix("kernel: ")


def compile_cache() -> Facts:
    """Where compiled kernels are kept between processes, or why they are not."""
    state = status()
    return {
        "kept": "yes" if state["enabled"] else "no",
        "folder": str(state["directory"] or "none"),
        "holds": f"{state['files']} kernels, {_megabytes(state['bytes'])}",
        **({"remark": str(state["reason"])} if state["reason"] else {}),
    }


def thread_pool() -> Facts:
    """How many threads a call gets, and who says so."""
    state = describe()
    number = state["threads"]
    return {
        "a call uses": f"{number} ({state['source']})" if number else str(state["source"]),
        "pool": f"{state['workers']} started" if state["started"] else "not started yet",
    }


def settings() -> Facts:
    """The environment variables that change anything, where they are set."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    """Linux keeps the name in a file of its own; elsewhere Python knows it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _megabytes(size: object) -> str:
    return f"{int(str(size)) / 1e6:.1f} MB"
