"""A suite that cannot fail proves nothing: break the kernels on purpose and it must notice.

Each fault is put between the engine and its callers; the checks named here must then fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import test_dtypes
import test_limits
import test_masks
import test_nan
import test_shapes
import test_sizes
import test_table
import test_values
from anypool import engine
from cases import CASES, REDUCTIONS, WINDOWS

ROWS = {str(case): case for case in CASES}


def row(name: str) -> Callable[[], None]:
    return lambda: test_table.test_kernel_equals_reference_equals_brute_force(ROWS[name])


def indices(name: str) -> Callable[[], None]:
    return lambda: test_table.test_indices_equal_reference_equal_brute_force(ROWS[name])


def value(name: str) -> Callable[[], None]:
    return lambda: test_values.test_value(test_values.VALUES[name])


CHECKS: dict[str, Callable[[], None]] = {
    "table max": row("k3s2p1-max-float64"),
    "table mean": row("adaptive-mean-float64"),
    "table median": row("pairs-median-float64"),
    "table gem": row("pyramid-gem-float64"),
    "table uint8": row("k3s2p1-max-uint8"),
    "table float32": row("channels-last-mean-float32"),
    "indices": indices("same-max-float64"),
    "tutorial T9": value("T9 max"),
    "tutorial T10": value("T10 average"),
    "adaptive value": value("adaptive avg 10 to 7"),
    "mask": lambda: test_masks.test_mask(REDUCTIONS["max"], WINDOWS["k3s2p1"]),
    "weights": lambda: test_masks.test_weights(REDUCTIONS["mean"], WINDOWS["adaptive"]),
    "sizes": lambda: test_sizes.test_sliding_sizes_are_a_mask(REDUCTIONS["max"]),
    "nan": lambda: test_nan.test_propagate(np.float64, REDUCTIONS["max"], WINDOWS["k2"]),
    "limit": lambda: test_limits.test_limit(test_limits.LIMITS["topk k=n is the mean"]),
    "bool": test_dtypes.test_bool,
    "divisor": test_shapes.test_divisor_override,
}


def break_one(y: np.ndarray) -> np.ndarray:
    """One element off by one, or a bool turned round."""
    y = y.copy()
    if y.size:
        y.flat[y.size // 2] = ~y.flat[y.size // 2] if y.dtype == bool else y.flat[y.size // 2] + 1
    return y


def break_last_ulp(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    if y.size and y.dtype.kind == "f":
        y.flat[0] = np.nextafter(y.flat[0], np.inf, dtype=y.dtype)
    return y


def lose_nan(y: np.ndarray) -> np.ndarray:
    return np.nan_to_num(y) if y.dtype.kind == "f" else y


def reverse_first_axis(y: np.ndarray) -> np.ndarray:
    return y[::-1].copy() if y.ndim else y


FAULTS = {
    "one element": (break_one, list(CHECKS)),
    "one ulp": (break_last_ulp, ["table max", "table median", "mask"]),
    "nan lost": (lose_nan, ["nan"]),
    "turned round": (reverse_first_axis, ["table max", "table mean", "indices", "tutorial T9"]),
}
PAIRS = [(fault, check) for fault, (_, checks) in FAULTS.items() for check in checks]


def broken(run: Callable[..., Any], fault: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """The engine's forward pass with a fault in its first (or only) result."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        made = run(*args, **kwargs)
        if isinstance(made, tuple):
            return (fault(np.asarray(made[0])), *made[1:])
        return fault(np.asarray(made))

    return forward


@pytest.mark.parametrize("check", CHECKS)
def test_checks_pass_when_nothing_is_broken(check):
    CHECKS[check]()


@pytest.mark.parametrize(("fault", "check"), PAIRS)
def test_a_fault_is_noticed(monkeypatch, fault, check):
    monkeypatch.setattr(engine, "forward", broken(engine.forward, FAULTS[fault][0]))
    with pytest.raises(AssertionError, match=r"differ|Not equal|assert"):
        CHECKS[check]()


def test_a_wrong_index_is_noticed(monkeypatch):
    def forward(*args: Any, **kwargs: Any) -> Any:
        y, found = run(*args, **kwargs)
        return y, break_one(found)

    run = engine.forward
    monkeypatch.setattr(engine, "forward", forward)
    with pytest.raises(AssertionError, match="1 of"):
        CHECKS["indices"]()
