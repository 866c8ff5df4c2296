"""A suite that cannot fail proves nothing: break the kernels on purpose and it must notice.

Each fault is put between the engine and its callers; the checks named here must then fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import test_dtypes
import test_gradients
import test_limits
import test_masks
import test_nan
import test_shapes
import test_sizes
import test_table
import test_ties
import test_values
from anypool import engine
from anypool.tape import Tape
from cases import CASES, REDUCTIONS, WINDOWS

ROWS = {str(case): case for case in CASES}
Fault = Callable[[np.ndarray], np.ndarray]
NOTICED = r"differ|Not equal|assert"


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
    "second call": lambda: test_table.test_a_second_call_gives_the_same_bits(
        ROWS["k3s2p1-max-float32"]
    ),
    "indices": indices("same-max-float64"),
    "tutorial T9": value("T9 max"),
    "tutorial T10": value("T10 average"),
    "adaptive value": value("adaptive avg 10 to 7"),
    "mask": lambda: test_masks.test_mask(REDUCTIONS["max"], WINDOWS["k3s2p1"]),
    "weights": lambda: test_masks.test_weights(REDUCTIONS["mean"], WINDOWS["adaptive"]),
    "sizes": lambda: test_sizes.test_a_padded_sample_equals_the_sample_alone(
        test_sizes.EXTENTS, test_sizes.OWN["adaptive"], REDUCTIONS["max"]
    ),
    "nan": lambda: test_nan.test_propagate(REDUCTIONS["max"], WINDOWS["k2"]),
    "whole": test_limits.test_whole_planes_of_many_elements,
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


@pytest.fixture
def break_forward(monkeypatch) -> Callable[..., None]:
    """Puts a fault behind every kernel and every plain operation, for values or for indices."""

    def install(fault: Fault, of: str = "values") -> None:
        def forward(call: Any, number: int, y: np.ndarray, places: Any, *rest: Any) -> Any:
            met = run(call, number, y, places, *rest)
            wrong = y if of == "values" else places
            wrong[...] = fault(wrong)
            return met

        def trained(*asked: Any) -> Any:
            y, taps, empty = made(*asked)
            wrong = y if of == "values" else taps
            wrong[...] = fault(wrong)
            return y, taps, empty

        run, made = engine.forward, engine.trained
        monkeypatch.setattr(engine, "forward", forward)
        monkeypatch.setattr(engine, "trained", trained)  # the way of indices, where it serves
        monkeypatch.setattr(engine, "QUICK", {})  # calls made before: they run past forward
        monkeypatch.setattr(engine, "remember", lambda *_: None)

    return install


@pytest.mark.parametrize("check", CHECKS)
def test_checks_pass_when_nothing_is_broken(check):
    CHECKS[check]()


@pytest.mark.parametrize(("fault", "check"), PAIRS)
def test_a_fault_is_noticed(break_forward, fault, check):
    break_forward(FAULTS[fault][0])
    with pytest.raises(AssertionError, match=NOTICED):
        CHECKS[check]()


def test_a_wrong_index_is_noticed(break_forward):
    break_forward(break_one, of="indices")
    with pytest.raises(AssertionError, match="1 of"):
        CHECKS["indices"]()


@pytest.mark.parametrize("check", ["table max", "table mean", "table uint8", "second call"])
def test_a_fault_in_the_second_call_is_noticed(monkeypatch, check):
    """A call that was made before takes a shorter way to its kernel."""
    CHECKS[check]()
    wrong = {key: _wrong(known) for key, known in engine.QUICK.items()}
    assert wrong
    monkeypatch.setattr(engine, "QUICK", wrong)
    with pytest.raises(AssertionError, match=NOTICED):
        CHECKS[check]()


def _wrong(known: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda x: break_one(known(x))


GRADIENTS: dict[str, Callable[[], None]] = {
    "max": lambda: test_gradients.test_gradient_of_x(False, REDUCTIONS["max"], WINDOWS["k3s2p1"]),
    "masked gem": lambda: test_gradients.test_gradient_of_x(
        True, REDUCTIONS["gem"], test_gradients.PARTS["adaptive"]
    ),
    "weights": lambda: test_gradients.test_gradient_of_x_with_weights(
        REDUCTIONS["mean"], WINDOWS["k3s2p1"]
    ),
    "ties": lambda: test_ties.test_first_of_ties_in_row_major_order("max"),
    "split": test_ties.test_split_ties_of_overlapping_padded_and_masked_windows,
    "sizes": test_sizes.test_gradient_of_padded_samples,
}


@pytest.mark.parametrize("check", GRADIENTS)
def test_a_wrong_gradient_is_noticed(monkeypatch, check):
    def backward(self: Any, g: Any) -> Any:
        made = run(self, g)
        return (break_one(made[0]), *made[1:]) if isinstance(made, tuple) else break_one(made)

    GRADIENTS[check]()
    run = Tape.backward
    monkeypatch.setattr(Tape, "backward", backward)
    with pytest.raises(AssertionError, match=NOTICED):
        GRADIENTS[check]()
