"""What anypool.port reads, what it says beside the code, and what it refuses."""

from __future__ import annotations

import doctest
import functools
from pathlib import Path

import pytest

import anypool as ap
from anypool.errors import PoolError
from anypool.porting import facts
from anypool.porting.names import SPELLINGS
from peers import need

SAME = "keras.layers.MaxPooling2D(3, strides=2, padding='same')"


# --- what can be read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        "torch.nn.MaxPool2d(3, stride=2, padding=1)",
        "nn.MaxPool2d(kernel_size=3, stride=2, padding=1)",
        "MaxPool2d((3, 3), (2, 2), (1, 1))",
        "F.max_pool2d(x, 3, 2, 1)",
        "F.max_pool2d(input, kernel_size=3, stride=2, padding=1)",
        "F.max_pool2d(input=x, kernel_size=3, stride=2, padding=1)",
        {"name": "MaxPool2d", "kernel_size": 3, "stride": 2, "padding": 1},
        {"type": "MaxPool2d", "kernel_size": [3, 3], "stride": [2, 2], "padding": [1, 1]},
        {"name": "torch.nn.MaxPool2d", "kernel_size": 3, "stride": 2, "padding": 1},
        "MaxPool(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])",
        {"op_type": "MaxPool", "kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        "ap.max_pool(x, (3, 3), 2, 1)",
        "ap.max_pool(x, (3, 3), 2, padding=((1, 1), (1, 1)))",
    ],
)
def test_one_pooling_in_many_spellings(config):
    made = ap.port(config, to="anypool")
    assert made.name == "anypool.max_pool"
    assert made.arguments == {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)}
    assert made.channels == "first"


@pytest.mark.parametrize(
    "config",
    [
        SAME,
        "MaxPool2D(pool_size=3, strides=2, padding='SAME')",
        {"name": "MaxPooling2D", "pool_size": 3, "strides": 2, "padding": "same"},
        {"class_name": "MaxPooling2D", "config": {"pool_size": (3, 3), "strides": (2, 2),
                                                  "padding": "same", "name": "pool1"}},
        {"name": "max_pooling2d_7", "trainable": True, "dtype": "float32", "pool_size": [3, 3],
         "strides": [2, 2], "padding": "same", "data_format": "channels_last"},
        "tf.nn.max_pool2d(x, 3, 2, 'SAME')",
        "tf.nn.max_pool2d(x, [1, 3, 3, 1], [1, 2, 2, 1], padding='SAME')",
        "lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME')",
        "nn.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding='SAME')",
    ],
)  # fmt: skip
def test_one_pooling_with_channels_last(config):
    made = ap.port(config, to="anypool")
    assert made.arguments == {"kernel_size": (3, 3), "stride": (2, 2), "padding": "same",
                              "axes": "channels_last"}  # fmt: skip


def test_modules_of_torch():
    need("torch")
    from torch import nn

    import anypool.torch as at

    for module in (nn.AvgPool2d(3, 2, 1, count_include_pad=False),
                   at.AvgPool2d(3, 2, 1, count_include_pad=False)):  # fmt: skip
        made = ap.port(module, to="onnx")
        assert made.name == "AveragePool"
        assert made.arguments == {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    assert ap.port(nn.AdaptiveMaxPool1d(1), to="keras").name == "keras.layers.AdaptiveMaxPooling1D"
    with pytest.raises(PoolError, match="Linear is not a pooling"):
        ap.port(nn.Linear(2, 2))


def test_layers_of_keras():
    need("keras")
    import keras

    layer = keras.layers.AveragePooling1D(4, strides=2, padding="same", name="mine")
    for config in (layer, layer.get_config() | {"name": "average_pooling1d_3"},
                   keras.layers.serialize(layer)):  # fmt: skip
        made = ap.port(config, to="anypool")
        assert made.name == "anypool.avg_pool"
        assert made.arguments["padding"] == "same"


def test_nodes_of_onnx():
    need("onnx")
    import onnx

    node = onnx.helper.make_node(
        "AveragePool", ["x"], ["y"], kernel_shape=[3], strides=[2], auto_pad="SAME_LOWER"
    )
    made = ap.port(node, to="anypool")
    assert made.arguments == {"kernel_size": (3,), "stride": (2,), "padding": "same_lower"}


def test_partial_functions():
    need("torch")
    import torch.nn.functional as F  # noqa: N812

    made = ap.port(functools.partial(F.avg_pool2d, kernel_size=2, ceil_mode=True), "torch", "onnx")
    assert made.arguments == {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
    ours = functools.partial(ap.avg_pool, kernel_size=(2, 2))
    assert ap.port(ours, to="torch").arguments == {"kernel_size": 2, "stride": 2}


@pytest.mark.parametrize(
    ("config", "more", "message"),
    [
        ("MaxPool2d(3", {}, "cannot be read; give a dict"),
        ("MaxPool2d(3)(x)", {}, "not a pooling of"),
        ("1 + 2", {}, "is not one call"),
        ("Conv2d(3, 4, 5)", {}, "is not a pooling of any framework"),
        ("keras.layers.Dense(3)", {}, "is not a pooling of Keras that can be ported; known are"),
        ("torch.nn.MaxPool2d(3, pool_size=2)", {}, "has no argument 'pool_size'; it has ker"),
        ("torch.nn.MaxPool2d(k)", {}, "must be a whole number, not 'k'"),
        ("torch.nn.MaxPool2d(2 * k)", {}, "write its value"),
        ("torch.nn.MaxPool2d(1, 2, 3, 4, 5, 6, 7)", {}, "takes 6 arguments, not 7"),
        ("torch.nn.MaxPool2d(3, kernel_size=3)", {}, "gets kernel_size twice"),
        ("torch.nn.MaxPool2d()", {}, "needs kernel_size"),
        ("torch.nn.MaxPool2d(3, padding=2)", {}, "at most half of its kernel"),
        ("torch.nn.MaxPool2d(3, padding='same')", {}, 'takes no padding "same"'),
        ("torch.nn.MaxPool2d(3)", {"rank": 1}, "pools 2 axes, but rank is 1"),
        ("max_pool2d(x, 2, 2, 0)", {}, "is a pooling of TensorFlow and of PyTorch; say which"),
        ("ap.max_pool(x, 3)", {}, "does not tell how many axes it pools; say rank=2"),
        ("ap.max_pool(x, (3, 3), axes=(0, 2))", {}, "a framework pools the axes between"),
        ("ap.gem_pool(x, 2)", {}, "gem_pool is anypool's alone"),
        ("tf.nn.max_pool2d(x, [2, 3, 3, 1], 2, 'SAME')", {}, "only the axes between batch and"),
        ("tf.nn.max_pool2d(x, 3, padding='SAME')", {}, "needs strides"),
        ("lax.reduce_window(x, 1., lax.mul, (1, 2, 2, 1))", {}, "known are max, min and add"),
        ("lax.reduce_window(x, 0., lax.add, (2, 2, 2))", {}, "give 1 for the batch"),
        ("keras.layers.MaxPooling2D(2, data_format='NCHW!')", {}, "use 'channels_first'"),
        ("torch.nn.MaxPool2d(9)", {"size": (4, 4)}, "does not fit size 4"),
        ({"kernel_size": 3}, {}, 'the dict has no "name"'),
        (3.5, {}, "float is not a pooling of any framework"),
        ("torch.nn.FractionalMaxPool2d(2)", {}, "needs output_size or output_ratio"),
        ("torch.nn.AdaptiveMaxPool2d((1, 2, 3))", {}, "has 3 numbers for 2 pooled axes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(config, more, message):
    with pytest.raises(PoolError, match=message):
        ap.port(config, to="anypool", **more)


@pytest.mark.parametrize("word", ["from_", "to"])
def test_unknown_frameworks(word):
    with pytest.raises(PoolError, match=f"{word} is 'caffe'; use one of torch, keras"):
        ap.port("MaxPool2d(2)", **{word: "caffe"})


# --- what is said, and what is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "to", "more", "message"),
    [
        ("torch.nn.MaxPool2d(3, 2, ceil_mode=True)", "keras", {}, "ceil_mode depends on the size"),
        ("torch.nn.MaxPool2d(3, 2, ceil_mode=True)", "jax", {}, "give size=, such as"),
        ("torch.nn.MaxPool2d(3, dilation=2)", "keras", {}, "Keras has no dilation in pooling"),
        ("torch.nn.MaxPool2d(3, dilation=2)", "tensorflow", {}, "dilates only with stride 1"),
        ("ap.avg_pool(x, (3, 3), dilation=2)", "torch", {}, "PyTorch dilates only max pooling"),
        ("ap.min_pool(x, (3, 3))", "torch", {}, "no min pooling; the nearest is -MaxPool2d of -x"),
        ("ap.sum_pool(x, (3,))", "torch", {}, "no sum pooling in 1-D"),
        ("ap.lp_pool(x, 2, (3,), padding=1)", "torch", {}, "pads no Lp pooling"),
        ("ap.lp_pool(x, 2.5, (3,))", "onnx", {}, "no LpPool of p=2.5"),
        ("ap.adaptive_avg_pool(x, (3, 3), rule='split')", "torch", {}, "no disjoint adaptive"),
        ("torch.nn.AdaptiveAvgPool2d(7)", "onnx", {}, "has no adaptive windows; the nearest is"),
        ("torch.nn.AdaptiveAvgPool2d(7)", "jax", {"size": (15, 15)}, "where output_size divides"),
        ("torch.nn.AdaptiveAvgPool2d((7, None))", "keras", {}, "takes no None"),
        ("torch.nn.MaxPool2d(2, return_indices=True)", "keras", {}, "has no indices"),
        ("torch.nn.MaxPool1d(2, return_indices=True)", "tensorflow", {}, "indices only for 2-D"),
        ("torch.nn.AvgPool2d(2, divisor_override=3)", "onnx", {}, "elements over 3"),
        ("torch.nn.FractionalMaxPool2d(2, 5)", "jax", {}, "has no fractional windows"),
        ("ap.max_pool(x, (2, 2), padding=2)", "onnx", {}, "a Pad node"),
        ("keras.layers.GlobalMaxPooling2D()", "onnx", {}, "a Flatten node"),
    ],
)  # fmt: skip
def test_refused_in_one_sentence_with_the_nearest(config, to, more, message):
    with pytest.raises(PoolError, match=message):
        ap.port(config, to=to, **more)


@pytest.mark.parametrize(
    ("config", "to", "more", "note"),
    [
        (SAME, "torch", {}, 'padding "same" depends on the size of the input'),
        (SAME, "torch", {"size": (8, 8)}, "the padding is right for size (8, 8) only"),
        (SAME, "torch", {}, "move the channels"),
        ("nn.max_pool(x, (2, 2))", "torch", {}, "a stride left out: 1 in Flax, the kernel in PyTo"),
        ("torch.nn.AvgPool2d(3, 2, 1)", "onnx", {}, "counts padding in its divisor; ONNX"),
        ("torch.nn.MaxPool2d(2)", "tensorflow", {}, "NaN in a window: PyTorch gives NaN; TensorFl"),
        ("torch.nn.AvgPool2d(2)", "jax", {}, "JAX adds up in float16 itself"),
        ("torch.nn.AdaptiveMaxPool2d(1)", "jax", {}, "the gradient of equal maxima"),
        ("torch.nn.AdaptiveMaxPool2d(1)", "keras", {}, "adaptive pooling to 1 fails on TensorFlow"),
        ("torch.nn.LPPool2d(3, 2)", "anypool", {}, "negative sums give NaN there"),
        ("torch.nn.LPPool2d(2, 2, ceil_mode=True)", "anypool", {}, "as if they were full"),
        ("torch.nn.MaxPool2d(2, return_indices=True)", "onnx", {}, "anypool.indices_to_onnx"),
        ("torch.nn.MaxPool2d(3, 2, ceil_mode=True)", "jax", {"size": (8, 8)}, "what hangs over"),
        ("torch.nn.FractionalMaxPool2d(2, 5)", "anypool", {}, "PyTorch draws the places"),
        ("keras.layers.AveragePooling2D(2, padding='same')", "jax", {}, "by repeating the edge"),
        ("ap.adaptive_avg_pool(x, (2, 2), rule='split')", "torch", {"size": (8, 8)}, "disjoint"),
    ],
)  # fmt: skip
def test_notes_say_what_no_argument_can(config, to, more, note):
    made = ap.port(config, to=to, **more)
    assert any(note in said for said in made.notes), made.notes
    assert f"# {made.notes[0]}" in str(made)


def test_nothing_to_note():
    assert ap.port("torch.nn.MaxPool2d(3, 2, 1)", to="anypool").notes == ()


def test_same_where_any_size_will_do():
    """Stride 1 pads the same at every size."""
    made = ap.port("keras.layers.MaxPooling2D(3, strides=1, padding='same')", to="torch")
    assert made.arguments == {"kernel_size": 3, "stride": 1, "padding": 1}
    assert not any("size" in note for note in made.notes)


def test_a_choice_of_layout_is_kept():
    made = ap.port("keras.layers.MaxPooling2D(2, data_format='channels_first')", to="tensorflow")
    assert made.arguments["data_format"] == "NCHW"
    assert made.channels == "first"


# --- the table of facts --------------------------------------------------------------------------


def test_every_framework_has_every_rule():
    assert len(facts.FACTS) == len(facts.RULES) * len(facts.FRAMEWORKS)
    assert {s.framework for s in SPELLINGS} == set(facts.FRAMEWORKS)
    assert set(facts.RULES) - set(facts.TITLES) == {"counting"}
    assert facts.table().count("\n") == len(facts.TITLES) + 1


def test_every_spelling_is_understood():
    """Each row of the table of names means a pooling, whatever its arguments are called."""
    numbers = {
        "kernel_size": 2,
        "pool_size": 2,
        "ksize": 2,
        "strides": 2,
        "window_shape": (2, 2),
        "kernel_shape": [2, 2],
        "norm_type": 2,
        "output_size": 2,
        "pooling_type": "MAX",
        "padding": "VALID",
        "window_dimensions": (1, 2, 2, 1),
        "computation": "lax.max",
    }
    for row in SPELLINGS:
        given = {word: numbers[word] for word in row.words if word in numbers}
        if row.framework in ("torch", "anypool"):
            given.pop("padding", None)
        if row.rank in (1, 3):
            given = {k: v for k, v in given.items() if not isinstance(v, list | tuple)}
        if row.framework == "flax":
            given["strides"] = (2, 2)
        if row.framework == "onnx" and "strides" in given:
            given |= {"strides": [2, 2]}
            given.pop("padding", None)
        rank = None if row.rank else 2
        made = ap.port({"name": row.name, **given}, row.framework, "anypool", rank=rank)
        assert made.framework == "anypool"


# --- the page ------------------------------------------------------------------------------------

PAGE = Path(__file__).resolve().parent.parent / "docs/porting.md"


def page() -> str:
    if not PAGE.exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    return PAGE.read_text(encoding="utf-8")


def test_the_page_runs():
    page()
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried >= 15
    assert not failed


def test_the_page_has_the_table_of_facts():
    inside = page().split("<!-- facts:start -->\n")[1].split("\n<!-- facts:end -->")[0]
    assert inside == facts.table()
