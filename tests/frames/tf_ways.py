"""What TensorFlow does with tensors: tapes, variables, ragged ones, files, other machines."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import anypool as ap
import anypool.tensorflow as at
from anypool.tensorflow import eager, tensors
from cases import sample
from same import assert_same
from same_tensorflow import WAYS, called, slope

X = sample((2, 6, 7, 3), "float32", 3, "plain")
OVER = {"axes": (1, 2)}


# --- memory ------------------------------------------------------------------------------------


def test_no_copy_in_and_none_out():
    x = tf.constant(X)
    a = tensors.array_of(x)
    assert np.shares_memory(a, tensors.array_of(x))
    y = tensors.empty((5, 7), np.dtype(np.float32))
    y[...] = 2
    t = tensors.tensor_of(y)
    assert np.shares_memory(y, np.asarray(t))
    assert y.__array_interface__["data"][0] % 64 == 0


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64", "complex64"])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_memory_that_tensorflow_would_die_of_is_copied(dtype, shift):
    """TensorFlow 2.21 stops the process at memory that is not aligned to 64 bytes."""
    room = tensors.empty((40,), np.dtype(np.uint8))[shift:]
    size = np.dtype(dtype).itemsize
    a = np.frombuffer(room[: len(room) // size * size], dtype)
    t = tensors.tensor_of(a)
    assert np.asarray(tf.concat([t, t], 0))[: len(a)].tobytes() == a.tobytes()


def test_a_fast_call_is_made_once_and_found_again():
    eager.JOBS.clear()
    for _ in range(3):
        ap.max_pool(tf.constant(X), 2, **OVER)
    assert len(eager.JOBS) == 1
    assert eager.MOST_JOBS >= 1024


def test_max_keeps_one_byte_for_each_output():
    job = eager.job_for(_request(ap.windows.sliding(2), "max"), X)
    assert job.keep(X)[1].dtype == np.uint8


def _request(windows, name):
    from anypool.reductions import resolve
    from anypool.tensorflow.request import Request

    return Request(windows, resolve(name), (1, 2), {}, False)


# --- derivatives -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max", "mean", "gem", "lse", "soft", "std", "median", "topk"])
@pytest.mark.parametrize("way", ["eager", "graph", "dynamic"])
def test_second_derivatives(way, name):
    """By finite differences of the first, in float64."""
    x = np.abs(sample((1, 5, 4, 2), "float64", 3, "distinct")) + 0.1
    g = sample((1, 2, 2, 2), "float64", 5)
    v, h = sample(x.shape, "float64", 6), 1e-6
    first = slope(lambda t: ap.pool(t, ap.windows.adaptive(2), name, **OVER))
    want = (first(tf.constant(x + h * v), g) - first(tf.constant(x - h * v), g)) / (2 * h)

    def second(t, g):
        with tf.GradientTape() as tape:
            tape.watch(t)
            d = tf.reduce_sum(first(t, g) * v)
        found = tape.gradient(d, t)
        return tf.zeros_like(t) if found is None else found

    got = called(way, second, x, g, axes=(1, 2))
    np.testing.assert_allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("name", ["max", "mean", "gem", "median"])
@pytest.mark.parametrize("way", ["eager", "graph"])
def test_forward_mode(way, name):
    x, v = np.abs(sample((1, 5, 4, 2), "float64", 3, "distinct")) + 0.1, np.ones((1, 5, 4, 2))

    def pool(t):
        return ap.pool(t, ap.windows.sliding(2), name, **OVER)

    def ahead(t):
        with tf.autodiff.ForwardAccumulator(t, tf.constant(v)) as found:
            y = pool(t)
        return found.jvp(y)

    want = (pool(tf.constant(x + 1e-6 * v)) - pool(tf.constant(x - 1e-6 * v))) / 2e-6
    np.testing.assert_allclose(called(way, ahead, x), want, atol=1e-6)


@pytest.mark.parametrize("way", ["eager", "graph", "dynamic", "xla"])
@pytest.mark.parametrize("name", ["gem", "lse", "soft", "lp"])
def test_weights_and_parameters_have_derivatives(way, name):
    x = np.abs(sample((2, 6, 7, 3), "float64", 3)) + 0.5
    w = np.abs(sample((2, 6, 7, 1), "float64", 4)) + 0.5
    reduction = getattr(ap.reductions, name)(2.5)
    y, pullback = ap.vjp(x, ap.windows.sliding(2), reduction, weights=w, **OVER)
    g = sample(y.shape, "float64", 5)
    want = pullback(g)

    def slopes(x, w, p, g):
        with tf.GradientTape() as tape:
            tape.watch((x, w, p))
            y = at.pool(x, ap.windows.sliding(2), name, weights=w, parameter=p, **OVER)
        return tape.gradient(y, (x, w, p), g)

    got = called(way, slopes, x, w, np.array(2.5), g)
    for mine, theirs in zip(got, want, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("way", ["eager", "graph", "dynamic"])
def test_a_parameter_for_each_channel(way):
    x, p = np.abs(sample((2, 6, 7, 3), "float64", 3)) + 0.5, np.array([1.0, 2.0, 4.0])
    got = called(way, lambda x, p: at.pool(x, ap.windows.adaptive(3), "gem", parameter=p, **OVER),
                 x, p)  # fmt: skip
    for i in range(3):
        want = ap.pool(x[..., i], ap.windows.adaptive(3), ap.reductions.gem(p[i]), **OVER)
        np.testing.assert_allclose(got[..., i], want, rtol=1e-12)


def test_vjp_gives_what_numpy_gives():
    x, w = np.abs(X).astype("float64") + 0.5, np.abs(X[..., :1]).astype("float64") + 0.5
    for given in ({}, {"weights": w}):
        for reduce in ("max", ap.reductions.gem(p=4)):
            y, pullback = ap.vjp(tf.constant(x), ap.windows.adaptive(3), reduce, **OVER, **given)
            want, theirs = ap.vjp(x, ap.windows.adaptive(3), reduce, **OVER, **given)
            assert_same(y, want, ulp=64, scale=3.0)
            g = sample(want.shape, "float64", 5)
            mine, theirs = pullback(g), theirs(g)
            assert isinstance(mine, tuple) == isinstance(theirs, tuple)
            pairs = zip(mine, theirs, strict=True) if isinstance(mine, tuple) else [(mine, theirs)]
            for a, b in pairs:
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_variables_are_found_by_the_tape():
    v = tf.Variable(X)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(ap.avg_pool(v, 2, **OVER))
    assert tape.gradient(y, v).shape == v.shape


def test_derivatives_are_dense_on_the_first_axis_too():
    x = sample((9, 3), "float32", 3)
    for way in ("eager", "graph", "dynamic"):
        back = slope(lambda t: ap.pool(t, ap.windows.adaptive(4), "gem", axes=(0,)))
        assert isinstance(called(way, back, x, np.ones((4, 3), "float32")), tf.Tensor)


def test_loops_and_maps():
    want = ap.adaptive_max_pool(X, 2, **OVER)
    for over in (tf.vectorized_map, tf.map_fn):
        got = over(lambda t: ap.adaptive_max_pool(t, 2, axes=(0, 1)), tf.constant(X))
        assert_same(got, want)


def converted(t):
    """For AutoGraph, which rewrites functions that it finds the source of."""
    y = ap.adaptive_avg_pool(t, (4, 5), **OVER)
    for _ in range(2):
        if tf.reduce_sum(y) > 0:
            y = ap.max_pool(y, 2, 1, mask=y > 0, **OVER)
    return ap.blur_pool(y, **OVER)


@pytest.mark.parametrize("shape", [X.shape, (None, None, None, 3)], ids=str)
def test_autograph(shape, recwarn):
    spec = tf.TensorSpec(shape)
    assert_same(tf.function(converted, input_signature=[spec])(X), converted(X), ulp=16, scale=3.0)
    assert not recwarn.list


# --- other forms of input ----------------------------------------------------------------------


def test_a_list_becomes_one_batch():
    parts = [tf.constant(X[0, :4]), tf.constant(X[1])]
    got = ap.adaptive_avg_pool(parts, 2, axes=(1, 2))
    for i, part in enumerate(parts):
        want = ap.adaptive_avg_pool(part.numpy(), 2, axes=(0, 1))
        assert_same(got[i], want, ulp=16, scale=3.0)


@pytest.mark.parametrize("way", ["eager", "graph"])
def test_ragged_tensors(way):
    rows = tf.RaggedTensor.from_row_lengths(X[0, :, 0], [4, 2])

    def pool(values):
        return ap.global_max_pool(rows.with_values(values), axes=(1,), keepdims=False)

    got = called(way, pool, X[0, :, 0])
    assert_same(got, np.stack([X[0, :4, 0].max(0), X[0, 4:, 0].max(0)]))
    image = tf.RaggedTensor.from_tensor(X[:, :4, :5], ragged_rank=2)
    assert_same(ap.adaptive_max_pool(image, 2, axes=(1, 2)),
                ap.adaptive_max_pool(X[:, :4, :5], 2, axes=(1, 2)))  # fmt: skip
    uneven = tf.ragged.constant([[[1.0], [1.0, 2.0]], [[3.0]]])
    with pytest.raises(ap.PoolError, match="rows of different lengths along axis 2"):
        ap.adaptive_max_pool(uneven, 1, axes=(1, 2))


def test_random_numbers():
    x = np.abs(X)
    want = ap.stochastic_pool(x, 2, rng=3, **OVER)
    for way in ("eager", "graph"):
        assert_same(called(way, lambda t: ap.stochastic_pool(t, 2, rng=3, **OVER), x), want)
        fractions = {"output_size": 3, "rng": 7, **OVER}
        got = called(way, lambda t, f=fractions: ap.fractional_max_pool(t, 2, **f), x)
        assert_same(got, ap.fractional_max_pool(x, 2, **fractions))
    for way in WAYS:
        drawn = called(way, lambda t: ap.stochastic_pool(t, 2, rng=tf.constant([1, 2]), **OVER), x)
        again = called(way, lambda t: ap.stochastic_pool(t, 2, rng=tf.constant([1, 2]), **OVER), x)
        assert_same(again, drawn)
        tiles = x[:, :6, :6].reshape(2, 3, 2, 3, 2, 3)
        assert (np.asarray(drawn)[:, :, None, :, None] == tiles).any((2, 4)).all()
    generator = tf.random.Generator.from_seed(1)
    one, two = (ap.stochastic_pool(tf.constant(x), 2, rng=generator, **OVER) for _ in range(2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("way", WAYS)
def test_unpooling_and_blur(way):
    y, indices = ap.max_pool(X, 3, 2, return_indices=True, **OVER)
    got = called(way, lambda y, i: ap.max_unpool(y, i, (6, 7), **OVER), y, indices)
    assert_same(got, ap.max_unpool(y, indices, (6, 7), **OVER))
    for mode in ("reflect", "edge", "zero"):
        got = called(way, lambda t, m=mode: ap.blur_pool(t, 4, mode=m, mask=t > 0, **OVER), X)
        assert_same(got, ap.blur_pool(X, 4, mode=mode, mask=X > 0, **OVER), ulp=16, scale=4.0)


def test_unpooling_adds_up_where_that_is_asked():
    y, indices = ap.max_pool(X, 3, 1, return_indices=True, **OVER)
    for duplicates in ("sum", "mean", "max", "last"):
        want = ap.max_unpool(y, indices, (6, 7), duplicates=duplicates, **OVER)
        got = ap.max_unpool(tf.constant(y), tf.constant(indices), (6, 7), duplicates=duplicates,
                            **OVER)  # fmt: skip
        assert_same(got, want, ulp=16, scale=9.0)


# --- files and other machines ------------------------------------------------------------------

FORMS = {
    "adaptive mean": lambda t: ap.adaptive_avg_pool(t, (4, 5), **OVER),
    "adaptive max": lambda t: ap.adaptive_max_pool(t, (4, 5), **OVER),
    "max": lambda t: ap.max_pool(t, 2, **OVER),
    "mean, same": lambda t: ap.avg_pool(t, 3, 2, "same", **OVER),
    "gem": lambda t: ap.gem_pool(t, 2, **OVER),
    "lse": lambda t: ap.lse_pool(t, 2, **OVER),
    "std": lambda t: ap.std_pool(t, 2, **OVER),
    "median": lambda t: ap.median_pool(t, 2, **OVER),
    "pyramid": lambda t: ap.pyramid_pool(t, **OVER),
    "blur": lambda t: ap.blur_pool(t, **OVER),
    "masked": lambda t: ap.adaptive_max_pool(t, 3, mask=t > 0.5, **OVER),
}
SPECS = {"static": (None, 9, 12, 3), "dynamic": (None, None, None, 3)}
IMAGE = np.abs(sample((2, 9, 12, 3), "float32", 3, "plain")) + 0.1


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("form", FORMS)
def test_saved_models(form, spec, tmp_path):
    module = tf.Module()
    module.pool = tf.function(FORMS[form], autograph=False,
                              input_signature=[tf.TensorSpec(SPECS[spec])])  # fmt: skip
    tf.saved_model.save(module, tmp_path)
    again = tf.saved_model.load(tmp_path).pool
    want = FORMS[form](tf.constant(IMAGE))
    assert_same(again(tf.constant(IMAGE)), want.numpy(), ulp=64, scale=3.0)
    g = np.ones(want.shape, "float32")
    mine, theirs = slope(again)(tf.constant(IMAGE), g), slope(FORMS[form])(tf.constant(IMAGE), g)
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("form", FORMS)
def test_tflite(form, spec):
    file = at.to_tflite(FORMS[form], tf.TensorSpec(SPECS[spec]))
    small = IMAGE[:1, :7, :8]
    for x in (IMAGE, small) if spec == "dynamic" else (IMAGE,):
        assert_same(run_tflite(file, x), FORMS[form](x), ulp=64, scale=3.0)


def run_tflite(file: bytes, x: np.ndarray) -> np.ndarray:
    runner = tf.lite.Interpreter(model_content=file)
    runner.resize_tensor_input(0, x.shape)
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], x)
    runner.invoke()
    return runner.get_tensor(runner.get_output_details()[0]["index"])


def test_what_tflite_cannot_do_is_named(capfd):
    spec = tf.TensorSpec((1, 4, 4, 3))
    with pytest.raises(ap.PoolError, match=r"TFLite cannot run .*Mul"):
        at.to_tflite(lambda t: ap.quantile_pool(t, 2, q=0.3, **OVER), spec)
    with pytest.raises(ap.PoolError, match=r"a function needs a tf\.TensorSpec"):
        at.to_tflite(lambda t: ap.max_pool(t, 2, **OVER))
    capfd.readouterr()  # TensorFlow prints pages


def test_a_graph_of_finite_numbers_is_one_operation():
    pool = tf.function(lambda t: ap.max_pool(t, 2, **OVER), autograph=False)
    wary = pool.get_concrete_function(tf.TensorSpec((2, 6, 7, 3)))
    assert "StatelessIf" in {op.type for op in wary.graph.get_operations()}
    with at.finite():
        lean = tf.function(lambda t: ap.max_pool(t, 2, **OVER), autograph=False)
        graph = lean.get_concrete_function(tf.TensorSpec((2, 6, 7, 3)))
    assert "StatelessIf" not in {op.type for op in graph.graph.get_operations()}
    assert_same(lean(tf.constant(X)), ap.max_pool(X, 2, **OVER))


# --- bad input ---------------------------------------------------------------------------------

BAD = {
    "a window that does not fit": (lambda t: ap.max_pool(t, 9, **OVER), "does not fit axis 1"),
    "a dtype no array has": (
        lambda t: ap.max_pool(tf.constant(["a", "b"]), 2), "pooling needs bool, integers, floats"),
    "a sparse tensor": (
        lambda t: ap.max_pool(tf.sparse.from_dense(X), 2), "use tf.sparse.to_dense"),
    "out": (lambda t: ap.max_pool(t, 2, out=X, **OVER), "out is for NumPy arrays"),
    "a mask that does not fit": (
        lambda t: ap.max_pool(t, 2, mask=np.ones((9, 9), bool), **OVER), "does not broadcast"),
    "a mask of numbers": (
        lambda t: ap.max_pool(t, 2, mask=np.ones(X.shape), **OVER), "it must be bool"),
    "a parameter where there is none": (
        lambda t: at.pool(t, ap.windows.sliding(2), "max", parameter=1.0, **OVER),
        "max has no parameter with a derivative"),
    "no sizes to give back": (
        lambda t: ap.max_pool(t, 2, return_sizes=True, **OVER), "return_sizes needs sizes"),
    "an empty list": (
        lambda t: at.pool([], ap.windows.adaptive(2)), "x must be a tensor or a list"),
}  # fmt: skip


@pytest.mark.parametrize("call", BAD)
def test_bad_input(call):
    function, words = BAD[call]
    with pytest.raises(ap.PoolError, match=words):
        function(tf.constant(X))


PRODUCT = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
UNKNOWN = {
    "boxes": (lambda t: ap.roi_pool(t, [[0, 0, 0, 2, 2]], 2, **OVER), "boxes need known sizes"),
    "random places": (
        lambda t: ap.fractional_max_pool(t, 2, output_size=3, rng=7, **OVER),
        "every size beforehand"),
    "sizes after": (
        lambda t: ap.max_pool(t, 2, sizes=np.ones((2, 2), int), return_sizes=True, **OVER),
        "return_sizes needs known sizes"),
    "fill None": (lambda t: ap.max_pool(t, 2, fill=None, **OVER), "looks at numbers"),
    "nan raise": (lambda t: ap.max_pool(t, 2, nan="raise", **OVER), "looks at numbers"),
    "functions of one's own": (
        lambda t: ap.pool(t, ap.windows.sliding(2), PRODUCT, **OVER), "need known sizes"),
    "unpooled sums": (
        lambda t: ap.max_unpool(t, tf.zeros_like(t, tf.int64), 9, duplicates="sum", **OVER),
        "needs known sizes"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["eager", "graph", "batch", "xla"])
def test_functions_of_ones_own(way):
    windows = ap.windows.sliding(2)
    want = ap.pool(X.astype("float64"), windows, PRODUCT, **OVER)
    got = called(way, lambda t: ap.pool(t, windows, PRODUCT, **OVER), X.astype("float64"))
    assert_same(got, want, ulp=16, scale=9.0)


@pytest.mark.parametrize("call", UNKNOWN)
def test_what_needs_sizes_or_numbers_says_so_in_a_graph(call):
    function, words = UNKNOWN[call]
    with pytest.raises(ap.PoolError, match=words):
        called("dynamic", function, X)


def test_a_tensor_of_unknown_rank():
    with pytest.raises(ap.PoolError, match="unknown number of axes"):
        tf.function(lambda t: ap.max_pool(t, 2), autograph=False).get_concrete_function(
            tf.TensorSpec(None))  # fmt: skip


def test_numpy_arrays_stay_with_numpy():
    assert isinstance(ap.max_pool(X, 2, **OVER), np.ndarray)


def pooled(x):
    return ap.pool(x, ap.windows.sliding(2), "max")


def smoothed(x):
    return ap.blur_pool(x)


def there_and_back(x):
    y, at = ap.max_pool(x, 2, return_indices=True)
    return ap.max_unpool(y, at, tuple(x.shape[2:]))


def pulled(x):
    return ap.vjp(x, ap.windows.sliding(2), "gem")[1](ap.gem_pool(x, 2))


def drawn(x):
    return ap.fractional_max_pool(x, 2, output_size=3)


@pytest.mark.parametrize("call", [pooled, smoothed, there_and_back, pulled, drawn])
def test_autograph_reads_every_door(call, caplog):
    """AutoGraph rewrites the functions that a program calls, and warns where it cannot."""
    x = tf.random.stateless_uniform((1, 3, 8, 8), (0, 0))
    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        np.testing.assert_allclose(tf.function(call)(x), call(x), rtol=1e-6)
    finally:
        logger.removeHandler(caplog.handler)
    assert not [line for line in caplog.messages if "AutoGraph" in line]
