"""Bad input is one sentence of a PoolError: the axis, the sizes, and what would fit."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import anypool as ap
from anypool import reference

X = np.arange(2 * 3 * 6 * 8, dtype=np.float64).reshape(2, 3, 6, 8)
LINE, PLANE = np.arange(6.0), np.ones((4, 6))
# How a sentence says what would fit.
FIT = (
    r"\b(use|must|needs?|give|say|leave|name each|one of|at least|at most|only|is for|takes|make)\b"
    r"|has \d axes, \d to \d|has places \d|broadcast to x's shape"
)
NAN = float("nan")


def says(*words: object) -> str:
    """A pattern for a message that has all these words, in any order, and says what would fit."""
    parts = [rf"(?<![\w.]){re.escape(str(w))}(?!\w)" for w in words]
    parts = [part.replace("'", "['\"]") for part in parts]  # either kind of quotes
    return "(?s)^" + "".join(f"(?=.*{part})" for part in [*parts, f"({FIT})"])


def sliding(*args, **kwargs):
    return lambda: ap.max_pool(X, *args, **kwargs)


def pool(reduce, **kwargs):
    return lambda: ap.pool(X, ap.windows.sliding(2), reduce, **kwargs)


def reduction(name, **params):
    return lambda: ap.pool(X, ap.windows.sliding(2), getattr(ap.reductions, name)(**params))


BAD = {
    # windows
    "kernel 0": (sliding(0), ["kernel_size", 0]),
    "kernel negative": (sliding((2, -3)), ["kernel_size", -3]),
    "kernel of a fraction": (sliding(2.5), ["kernel_size", 2.5]),
    "kernel a word": (sliding("3"), ["kernel_size", "'3'"]),
    "kernel None": (sliding(None), ["kernel_size", None]),
    "stride 0": (sliding(2, 0), ["stride", 0]),
    "stride negative": (sliding(2, (1, -1)), ["stride", -1]),
    "dilation 0": (sliding(2, dilation=0), ["dilation", 0]),
    "dilation negative": (sliding(2, dilation=(-2, 1)), ["dilation", -2]),
    "padding negative": (sliding(2, padding=-1), ["padding", -1]),
    "padding word": (sliding(2, padding="full"), ["padding", "'full'", "'same'"]),
    "window too large": (sliding(7), ["axis 2", 7, 6]),
    "window too large for the last axis": (sliding((2, 9)), ["axis 3", 9, 8]),
    "window one too large": (lambda: ap.max_pool(LINE, 7), ["axis 0", 7, 6]),
    "window too large with padding": (sliding(9, padding=1), ["axis 2", 9, 6, 8]),
    "window too large by dilation": (sliding(3, dilation=4), ["axis 2", 6]),
    "more kernels than axes": (lambda: ap.max_pool(PLANE, (2, 2, 2)), [3, 2]),
    "more kernels than named axes": (sliding((2, 2, 2), axes=(2, 3)), [3, 2]),
    "more strides than axes": (sliding(2, (1, 1, 1)), ["stride", 3, 2]),
    "more dilations than axes": (sliding(2, dilation=(1, 1, 1)), ["dilation", 3, 2]),
    "more paddings than axes": (sliding(2, padding=(1, 1, 1)), ["padding", 3, 2]),
    "output size 0": (lambda: ap.adaptive_max_pool(X, 0), [0]),
    "output size negative": (lambda: ap.adaptive_max_pool(X, (2, -1)), [-1]),
    "output size of a fraction": (lambda: ap.adaptive_max_pool(X, 2.5), [2.5]),
    "split 0": (lambda: ap.pool(X, ap.windows.split(0), "max"), [0]),
    "bins 0": (lambda: ap.pyramid_pool(X, bins=(1, 0)), [0]),
    "adaptive rule": (lambda: ap.pool(X, ap.windows.adaptive(2, rule="crop"), "max"), ["'crop'"]),
    "fractional too large": (lambda: ap.fractional_max_pool(X, 3, 5), ["axis 2", 3, 5, 6]),
    "fractional without a size": (lambda: ap.fractional_max_pool(X, 2), ["output_size"]),
    "fractional ratio": (lambda: ap.fractional_max_pool(X, 2, output_ratio=1.5), [1.5]),
    "empty axis": (lambda: ap.max_pool(np.ones((2, 3, 0, 4)), 2), ["axis 2", "no elements"]),
    "windows a number": (lambda: ap.pool(X, 3, "max"), [3]),
    # axes
    "absent axis": (sliding(2, axes=(2, 4)), ["axis 4"]),
    "absent negative axis": (sliding(2, axes=(-5,)), ["axis -5"]),
    "axis twice": (sliding(2, axes=(2, 2)), ["axes", (2, 2)]),
    "axis twice by another name": (sliding(2, axes=(3, -1)), ["axes", (3, -1)]),
    "no axes": (sliding(2, axes=()), ["axes"]),
    "axes word": (sliding(2, axes="channels_first"), ["'channels_first'", "'channels_last'"]),
    "a number is no array": (lambda: ap.max_pool(3.0, 1), ["axes"]),
    # masks, weights, sizes
    "mask shape": (sliding(2, mask=np.ones((6, 7), bool)), ["mask", (6, 7), X.shape]),
    "mask dtype": (sliding(2, mask=np.ones(X.shape)), ["mask", "bool", "float64"]),
    "mask of ints": (sliding(2, mask=np.ones(X.shape, int)), ["mask", "bool", "int64"]),
    "weights shape": (sliding(2, weights=np.ones((5, 8))), ["weights", (5, 8), X.shape]),
    "weights negative": (sliding(2, weights=np.full(X.shape, -0.5)), ["weights", "negative"]),
    "weights nan": (sliding(2, weights=np.full(X.shape, NAN)), ["weights", "finite"]),
    "sizes too large": (sliding(2, sizes=[[6, 8], [6, 9]]), ["axis 3", 9, 8]),
    "sizes negative": (sliding(2, sizes=[[6, 8], [-1, 8]]), ["axis 2", -1, 6]),
    "sizes backwards": (sliding(2, sizes=[[[0, 6], [0, 8]], [[4, 2], [0, 8]]]), ["axis 2", 4, 2]),
    "sizes beyond": (sliding(2, sizes=[[[0, 6], [0, 8]], [[0, 7], [0, 8]]]), ["axis 2", 7, 6]),
    "sizes shape": (sliding(2, sizes=[[6, 8, 1], [6, 8, 1]]), ["sizes", (2, 3), (2, 2)]),
    "sizes batch": (sliding(2, sizes=[[6, 8]]), ["sizes", (1, 2), (2, 2)]),
    "sizes of fractions": (sliding(2, sizes=[[6.0, 8], [6, 8]]), ["sizes", "float64"]),
    "sizes and a pooled batch": (sliding(2, axes=(0, 3), sizes=[[2, 8]] * 2), ["sizes", "axis 0"]),
    "counted padding with a mask": (
        lambda: ap.avg_pool(X, 2, count_include_pad=True, mask=np.ones(X.shape, bool)),
        ["count_include_pad", "mask"],
    ),
    "counted padding with weights": (
        lambda: ap.avg_pool(X, 2, count_include_pad=True, weights=np.ones(X.shape)),
        ["count_include_pad", "weights"],
    ),
    "counted padding with sizes": (
        lambda: ap.avg_pool(X, 2, count_include_pad=True, sizes=[[6, 8]] * 2),
        ["count_include_pad", "sizes"],
    ),
    "return_sizes without sizes": (sliding(2, return_sizes=True), ["return_sizes", "sizes"]),
    # arrays
    "objects": (lambda: ap.max_pool(np.array([1, "a", None], object), 2), ["object"]),
    "strings": (lambda: ap.max_pool(np.array(["a", "b"]), 2), ["<U1"]),
    "dates": (lambda: ap.max_pool(np.zeros(4, "datetime64[s]"), 2), ["datetime64[s]"]),
    "ragged list": (lambda: ap.max_pool([[1, 2], [3]], 2), ["x", "array"]),
    "None": (lambda: ap.max_pool(None, 2), ["object"]),
    "max of complex": (lambda: ap.max_pool(np.ones(4, complex), 2), ["max", "complex"]),
    "padding a dict": (sliding(2, padding={"before": 1}), ["padding"]),
    "nan a list": (sliding(2, nan=["skip"]), ["nan"]),
    "fill an array": (sliding(2, fill=np.zeros(3)), ["fill"]),
    "fill too large": (
        lambda: ap.max_pool(np.ones(4, np.uint8), 2, padding=4, fill=300),
        ["fill", 300, "uint8"],
    ),
    "kernel enormous": (lambda: ap.max_pool(LINE, 10**18, padding=10**18), ["kernel_size"]),
    "stride enormous": (lambda: ap.max_pool(LINE, 2, 2**63), ["stride"]),
    # reductions
    "reduction unknown": (pool("maximum"), ["'maximum'", "max"]),
    "reduction None": (pool(None), [None]),
    "lp p 0": (reduction("lp", p=0), ["p", 0]),
    "lp p negative": (reduction("lp", p=-1), ["p", -1]),
    "lp p nan": (reduction("lp", p=NAN), ["p", "nan"]),
    "lp_pool p 0": (lambda: ap.lp_pool(X, 0, 2), [0]),
    "lp_pool p nan": (lambda: ap.lp_pool(X, NAN, 2), ["nan"]),
    "gem p 0": (reduction("gem", p=0), ["p", 0]),
    "gem p nan": (lambda: ap.gem_pool(X, 2, p=NAN), ["p", "nan"]),
    "lse r 0": (reduction("lse", r=0), ["r", 0]),
    "lse r nan": (reduction("lse", r=NAN), ["r", "nan"]),
    "soft beta nan": (reduction("soft", beta=NAN), ["beta", "nan"]),
    "q above 1": (reduction("quantile", q=1.5), ["q", 1.5]),
    "q negative": (reduction("quantile", q=-0.1), ["q", -0.1]),
    "q nan": (reduction("quantile", q=NAN), ["q", "nan"]),
    "k 0": (reduction("topk", k=0), ["k", 0]),
    "k of a fraction": (reduction("topk", k=1.5), ["k", 1.5]),
    "median method": (reduction("median", method="upper"), ["'upper'", "'lower'"]),
    "an rng where none is used": (pool("max", rng=np.random.default_rng(0)), ["rng", "max"]),
    "an rng of words": (lambda: ap.stochastic_pool(X, 2, rng="seed"), ["rng", "'seed'"]),
    # the other options
    "nan mode": (sliding(2, nan="ignore"), ["nan", "'ignore'", "'skip'"]),
    "nan is raised": (lambda: ap.max_pool([1.0, NAN], 2, nan="raise"), ["NaN"]),
    "ties": (sliding(2, ties="last"), ["ties", "'last'", "'split'"]),
    "fill None": (lambda: ap.max_pool(LINE, 2, padding=4, fill=None), ["fill"]),
    "fill a word": (sliding(2, fill="zero"), ["fill", "'zero'"]),
    "threads 0": (sliding(2, threads=0), ["threads", 0]),
    "threads of a fraction": (sliding(2, threads=1.5), ["threads", 1.5]),
    "result of strings": (sliding(2, dtype="U3"), ["dtype"]),
    "divisor 0": (lambda: ap.avg_pool(X, 2, divisor_override=0), ["divisor_override", 0]),
    "indices of a mean": (pool("mean", return_indices=True), ["indices", "mean"]),
    "out dtype": (
        sliding(2, out=np.empty((2, 3, 3, 4), np.float32)),
        ["out", "float32", "float64"],
    ),
    "out shape": (sliding(2, out=np.empty((2, 3, 3, 3))), ["out", (2, 3, 3, 3), (2, 3, 3, 4)]),
    "out overlaps": (sliding(2, out=X[:, :, :3, :4]), ["out"]),
    "out a list": (sliding(2, out=[1, 2]), ["out"]),
    # lists of arrays
    "list of sliding": (
        lambda: ap.max_pool([np.ones((3, 4, 4)), np.ones((3, 5, 4))], 2),
        ["list"],
    ),
    "list of unlike channels": (
        lambda: ap.adaptive_max_pool([np.ones((3, 4, 4)), np.ones((2, 4, 4))], 2),
        [3, 2],
    ),
    "list of unlike ranks": (
        lambda: ap.adaptive_max_pool([np.ones((3, 4, 4)), np.ones((4, 4))], 2),
        [3, 2],
    ),
    "list of unlike dtypes": (
        lambda: ap.adaptive_max_pool([np.ones((3, 4, 4)), np.ones((3, 4, 4), np.float32)], 2),
        ["float64", "float32"],
    ),
    # unpooling and boxes
    "unpool shape": (lambda: ap.max_unpool(np.ones(2), np.zeros(3, int), 4), [(2,), (3,)]),
    "unpool index": (lambda: ap.max_unpool(np.ones(2), np.array([0, 4]), 4), [4]),
    "unpool float": (lambda: ap.max_unpool(np.ones(2), np.zeros(2), 4), ["indices", "float64"]),
    "duplicates": (
        lambda: ap.max_unpool(np.ones(1), np.zeros(1, int), 4, duplicates="first"),
        ["'first'", "'last'"],
    ),
    "box outside": (lambda: ap.roi_pool(X, np.array([[0, 0, 0, 7, 8]]), 2), ["axis 2", 7, 6]),
    "box backwards": (lambda: ap.roi_pool(X, np.array([[0, 3, 0, 2, 8]]), 2), ["axis 2", 3, 2]),
    "box of no sample": (lambda: ap.roi_pool(X, np.array([[2, 0, 0, 6, 8]]), 2), [2]),
    "box of four numbers": (lambda: ap.roi_pool(X, np.array([[0, 0, 6, 8]]), 2), ["boxes", (1, 4)]),
    "blur kernel": (lambda: ap.blur_pool(X, 0), ["kernel_size", 0]),
    "blur mode": (lambda: ap.blur_pool(X, mode="wrap"), ["mode", "'wrap'", "'reflect'"]),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_input(bad):
    call, words = bad
    with pytest.raises(ap.PoolError, match=says(*words)) as caught:
        call()
    # One short sentence for people: no traceback of ours beneath it, no second exception.
    assert len(str(caught.value)) < 300
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_three_axes_need_a_word():
    """Nobody can tell H,W,C from C,H,W from N,C,L from a volume: the message names them all."""
    x = np.ones((4, 5, 6))
    for call in (lambda: ap.max_pool(x, 2), lambda: ap.adaptive_avg_pool(x, 2)):
        with pytest.raises(ap.PoolError, match=says("(0, 1)", "(1, 2)", "(2,)", "(0, 1, 2)")):
            call()


@pytest.mark.parametrize("call", [ap.max_pool, ap.avg_pool, ap.adaptive_max_pool])
def test_unknown_keywords_name_the_function(call):
    """Python's own kind of error, but of the function that was called."""
    with pytest.raises(TypeError, match=rf"{call.__name__}.*'kernel'"):
        call(X, 2, kernel=3)


def test_errors_are_value_errors():
    assert issubclass(ap.PoolError, ValueError)
    assert issubclass(ap.errors.ShapeError, ap.PoolError)
    assert issubclass(ap.errors.WindowError, ap.PoolError)


def test_errors_hold_without_asserts():
    """python -O takes asserts away, not our errors."""
    code = "import numpy as np, anypool as ap\ntry:\n    ap.max_pool(np.ones(4), 5)\n"
    code += "except ap.PoolError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], capture_output=True, text=True, check=True
    )
    assert re.search(says("axis 0", 5, 4), done.stdout)


@pytest.mark.parametrize("pool", [ap.pool, reference.pool], ids=["kernels", "reference"])
def test_the_reference_refuses_alike(pool):
    with pytest.raises(ap.PoolError, match=says("axis 2", 7, 6)):
        pool(X, ap.windows.sliding(7), "max")
