"""The table of facts is what the frameworks do: every rule is found again by running them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anypool.porting.facts import FACTS, fact
from peers import namespace, need, on_arrays, run_text

NAN, INF = float("nan"), float("inf")
# one-dimensional poolings of each framework with kernel 2 or 3, written by their users
MAX = {
    "torch": "nn.MaxPool1d(2)",
    "keras": "keras.layers.MaxPooling1D(2)",
    "tensorflow": "tf.nn.max_pool1d(x, 2, 2, 'VALID')",
    "jax": "lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 1))",
    "flax": "nn.max_pool(x, (2,))",
    "onnx": "MaxPool(kernel_shape=[2])",
    "anypool": "ap.max_pool(x, (2,))",
}
STEPPED = MAX | {
    "jax": "lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 1), (1, 2, 1))",
    "flax": "nn.max_pool(x, (2,), (2,))",
    "onnx": "MaxPool(kernel_shape=[2], strides=[2])",
}
PADDED = {  # an average of ones, its first window half padding
    "torch": "nn.AvgPool1d(2, 2, 1)",
    "keras": "keras.layers.AveragePooling1D(2, 1, 'same')",
    "tensorflow": "tf.nn.avg_pool1d(x, 2, 1, 'SAME')",
    "flax": "nn.avg_pool(x, (2,), padding='SAME')",
    "onnx": "AveragePool(kernel_shape=[2], pads=[1, 1])",
}
LARGE = {
    "torch": "nn.AvgPool2d(64)",
    "keras": "keras.layers.AveragePooling2D(64, dtype='float16')",
    "tensorflow": "tf.nn.avg_pool2d(x, 64, 64, 'VALID')",
    "flax": "nn.avg_pool(x, (64, 64))",
    "onnx": "AveragePool(kernel_shape=[64, 64])",
    "anypool": "ap.avg_pool(x, (64, 64))",
    "jax": "lax.reduce_window(x, jnp.float16(0), lax.add, (1, 64, 64, 1)) / 4096",
}
FIRST = ("torch", "onnx", "anypool")  # channels stand after the batch


def run(framework: str, text: str, x: Any) -> np.ndarray:
    """One line of numbers through a pooling of one axis."""
    need(framework)
    line = np.array(x, np.float32)
    shape = (1, 1, -1) if framework in FIRST else (1, -1, 1)
    return run_text(framework, text)(line.reshape(shape)).reshape(-1)


def told(framework: str, rule: str, value: Any) -> None:
    assert fact(framework, rule) == value, f"{framework} {rule}"


@pytest.mark.parametrize("framework", [f for f in MAX if f != "tensorflow"])
def test_a_stride_left_out(framework):
    outputs = len(run(framework, MAX[framework], np.arange(8)))
    told(framework, "stride", {4: "kernel", 7: "ones"}[outputs])


def test_tensorflow_wants_a_stride():
    with pytest.raises(TypeError, match="Missing required positional"):
        run("tensorflow", "tf.nn.max_pool1d(x, 2, padding='VALID')", np.arange(8))
    told("tensorflow", "stride", "required")


@pytest.mark.parametrize("framework", [f for f in STEPPED if f not in ("onnx", "keras")])
def test_nan_under_max(framework):
    y = run(framework, STEPPED[framework], [1, NAN, NAN, 4, 2, 3])
    told(framework, "nan", "kept" if np.isnan(y[:2]).all() else "dropped")
    if fact(framework, "nan") == "dropped":
        assert y[:2].tolist() == [1, 4]
        assert run(framework, STEPPED[framework], [-INF, -INF])[0] == np.finfo(np.float32).min


def test_nan_under_max_in_onnxruntime():
    """It goes by place and shape: of four places that NaN may stand in, some lose it."""
    need("onnx")
    pool = run_text("onnx", "MaxPool(kernel_shape=[2, 2], strides=[2, 2])")
    lost = []
    for place in np.ndindex(2, 2):
        x = np.array([[4, 3], [2, 1]], np.float32)
        x[place] = NAN
        lost.append(not np.isnan(pool(x.reshape(1, 1, 2, 2))).any())
    assert any(lost)
    told("onnx", "nan", "depends")


@pytest.mark.parametrize("framework", PADDED)
def test_what_an_average_divides_by(framework):
    y = run(framework, PADDED[framework], np.ones(6))
    told(framework, "counts", bool(min(y[0], y[-1]) < 0.75))


@pytest.mark.parametrize("framework", LARGE)
def test_what_half_precision_is_added_up_in(framework):
    need(framework)
    shape = (1, 1, 64, 64) if framework in FIRST else (1, 64, 64, 1)
    y = run_text(framework, LARGE[framework])(np.full(shape, 60, np.float16)).reshape(-1)[0]
    found = "half" if np.isinf(y) else "float32"
    told(framework, "halves", "backend" if framework == "keras" else found)
    assert found == "half" or y == 60


@pytest.mark.parametrize("framework", ["torch", "onnx", "anypool"])
def test_ceil_mode(framework):
    text = {
        "torch": "nn.MaxPool1d(3, 3, 1, ceil_mode=True)",
        "onnx": "MaxPool(kernel_shape=[3], strides=[3], pads=[1, 1], ceil_mode=1)",
        "anypool": "ap.max_pool(x, (3,), 3, 1, ceil_mode=True)",
    }[framework]
    assert len(run(framework, text, np.arange(5))) == 2  # a third would start in the padding
    assert len(run(framework, text, np.arange(7))) == 3
    told(framework, "ceil", True)


@pytest.mark.parametrize(
    ("framework", "text"),
    [("torch", "nn.AdaptiveAvgPool1d(7)"), ("keras", "keras.layers.AdaptiveAveragePooling1D(7)")],
)
def test_adaptive_windows(framework, text):
    y = run(framework, text, np.arange(10))
    assert y.tolist() == [0.5, 1.5, 3, 4.5, 6, 7.5, 8.5]
    told(framework, "adaptive", {"adaptive"})


# what a framework refuses -> (framework, the call, how it says so)
REFUSED = {
    "torch pads half": ("torch", "nn.MaxPool1d(3, padding=2)", "at most half of kernel size"),
    "torch same": ("torch", "nn.MaxPool1d(3, padding='same')", "padding"),
    "torch dilated average": ("torch", "nn.AvgPool1d(2, dilation=2)", "dilation"),
    "keras pads": ("keras", "keras.layers.MaxPooling1D(2, padding=1)", ""),
    "keras dilates": ("keras", "keras.layers.MaxPooling1D(2, dilation=2)", "dilation"),
    "keras counts": ("keras", "keras.layers.AveragePooling1D(2, count_include_pad=1)", "count"),
    "tensorflow pairs of averages": (
        "tensorflow", "tf.nn.avg_pool1d(x, 2, 2, [[0, 0], [1, 1], [0, 0]])", "padding",
    ),
    "tensorflow dilates with strides": (
        "tensorflow", "tf.nn.pool(x, (2,), 'MAX', strides=(2,), dilations=(2,))", "strides",
    ),
    "tensorflow dilates same": (
        "tensorflow", "tf.nn.pool(x, (2,), 'MAX', padding='SAME', dilations=(2,))", "SAME",
    ),
    "flax dilates": ("flax", "nn.max_pool(x, (2,), dilation=(2,))", "dilation"),
    "onnx pads": ("onnx", "MaxPool(kernel_shape=[2], pads=[2, 2])", "smaller than kernel"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    framework, text, says = REFUSED[case]
    need(framework)
    with pytest.raises(Exception, match=f"(?s).*{says}"):
        run(framework, text, np.arange(8))


# forms of padding and dilation that a framework takes, with what max gives for 1 to 6
WINDOW = "lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 1), (1, 2, 1), "
AVERAGE = "AveragePool(kernel_shape=[3], strides=[2], "
TAKEN = {
    "tensorflow pairs": (
        "tensorflow", "tf.nn.max_pool1d(x, 3, 2, [[0, 0], [1, 0], [0, 0]])", [2, 4, 6],
    ),
    "tensorflow dilation": (
        "tensorflow", "tf.nn.pool(x, (2,), 'AVG', dilations=(2,))", [2, 3, 4, 5],
    ),
    "jax pairs": ("jax", WINDOW + "((0, 0), (2, 0), (0, 0)))", [1, 3, 5]),
    "jax same_lower": ("jax", WINDOW + "'SAME_LOWER')", [2, 4, 6]),
    "flax same_lower": ("flax", "nn.max_pool(x, (3,), (2,), 'SAME_LOWER')", [2, 4, 6]),
    "flax pairs": ("flax", "nn.max_pool(x, (3,), (2,), ((2, 0),))", [1, 3, 5]),
    "flax does not count": (
        "flax", "nn.avg_pool(x, (3,), (2,), 'SAME', count_include_pad=False)", [2, 4, 5.5],
    ),
    "onnx same_lower": ("onnx", AVERAGE + "auto_pad='SAME_LOWER')", [1.5, 3, 5]),
    "onnx counts": ("onnx", AVERAGE + "pads=[0, 1], count_include_pad=1)", [2, 4, 11 / 3]),
    "onnx dilated average": (
        "onnx", "AveragePool(kernel_shape=[2], dilations=[2])", [2, 3, 4, 5],
    ),
    "torch dilated max": ("torch", "nn.MaxPool1d(2, 1, dilation=2)", [3, 4, 5, 6]),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(case):
    framework, text, want = TAKEN[case]
    np.testing.assert_allclose(run(framework, text, np.arange(1, 7)), want, rtol=1e-6)


@pytest.mark.parametrize(
    ("framework", "name"), [("tensorflow", "even"), ("jax", "even"), ("torch", "first")]
)
def test_ties_under_whole_windows(framework, name):
    need(framework)
    names = namespace(framework)
    x = np.ones((1, 1, 4), np.float32)
    if framework == "torch":
        leaf = names["torch"].ones(1, 1, 4, requires_grad=True)
        names["F"].adaptive_max_pool1d(leaf, 1).sum().backward()
        g = leaf.grad.numpy()
    elif framework == "jax":
        import jax

        g = np.asarray(jax.grad(names["jnp"].max)(x))
    else:
        tf = names["tf"]
        with tf.GradientTape() as tape:
            given = tf.constant(x)
            tape.watch(given)
            y = tf.reduce_max(given)
        g = tape.gradient(y, given).numpy()
    told(framework, "ties", {1.0: "first", 0.25: "even"}[float(g.max())])
    told(framework, "ties", name)


def test_conventions_of_indices():
    """Two samples of two channels: flat over the plane, with channels, over the whole tensor."""
    need("torch", "tensorflow", "onnx")
    x = np.random.default_rng(0).permutation(32).reshape(2, 2, 2, 4).astype(np.float32)
    torch, tf = namespace("torch")["torch"], namespace("tensorflow")["tf"]
    _, plane = torch.nn.MaxPool2d(2, return_indices=True)(torch.from_numpy(x))
    _, mixed = tf.nn.max_pool_with_argmax(x.transpose(0, 2, 3, 1), 2, 2, "VALID")
    import anypool as ap

    _, ours = ap.max_pool(x, (2, 2), return_indices=True)
    assert (plane.numpy() == ours).all()
    told("torch", "indices", "plane")
    told("anypool", "indices", "plane")
    told("tensorflow", "indices", "channels")
    turned = ap.indices_to_tensorflow(ours.transpose(0, 2, 3, 1), (2, 2, 4, 2), axes=(1, 2))
    assert (turned == mixed.numpy()).all()


def test_the_other_rows_are_read_off_signatures():
    """What is not there cannot be run: no such argument, no such function."""
    need("torch", "keras", "tensorflow", "jax")
    import inspect

    torch, keras = namespace("torch")["torch"], namespace("keras")["keras"]
    assert not hasattr(torch.nn, "MinPool2d")
    for layer in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
        assert not {"ceil_mode", "dilation_rate"} & set(inspect.signature(layer).parameters)
    tf, lax = namespace("tensorflow")["tf"], namespace("jax")["lax"]
    assert not [name for name in dir(tf.nn) if "adaptive" in name]
    assert not [name for name in dir(lax) if "adaptive" in name]
    assert on_arrays("anypool", lambda x: x)(np.ones(2)).tolist() == [1, 1]
    checked = {"stride", "nan", "counts", "halves", "ceil", "adaptive", "ties", "indices"}
    read = {"padding", "dilation", "counting", "reduces", "channels"}
    assert {row.rule for row in FACTS} == checked | read
