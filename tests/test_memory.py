"""Pooling takes little memory beyond its output, whatever the layout: at most 4 MB and 2 %."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import anypool as ap
from cases import WINDOWS, sample
from strategies import relayout

SHAPE = {"channels-first": (4, 16, 257, 301), "channels-last": (4, 257, 301, 16)}
AXES = {"channels-first": (2, 3), "channels-last": (1, 2)}
SPECS = {label: WINDOWS[label] for label in ("k2", "k3s2p1", "adaptive", "whole")}


def extra(x: np.ndarray, *call, **common) -> float:
    """Bytes at the peak of a call beyond what it gives back; warmed up, so nothing compiles."""
    ap.pool(x, *call, **common)
    tracemalloc.start()
    try:
        y = ap.pool(x, *call, **common)
        return tracemalloc.get_traced_memory()[1] - y.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("how", ["C", "reversed", "sliced"])
@pytest.mark.parametrize("layout", SHAPE)
def test_extra_memory(layout, how, spec, reduce):
    x = relayout(sample(SHAPE[layout], np.float32), how)
    assert extra(x, spec.build(), reduce, axes=AXES[layout]) <= 4e6 + 0.02 * x.nbytes


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.float64], ids=lambda t: t.__name__)
def test_extra_memory_of_other_dtypes(dtype):
    x = sample(SHAPE["channels-first"], dtype)
    for reduce in ("max", "mean", "median"):
        assert extra(x, SPECS["k3s2p1"].build(), reduce, axes=(2, 3)) <= 4e6 + 0.02 * x.nbytes


@pytest.mark.slow
def test_indices_only_when_asked():
    x = sample(SHAPE["channels-first"], np.float32)
    assert extra(x, SPECS["k2"].build(), "max", axes=(2, 3)) < x.nbytes / 8
