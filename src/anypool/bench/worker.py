"""One peer's process: it makes what it is told to, and runs bursts of it when its turn comes.

Orders and answers are lines of JSON. Between two orders the process sleeps in a read, and nothing
of it runs that could take another's time.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from . import peers
from .job import Job
from .recipes import CannotError
from .timing import Call, Clock, burst, calls_in

SAMPLE = 1 << 21  # of a large result so many numbers are compared
CLOSE = {"float16": 2e-2, "bfloat16": 2e-2, "float32": 1e-4, "float64": 1e-4}


class Worker:
    """A peer's library, and the call that is ready now."""

    def __init__(self, name: str, peer: Any, clock: Clock = time.perf_counter) -> None:
        self.name, self.peer, self.clock = name, peer, clock
        self.call: Call | None = None
        self.slow = 0.0

    def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order; what went wrong is an answer too."""
        try:
            return getattr(self, f"do_{order.pop('do')}")(**order)
        except CannotError as error:
            return {"cannot": str(error)}
        except Exception as error:  # a library's own words say why it refuses
            return {"cannot": _sentence(error)}

    def do_make(self, job: dict[str, Any], numbers: str) -> dict[str, Any]:
        """Build, call once, and compare the numbers with ours (or keep them, if they are ours)."""
        self.call = None
        made = Job.of(job)
        ready = self.peer.make(made)
        apart = _apart(ready.numbers(ready.call()), made, numbers, self.name == peers.OURS)
        if apart:
            return {"differs": apart}
        self.call = ready.call
        began = self.clock()
        ready.call()
        self.slow = self.clock() - began
        return {"once": self.slow}

    def do_fill(self, least: float) -> dict[str, Any]:
        """How many calls fill a burst of so many seconds; one, where one call is longer."""
        slow = self.slow > least
        return {"count": 1 if slow else calls_in(least, self._ready(), self.clock)}

    def do_burst(self, count: int) -> dict[str, Any]:
        """Seconds for one call. The first call fills the caches again, and does not count."""
        call = self._ready()
        if count > 1:
            call()
        gc.disable()
        try:
            return {"seconds": burst(call, count, self.clock)}
        finally:
            gc.enable()

    def do_drop(self) -> dict[str, Any]:
        """Let the data go."""
        self.call = None
        gc.collect()
        return {}

    def _ready(self) -> Call:
        if self.call is None:
            raise CannotError("nothing is ready")
        return self.call


def _apart(found: Any, job: Job, file: str, ours: bool) -> str:
    """In words, how a result differs from ours; our own is kept in the file."""
    found = np.asarray(found)
    if ours:
        np.savez(file, shape=found.shape, sample=_sample(found))
        return ""
    with np.load(file) as kept:
        shape, wanted = tuple(int(n) for n in kept["shape"]), kept["sample"]
    if found.shape != shape:
        return f"it gives shape {found.shape}, anypool {shape}"
    close, mine = CLOSE.get(job.dtype, 1e-4), _sample(found)
    if np.allclose(mine, wanted, rtol=close, atol=close, equal_nan=True):
        return ""
    with np.errstate(invalid="ignore"):
        far = float(np.nanmax(np.abs(mine - wanted)))
    return f"it gives other numbers, up to {far:.3g} apart"


def _sample(a: np.ndarray) -> np.ndarray:
    """At most SAMPLE numbers of an array, spread over it; the step is odd, so no pattern hides."""
    flat = a.reshape(-1)
    return flat[:: (flat.size // SAMPLE) | 1].astype(np.float64)


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no word"]
    while len(lines) > 1 and lines[0].startswith(("Exception from", "Check ")):
        del lines[0]  # OpenVINO says where before it says what
    return f"{type(error).__name__}: {lines[0][:160]}"


def environment(threads: int) -> dict[str, str]:
    """The same number of threads for every library, none of which spins when idle."""
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
              "ANYPOOL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TBB_NUM_THREADS")  # fmt: skip
    still = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "",
             "TF_ENABLE_ONEDNN_OPTS": "1"}  # fmt: skip
    return {**dict.fromkeys(counts, str(threads)), **still, **quiet}


def confine(threads: int) -> None:
    """No more cores than threads: the libraries that count cores find as many as the others."""
    try:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: max(threads, 1)])
    except (AttributeError, OSError):  # not on macOS and Windows
        return


def orders(lines: TextIO) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield json.loads(line)


def main(name: str, threads: int) -> None:
    """Serve until the orders end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    confine(threads)

    def tell(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        peer = peers.load(name)
        peer.start(threads)
    except Exception as error:
        tell({"cannot": f"it does not load: {_sentence(error)}"})
        return
    tell({"ready": True})
    worker = Worker(name, peer)
    for order in orders(sys.stdin):
        tell(worker.do(order))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
