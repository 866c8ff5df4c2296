"""anypool.port: every framework's poolings in every other's words give the same numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

import anypool as ap
from anypool.errors import PoolError
from anypool.porting.facts import FRAMEWORKS
from anypool.porting.meaning import understand
from anypool.porting.reading import read
from peers import moved, need, run_code, run_text
from same import assert_same

SIZES = [(9, 10), (8, 8), (11, 7)]
POOLINGS = {
    "torch": [
        "torch.nn.MaxPool2d(3, 2, 1)",
        "torch.nn.MaxPool2d(2)",
        "torch.nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=2)",
        "torch.nn.MaxPool2d(3, 2, ceil_mode=True)",
        "torch.nn.MaxPool2d(3, 3, 1, ceil_mode=True)",
        "torch.nn.AvgPool2d(3, 2, 1)",
        "torch.nn.AvgPool2d(3, 2, 1, count_include_pad=False)",
        "torch.nn.AvgPool2d(2, ceil_mode=True)",
        "torch.nn.AvgPool2d(3, 3, 1, True)",
        "torch.nn.AvgPool2d(3, 3, 1, True, False)",
        "torch.nn.AvgPool2d(3, 2, divisor_override=4)",
        "torch.nn.AvgPool2d(3, 1, 1)",
        "torch.nn.AvgPool2d(3, 1, 1, count_include_pad=False)",
        "torch.nn.LPPool2d(2, 3, stride=2)",
        "torch.nn.AdaptiveMaxPool2d((4, 5))",
        "torch.nn.AdaptiveAvgPool2d(1)",
        "torch.nn.AdaptiveAvgPool2d((4, None))",
        "F.max_pool2d(x, 2, stride=1, padding=1)",
        "F.avg_pool2d(x, (2, 3))",
        "F.adaptive_avg_pool2d(x, (3, 2))",
    ],
    "keras": [
        "keras.layers.MaxPooling2D(3, strides=2, padding='same')",
        "keras.layers.MaxPooling2D((2, 3))",
        "keras.layers.MaxPooling2D(2, 1, 'same')",
        "keras.layers.MaxPool2D(3, 2, data_format='channels_first')",
        "keras.layers.AveragePooling2D(3, strides=2, padding='same')",
        "keras.layers.AveragePooling2D(3, 1, 'same')",
        "keras.layers.AveragePooling2D((2, 3), padding='valid')",
        "keras.layers.GlobalMaxPooling2D()",
        "keras.layers.GlobalAveragePooling2D(keepdims=True)",
        "keras.layers.AdaptiveAveragePooling2D((4, 3))",
        "keras.layers.AdaptiveMaxPooling2D(2, data_format='channels_first')",
        "keras.ops.max_pool(x, (2, 2), 1, 'same')",
        "keras.ops.average_pool(x, (2, 2), strides=1, padding='same')",
    ],
    "tensorflow": [
        "tf.nn.max_pool2d(x, 3, 2, 'SAME')",
        "tf.nn.max_pool2d(x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding='VALID')",
        "tf.nn.max_pool2d(x, 3, 2, [[0, 0], [1, 2], [0, 1], [0, 0]])",
        "tf.nn.max_pool2d(x, 3, 2, 'SAME', data_format='NCHW')",
        "tf.nn.avg_pool2d(x, 3, 2, 'SAME')",
        "tf.nn.avg_pool2d(x, (2, 3), 1, padding='SAME')",
        "tf.nn.avg_pool(x, [2, 3], [2, 2], 'VALID')",
        "tf.nn.pool(x, (2, 3), 'MAX', dilations=(2, 1))",
        "tf.nn.pool(x, (2, 3), 'AVG', padding='SAME')",
    ],
    "jax": [
        "lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME')",
        "lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME_LOWER')",
        "lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 3), (1, 1, 2, 1), 'VALID')",
        "lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1))",
        "lax.reduce_window(x, jnp.inf, lax.min, (1, 2, 2, 1), (1, 2, 2, 1), 'SAME')",
        "lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID')",
        "lax.reduce_window(x, 0., lax.add, (1, 2, 2, 1), (1, 1, 1, 1), 'SAME', None, (1, 2, 1, 1))",
        (
            "lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "
            "((0, 0), (2, 1), (0, 1), (0, 0)))"
        ),
    ],
    "flax": [
        "nn.max_pool(x, (3, 3), strides=(2, 2), padding='SAME')",
        "nn.max_pool(x, (2, 2))",
        "nn.avg_pool(x, (3, 3), strides=(2, 2), padding='SAME')",
        "nn.avg_pool(x, (3, 3), strides=(2, 2), padding='SAME', count_include_pad=False)",
        "nn.avg_pool(x, (2, 3), strides=(1, 2), padding=((1, 0), (1, 2)))",
    ],
    "onnx": [
        "MaxPool(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 2])",
        "MaxPool(kernel_shape=[2, 2])",
        "MaxPool(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)",
        "MaxPool(kernel_shape=[3, 3], strides=[2, 2], auto_pad='SAME_UPPER')",
        "MaxPool(kernel_shape=[2, 3], strides=[1, 2], auto_pad='SAME_LOWER')",
        "AveragePool(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])",
        "AveragePool(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 1], count_include_pad=1)",
        "AveragePool(kernel_shape=[3, 3], strides=[2, 2], auto_pad='SAME_LOWER')",
        "AveragePool(kernel_shape=[2, 2], dilations=[2, 2])",
        "LpPool(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 0, 1], p=3)",
        "GlobalMaxPool()",
        "GlobalAveragePool()",
    ],
    "anypool": [
        "ap.max_pool(x, (3, 3), 2, 'same', axes='channels_last')",
        "ap.max_pool(x, (3, 3), 2, (2, 1))",
        "ap.min_pool(x, (2, 3), ceil_mode=True)",
        "ap.sum_pool(x, (2, 2), 1)",
        "ap.avg_pool(x, (3, 3), 2, ((2, 1), (0, 2)))",
        "ap.avg_pool(x, (3, 3), 2, ((2, 1), (0, 2)), count_include_pad=False)",
        "ap.avg_pool(x, (3, 3), 2, 'same_lower')",
        "ap.avg_pool(x, (3, 2), 2, 1, ceil_mode=True, axes='channels_last')",
        "ap.avg_pool(x, (3, 2), 3, 1, dilation=2)",
        "ap.lp_pool(x, 3, (2, 2))",
        "ap.adaptive_avg_pool(x, (4, 3), rule='split')",
        "ap.adaptive_max_pool(x, (4, 3))",
        "ap.global_avg_pool(x, axes=(1, 2))",
        "ap.global_max_pool(x, axes=(2, 3), keepdims=False)",
    ],
}
ROWS = [(home, text, to) for home, texts in POOLINGS.items() for text in texts for to in FRAMEWORKS]
# what a target may refuse, in so many words
REFUSALS = r"the nearest is|give size="


def channels(home: str, text: str) -> str:
    row, given = read(text, home)
    return understand(row, given, 2, None).channels


def numbers(shape: tuple[int, ...]) -> np.ndarray:
    """Values with ties and negatives."""
    return (np.random.default_rng(0).integers(-24, 25, shape) / 8).astype(np.float32)


def compare(home: str, text: str, to: str, size: tuple[int, ...], sized: bool) -> None:
    """Run both on one array: the pooling as it was written, and as it was ported."""
    made = ap.port(text, home, to, rank=2, size=size if sized else None)
    before = channels(home, text)
    x = numbers((2, 3, *size))
    want = moved(run_text(home, text)(moved(x, "first", before)), before, "first")
    got = moved(run_code(to, made.code)(moved(x, "first", made.channels)), made.channels, "first")
    exact = "max" in text.lower() or "min" in text
    assert_same(got, want, ulp=0 if exact else 8, scale=9.0)


def check(home: str, text: str, to: str, size: tuple[int, ...], sized: bool) -> None:
    need(home, to)
    try:
        ap.port(text, home, to, rank=2, size=size if sized else None)
    except PoolError as error:
        said = str(error)
    else:
        return compare(home, text, to, size, sized)
    assert to != "anypool"
    assert re.search(REFUSALS, said), said
    return None


@pytest.mark.parametrize(("home", "text", "to"), ROWS[::2])
def test_the_numbers_stay_the_same(home, text, to):
    """An even size where "same" pads one side, an odd one where ceil mode hangs over."""
    check(home, text, to, SIZES[len(text) % 2], sized=True)


@pytest.mark.nightly
@pytest.mark.parametrize("sized", [False, True], ids=["any size", "one size"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("home", "text", "to"), ROWS)
def test_the_numbers_stay_the_same_at_every_size(home, text, to, size, sized):
    check(home, text, to, size, sized)
