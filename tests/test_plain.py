"""Plain operations in NumPy's words: the case table, masks, sizes, NaN, draws, every dtype."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
import anypool.kernels
from anypool import plain
from anypool.plan import Options, Plan, make
from anypool.reductions import resolve
from cases import CASES, PLANE, REDUCTIONS, ULP, WINDOWS, Case, sample, scale_of
from same import assert_same
from strategies import mask_of, weights_of

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
EVERY = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS)
SIZES = np.array([[5, 10], [9, 3]])
PAIRS = np.array([[[1, 6], [0, 10]], [[0, 9], [4, 4]]])
OPTIONS = ("fill", "nan", "ties", "dtype", "count_include_pad", "divisor_override")


@pytest.fixture(autouse=True)
def numpy_alone(monkeypatch):
    """Compare with NumPy's own operations: the kernels equal them, and take minutes to compile."""
    monkeypatch.setattr(ap.kernels, "why_not", lambda: "not in these tests")


def plan_of(x, windows, reduce, axes=AXES, *, indices=False, **common) -> Plan:
    known = {k: v for k, v in common.items() if k in OPTIONS}
    if "dtype" in known:
        known["dtype"] = np.dtype(known["dtype"])
    sizes = common.get("sizes")
    sized = "" if sizes is None else str(np.ndim(sizes))
    options = Options(**known, masked="mask" in common, weighted="weights" in common,
                      sized=sized, indices=indices)  # fmt: skip
    return make(x.shape, x.dtype, windows, resolve(reduce), axes, options)


def pool(x, windows, reduce, axes=AXES, **common):
    plan = plan_of(x, windows, reduce, axes, **common)
    given = {k: v for k, v in common.items() if k not in (*OPTIONS, "indices")}
    with np.errstate(all="ignore"):
        return plain.pool(plain.NUMPY, plan, x, **given)


def compare(x, spec, reduction, fill=-3, slack=1, axes=AXES, **common):
    """Plain operations give what NumPy's arrays are given."""
    windows, reduce = spec.build(), reduction.build()
    fill = fill if reduction.name not in ("any", "all") else 1
    got = pool(x, windows, reduce, axes, fill=fill, **common)
    want = ap.pool(x, windows, reduce, axes=axes, fill=fill, **common)
    known = {k: v for k, v in common.items() if k not in ("ties", "count_include_pad")}
    scale = scale_of(reduction, x, windows, axes=axes, **known)
    assert_same(got, want, ulp=slack * ULP[reduction.tolerance], scale=scale)


# --- the numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_case_table(case: Case):
    x, windows = case.data(), case.windows.build()
    got = pool(x, windows, case.reduction.build(), case.axes)
    want = ap.pool(x, windows, case.reduction.build(), axes=case.axes)
    assert_same(got, want, ulp=case.ulp, scale=scale_of(case.reduction, x, windows, axes=case.axes))


@pytest.mark.parametrize("case", [c for c in CASES if c.reduction.name in ("max", "min")], ids=str)
def test_indices(case: Case):
    x, windows, name = case.data(), case.windows.build(), case.reduction.name
    for given in ({}, {"mask": mask_of(x.shape, 1, 0.3)}):
        y, found = pool(x, windows, name, case.axes, indices=True, fill=1, **given)
        want = ap.pool(x, windows, name, axes=case.axes, return_indices=True, fill=1, **given)
        assert_same(y, want[0])
        assert_same(found, want[1])


@EVERY
@EACH
def test_mask(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, mask=mask_of(SHAPE, 1))


@EVERY
@EACH
def test_weights(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, slack=2, weights=weights_of(SHAPE, 2))


@pytest.mark.parametrize("label", [name for name in WINDOWS if name != "fractional"])
@EACH
def test_sizes(reduction, label):
    x, spec = sample(SHAPE, float), WINDOWS[label]
    compare(x, spec, reduction, sizes=SIZES)
    compare(x, spec, reduction, slack=2, sizes=PAIRS, mask=mask_of((10,), 3))


def test_sizes_of_fractional_windows_and_turned_axes():
    x, sizes = sample(SHAPE, float), np.array([[9, 7], [8, 10]])
    compare(x, WINDOWS["fractional"], REDUCTIONS["max"], sizes=sizes)
    turned = ap.windows.adaptive((3, 2))
    got = pool(x, turned, "max", (3, 2), sizes=sizes[:, ::-1])
    assert_same(got, ap.pool(x, turned, "max", axes=(3, 2), sizes=sizes[:, ::-1]))


@pytest.mark.parametrize("dtype", [f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)])
@EACH
def test_integers(reduction, dtype):
    x, windows = sample(SHAPE, dtype, 3, "plain")[:1, :1], WINDOWS["k3s2p1"].build()
    want = ap.pool(x, windows, reduction.build(), axes=AXES)
    got = pool(x, windows, reduction.build())
    scale = scale_of(reduction, x, windows, axes=AXES) if reduction.name == "sum" else 2.0**64
    assert_same(got, want, ulp=ULP[reduction.tolerance], scale=scale)


def test_bools():
    x = sample(SHAPE, bool, 3)
    for reduction in REDUCTIONS.values():
        want = ap.pool(x, ap.windows.adaptive(3), reduction.build(), axes=AXES)
        assert_same(pool(x, ap.windows.adaptive(3), reduction.build()), want,
                    ulp=ULP[reduction.tolerance], scale=2)  # fmt: skip


@EACH
def test_halves_are_computed_in_single_and_rounded_once(reduction):
    x = sample(SHAPE, np.float16, 4, "plain")
    for label in ("k3s2p1", "adaptive", "whole"):
        windows = WINDOWS[label].build()
        wide = pool(x.astype(np.float32), windows, reduction.build())
        got = pool(x, windows, reduction.build())
        assert_same(got, wide if wide.dtype == bool else wide.astype(np.float16))


def test_complex_sums_and_means():
    x = sample(SHAPE, np.complex64)
    for name in ("sum", "mean"):
        for spec in WINDOWS.values():
            got = pool(x, spec.build(), name, fill=1j)
            want = ap.pool(x, spec.build(), name, axes=AXES, fill=1j)
            assert_same(got, want, ulp=32, scale=99)


def test_divisors():
    x = sample(SHAPE, float)
    for label in ("k3s2p1", "k3s2p1-ceil", "dilated", "pairs", "same", "empty-windows"):
        for common in (
            {"count_include_pad": False}, {"count_include_pad": True}, {"divisor_override": 5},
            {"divisor_override": -2, "mask": mask_of(SHAPE, 6)},
            {"divisor_override": 3, "sizes": SIZES}, {"count_include_pad": False, "sizes": SIZES},
        ):  # fmt: skip
            windows = WINDOWS[label].build()
            got = pool(x, windows, "mean", fill=2, **common)
            assert_same(got, ap.pool(x, windows, "mean", axes=AXES, fill=2, **common), ulp=16,
                        scale=4)  # fmt: skip


def test_another_dtype_for_the_result():
    x = sample(SHAPE, np.float32)
    for name, dtype in (("mean", "int8"), ("mean", "float64"), ("max", "int16"), ("any", "int32")):
        got = pool(x, WINDOWS["k3s2p1"].build(), name, dtype=dtype)
        want = ap.pool(x, WINDOWS["k3s2p1"].build(), name, axes=AXES, dtype=dtype)
        assert_same(got, want, ulp=2e9 if dtype == "float64" else 0, scale=4)
    with pytest.raises(ap.PoolError, match="does not fit int8"):
        pool(x * 999, ap.windows.whole(), "max", dtype="int8")


@pytest.mark.parametrize("kernel", [8, 33, (40, 3)])
@pytest.mark.parametrize("name", ["max", "mean", "sum", "min"])
def test_long_windows(name, kernel):
    x = sample((1, 2, 41, 45), np.float32, 2, "plain")
    for windows in (ap.windows.sliding(kernel, 1, 2), ap.windows.sliding(kernel, 3, "same")):
        for given in ({}, {"mask": mask_of(x.shape, 3)}):
            got = pool(x, windows, name, **given)
            want = ap.pool(x, windows, name, axes=AXES, **given)
            assert_same(got, want, ulp=16, scale=np.abs(x).sum() if name == "sum" else 9)
            if name == "max":
                pair = pool(x, windows, name, indices=True, **given)
                want = ap.pool(x, windows, name, axes=AXES, return_indices=True, **given)
                assert_same(pair[1], want[1])


# --- NaN and infinities ------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("nan", ["propagate", "skip"])
def test_nan(reduction, nan):
    x = sample(SHAPE, float, 7, "plain")
    x[np.random.default_rng(8).random(SHAPE) < 0.05] = np.nan
    for label in ("k3s2p1", "adaptive", "whole"):
        windows = WINDOWS[label].build()
        got = pool(x, windows, reduction.build(), nan=nan)
        want = ap.pool(x, windows, reduction.build(), axes=AXES, nan=nan)
        assert_same(got, want, ulp=2 * ULP[reduction.tolerance], scale=8**2)


@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole", "empty-windows"])
def test_the_last_nan_has_the_index(label):
    x = sample(SHAPE, float, 7, "plain")
    x[np.random.default_rng(8).random(SHAPE) < 0.1] = np.nan
    x[0, 0] = -np.inf
    for name in ("max", "min"):
        for given in ({}, {"mask": mask_of(SHAPE, 5)}, {"nan": "skip"}):
            got = pool(x, WINDOWS[label].build(), name, indices=True, **given)
            want = ap.pool(x, WINDOWS[label].build(), name, axes=AXES, return_indices=True, **given)
            assert_same(got[0], want[0])
            assert_same(got[1], want[1])


def test_infinities_stay_in_their_windows():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 0, 0] = np.inf
    for name in ("mean", "sum", "max", "lse", "soft", "gem", "lp"):
        for windows in (ap.windows.adaptive(2), ap.windows.adaptive(3), ap.windows.sliding(2)):
            y = pool(x, windows, name)
            assert np.isinf(y[0, 0, 0, 0])
            assert np.isfinite(y.reshape(-1)[1:]).all()


# --- boxes, draws, ties -------------------------------------------------------------------------


def test_boxes():
    x = sample(SHAPE, float)
    windows = ap.windows.boxes([[0, 0, 0, 4, 6], [1, 2, 3, 9, 10], [1, 0, 0, 1, 1]], (3, 2))
    for name in ("max", "mean", "median", "std"):
        for given in ({}, {"mask": mask_of(SHAPE, 5)}, {"mask": mask_of((10,), 5)}):
            got = pool(x, windows, name, **given)
            assert_same(got, ap.pool(x, windows, name, axes=AXES, **given), ulp=16, scale=4)
    with pytest.raises(ap.PoolError, match="box 0 reads 0 to 99"):
        pool(x, ap.windows.boxes([[0, 0, 0, 99, 1]], 1), "max")


def test_random_places_follow_the_draws():
    x, windows = sample(SHAPE, float), ap.windows.fractional((2, 3), output_size=(5, 4), rng=0)
    plan = plan_of(x, windows, "max")
    u = np.random.default_rng(5).random((2, 6))
    assert plain.spots_shape(plan) == (2, 2, 3)
    got = pool(x, windows, "max", spots=u.reshape(2, 2, 3))
    want = ap.pool(x, windows, "max", axes=AXES, rng=np.random.default_rng(5))
    assert_same(got, want)
    with pytest.raises(ap.PoolError, match="give rng= something to draw from"):
        pool(x, windows, "max")


@pytest.mark.parametrize("label", ["k3s2p1", "whole-squeezed", "pyramid"])
def test_drawn_elements_follow_the_draws(label):
    x, windows = sample(SHAPE, float, 5), WINDOWS[label].build()
    reduce = ap.reductions.stochastic(rng=0)
    u = np.random.default_rng(3).random(ap.pool(x, windows, "sum", axes=AXES).shape)
    got = pool(x, windows, reduce, picks=u)
    assert got.shape == u.shape
    low, high = pool(x, windows, reduce, picks=u * 0), pool(x, windows, reduce, picks=u * 0 + 0.999)
    assert (low != high).any()
    assert set(np.unique(got)) <= set(np.unique(x)) | {0.0}


@pytest.mark.parametrize("label", ["k3s2p1", "whole-squeezed", "pyramid", "drawn"])
@pytest.mark.parametrize("axes", [(2, 3), (0, 2)])
def test_a_seed_draws_what_numpy_draws(label, axes):
    x = sample((9, 3, 10, 2) if axes == (0, 2) else SHAPE, float, 5)
    drawn = ap.windows.fractional((2, 3), output_size=(5, 4), rng=3)
    windows = drawn if label == "drawn" else WINDOWS[label].build()
    for reduce in ("max", ap.reductions.stochastic(rng=3)):
        plan = plan_of(x, windows, reduce, axes)
        draws = plain.numpy_draws(plan, 3)
        assert all(draws[name].shape == getattr(plain, f"{name}_shape")(plan) for name in draws)
        assert_same(pool(x, windows, reduce, axes, **draws), ap.pool(x, windows, reduce, axes=axes))


@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole", "pyramid"])
@pytest.mark.parametrize("name", ["max", "min"])
def test_shared_ties(name, label):
    x = sample(SHAPE, float)
    compare(x, WINDOWS[label], REDUCTIONS[name], ties="split")
    compare(x, WINDOWS[label], REDUCTIONS[name], ties="split", mask=mask_of((2, 1, 9, 10), 4))


@pytest.mark.parametrize(
    "reduce", [ap.reductions.lp(p=np.inf), ap.reductions.gem(p=np.inf)], ids=str
)
def test_endless_powers(reduce):
    x, windows = sample(SHAPE, float), WINDOWS["k3s2p1"].build()
    assert_same(pool(x, windows, reduce), ap.pool(x, windows, reduce, axes=AXES))


# --- what it will not do ------------------------------------------------------------------------


def test_what_is_asked_of_numbers():
    x = sample(SHAPE, float)
    with pytest.raises(ap.PoolError, match="some windows have nothing real and fill is None"):
        pool(x, WINDOWS["empty-windows"].build(), "max", fill=None)
    assert_same(pool(x, WINDOWS["k2"].build(), "max", fill=None), pool(x, WINDOWS["k2"].build(),
                                                                       "max"))  # fmt: skip
    x[0, 0, 0, 0] = np.nan
    with pytest.raises(ap.PoolError, match="x has NaN in its windows"):
        pool(x, WINDOWS["k2"].build(), "max", nan="raise")
    x[0, 0, 0, 0], x[0, 0, 8, 9] = 0, np.nan  # row 8 is in no window
    pool(x, WINDOWS["k2"].build(), "max", nan="raise")


def test_functions_of_the_user_are_given_arrays():
    product = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
    spread = ap.reductions.custom(
        lambda x: (x, x), lambda s, x: (np.minimum(s[0], x), np.maximum(s[1], x)),
        lambda s, n: (s[1] - s[0]) * (n > 1), name="spread",
    )  # fmt: skip
    x = sample(SHAPE, float, kind="distinct")
    for reduce in (product, spread):
        for label in ("k3s2p1", "adaptive", "empty-windows"):
            for given in ({}, {"mask": mask_of(SHAPE, 2)}):
                got = pool(x, WINDOWS[label].build(), reduce, **given)
                want = ap.pool(x, WINDOWS[label].build(), reduce, axes=AXES, **given)
                assert_same(got, want, ulp=64)


def test_functions_of_the_user_that_branch_are_refused():
    largest = ap.reductions.custom(lambda x: x, lambda s, x: x if x > s else s, name="largest")
    with pytest.raises(ap.PoolError, match="the functions of largest are given arrays here"):
        pool(sample(SHAPE, float), WINDOWS["k2"].build(), largest)
    with pytest.raises(ap.PoolError, match="put through windows of 1600 elements one by one"):
        pool(np.zeros((1, 1, 40, 40)), ap.windows.whole(), largest)


@pytest.mark.parametrize("name", ["median", "gem", "topk", "stochastic"])
def test_much_is_taken_sample_by_sample(name, monkeypatch):
    monkeypatch.setattr(plain.windowed, "MOST", 100)
    compare(sample(SHAPE, float), WINDOWS["k3s2p1"], REDUCTIONS["topk-k=2" if name == "topk" else
            name], mask=mask_of((2, 1, 9, 10), 4), weights=weights_of((9, 10), 2))  # fmt: skip
    drawn = ap.reductions.stochastic(rng=3)
    x, windows = sample(SHAPE, float, 5), WINDOWS["pyramid"].build()
    draws = plain.numpy_draws(plan_of(x, windows, drawn), 3)
    assert_same(pool(x, windows, drawn, **draws), ap.pool(x, windows, drawn, axes=AXES))
