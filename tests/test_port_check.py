"""anypool.port_check: real disagreements are explained, agreeing pairs raise no alarm."""

from __future__ import annotations

import numpy as np
import pytest

import anypool as ap
from anypool.errors import PoolError
from peers import need, run_code

BOTH = ("last", "first")


def pool(name: str, *args, **kwargs):
    """A pooling of anypool's as a function of one array."""
    return lambda x: getattr(ap, name)(x, *args, **kwargs)


def layer(framework: str, text: str):
    """A layer or function of a framework, as its user has it."""
    from peers import namespace

    need(framework)
    return eval(text, namespace(framework))


def copied(m: int):
    """The formula found on many pages: adaptive only where m divides the size."""
    import torch.nn.functional as F  # noqa: N812

    def run(x):
        h, w = x.shape[2:]
        kernel = h - (m - 1) * (h // m), w - (m - 1) * (w // m)
        return F.avg_pool2d(x, kernel, (h // m, w // m))

    return run


LAX_AVERAGE = (
    "lambda x: lax.reduce_window(x, jnp.zeros((), x.dtype), lax.add, (1, 1, 3, 3), (1, 1, 2, 2), "
    "'VALID') / 9"
)
SAME = "lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME')"
# name -> (a, b, channels, how each reason starts)
DISAGREE = {
    "keras same, torch padding=1": (
        ("keras", "keras.layers.MaxPooling2D(3, 2, 'same')"), ("torch", "nn.MaxPool2d(3, 2, 1)"),
        BOTH, ['padding: a has "same" (on 14: 0 before, 1 after), b has 1'],
    ),
    "the same, layout not told": (
        ("keras", "keras.layers.MaxPooling2D(3, 2, 'same')"), ("torch", "nn.MaxPool2d(3, 2, 1)"),
        None, ["layout: a pools axes (1, 2), b (2, 3)", 'padding: a has "same"'],
    ),
    "keras same average, torch": (
        ("keras", "keras.layers.AveragePooling2D(3, 2, 'same')"),
        ("torch", "nn.AvgPool2d(3, 2, 1)"),
        BOTH, ["padding: ", "divisor: a divides by its real elements, b by its elements and the"],
    ),
    "layout alone": (
        ("keras", "keras.layers.MaxPooling2D(2)"), ("anypool", "lambda x: ap.max_pool(x, 2)"),
        None, ["layout: ", "NaN: a drops it", "-inf: "],
    ),
    "count_include_pad": (
        ("torch", "nn.AvgPool2d(3, 2, 1)"),
        ("torch", "nn.AvgPool2d(3, 2, 1, count_include_pad=False)"),
        None, ["divisor: a divides by its elements and the padding, b by its real elements"],
    ),
    "divisor_override": (
        ("torch", "nn.AvgPool2d(3, 2, divisor_override=5)"), ("torch", "nn.AvgPool2d(3, 2)"),
        None, ["divisor: a divides by 5 everywhere, b by its real elements"],
    ),
    "the overhang counted": (  # equinox
        ("anypool", "lambda x: ap.sum_pool(x, 3, 2, ceil_mode=True) / 9"),
        ("anypool", "lambda x: ap.avg_pool(x, 3, 2, ceil_mode=True)"),
        None, ["divisor: a divides by the whole kernel, what hangs over counted too, b by its"],
    ),
    "adaptive, split": (  # equinox
        ("torch", "nn.AdaptiveAvgPool2d(7)"),
        ("anypool", "lambda x: ap.adaptive_avg_pool(x, 7, rule='split')"),
        None, ["windows: a has adaptive windows (overlapping, floor and ceil), b disjoint windows",
               "on (2, 9, 13, 11), output 1 along axis 2 of 13 reads [1:4] in a, [2:4] in b"],
    ),
    "adaptive sizes": (
        ("torch", "nn.AdaptiveMaxPool2d(5)"), ("torch", "nn.AdaptiveMaxPool2d((5, 4))"),
        None, ["output: a has 5, b has (5, 4)", "on (2, 9, 13, 11), axis 3 of 11 has 5 outputs"],
    ),
    "ceil mode": (
        ("torch", "nn.MaxPool2d(3, 2, ceil_mode=True)"), ("torch", "nn.MaxPool2d(3, 2)"),
        None, ["ceil mode: a keeps a last window that hangs over the end"],
    ),
    "stride left out": (
        ("jax", "lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2))"),
        ("torch", "nn.MaxPool2d(2)"),
        None, ["stride: a has 1, b has 2; a stride left out is the kernel in PyTorch and Keras"],
    ),
    "dilation": (
        ("torch", "nn.MaxPool2d(3, 2, dilation=2)"), ("torch", "nn.MaxPool2d(3, 2)"),
        None, ["dilation: a has 2, b has 1"],
    ),
    "kernel": (
        ("torch", "nn.MaxPool1d(4, 2)"), ("torch", "nn.MaxPool1d(3, 2)"),
        None, ["kernel: a has 4, b has 3"],
    ),
    "max, average": (
        ("torch", "nn.MaxPool2d(2)"), ("torch", "nn.AvgPool2d(2)"),
        None, ["reduction: a is max pooling, b is average pooling"],
    ),
    "Lp in ceil mode": (
        ("torch", "nn.LPPool2d(2, 3, 2, ceil_mode=True)"),
        ("anypool", "lambda x: ap.lp_pool(x, 2, 3, 2, ceil_mode=True)"),
        None, ["reduction: a is L2 (partial windows scaled as if full) pooling, b is L2 pooling"],
    ),
    "Lp of odd p": (
        ("torch", "nn.LPPool2d(3, 2)"), ("anypool", "lambda x: ap.lp_pool(x, 3, 2)"),
        None, ["reduction: a is L3 (without |x|) pooling, b is L3 pooling"],
    ),
    "halves of lax": (
        ("torch", "nn.AvgPool2d(3, 2)"), ("jax", LAX_AVERAGE),
        None, ["accumulation of float16: ", "accumulation of bfloat16: a is up to 0.3"],
    ),
    "overflow of TensorFlow": (
        ("tensorflow", "lambda x: tf.nn.avg_pool2d(x, 3, 2, 'SAME')"),
        ("anypool", "lambda x: ap.avg_pool(x, 3, 2, 'same', axes='channels_last')"),
        None, ["accumulation of float16: a gives inf, b is up to 0"],
    ),
    "NaN of TensorFlow": (
        ("tensorflow", "lambda x: tf.nn.max_pool2d(x, 3, 2, 'SAME')"),
        ("anypool", "lambda x: ap.max_pool(x, 3, 2, 'same', axes='channels_last')"),
        None, ["NaN: a drops it, b gives NaN where one is in the window",
               "-inf: for nothing else a gives -3.4e+38, b -inf"],
    ),
    "keepdims": (
        ("keras", "keras.layers.GlobalMaxPooling2D()"),
        ("keras", "keras.layers.GlobalMaxPooling2D(keepdims=True)"),
        None, ["keepdims: a drops the pooled axes, b keeps them"],
    ),
    "not a pooling": (
        ("torch", "nn.Conv2d(9, 9, 3, 2)"), ("torch", "nn.MaxPool2d(3, 2)"),
        None, ["axes: a pools (1, 2, 3), b (2, 3)", "reduction: b is max pooling, a none of",
               "sizes: a refuses (2, 10, 14, 12), b takes it"],
    ),
}  # fmt: skip
AGREE = {
    "max": (("torch", "nn.MaxPool2d(3, 2, 1)"), ("anypool", "lambda x: ap.max_pool(x, 3, 2, 1)")),
    "average": (
        ("torch", "nn.AvgPool2d(3, 2, 1)"),
        ("anypool", "lambda x: ap.avg_pool(x, 3, 2, 1)"),
    ),
    "ceil": (
        ("torch", "nn.AvgPool2d(3, 2, 1, True, False)"),
        ("anypool", "lambda x: ap.avg_pool(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)"),
    ),
    "adaptive": (
        ("torch", "nn.AdaptiveAvgPool2d((7, 3))"),
        ("anypool", "lambda x: ap.adaptive_avg_pool(x, (7, 3))"),
    ),
    "global": (
        ("torch", "nn.AdaptiveAvgPool2d(1)"),
        ("anypool", "lambda x: ap.global_avg_pool(x)"),
    ),
    "one axis": (("torch", "nn.MaxPool1d(3)"), ("anypool", "lambda x: ap.max_pool(x, (3,))")),
    "three axes": (("torch", "nn.AvgPool3d(2)"), ("anypool", "lambda x: ap.avg_pool(x, 2)")),
    "lax": (
        ("jax", SAME),
        ("anypool", "lambda x: ap.max_pool(x, 3, 2, 'same', axes='channels_last')"),
    ),
    "the same layer": (
        ("keras", "keras.layers.AveragePooling2D(2)"),
        ("keras", "keras.layers.AveragePooling2D(2)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DISAGREE)
def test_real_disagreements_are_explained(case):
    (home, a), (other, b), channels, reasons = DISAGREE[case]
    found = ap.port_check(layer(home, a), layer(other, b), channels=channels)
    assert not found
    assert len(found.reasons) == len(reasons), found
    for got, start in zip(found.reasons, reasons, strict=True):
        assert got.startswith(start), found
        assert got in str(found)
    assert "\n" not in str(found)


def test_the_copied_formula():
    need("torch")
    found = ap.port_check(layer("torch", "nn.AdaptiveAvgPool2d(5)"), copied(5))
    assert found.reasons[0].startswith("windows: a has adaptive windows (overlapping, floor and ce")
    assert "b the copied formula's windows (stride n // m" in found.reasons[0]


@pytest.mark.parametrize("case", AGREE)
def test_no_false_alarm(case):
    (home, a), (other, b) = AGREE[case]
    found = ap.port_check(layer(home, a), layer(other, b))
    assert found, found
    assert found.reasons == ()
    assert str(found).startswith("They agree: ")
    assert found.a == found.b


ALONE = {
    "pairs": pool("max_pool", (3, 2), (2, 1), padding=((1, 0), (0, 2))),
    "same_lower": pool("avg_pool", 4, 3, "same_lower"),
    "dilated": pool("min_pool", 3, 1, dilation=2),
    "median": pool("median_pool", 3),
    "gem": pool("gem_pool", 2),
    "std": pool("std_pool", 3, 2),
    "global": pool("global_max_pool", keepdims=False),
    "sums": pool("adaptive_pool", 4, reduce="sum"),
    "nothing": lambda x: x,
    "own": lambda x: x.mean(axis=(2, 3), keepdims=True) ** 3,
}


@pytest.mark.parametrize("made", ALONE.values(), ids=ALONE)
def test_everything_agrees_with_itself(made):
    assert ap.port_check(made, made, shape=(2, 3, 9, 10))


def test_what_was_ported_agrees():
    """The two halves of porting, held against each other."""
    need("torch", "tensorflow")
    text = "torch.nn.AvgPool2d(3, 2, 1, count_include_pad=True)"
    made = ap.port(text, to="tensorflow")
    ours = run_code("tensorflow", made.code)
    assert ap.port_check(layer("torch", text.replace("torch.nn", "nn")), ours,
                         channels=("first", made.channels), halves=False)  # fmt: skip


# --- the check itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [1e-3, float("nan"), float("inf")])
def test_one_wrong_number_is_noticed(fault):
    def wrong(x):
        y = ap.max_pool(x, 3, 2)
        y[-1, -1, -1, -1] += fault
        return y

    found = ap.port_check(pool("max_pool", 3, 2), wrong, shape=(2, 3, 9, 10))
    assert not found
    assert found.a == "max pooling, kernel 3, stride 2, over axes 2, 3"
    assert found.worst == pytest.approx(fault, rel=1e-2) or not np.isfinite(fault)


def test_a_wrong_size_is_noticed():
    found = ap.port_check(pool("max_pool", 3, 2), lambda x: ap.max_pool(x, 3, 2)[..., :-1],
                          shape=(2, 3, 9, 10))  # fmt: skip
    assert not found
    assert "becomes (2, 3, 4, 4) in a, (2, 3, 4, 3) in b" in str(found)
    assert found.worst == float("inf")


def test_noise_of_rounding_is_no_disagreement():
    def noisy(x):
        return ap.avg_pool(x, 3, 2) * np.float32(1 + 2e-7)

    found = ap.port_check(pool("avg_pool", 3, 2), noisy, shape=(2, 3, 9, 10), halves=False)
    assert found
    assert "units in the last place" in str(found)


def test_arrays_without_batch_and_channels():
    found = ap.port_check(pool("max_pool", 3, 2), pool("max_pool", 3, 2, 1), shape=(12, 13))
    assert found.a == "max pooling, kernel 3, stride 2, over axes 0, 1"
    assert found.reasons == ("padding: a has 0, b has 1",)


def test_one_that_takes_one_size_only():
    """Models are often built for one size: that is told, and no disagreement."""

    def fixed(x):
        if x.shape != (2, 3, 9, 10):
            raise ValueError("built for (2, 3, 9, 10)")
        return ap.max_pool(x, 3)

    found = ap.port_check(fixed, pool("max_pool", 3), shape=(2, 3, 9, 10))
    assert found
    assert "Note: sizes: a refuses (2, 3, 10, 11), b takes it: ValueError: built for" in str(found)


def test_nan_and_halves_can_be_left_out():
    need("tensorflow")
    ours = pool("max_pool", 3, 2, "same", axes="channels_last")
    theirs = layer("tensorflow", "lambda x: tf.nn.max_pool2d(x, 3, 2, 'SAME')")
    assert not ap.port_check(theirs, ours)
    found = ap.port_check(theirs, ours, nan=False, halves=False)
    assert found
    assert "NaN" not in str(found)


def test_the_same_seed_finds_the_same():
    one, other = pool("max_pool", 3, 2), pool("max_pool", 3, 2, 1)
    assert ap.port_check(one, other, seed=3) == ap.port_check(one, other, seed=3)


BAD = {
    "no callable": (3, max, {}, "port_check compares two callables; int is none"),
    "channels": (max, max, {"channels": ("first", "NHWC")}, "channels is"),
    "one refuses": (pool("max_pool", 2), pool("max_pool", 99), {},
                    "b takes no array of shape .*WindowError"),
    "both refuse": (pool("max_pool", 9), pool("max_pool", 9), {"shape": (1, 1, 4, 4)},
                    "give shape="),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "more", "message"), BAD.values(), ids=BAD)
def test_bad_input(a, b, more, message):
    with pytest.raises(PoolError, match=message):
        ap.port_check(a, b, **more)


def test_no_framework_is_loaded():
    import subprocess
    import sys

    program = (
        "import sys, anypool as ap\n"
        "ap.port('keras.layers.MaxPooling2D(3, 2)', to='torch')\n"
        "ap.port_check(lambda x: ap.max_pool(x, 2), lambda x: ap.max_pool(x, 2))\n"
        "print(*{'torch', 'jax', 'keras', 'tensorflow', 'onnx'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
