"""The libraries to stand beside, each in a file of its own and, when measured, in its own process.

A file has ``start(threads)``, called once after the library is imported, and ``make(job)``, which
gives a :class:`Ready` or raises :class:`CannotError` with the reason.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...errors import PoolError
from ..job import Job
from ..recipes import CannotError


class Ready(NamedTuple):
    """A call without arguments on data that is there, and its result as NumPy's in our layout."""

    call: Callable[[], Any]
    numbers: Callable[[Any], np.ndarray]


@dataclass(frozen=True)
class Peer:
    """Where a peer's file is, which modules it needs, and the package that brings them."""

    file: str
    needs: tuple[str, ...]
    package: str
    naive: bool = True  # reads every window anew, so that large ones take for ever


OURS = "anypool"
PEERS = {
    OURS: Peer("ours", (), "anypool", naive=False),
    "torch": Peer("eager", ("torch",), "torch"),
    "torch.compile": Peer("compiled", ("torch",), "torch"),
    "onnxruntime": Peer("onnx", ("onnxruntime", "onnx"), "onnxruntime onnx"),
    "openvino": Peer("openvino", ("openvino",), "openvino"),
    "jax": Peer("xla", ("jax",), "jax"),
    "tensorflow": Peer("flow", ("tensorflow",), "tensorflow-cpu"),
    "scikit-image": Peer("blocks", ("skimage",), "scikit-image", naive=False),
    "numpy": Peer("reshaped", (), "numpy"),
    "scipy": Peer("filters", ("scipy",), "scipy", naive=False),
    "numbagg": Peer("moving", ("numbagg",), "numbagg", naive=False),
    "xarray": Peer("coarsened", ("xarray",), "xarray", naive=False),
}


def missing(name: str) -> list[str]:
    """The modules of a peer that are not installed."""
    return [module for module in PEERS[name].needs if importlib.util.find_spec(module) is None]


def installed() -> list[str]:
    """The peers that can be measured here, us first."""
    return [name for name in PEERS if not missing(name)]


def chosen(names: list[str]) -> list[str]:
    """These peers beside us; a PoolError for one that is unknown or not installed."""
    if not names:
        raise PoolError(f"say against whom: {', '.join([*PEERS][1:])}")
    for name in names:
        if name not in PEERS:
            raise PoolError(f"{name!r} is no peer; one of {', '.join([*PEERS][1:])} is")
        if missing(name):
            raise PoolError(f"{name} is not installed: pip install {PEERS[name].package}")
    return [OURS, *(name for name in PEERS if name in names and name != OURS)]


def load(name: str) -> Any:
    """The peer's file, imported only now."""
    return importlib.import_module(f"{__name__}.{PEERS[name].file}")


def joined(values: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Values and indices as one array, to compare."""
    return np.concatenate([np.asarray(values, float).ravel(), np.asarray(indices, float).ravel()])


def only(condition: bool, otherwise: str) -> None:
    """CannotError with these words, unless the condition holds."""
    if not condition:
        raise CannotError(otherwise)


def forward_only(job: Job) -> None:
    only(not job.backward, "it has no derivative")
