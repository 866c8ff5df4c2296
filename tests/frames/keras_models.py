"""Whole models on the backend at hand: trained, saved, masked, in halves, of any size."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import anypool as ap
import anypool.keras as ak
from cases import sample
from same import assert_same
from same_keras import BACKEND, numbers

L = keras.layers
QUIET = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")
pytestmark = QUIET


def net(head: list, size: tuple = (None, None, 1)) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        keras.Input(size), L.Conv2D(6, 3, padding="same", activation="relu"),
        ak.MaxPooling2D(2), *head, L.Flatten(), L.Dense(3),
    ])  # fmt: skip


def stripes(n: int = 96, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Images of three kinds that a small network tells apart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 0.3, (n, size, size, 1)).astype("float32"), np.arange(n) % 3
    x[y == 1, ::2] += 1
    x[y == 2, :, ::2] += 1
    return x, y


HEADS = {
    "adaptive": lambda: [ak.AdaptiveAveragePooling2D(2)],
    "adaptive max": lambda: [ak.AdaptiveMaxPooling2D(2)],
    "gem": lambda: [ak.GlobalGeMPooling2D(per_channel=True)],
    "pyramid": lambda: [ak.PyramidPooling2D((1, 2))],
    "attention": lambda: [ak.AttentionPooling(8)],
    "median, blur": lambda: [ak.BlurPooling2D(), ak.GlobalMedianPooling2D()],
    "drawn": lambda: [ak.StochasticPooling2D(2, seed=1), ak.GlobalAveragePooling2D()],
}


def rounds() -> list:
    """Every head, compiled where that is quick; the two that differ most also as it comes."""
    compiled = BACKEND != "torch"
    often = [(head, compiled) for head in HEADS] + [(h, False) for h in ("adaptive", "gem")]
    rest = [(head, False) for head in HEADS]
    made = [pytest.param(*r, id=f"{r[0]}-{r[1]}") for r in dict.fromkeys(often)]
    late = [pytest.param(*r, id=f"{r[0]}-{r[1]}", marks=pytest.mark.nightly)
            for r in rest if r not in often]  # fmt: skip
    return made + late


@pytest.mark.parametrize(("head", "jit"), rounds())
def test_the_loss_falls(head, jit):
    assert falls(head, jit)


def falls(head: str, jit: bool) -> bool:
    model, (x, y) = net(HEADS[head]()), stripes()
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(True),
                  jit_compile=jit)  # fmt: skip
    loss = model.fit(x, y, batch_size=32, epochs=6, verbose=0, shuffle=False).history["loss"]
    return loss[-1] < 0.7 * loss[0]


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.skipif(BACKEND != "torch", reason="elsewhere compiled above")
@pytest.mark.parametrize("head", ["adaptive", "gem"])
def test_the_loss_falls_compiled_by_torch(head):
    assert falls(head, True)


def test_the_learnt_parameter_moves():
    layer = ak.GeMPooling2D(2)
    model, (x, y) = net([layer], (12, 12, 1)), stripes()
    before = numbers(layer.value).copy()
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(True))
    model.fit(x, y, epochs=1, verbose=0)
    assert abs(numbers(layer.value) - before).max() > 1e-3


@pytest.mark.parametrize("head", ["adaptive", "adaptive max", "gem", "pyramid", "attention"])
def test_one_model_for_every_size(head):
    inner = HEADS[head]()
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, inner[0](inputs))
    for size in ((9, 14), (16, 8), (5, 5)):
        x = np.abs(sample((2, *size, 3), "float32", 3)) + 0.1
        got = model.predict(x, verbose=0)
        assert_same(got, numbers(inner[0](x)), ulp=64, scale=4.0)


KINDS = ["MaxPooling2D", "AveragePooling2D", "AdaptiveMaxPooling2D", "AdaptiveAveragePooling2D",
         "GeMPooling2D", "SoftPooling2D", "MedianPooling2D", "AdaptiveMinPooling2D",
         "BlurPooling2D", "PyramidPooling2D", "ConcatPooling2D"]  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_any_size_by_predict(name):
    layer = getattr(ak, name)(*((3,) if name.startswith("Adaptive") else ()))
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, layer(inputs))
    for size in ((7, 11), (12, 8)):
        x = np.abs(sample((2, *size, 2), "float32", 3)) + 0.1
        assert_same(model.predict(x, verbose=0), numbers(layer(x)), ulp=64, scale=4.0)


# --- files -------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_file(tmp_path):
    inputs = keras.Input((16, 16, 3))
    x = ak.MaxPooling2D(2, padding="same")(inputs)
    x = ak.GeMPooling2D(2, 1, padding=1, per_channel=True)(x)
    x = ak.ops.soft_pool(x, 2, 1, beta=2.0)
    x = ak.ops.blur_pool(x, strides=1)
    parts = [
        ak.PyramidPooling2D((1, 2), flatten=True)(x), ak.AttentionPooling(4)(x),
        ak.GlobalLSEPooling2D()(x), ak.StatisticsPooling2D()(x),
        L.Flatten()(ak.ConcatPooling2D(("max", "average"), 2)(x)),
        L.Flatten()(ap.adaptive_max_pool(x, 2, axes=(1, 2))),
        L.Flatten()(ak.ops.pool(x, ap.windows.split((2, 3)), ap.reductions.quantile(0.3))),
    ]  # fmt: skip
    model = keras.Model(inputs, L.Concatenate()(parts))
    x = np.abs(sample((2, 16, 16, 3), "float32", 3)) + 0.1
    want = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(again.predict(x, verbose=0), want, ulp=4, scale=4.0)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_what_cannot_be_saved_says_so():
    mine = ap.reductions.custom(lambda x: x, lambda s, x: s * x, name="product")
    made = ak.operation.Pooling(ap.windows.sliding(2), mine, "channels_last")
    with pytest.raises(ap.PoolError, match="product is made of Python functions"):
        made.get_config()


# --- halves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_halves_are_added_up_in_float32(policy):
    x = np.full((1, 128, 128, 1), 60.0, "float32")
    for layer in (ak.GlobalAveragePooling2D(dtype=policy), ak.AveragePooling2D(128, dtype=policy)):
        y = layer(x)
        assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
        assert numbers(y).ravel().tolist() == [60.0]
        model = keras.Sequential([keras.Input((128, 128, 1), dtype="float32"), layer])
        assert float(np.asarray(model.predict(x, verbose=0), "float32").ravel()[0]) == 60.0
    ones = keras.ops.ones((1, 10, 10, 10, 2), "bfloat16")
    y = ak.ops.adaptive_average_pool(ones, (1, 1, 2))
    assert numbers(y).ravel().tolist() == [1.0] * 4


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_parameter_stays_in_float32(policy):
    layer = ak.GeMPooling2D(2, dtype=policy)
    x = np.abs(sample((2, 6, 6, 3), "float32", 3)) + 0.1
    y = layer(x)
    assert keras.backend.standardize_dtype(layer.value.dtype) == "float32"
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    np.testing.assert_allclose(numbers(y), ap.gem_pool(x, 2, axes=(1, 2)), rtol=2e-2)


# --- masks -------------------------------------------------------------------------------------

STEPS = np.array([[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]], bool)


def padded(value: float = 99.0) -> np.ndarray:
    x = sample((2, 7, 3), "float32", 3)
    x[~STEPS] = value
    return x


@pytest.mark.parametrize(
    ("layer", "windows", "reduce"),
    [
        (ak.MaxPooling1D(2, masked=True), ap.windows.sliding(2), "max"),
        (ak.AveragePooling1D(3, 2, masked=True), ap.windows.sliding(3, 2), "mean"),
        (ak.AdaptiveAveragePooling1D(3, masked=True), ap.windows.adaptive(3), "mean"),
        (ak.GlobalMaxPooling1D(masked=True), ap.windows.whole(False), "max"),
        (ak.GlobalAveragePooling1D(), ap.windows.whole(False), "mean"),
        (ak.MedianPooling1D(3, masked=True), ap.windows.sliding(3), "median"),
    ],
)
def test_masks(layer, windows, reduce):
    for value in (99.0, np.nan, np.inf):
        x = padded(value)
        y = layer(x, mask=STEPS)
        want = ap.pool(x, windows, reduce, axes=(1,), mask=STEPS[..., None])
        assert_same(numbers(y), want, ulp=16, scale=3.0)
    seen = layer.compute_mask(x, STEPS)
    if isinstance(windows, ap.windows.Whole):
        assert seen is None
    else:
        assert numbers(seen).tolist() == ap.pool(STEPS, windows, "any", axes=(1,)).tolist()


def test_masks_flow_through_a_model():
    """From Embedding through our pooling to the next layer, in a compiled model."""
    inputs = keras.Input((7,), dtype="int32")
    seen = L.Embedding(9, 3, mask_zero=True)(inputs)
    pooled = ak.AveragePooling1D(2, masked=True)(seen)
    model = keras.Model(inputs, ak.GlobalAveragePooling1D()(pooled))
    words = np.where(STEPS, 5, 0)
    table = numbers(model.layers[1].weights[0])
    want = np.broadcast_to(table[5], (2, 3))
    np.testing.assert_allclose(model.predict(words, verbose=0), want, rtol=1e-6)


def test_images_take_masks_without_channels():
    x, mask = sample((2, 6, 6, 3), "float32", 3), np.zeros((2, 6, 6), bool)
    mask[:, :4, :5] = True
    want = ap.adaptive_max_pool(x, 2, axes=(1, 2), mask=mask[..., None])
    layer = ak.AdaptiveMaxPooling2D(2, masked=True)
    assert_same(numbers(layer(x, mask=mask)), want)
    assert numbers(layer.compute_mask(x, mask)).shape == (2, 2, 2)
    first = ak.MaxPooling2D(2, masked=True, data_format="channels_first")
    turned = np.moveaxis(x, -1, 1)
    want = ap.max_pool(turned, 2, axes=(2, 3), mask=mask[:, None])
    assert_same(numbers(first(turned, mask=mask)), want)


def test_a_sample_with_nothing_real_is_zero():
    x, mask = padded(), np.zeros((2, 7), bool)
    assert numbers(ak.GlobalAveragePooling1D()(x, mask=mask)).tolist() == [[0.0] * 3] * 2
    assert numbers(ak.AttentionPooling(4)(x, mask=mask)).tolist() == [[0.0] * 3] * 2


def test_attention_never_sees_what_is_not_real():
    layer = ak.AttentionPooling(4)
    y = [numbers(layer(padded(value), mask=STEPS)) for value in (0.0, np.nan, np.inf)]
    assert_same(y[1], y[0])
    assert_same(y[2], y[0])
    alone = numbers(layer(padded()[:1, :3]))
    np.testing.assert_allclose(alone, y[0][:1], rtol=1e-5)


def test_weights_and_sizes():
    x, weights = sample((2, 7, 3), "float32", 3), np.arange(14.0).reshape(2, 7)
    layer = ak.AdaptiveAveragePooling1D(2)
    want = ap.adaptive_avg_pool(x, 2, axes=(1,), weights=weights[..., None])
    assert_same(numbers(layer(x, weights=weights)), want, ulp=16, scale=3.0)
    sizes = np.array([[3], [5]])
    want = ap.adaptive_avg_pool(x, 2, axes=(1,), sizes=sizes)
    assert_same(numbers(layer(x, sizes=sizes)), want, ulp=16, scale=3.0)


def test_a_mask_nobody_asked_for_is_dropped_as_keras_does():
    masked = L.Masking()(padded(0.0))
    with pytest.warns(UserWarning, match="does not support masking"):
        y = ak.MaxPooling1D(2)(masked)
    assert_same(numbers(y), ap.max_pool(padded(0.0), 2, axes=(1,)))


def test_a_mask_that_would_be_dropped_is_refused():
    with pytest.raises(ap.PoolError, match="make the layer with masked=True"):
        ak.MaxPooling1D(2)(padded(), mask=STEPS)


# --- where Keras crashes or is wrong -----------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_adaptive_pooling_to_one(rank):
    """On TensorFlow Keras 3.15 kills the process here (systems.md 0.1)."""
    x = sample((2, *(5, 6, 4)[:rank], 3), "float32", 3)
    axes = tuple(range(1, rank + 1))
    for word, reduce in (("Max", "max"), ("Average", "mean")):
        layer = getattr(ak, f"Adaptive{word}Pooling{rank}D")(1)
        want = ap.adaptive_pool(x, 1, reduce, axes=axes)
        assert_same(numbers(layer(x)), want, ulp=16, scale=3.0)
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        assert_same(model.predict(x, verbose=0), want, ulp=16, scale=3.0)


def test_nan_and_endless_windows():
    """TensorFlow's max drops NaN and makes -3.4e38 of nothing but -inf (systems.md 0.2)."""
    x = np.array([1, np.nan, np.nan, 4, -np.inf, -np.inf], "float32").reshape(1, 6, 1)
    layer = ak.MaxPooling1D(2)
    assert_same(numbers(layer(x)).ravel(), np.array([np.nan, np.nan, -np.inf], "float32"))
    model = keras.Sequential([keras.Input((6, 1)), layer])
    assert_same(model.predict(x, verbose=0).ravel(), np.array([np.nan, np.nan, -np.inf], "f4"))


def test_a_window_larger_than_the_input():
    """TensorFlow dies of a window one longer than its input."""
    with pytest.raises(ap.PoolError, match="does not fit axis 1"):
        ak.MaxPooling2D(5)(np.ones((1, 4, 4, 1), "float32"))
    with pytest.raises(ap.PoolError, match="does not fit axis 1"):
        ak.MaxPooling2D(5)(keras.Input((4, 4, 1)))


# --- functions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_functions_with_keras_names_give_keras_numbers(data_format):
    # a tensor, and strides: Keras's own fail on arrays (TensorFlow) and without strides (JAX)
    x = keras.ops.convert_to_tensor(np.abs(sample((2, 8, 8, 4), "float32", 3)))
    for name, args in (("max_pool", ((2, 2), (2, 2))), ("max_pool", ((3, 3), (2, 2), "same")),
                       ("average_pool", ((2, 2), (1, 1))), ("adaptive_average_pool", (4,)),
                       ("adaptive_max_pool", (2,))):  # fmt: skip
        theirs = getattr(keras.ops, name)(x, *args, data_format=data_format)
        got = getattr(ak.ops, name)(x, *args, data_format=data_format)
        np.testing.assert_allclose(numbers(got), numbers(theirs), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in ak.ops.__all__ if n not in ("pool", "blur_pool")])
def test_functions_know_their_shape_beforehand(name):
    needs = not name.startswith(("global", "pyramid"))
    function, args = getattr(ak.ops, name), (2,) if needs else ()
    x = np.abs(sample((2, 8, 6, 4), "float32", 3)) + 0.1
    y, symbol = function(x, *args), function(keras.Input((8, 6, 4)), *args)
    assert tuple(symbol.shape)[1:] == tuple(y.shape)[1:]
    assert symbol.dtype == keras.backend.standardize_dtype(y.dtype)
    unknown = function(keras.Input((None, None, 4)), *args)
    assert len(unknown.shape) == len(y.shape)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float16", "bfloat16", "float32"])
@pytest.mark.parametrize("reduce", ["max", "mean", "sum", "any"])
def test_dtypes_are_known_beforehand(dtype, reduce):
    x = keras.ops.cast(np.arange(12).reshape(1, 4, 3) % 5, dtype)
    y = ak.ops.pool(x, ap.windows.sliding(2), reduce)
    symbol = ak.ops.pool(keras.Input((4, 3), dtype=dtype), ap.windows.sliding(2), reduce)
    assert symbol.dtype == keras.backend.standardize_dtype(y.dtype)


def test_anypool_itself_takes_symbolic_tensors():
    x = keras.Input((None, None, 3))
    assert ap.adaptive_avg_pool(x, 7, axes="channels_last").shape == (None, 7, 7, 3)
    assert ap.blur_pool(x, axes=(1, 2)).shape == (None, None, None, 3)
    y, indices = ap.max_pool(x, 2, axes=(1, 2), return_indices=True)
    assert y.shape == indices.shape
    values = np.ones((1, 8, 9, 3), "float32")
    model = keras.Model(x, ap.gem_pool(x, 3, 2, axes=(1, 2)))
    assert model.predict(values, verbose=0).shape == (1, 3, 4, 3)
    with pytest.raises(ap.PoolError, match="a symbolic tensor has no derivative"):
        ap.vjp(x, ap.windows.sliding(2), axes=(1, 2))


def test_anypool_itself_takes_variables_and_tensors():
    x = sample((2, 6, 3), "float32", 3)
    want = ap.max_pool(x, 2, axes=(1,))
    for given in (keras.Variable(x), keras.ops.convert_to_tensor(x)):
        assert_same(numbers(ap.max_pool(given, 2, axes=(1,))), want)


# --- bad input ---------------------------------------------------------------------------------

IMAGE = np.ones((2, 6, 6, 3), "float32")
BAD = [
    (lambda: ak.MaxPooling2D(0), "pool_size is 0; it must be at least 1"),
    (lambda: ak.MaxPooling2D((2, 2, 2)), "pool_size has 3 numbers for 2 pooled axes"),
    (lambda: ak.MaxPooling2D(2, padding="causal"), 'use "valid" or "same"'),
    (lambda: ak.MaxPooling2D(2, padding=1), 'use "valid" or "same"'),
    (lambda: ak.MaxPooling2D(2, data_format="NHWC"), 'use "channels_last" or "channels_first"'),
    (lambda: ak.AdaptiveMaxPooling2D("7"), "output_size is '7'"),
    (lambda: ak.AdaptiveMaxPooling2D((7, 7, 7)), "2D pooling takes one number or 2"),
    (lambda: ak.AdaptiveMaxPooling2D(0), "it must be at least 1"),
    (lambda: ak.GeMPooling2D(2, p=-1), "p is -1; it must be above 0"),
    (lambda: ak.TopKPooling2D(2, k=0), "k is 0; it must be a whole number"),
    (lambda: ak.MedianPooling2D(2, learnable=True), "has nothing to learn"),
    (lambda: ak.ConcatPooling2D(()), "order is empty"),
    (lambda: ak.MixedPooling2D(share=2), "share is 2; it must be between 0 and 1"),
    (lambda: ak.PyramidPooling2D(()), "bins is empty"),
    (lambda: ak.ops.max_pool(IMAGE[0, 0], 2), "inputs have 2 axes"),
    (lambda: ak.ops.max_pool(IMAGE, 2, data_format="first"), 'use "channels_last" or'),
    (lambda: ak.ops.max_pool(IMAGE, 9), "does not fit axis 1"),
    (lambda: ak.ops.max_pool(IMAGE, 2, mask=IMAGE[0, 0] > 0), "mask has shape"),
    (lambda: ak.ops.median_pool(IMAGE, 2, method="upper"), 'use "midpoint" or "lower"'),
    (lambda: ak.MaxPooling2D(2).compute_output_shape((None, 6, 3)), "takes 4 axes"),
    (lambda: ak.GeMPooling2D(per_channel=True)(keras.Input((6, 6, None))), "how many channels"),
    (lambda: ak.AttentionPooling()(keras.Input((6, None))), "how many channels"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), BAD, ids=[f"{i}" for i in range(len(BAD))])
def test_bad_input(call, words):
    with pytest.raises(ap.PoolError, match=words.replace("(", r"\(")) as told:
        call()
    assert isinstance(told.value, ValueError)


def test_a_wrong_kind_of_output_size_is_a_type_error_as_in_keras():
    with pytest.raises(TypeError, match="output_size"):
        ak.AdaptiveMaxPooling2D(2.5)


def test_a_rank_that_contradicts_the_layer():
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        ak.MaxPooling2D(2)(IMAGE[0])
