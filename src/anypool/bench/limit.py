"""The machine's own limit: how fast it reads and copies, and what a call must move at least."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from .job import OPERATIONS, Job
from .timing import Effort, side_by_side

SIZE = 1 << 27  # bytes, far more than caches hold


EFFORT = Effort(9, 0.02)


def bandwidth(threads: int, effort: Effort = EFFORT, size: int = SIZE) -> dict[str, float]:
    """GB/s read, and GB/s read and written by a plain copy, by so many threads.

    Read is the best of three ways of NumPy's: the largest number, all bits together, a product.
    A limit is what the machine can, so the best turn counts, not the middle one.
    """
    source, target = np.ones(size // 4, np.float32), np.ones(size // 4, np.float32)
    bits = source.view(np.int64)
    ways: dict[str, Callable[[slice], Any]] = {
        "copy": lambda part: np.copyto(target[part], source[part]),
        "max": lambda part: source[part].max(),
        "bits": lambda part: np.bitwise_or.reduce(bits[part.start // 2 : part.stop // 2]),
        "product": lambda part: np.dot(source[part], source[part]),
    }
    cuts = [source.size * i // threads // 2 * 2 for i in range(threads + 1)]
    parts = [slice(*pair) for pair in pairwise(cuts)]
    with ThreadPoolExecutor(threads) as pool:
        calls = {name: lambda way=way: list(pool.map(way, parts)) for name, way in ways.items()}
        seconds = side_by_side(calls, effort)
    rate = {name: source.nbytes / min(s) / 1e9 for name, s in seconds.items()}
    read = max(rate["max"], rate["bits"], rate["product"])
    return {"read": round(read, 2), "copy": round(2 * rate["copy"], 2)}


def better(one: dict[str, float], two: dict[str, float]) -> dict[str, float]:
    """The best of two measurements."""
    return {name: max(one[name], two[name]) for name in one}


def moved(job: Job) -> tuple[int, int]:
    """Bytes that must be read and written, each once."""
    inputs = int(np.prod(job.shape)) * job.itemsize
    mask = int(np.prod(job.shape[0:1] + job.sides)) if job.masked else 0
    result = job.results * _result_size(job)
    if job.backward:
        return result + mask, inputs
    indices = 8 * job.results if job.operation == "max and indices" else 0
    return inputs + mask, result + indices


def _result_size(job: Job) -> int:
    """Bytes of a number of the result: maxima keep the dtype, sums of integers are wide."""
    keeps = job.floating or OPERATIONS[job.operation] in ("max", "min")
    return job.itemsize if keeps else 8


def least_seconds(job: Job, rates: dict[str, float]) -> float:
    """What the machine needs to read and to write this much: a copy's time is both together."""
    read, write = moved(job)
    reading = 1 / (rates["read"] * 1e9)
    writing = max(2 / (rates["copy"] * 1e9) - reading, reading)
    return read * reading + write * writing
