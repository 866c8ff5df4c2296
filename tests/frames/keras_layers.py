"""Every layer on the backend at hand: its numbers, shapes, derivatives and config."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import anypool as ap
import anypool.keras as ak
from anypool.keras import named
from cases import REDUCTIONS, ULP, sample, scale_of
from same import assert_same
from same_keras import gradient, numbers

LAYERS = sorted(
    name for name in ak.__all__
    if isinstance(getattr(ak, name), type) and issubclass(getattr(ak, name), keras.layers.Layer)
)  # fmt: skip
KINDS = {"Max": "max", "Average": "mean", "Avg": "mean", "Min": "min", "Sum": "sum", "Lp": "lp",
         "GeM": "gem", "LSE": "lse", "Soft": "soft", "Std": "std", "Var": "var",
         "Median": "median", "Quantile": "quantile", "Mode": "mode", "TopK": "topk",
         "Stochastic": "stochastic"}  # fmt: skip
FORMATS = ("channels_last", "channels_first")
SIZES = {1: (11,), 2: (7, 8), 3: (5, 6, 4)}


def taken_apart(name: str) -> tuple[str, str, int]:
    """The way, the word and the rank in a layer's name."""
    rank = int(name[-2]) if name[-1] == "D" else 2
    way = next((w for w in ("Adaptive", "Global") if name.startswith(w)), "")
    word = name.removeprefix(way).partition("Pool")[0]
    return way, word, rank


PLAIN = [name for name in LAYERS if taken_apart(name)[1] in KINDS]
OFTEN = {"Max", "Average", "GeM", "Median"}  # in one and three axes too; the rest nightly


def each(names: list[str], flat: bool = True) -> list:
    """Names as parameters; what differs least from another (``flat``: two axes) only at night."""
    often = [(flat and taken_apart(n)[2] == 2) or taken_apart(n)[1] in OFTEN for n in names]
    marks = [() if o else pytest.mark.nightly for o in often]
    return [pytest.param(n, marks=m, id=n) for n, m in zip(names, marks, strict=True)]


ARGUMENTS = {"": {"pool_size": 3, "strides": 2}, "Adaptive": {"output_size": 3}, "Global": {}}


def data(rank: int, data_format: str, dtype: str = "float32") -> np.ndarray:
    sizes = SIZES[rank]
    shape = (2, *sizes, 3) if data_format == "channels_last" else (2, 3, *sizes)
    return sample(shape, dtype, 1)


def windows_of(way: str, padding: str = "valid") -> object:
    return {
        "": ap.windows.sliding(3, 2, padding), "Adaptive": ap.windows.adaptive(3),
        "Global": ap.windows.whole(False),
    }[way]  # fmt: skip


def axes_of(rank: int, data_format: str) -> tuple[int, ...]:
    first = 1 if data_format == "channels_last" else 2
    return tuple(range(first, first + rank))


def reduction_of(word: str):
    more = {"TopK": "-k=2", "Quantile": "-q=0.3"}
    return REDUCTIONS[KINDS[word] + more.get(word, "")]


def built(name: str, **more):
    way, word, _ = taken_apart(name)
    if word == "TopK":
        more = {"k": 2, **more}
    if word == "Quantile":
        more = {"q": 0.3, **more}
    return getattr(ak, name)(**ARGUMENTS[way], **more)


def expected(name: str, x: np.ndarray, data_format: str):
    way, word, rank = taken_apart(name)
    row = reduction_of(word)
    axes = axes_of(rank, data_format)
    want = ap.pool(x, windows_of(way), row.build(), axes=axes)
    return want, ULP[row.tolerance], scale_of(row, x, windows_of(way), axes=axes)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("name", each(PLAIN))
def test_the_numbers_are_those_of_numpy(name, data_format):
    x = data(taken_apart(name)[2], data_format)
    layer = built(name, data_format=data_format)
    y = layer(x)
    want, ulp, scale = expected(name, x, data_format)
    assert_same(numbers(y), want, ulp=ulp, scale=scale)
    assert tuple(y.shape) == layer.compute_output_shape(x.shape)


@pytest.mark.parametrize("padding", ["same", "SAME"])
@pytest.mark.parametrize("name", ["MaxPooling2D", "AveragePooling1D", "AveragePooling3D"])
def test_same_padding_counts_nothing(name, padding):
    _, word, rank = taken_apart(name)
    x = data(rank, "channels_last")
    want = ap.pool(x, windows_of("", "same"), KINDS[word], axes=axes_of(rank, "channels_last"))
    layer = getattr(ak, name)(3, 2, padding)
    assert_same(numbers(layer(x)), want, ulp=16, scale=3.0)
    assert layer.compute_output_shape(x.shape) == want.shape


@pytest.mark.parametrize("name", each([n for n in PLAIN if n[-2:] == "2D"], flat=False))
def test_derivatives_are_those_of_numpy(name):
    way, word, rank = taken_apart(name)
    row = reduction_of(word)
    if not row.gradient:
        pytest.skip(f"{row.name} has no derivative")
    x = data(rank, "channels_last", "float32") + (4 if word in ("GeM", "Lp", "Stochastic") else 0)
    y, pullback = ap.vjp(x, windows_of(way), row.build(), axes=axes_of(rank, "channels_last"))
    g = sample(y.shape, "float32", 5)
    want = pullback(g)
    want = want[0] if isinstance(want, tuple) else want
    got = gradient(built(name), x, g)
    assert_same(got, want, ulp=64, scale=float(np.abs(want).max() + 1))


@pytest.mark.parametrize("name", each(LAYERS))
def test_a_config_brings_the_layer_back(name):
    _, word, rank = taken_apart(name)
    layer = built(name) if word in KINDS else getattr(ak, name)()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    x = data(rank, "channels_last")
    y, want = again(x), layer(x)
    assert tuple(y.shape) == tuple(want.shape)
    if word not in ("Stochastic", "Attention"):
        assert_same(numbers(y), numbers(want))


@pytest.mark.parametrize("name", each(LAYERS))
def test_unknown_sizes_pass(name):
    rank = taken_apart(name)[2]
    layer = built(name) if name in PLAIN else getattr(ak, name)()
    symbol = layer(keras.Input((*(None,) * rank, 3)))
    x = data(rank, "channels_last")
    found = tuple(layer(x).shape)
    assert len(symbol.shape) == len(found)
    assert all(s in (None, n) for s, n in zip(symbol.shape, found, strict=True))
    known = layer(keras.Input(x.shape[1:]))
    assert tuple(known.shape)[1:] == found[1:]


def test_aliases_are_the_classes_of_keras():
    for name in named.__all__:
        theirs = getattr(keras.layers, name, None)
        if theirs is not None:
            assert getattr(ak, name).__name__ == theirs.__name__
    assert ak.MaxPool2D is ak.MaxPooling2D
    assert ak.GlobalAvgPool1D is ak.GlobalAveragePooling1D


def test_the_tutorial():
    """Global average pooling, and adaptive average pooling with output_size 10 of any length."""
    x = np.random.default_rng(0).normal(size=(2, 37, 3)).astype("float32")
    y = ak.AdaptiveAveragePooling1D(output_size=10)(x)
    assert_same(numbers(y), ap.adaptive_avg_pool(x, 10, axes=(1,)), ulp=16, scale=3.0)
    image = np.ones((1, 8, 8, 3), "float32")
    assert numbers(ak.GlobalAveragePooling2D()(image)).tolist() == [[1.0, 1.0, 1.0]]


# --- heads -------------------------------------------------------------------------------------


def test_pyramid():
    x = data(2, "channels_last")
    want = ap.pyramid_pool(x, (1, 2), axes=(1, 2))
    assert_same(numbers(ak.PyramidPooling2D((1, 2))(x)), want)
    flat = ak.PyramidPooling2D((1, 2), "mean", flatten=True)(x)
    mean = ap.pyramid_pool(x, (1, 2), "mean", axes=(1, 2)).reshape(2, -1)
    assert_same(numbers(flat), mean, ulp=16, scale=3.0)


def test_concat_in_the_order_named():
    x = data(2, "channels_first")
    y = ak.ConcatPooling2D(("max", "average"), 2, data_format="channels_first")(x)
    parts = [ap.adaptive_pool(x, 2, r, axes=(2, 3)) for r in ("max", "mean")]
    assert_same(numbers(y), np.concatenate(parts, 1), ulp=16, scale=3.0)


def test_statistics():
    x = data(1, "channels_last")
    parts = [ap.global_pool(x, r, keepdims=False, axes=(1,)) for r in ("mean", "std")]
    assert_same(numbers(ak.StatisticsPooling1D()(x)), np.concatenate(parts, 1), ulp=64, scale=3.0)


def test_mixed():
    x = data(2, "channels_last")
    y = ak.MixedPooling2D(2, share=0.25)(x)
    want = 0.25 * ap.max_pool(x, 2, axes=(1, 2)) + 0.75 * ap.avg_pool(x, 2, axes=(1, 2))
    assert_same(numbers(y), want.astype("float32"), ulp=16, scale=3.0)


@pytest.mark.parametrize("mode", ["reflect", "edge", "zero"])
def test_blur(mode):
    x = data(2, "channels_last")
    want = ap.blur_pool(x, 4, 2, mode=mode, axes=(1, 2))
    assert_same(numbers(ak.BlurPooling2D(4, mode=mode)(x)), want, ulp=16, scale=3.0)
    most = ap.max_pool(x, 2, 1, axes=(1, 2))
    y = ak.MaxBlurPooling2D(mode=mode)(x)
    assert_same(numbers(y), ap.blur_pool(most, mode=mode, axes=(1, 2)), ulp=16, scale=3.0)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("data_format", FORMATS)
def test_attention(gated, data_format):
    x = data(2, data_format)
    layer = ak.AttentionPooling(5, gated, data_format)
    y, weights = (numbers(t) for t in layer(x, return_weights=True))
    h = (x if data_format == "channels_last" else np.moveaxis(x, 1, -1)).reshape(2, -1, 3)
    v, u, w = (
        None if d is None else [numbers(t) for t in d.weights]
        for d in (layer.values, layer.gates, layer.score)
    )
    seen = np.tanh(h @ v[0] + v[1])
    if gated:
        seen = seen / (1 + np.exp(-(h @ u[0] + u[1])))
    score = (seen @ w[0] + w[1])[..., 0]
    share = np.exp(score - score.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    np.testing.assert_allclose(weights.reshape(2, -1), share, rtol=1e-4)
    np.testing.assert_allclose(y, np.einsum("nl,nlc->nc", share, h), rtol=1e-4, atol=1e-5)


# --- learnt parameters -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "start"),
    [
        ("GeMPooling2D", "p", 3.0),
        ("AdaptiveLSEPooling1D", "r", 10.0),
        ("GlobalGeMPooling3D", "p", 3.0),
    ],
)
def test_the_parameter_is_a_weight(name, first, start):
    _, _, rank = taken_apart(name)
    layer = built(name)
    x = np.abs(data(rank, "channels_last")) + 0.1
    layer(x)
    assert [w.name for w in layer.trainable_weights] == [first]
    assert numbers(layer.value).tolist() == [start]
    fixed = built(name, learnable=False)
    assert_same(numbers(fixed(x)), numbers(layer(x)), ulp=64, scale=4.0)
    assert fixed.trainable_weights == []


@pytest.mark.parametrize("data_format", FORMATS)
def test_a_parameter_for_each_channel(data_format):
    layer = ak.GeMPooling2D(2, data_format=data_format, per_channel=True)
    x = np.abs(data(2, data_format)) + 0.1
    layer(x)
    layer.value.assign([1.0, 3.0, 5.0])
    y = np.moveaxis(numbers(layer(x)), -1 if data_format == "channels_last" else 1, 0)
    for i, p in enumerate((1.0, 3.0, 5.0)):
        one = x[..., i] if data_format == "channels_last" else x[:, i]
        want = ap.gem_pool(one, 2, p=p, axes=(1, 2))
        assert_same(y[i], want, ulp=64, scale=4.0)


def test_drawing_follows_the_seed():
    x = np.abs(data(2, "channels_last"))
    first, again, other = (ak.StochasticPooling2D(2, seed=s) for s in (1, 1, 2))
    drawn = numbers(first(x, training=True))
    assert_same(numbers(again(x, training=True)), drawn)
    assert not np.array_equal(numbers(other(x, training=True)), drawn)
    assert not np.array_equal(numbers(first(x, training=True)), drawn)
    cut = x[:, :6, :8].reshape(2, 3, 2, 4, 2, 3)
    assert (drawn[:, :, None, :, None] == cut).any((2, 4)).all()
    want = ap.stochastic_pool(x, 2, axes=(1, 2))
    assert_same(numbers(first(x)), want, ulp=64, scale=4.0)
