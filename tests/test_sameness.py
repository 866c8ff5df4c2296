"""The same numbers in every framework: the case table on every front, against NumPy's kernels.

Max, min, median, mode and indices bit for bit; sums within the ulp of the table; derivatives too.
A spread of the table runs always, all of it nightly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cases import CASES, Case, scale_of
from fronts import FRONTS, Front, incoming, numpy_answer, seeded
from same import assert_same

# A row of every kind of windows, of every family of reductions, of every kind of dtype and layout.
SPREAD = [
    "k3s2p1-max-float64", "k3s2p1-ceil-std-float64", "dilated-lse-float64", "pairs-soft-float64",
    "empty-windows-mean-float64", "same-mean-float64", "same-lower-min-float64",
    "adaptive-more-gem-float64", "split-median-float64", "whole-squeezed-lp-p=3-float64",
    "fractional-max-float64", "pyramid-topk-k=2-float64", "k1s3-mode-float64",
    "valid-quantile-q=0.3-float64", "whole-stochastic-float64", "k3s1p1-any-float64",
    "adaptive-mean-uint8", "k3s2p1-mean-float16", "k3s2p1-max-int32", "k3s2p1-sum-uint8",
    "channels-last-mean-float32", "3d-adaptive-gem-float32", "1d-median-float32",
]  # fmt: skip
# what fronts that compile every row run always; those with a process of their own in one test
FEWER = SPREAD[::3]
ROWS = {str(case): case for case in CASES}
FEW = {name: ROWS[name] for name in SPREAD}
PLACED = {n: c for n, c in ROWS.items() if c.reduction.name in ("max", "min")}
SLOPED = {n: c for n, c in ROWS.items() if c.reduction.gradient and c.dtype.kind == "f"}


def everywhere(rows: dict[str, Case], *more: str) -> Any:
    """Each row on each front: those of the spread, and these, always; the rest nightly."""
    made = []
    for name, front in FRONTS.items():
        always = set() if front.apart else {*(FEWER if front.heavy else SPREAD), *more}
        for row, case in rows.items():
            marks = [] if row in always else pytest.mark.nightly
            made.append(pytest.param(front, case, id=f"{name}-{row}", marks=marks))
    return pytest.mark.parametrize(("front", "case"), made, indirect=["front"])


@pytest.fixture(params=[f for f in FRONTS.values() if not f.apart], ids=lambda f: f.name)
def front(request) -> Front:
    """Each front in turn; a front that is not installed is skipped by name."""
    made: Front = request.param
    made.need()
    return made


@pytest.fixture(scope="module", autouse=True)
def processes() -> Iterator[None]:
    """Processes that a front has started live as long as these tests."""
    yield
    for one in FRONTS.values():
        if one.apart:
            one.answer.close()  # type: ignore[attr-defined]


def answered(front: Front, what: str, case: Case, **common: Any) -> Any:
    if reason := front.refuses(what, case):
        pytest.skip(f"{front.name}: {reason}")
    return front.answer(what, case, **common)


def check_values(front: Front, case: Case, **common: Any) -> None:
    got = answered(front, "pool", case, **common)
    scale = scale_of(case.reduction, case.data(), case.windows.build(), axes=case.axes)
    want = numpy_answer("pool", case, **common)
    if case.dtype.kind in "biu" and want.dtype.kind == "f":
        want = want.astype(front.means)
    assert_same(got, want, ulp=case.ulp, scale=scale)


def check_places(front: Front, case: Case, **common: Any) -> None:
    y, at = answered(front, "indices", case, **common)
    want, places = numpy_answer("indices", case, **common)
    assert_same(y, want)
    assert_same(at, places, check_dtype=False)


def check_slopes(front: Front, case: Case, **common: Any) -> None:
    """Derivatives: of max and min bit for bit, others within rounding at their own size."""
    got = answered(front, "gradient", case, **common)
    want = numpy_answer("gradient", case, **common)
    exact = case.reduction.name in ("max", "min") and case.dtype != np.float16
    assert_same(got, want, ulp=0 if exact else 256, scale=np.abs(want).max(initial=0.0))


@everywhere(ROWS)
def test_values(front, case):
    check_values(front, case)


@everywhere(PLACED, "adaptive-max-float64", "pyramid-min-float64")
def test_places_of_max_and_min(front, case):
    check_places(front, case)


@everywhere(SLOPED)
def test_derivatives(front, case):
    check_slopes(front, case)


@pytest.mark.parametrize("front", [f for f in FRONTS.values() if f.apart], ids=lambda f: f.name,
                         indirect=True)  # fmt: skip
def test_keras_on_each_backend(front):
    """A few rows in one go: each backend needs a process, which takes seconds to start."""
    for name in FEWER:
        check_values(front, ROWS[name])
    check_places(front, ROWS["same-lower-min-float64"])
    for name in ("k3s2p1-max-float64", "adaptive-mean-float64", "dilated-gem-float64"):
        check_slopes(front, ROWS[name])


@pytest.mark.parametrize("name", ["k3s2p1-max-float64", "adaptive-mean-float64"])
def test_nan_and_infinities(front, name):
    """NaN is passed on, with the place of the last; infinities stay in their windows."""
    case = ROWS[name]
    check_values(front, Wild(**vars(case)))
    if case.reduction.name == "max":
        check_places(front, Wild(**vars(case)))


class Wild(Case):
    """A row whose data has NaN and infinities."""

    def data(self, seed: int = 0) -> np.ndarray:
        x, rng = super().data(seed), np.random.default_rng(seed)
        for value in (np.nan, np.inf, -np.inf):
            x[rng.random(x.shape) < 0.05] = value
        return x


@pytest.mark.parametrize("name", ["k3s2p1-max-float64", "adaptive-mean-float64",
                                  "k3s2p1-gem-float64", "pyramid-median-float64"])  # fmt: skip
def test_skipped_nan(front, name):
    check_values(front, Wild(**vars(ROWS[name])), nan="skip", fill=2)


# --- a suite that cannot fail proves nothing -----------------------------------------------------


def off(y: Any, what: str) -> Any:
    """An answer with its last element changed."""
    y = tuple(np.array(a) for a in y) if isinstance(y, tuple) else np.array(y)
    wrong = y[1] if what == "indices" else y
    wrong[(-1,) * wrong.ndim] += 1
    return y


CHECKS = {
    "pool": (check_values, "k3s2p1-max-float64"),
    "indices": (check_places, "k3s2p1-max-float64"),
    "gradient": (check_slopes, "adaptive-mean-float64"),
}


@pytest.mark.parametrize("what", CHECKS)
def test_a_broken_front_is_noticed(what):
    check, name = CHECKS[what]
    sound = Front("sound", (), numpy_answer)
    broken = Front("broken", (), lambda what, case, **more: off(numpy_answer(what, case), what))
    check(sound, ROWS[name])
    with pytest.raises(AssertionError, match="values differ"):
        check(broken, ROWS[name])


def test_one_ulp_is_noticed_where_bits_are_promised():
    def near(what, case, **more):
        return np.nextafter(numpy_answer(what, case), np.inf)

    with pytest.raises(AssertionError, match="values differ"):
        check_values(Front("near", (), near), ROWS["k3s2p1-max-float64"])


def test_skips_name_front_and_reason():
    with pytest.raises(pytest.skip.Exception, match="none: pretends is not installed"):
        Front("none", ("pretends",), numpy_answer).need()
    shy = Front("shy", (), numpy_answer, lambda what, case: "not today")
    with pytest.raises(pytest.skip.Exception, match="shy: not today"):
        check_values(shy, ROWS["k3s2p1-max-float64"])


def test_the_spread_is_a_spread():
    """Every kind of windows, every reduction's family, every kind of dtype is in it."""
    from cases import ALL_REDUCTIONS, WINDOWS

    assert {c.label for c in FEW.values()} >= set(WINDOWS) - {"k2"}
    assert {c.reduction.name for c in FEW.values()} >= {r.name for r in ALL_REDUCTIONS} - {
        "var",
        "all",
    }
    assert {c.dtype.kind for c in FEW.values()} == {"f", "u", "i"}
    assert {len(c.shape) for c in FEW.values()} == {3, 4, 5}
    assert seeded(FEW["same-mean-float64"], 1).min() >= 1
    assert incoming((2,), np.float32).dtype == np.float32
