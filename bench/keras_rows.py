"""The rows of anypool.keras: beside Keras's own functions on its backends, and tf.nn, on the CPU.

`python -m bench.keras_rows [tensorflow|jax|torch] [part of a name]` measures them alone. Expected
before anything was measured (times faster than Keras, two threads):

    adaptive, eager                     3 or more: kernels instead of two poolings and a gather
    adaptive, in graphs and under XLA   3 or more: windows are gathered once, or are slices
    adaptive, trained                   3 or more; 1 for max in graphs, which finds places anew
    sliding and global, eager           1 or more: kernels beside TensorFlow's own
    sliding in graphs                   1 for means; 0.6 for max, which looks for NaN first
    sliding under XLA                   1
    on JAX and PyTorch                  what anypool.jax and anypool.torch give
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.contest import Contest, Row, measure
from bench.timing import FULL, QUICK

Shape = tuple[int, ...]
BIG, WIDE, NET = (8, 112, 112, 64), (16, 30, 40, 256), (32, 56, 56, 64)
DEEP = (32, 14, 14, 256)
# function of keras.ops and of ours, its arguments, shape (channels last), goal when eager
CALLS: list[tuple[str, tuple[Any, ...], Shape, float]] = [
    ("adaptive_average_pool", (7,), BIG, 3),
    ("adaptive_average_pool", (5,), BIG, 3),
    ("adaptive_max_pool", (7,), BIG, 3),
    ("adaptive_max_pool", (5,), BIG, 3),
    ("adaptive_average_pool", (7,), WIDE, 3),
    ("adaptive_max_pool", (7,), WIDE, 3),
    ("adaptive_average_pool", (6,), DEEP, 3),
    ("adaptive_max_pool", (6,), DEEP, 3),
    ("max_pool", ((2, 2), (2, 2)), NET, 1),
    ("max_pool", ((3, 3), (2, 2), "same"), NET, 1),
    ("average_pool", ((2, 2), (2, 2)), NET, 1),
    ("average_pool", ((3, 3), (2, 2), "same"), NET, 1),
    ("global_average_pool", (), NET, 1),
    ("global_max_pool", (), NET, 1),
]
FEW = [CALLS[0], CALLS[5], CALLS[9], CALLS[10], CALLS[13]]
WAYS = {
    "tensorflow": ("eager", "graph", "XLA"), "jax": ("eager", "jit"), "torch": ("eager",),
}  # fmt: skip


def rows(
    small: Callable[[Shape], Shape], backends: tuple[str, ...] = tuple(WAYS), few: bool = False
) -> list[Row]:
    """Every row, each in a process of its own; without Keras none.

    ``few``: five calls, forth only.
    """
    if importlib.util.find_spec("keras") is None:
        return []
    found = [b for b in backends if importlib.util.find_spec(b) is not None]
    return [
        _row(backend, way, train, *call, small)
        for backend in found
        for way in WAYS[backend]
        for train in ((False,) if few else (False, True))
        for call in (FEW if few else CALLS)
    ]


def _row(
    backend: str, way: str, train: bool, name: str, args: tuple[Any, ...], shape: Shape,
    goal: float, small: Callable[[Shape], Shape],
) -> Row:  # fmt: skip
    kind = "training" if train else "inference"
    title = f"{name}{args} of {small(shape)}"
    against = ("keras", "tf.nn") if _own(backend, way, train, name) else ("keras",)
    make = partial(_contest, backend, way, train, name, args, small(shape))
    wanted = goal if way == "eager" and not train else None
    return Row(f"keras on {backend}, {way}, {kind}", title, against, make, wanted, True)


def _own(backend: str, way: str, train: bool, name: str) -> bool:
    """Whether tf.nn has the same operation."""
    return (backend, way, train) == ("tensorflow", "eager", False) and name in TF_NN


TF_NN = {"max_pool": "max_pool2d", "average_pool": "avg_pool2d"}


def _contest(
    backend: str, way: str, train: bool, name: str, args: tuple[Any, ...], shape: Shape
) -> Contest:
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    import anypool.keras.ops as ours

    rng = np.random.default_rng(0)
    x = keras.ops.convert_to_tensor(rng.normal(size=shape).astype("float32"))
    both = {"anypool": partial(_call, getattr(ours, name), args), "keras": _theirs(name, args)}
    if _own(backend, way, train, name):
        both["tf.nn"] = _tensorflows(name, args)
    g = keras.ops.convert_to_tensor(rng.normal(size=both["anypool"](x).shape).astype("float32"))
    ready = partial(READY[backend], way, train, x, g)
    calls = {who: ready(function) for who, function in both.items()}
    numbers = dict.fromkeys(calls, _numbers)
    mine = calls.pop("anypool")
    return Contest(mine, calls, numbers, (2 if train else 1) * 4 * int(np.prod(shape)), 1e-4)


def _numbers(t: Any) -> np.ndarray:
    return np.asarray(t.detach() if hasattr(t, "detach") else t, np.float64)


def _call(function: Any, args: tuple[Any, ...], x: Any) -> Any:
    return function(x, *args)


def _theirs(name: str, args: tuple[Any, ...]) -> Callable[[Any], Any]:
    import keras

    if name.startswith("global"):
        reduce = keras.ops.mean if "average" in name else keras.ops.max
        return lambda x: reduce(x, axis=(1, 2))
    return partial(_call, getattr(keras.ops, name), args)


def _tensorflows(name: str, args: tuple[Any, ...]) -> Callable[[Any], Any]:
    import tensorflow as tf

    kernel, strides, *padding = args
    function = getattr(tf.nn, TF_NN[name])
    return lambda x: function(x, kernel, strides, (padding or ["valid"])[0].upper())


def _tensorflow(way: str, train: bool, x: Any, g: Any, function: Any) -> Callable[[], Any]:
    import tensorflow as tf

    def trained(x: Any, g: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, g)

    whole = trained if train else lambda x, g: function(x)
    if way != "eager":
        whole = tf.function(whole, autograph=False, jit_compile=True if way == "XLA" else None)
    return lambda: np.asarray(whole(x, g))  # no copy


def _jax(way: str, train: bool, x: Any, g: Any, function: Any) -> Callable[[], Any]:
    import jax

    whole = (lambda x, g: jax.vjp(function, x)[1](g)[0]) if train else lambda x, g: function(x)
    whole = jax.jit(whole) if way == "jit" else whole
    return lambda: np.asarray(whole(x, g))  # no copy; waits until it is there


def _torch(way: str, train: bool, x: Any, g: Any, function: Any) -> Callable[[], Any]:
    import torch

    def trained() -> Any:
        with torch.inference_mode(False), torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            return torch.autograd.grad(function(leaf), leaf, g.detach().clone())[0]

    return trained if train else lambda: function(x)


READY = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def main(backend: str = "tensorflow", part: str = "", quick: str = "") -> None:
    """Print each row of a backend as it is measured."""
    halved = (lambda s: (max(s[0] // 8, 1), *s[1:])) if quick else lambda s: s
    for row in rows(halved, (backend,)):
        if part in row.title:
            got = measure(row, QUICK if quick else FULL)
            told = got.get("error") or ", ".join(
                f"{peer} {ratio['median']:.2f}x" for peer, ratio in got["ratio"].items()
            )
            mine = f"{got['median']['anypool'] * 1e3:.2f} ms" if "median" in got else ""
            print(f"{row.title}: {mine} {told}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
