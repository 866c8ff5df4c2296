"""The libraries to compare with. Each is optional: a missing one is named."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

PACKAGES = {"torch": "torch", "jax": "jax", "scikit-image": "skimage.measure", "numpy": "numpy"}
# OpenMP's threads spin after a parallel region and would eat the next candidate's time; all of
# these are read when the library is loaded, so they must be set before torch is imported.
STILL = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}


def hold_still(threads: int, spinning: bool = False) -> None:
    """Before torch is imported: no spinning threads, and the same number of them for all."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ANYPOOL_NUM_THREADS"), threads)
    os.environ.update(
        {} if spinning else STILL, **{name: str(count) for name, count in counts.items()}
    )


@functools.cache
def load(peer: str) -> Any:
    """The peer's module, or None where it is not installed."""
    try:
        module = importlib.import_module(PACKAGES[peer])
    except ImportError:
        return None
    if peer == "torch":
        module.set_num_threads(int(os.environ.get("ANYPOOL_NUM_THREADS", "2")))
    return module


def missing() -> dict[str, str]:
    """The peers that are not there."""
    return {peer: "not installed" for peer in PACKAGES if load(peer) is None}


@contextmanager
def no_gradients() -> Iterator[None]:
    """torch at its lightest: it keeps nothing for a derivative, as we do not."""
    torch = load("torch")
    if torch is None:
        yield
        return
    with torch.inference_mode():
        yield


def tensor(x: np.ndarray, last: bool = False) -> Any:
    """The array as a tensor on the same memory; channels last becomes torch's channels_last."""
    torch = load("torch")
    if x.dtype.name == "bfloat16":
        t = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    else:
        t = torch.from_numpy(x)
    return t.permute(0, 3, 1, 2) if last else t


def array(t: Any, last: bool = False) -> np.ndarray:
    """A tensor's numbers as float64, channels where the array has them; to compare, not timed."""
    a = t.double().numpy()
    return a.transpose(0, 2, 3, 1) if last else a
