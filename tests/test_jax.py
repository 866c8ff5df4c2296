"""The JAX front: NumPy's numbers at JAX's widths, eagerly and compiled, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
import anypool.kernels
from cases import CASES, DTYPES, PLANE, REDUCTIONS, WINDOWS, Case, sample, scale_of
from strategies import mask_of, weights_of

jax = pytest.importorskip("jax", reason="JAX is not installed")
import jax.numpy as jnp  # noqa: E402 - only where JAX is

import anypool.jax as aj  # noqa: E402
from same_jax import assert_jax, both_ways, narrow  # noqa: E402

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
SIZES = np.array([[5, 10], [9, 3]])
PAIRS = np.array([[[1, 6], [0, 10]], [[0, 9], [4, 4]]])
EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
# a program takes a tenth of a second to compile: every reduction once, every window twice
OFTEN = [
    c
    for c in CASES
    if c.reduction.id in ("max", "mean") or (c.label == "k3s2p1" and c.dtype == np.float64)
]
REST = [c for c in CASES if c not in OFTEN]
NIGHTLY = pytest.mark.nightly


@pytest.fixture(autouse=True)
def numpy_alone(monkeypatch):
    """Compare with NumPy's own operations: the kernels equal them, and take minutes to compile."""
    monkeypatch.setattr(ap.kernels, "why_not", lambda: "not in these tests")


@pytest.fixture
def wide():
    """64 bits for a test."""
    with jax.enable_x64(True):
        yield


def pool(case: Case, x, **more):
    return ap.pool(x, case.windows.build(), case.reduction.build(), axes=case.axes, **more)


def case_scale(case: Case, x):
    return scale_of(case.reduction, x, case.windows.build(), axes=case.axes)


# --- the numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_eager_arrays(case: Case):
    x = narrow(case.data())
    assert_jax(pool(case, jnp.asarray(x)), pool(case, x))


@pytest.mark.parametrize("case", OFTEN, ids=str)
def test_compiled(case: Case):
    x = narrow(case.data())
    got = jax.jit(lambda x: pool(case, x))(x)
    assert_jax(got, pool(case, x), ulp=case.ulp, scale=case_scale(case, x))


@NIGHTLY
@pytest.mark.parametrize("case", REST, ids=str)
def test_compiled_rest_of_the_table(case: Case):
    test_compiled(case)


@NIGHTLY
@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled_with_64_bits(case: Case):
    test_compiled(case)


@pytest.mark.parametrize("label", ["k3s2p1", "dilated", "adaptive", "whole", "pyramid", "pairs"])
@pytest.mark.parametrize("name", ["max", "min"])
def test_indices(name, label):
    x, windows = sample(SHAPE, np.float32), WINDOWS[label].build()
    want = ap.pool(x, windows, name, axes=AXES, return_indices=True)
    for got in both_ways(lambda x: ap.pool(x, windows, name, axes=AXES, return_indices=True), x):
        assert_jax(got, want)
        assert got[1].dtype == jnp.int32


@EACH
def test_masks_that_are_traced(reduction):
    x, mask, weights = sample(SHAPE, np.float32), mask_of(SHAPE, 1), weights_of((9, 10), 2)
    windows, reduce = WINDOWS["k3s2p1"].build(), reduction.build()
    weights = weights.astype(np.float32)

    def own(x, mask, weights):
        return [ap.pool(x, windows, reduce, axes=AXES, fill=1, **given)
                for given in ({"mask": mask}, {"mask": mask, "weights": weights})]  # fmt: skip

    scale = scale_of(reduction, x, windows, axes=AXES, weights=weights)
    assert_jax(jax.jit(own)(x, mask, weights), own(x, mask, weights), ulp=128,
               scale=np.maximum(scale, 4))  # fmt: skip


@pytest.mark.parametrize(
    "label", ["k3s2p1", "adaptive", "split", "whole", pytest.param("pyramid", marks=NIGHTLY)]
)
def test_sizes_that_are_traced(label):
    x, windows = sample(SHAPE, np.float32), WINDOWS[label].build()
    for sizes in (SIZES, PAIRS):
        for name in ("max", "mean", "std"):
            want = ap.pool(x, windows, name, axes=AXES, sizes=sizes)
            for got in both_ways(
                lambda x, s, name=name: ap.pool(x, windows, name, axes=AXES, sizes=s), x, sizes
            ):
                assert_jax(got, want, ulp=16, scale=4)


def test_sizes_beyond_the_array_are_cut_where_they_are_only_traced():
    x = jnp.arange(12.0).reshape(2, 6)
    own = jax.jit(lambda s: ap.pool(x, ap.windows.adaptive(2), "sum", axes=(1,), sizes=s))
    assert_jax(own(jnp.array([[99], [3]])), own(jnp.array([[6], [3]])))
    with pytest.raises(ap.PoolError, match="sizes of sample 0 say 0 to 99"):
        ap.pool(x, ap.windows.adaptive(2), "sum", axes=(1,), sizes=jnp.array([[99], [3]]))


@pytest.mark.parametrize("label", ["k3s2p1", "k3s2p1-ceil", "same", "dilated", "adaptive", "whole"])
def test_sizes_of_the_pooled_samples(label):
    x, windows = sample(SHAPE, np.float32), WINDOWS[label].build()
    for sizes, axes in ((SIZES, AXES), (PAIRS, AXES), (SIZES[:, ::-1], (3, 2))):
        if label == "dilated" and axes != AXES:
            continue
        want = ap.pool(x, windows, "max", axes=axes, sizes=sizes, return_sizes=True)
        for got in both_ways(
            lambda x, s, axes=axes: ap.pool(x, windows, "max", axes=axes, sizes=s,
                                            return_sizes=True),
            x, sizes,
        ):  # fmt: skip
            assert_jax(got, want)


def test_lists_of_arrays():
    arrays = [sample((3, 5, 7), np.float32), sample((3, 9, 4), np.float32, 1)]
    want = ap.adaptive_avg_pool(arrays, 3)
    assert_jax(ap.adaptive_avg_pool([jnp.asarray(a) for a in arrays], 3), want)
    got = jax.jit(lambda a: ap.adaptive_avg_pool(list(a), 3))(tuple(arrays))
    assert_jax(got, want, ulp=8, scale=4)
    with pytest.raises(ap.PoolError, match="a list of arrays has its own sizes"):
        ap.adaptive_avg_pool([jnp.zeros((3, 5))], 3, mask=True)


@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole"])
def test_nan_and_infinities(label):
    x, windows = sample(SHAPE, np.float32, 7, "plain"), WINDOWS[label].build()
    x[np.random.default_rng(8).random(SHAPE) < 0.03] = np.nan
    x[0, 0], x[0, 1, 3, 3] = -np.inf, np.inf
    for name in ("max", "mean", "sum", "lse", "median"):
        for nan in ("propagate", "skip"):
            want = ap.pool(x, windows, name, axes=AXES, nan=nan)
            got = jax.jit(
                lambda x, name=name, nan=nan: ap.pool(x, windows, name, axes=AXES, nan=nan)
            )(x)
            assert_jax(got, want, ulp=64, scale=64)


def test_boxes_and_blur():
    x = sample(SHAPE, np.float32)
    boxes = [[0, 0, 0, 4, 6], [1, 2, 3, 9, 10]]
    for got in both_ways(lambda x: ap.roi_pool(x, boxes, (3, 2)), x):
        assert_jax(got, ap.roi_pool(x, boxes, (3, 2)))
    mask = mask_of(SHAPE, 3)
    for mode in ("reflect", "edge", "zero"):
        for got in both_ways(
            lambda x, m, mode=mode: ap.blur_pool(x, 4, mode=mode, mask=m), x, mask
        ):
            assert_jax(got, ap.blur_pool(x, 4, mode=mode, mask=mask), ulp=8, scale=4)
    for got in both_ways(ap.blur_pool, x):
        assert_jax(got, ap.blur_pool(x), ulp=8, scale=4)


@pytest.mark.parametrize("duplicates", ["last", "sum", "mean", "max"])
def test_max_unpool(duplicates):
    x = sample(SHAPE, np.float32)
    y, indices = ap.max_pool(x, 3, 1, return_indices=True)
    want = ap.max_unpool(y, indices, PLANE, duplicates=duplicates, fill=-2)
    for got in both_ways(
        lambda y, i: ap.max_unpool(y, i, PLANE, duplicates=duplicates, fill=-2), y, indices
    ):
        assert_jax(got, want, ulp=4, scale=9)
    whole = ap.max_unpool(y.astype(np.int32), indices, PLANE, duplicates=duplicates)
    got = ap.max_unpool(jnp.asarray(y.astype(np.int32)), jnp.asarray(indices), PLANE,
                        duplicates=duplicates)  # fmt: skip
    assert_jax(got, whole)


def test_max_unpool_in_turned_axes():
    x = sample((3, 9, 2, 10), np.float32)
    y, indices = ap.max_pool(x, 3, axes=(1, 3), return_indices=True)
    got = ap.max_unpool(jnp.asarray(y), jnp.asarray(indices), (10, 9), axes=(3, 1))
    assert_jax(got, ap.max_unpool(y, indices, (10, 9), axes=(3, 1)))


# --- dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_halves_add_up_in_single(dtype):
    x = jnp.full((1, 1, 128, 128), 60, dtype)
    for y in (ap.global_avg_pool(x), jax.jit(ap.global_avg_pool)(x)):
        assert y.dtype == x.dtype
        assert float(y[0, 0, 0, 0]) == 60
    ones = jnp.ones((1, 2, 10, 10, 10), dtype)
    y = jax.jit(lambda x: ap.adaptive_avg_pool(x, (1, 1, 2)))(ones)
    assert (y == 1).all()


def test_the_widths_of_jax():
    x = sample(SHAPE, np.uint8)
    for function, dtype in (
        (lambda x: ap.avg_pool(x, 2), "float32"),
        (lambda x: ap.sum_pool(x, 2), "uint32"),
        (lambda x: ap.max_pool(x, 2), "uint8"),
        (lambda x: ap.avg_pool(x, 2, dtype="int16"), "int16"),
        (lambda x: ap.avg_pool(x, 2, dtype=jnp.bfloat16), "bfloat16"),
    ):
        for got in both_ways(function, x):
            assert got.dtype == dtype


@pytest.mark.usefixtures("wide")
def test_with_64_bits():
    for name in DTYPES:
        x = sample(SHAPE, DTYPES[name])
        for function in (lambda x: ap.avg_pool(x, 2), lambda x: ap.sum_pool(x, 2)):
            for got in both_ways(function, x):
                assert_jax(got, function(x), ulp=8, scale=16)
        assert ap.max_pool(jnp.asarray(x), 2, return_indices=True)[1].dtype == jnp.int64


def test_rounding_to_integers():
    x = jnp.array([0.0, 1.0, 1.0, 2.0, 2.0, 3.0])
    for got in both_ways(lambda x: ap.avg_pool(x, 2, dtype="int8"), x):
        assert got.tolist() == [0, 2, 2]
    with pytest.raises(ap.PoolError, match="does not fit int8"):
        ap.sum_pool(x * 99, 2, dtype="int8")


# --- random numbers ----------------------------------------------------------------------------


def test_a_key_draws_the_same_eagerly_and_compiled():
    x = jnp.asarray(sample((1, 2, 5, 6), np.float32, 2))
    for function in (
        lambda x, key: ap.stochastic_pool(x, 3, rng=key),
        lambda x, key: ap.fractional_max_pool(x, 2, output_size=(3, 4), rng=key),
        lambda x, key: ap.pool(x, ap.windows.pyramid((1, 2)), ap.reductions.stochastic(key)),
        lambda x, key: ap.pool(x, ap.windows.fractional(2, output_size=3, rng=key),
                               ap.reductions.stochastic(key)),
    ):  # fmt: skip
        key = jax.random.key(3)
        one, other = function(x, key), jax.jit(function)(x, key)
        assert_jax(one, np.asarray(other))
        assert (one != function(x, jax.random.key(4))).any()
        assert_jax(one, np.asarray(function(x, key)))


def test_keys_of_the_old_kind_and_under_vmap():
    x = jnp.asarray(sample((1, 1, 8, 8), np.float32, 2))
    old = ap.stochastic_pool(x, 2, rng=jax.random.PRNGKey(3))
    assert_jax(old, np.asarray(ap.stochastic_pool(x, 2, rng=jax.random.key(3))))
    keys = jax.random.split(jax.random.key(0), 4)
    many = jax.vmap(lambda k: ap.stochastic_pool(x, 2, rng=k))(keys)
    assert_jax(many[2], np.asarray(ap.stochastic_pool(x, 2, rng=keys[2])))


def test_a_seed_draws_what_numpy_draws():
    x = sample(SHAPE, np.float32, 2)
    for function in (
        lambda x: ap.stochastic_pool(x, 3, rng=5),
        lambda x: ap.fractional_max_pool(x, 2, output_size=(4, 5), rng=5),
    ):
        for got in both_ways(function, x):
            assert_jax(got, function(x))


def test_drawn_elements_have_their_shares():
    """Drawn many times, an element comes as often as its share of the sum says."""
    x = jnp.array([1.0, 3.0])
    keys = jax.random.split(jax.random.key(0), 4000)
    drawn = jax.vmap(lambda k: ap.stochastic_pool(x, 2, rng=k))(keys)
    assert abs(float((drawn == 3).mean()) - 0.75) < 0.03


# --- names -------------------------------------------------------------------------------------


def test_every_function_has_the_name_it_has_in_the_core():
    core = {n for n in ap.__all__ if n.endswith(("pool", "vjp"))}
    assert core <= set(aj.__all__)
    x = sample(SHAPE, np.float32)
    assert_jax(aj.max_pool(x, 2), ap.max_pool(x, 2))
    assert_jax(aj.max_pool([[1.0, 2.0], [3.0, 4.0]], 2), np.array([[4.0]], np.float32))
    assert_jax(aj.global_avg_pool(x, keepdims=False), ap.global_avg_pool(x, keepdims=False))


def test_numpys_arrays_beside_a_traced_one():
    x, mask = sample(SHAPE, np.float32), mask_of(SHAPE, 4)
    got = jax.jit(lambda x: ap.avg_pool(x, 2, mask=mask, sizes=SIZES))(x)
    assert_jax(got, ap.avg_pool(x, 2, mask=mask, sizes=SIZES), ulp=8, scale=4)


# --- what it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda x: ap.max_pool(x, 2, padding=2, fill=None), "fill=None looks whether a window"),
        (lambda x: ap.max_pool(x, 2, nan="raise"), 'nan="raise" looks at the numbers'),
        (lambda x: ap.max_pool(x, 11), "window 11 does not fit axis 2"),
        (lambda x: ap.max_pool(x, 2, mask=jnp.ones((4,), bool)), "does not broadcast"),
        (lambda x: ap.max_pool(x, 2, mask=x), "mask has dtype float32; it must be bool"),
        (lambda x: ap.max_pool(x, 2, sizes=jnp.ones((3, 2), int)), "sizes has shape"),
        (lambda x: ap.max_pool(x, 2, weights=-np.ones(10)), "weights must be finite and not neg"),
        (lambda x: ap.max_pool(x, 2, out=np.zeros(3)), "JAX's arrays are never written to"),
        (lambda x: ap.max_pool(x, 2, rng=jax.random.key(0)), "draws nothing; rng is for"),
        (lambda x: ap.max_pool(x, 2, return_sizes=True), "return_sizes needs sizes"),
        (lambda x: ap.stochastic_pool(x, 2, rng=np.random.default_rng(0)), "rng is a Generator"),
        (lambda x: ap.pool(x, ap.windows.whole(), lambda v: v), "reduce is"),
        (lambda x: aj.pool(x, ap.windows.whole(), "max", parameter=x), "max has no parameter"),
        (lambda x: aj.gem_pool(x, 2, p=jnp.ones(7)), "the parameter of gem has shape"),
    ],
)  # fmt: skip
def test_one_sentence(ask, told):
    x = jnp.zeros(SHAPE)
    with pytest.raises(ap.PoolError, match=told):
        jax.jit(ask)(x)


def test_what_only_a_trace_cannot_do():
    """The same calls are fine where the numbers are at hand."""
    x = jnp.asarray(sample(SHAPE, np.float32))
    ap.max_pool(x, 2, nan="raise")
    ap.stochastic_pool(x, 2, rng=np.random.default_rng(0))
    with pytest.raises(ap.PoolError, match="some windows have nothing real and fill is None"):
        ap.max_pool(x, 2, padding=2, fill=None)
    jax.jit(lambda x: ap.max_pool(x, 2, fill=None))(x)  # no window can be empty
    product = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
    assert_jax(ap.pool(x, ap.windows.whole(), product), ap.pool(np.asarray(x), ap.windows.whole(),
                                                                product))  # fmt: skip


def test_functions_of_the_user_in_programs():
    product = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
    largest = ap.reductions.custom(lambda x: x, lambda s, x: x if x > s else s, name="largest")
    x, windows = sample(SHAPE, np.float32), ap.windows.sliding(2)
    got = jax.jit(lambda x: ap.pool(x, windows, product))(x)
    assert_jax(got, ap.pool(x, windows, product), ulp=8, scale=9)
    slope = jax.grad(lambda x: ap.pool(x, windows, product).sum())(jnp.array([2.0, 3.0, 5.0, 7.0]))
    assert slope.tolist() == [3, 2, 7, 5]
    with pytest.raises(ap.PoolError, match="the functions of largest are given arrays here"):
        jax.jit(lambda x: ap.pool(x, windows, largest))(x)
    assert_jax(ap.pool(jnp.asarray(x), windows, largest), ap.pool(x, windows, "max"))


def test_much_is_taken_sample_by_sample(monkeypatch):
    monkeypatch.setattr(ap.plain.windowed, "MOST", 100)
    x = sample((3, 2, 7, 8), np.float32, kind="distinct")
    windows, g = ap.windows.sliding(3, 2, 1), np.ones((3, 2, 4, 4), np.float32)
    for name in ("median", "soft"):
        y, back = jax.vjp(jax.jit(lambda x, name=name: ap.pool(x, windows, name)), x)
        assert_jax(y, ap.pool(x, windows, name), ulp=64, scale=4)
        assert_jax(back(g)[0], ap.vjp(x, windows, name)[1](g), ulp=1e4, scale=1)


def test_dtypes_that_cannot_be_pooled():
    with pytest.raises(ap.PoolError, match="x has dtype float8_e4m3fn"):
        ap.max_pool(jnp.zeros((4, 4), "float8_e4m3fn"), 2)


def test_a_keyword_nobody_knows():
    with pytest.raises(TypeError, match="unexpected keyword argument 'kernel'"):
        ap.max_pool(jnp.zeros((4, 4)), 2, kernel=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'kernel'"):
        aj.pool(jnp.zeros((4, 4)), ap.windows.whole(), "max", kernel=3)
