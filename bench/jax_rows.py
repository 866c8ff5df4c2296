"""The rows of anypool.jax: beside JAX's own operations, compiled, forward and training.

`python -m bench.jax_rows` measures these alone and says what was expected of them beforehand.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import anypool as ap
from bench import peers
from bench.contest import Contest, Row

Shape = tuple[int, ...]
WINDOWS, SLICES = "lax.reduce_window", "slices"
# written down before the first measurement: times faster, as geometric means of each group
EXPECTED = {
    "jax, forward": 4.0,  # XLA's windows are not vectorised, and read every tap of every window
    "jax, training": 8.0,  # its way back through max compares all of them once more
    "jax, adaptive, forward": 3.0,  # slices of two axes, each reduced and put together
    "jax, adaptive, training": 3.0,
    "jax, call cost": 1.0,  # a call through XLA's FFI should cost no more than a loop of XLA's
}
# name, kernel, stride, padding, shape
SLIDING: list[tuple[str, int, int, int, Shape]] = [
    ("max", 2, 2, 0, (32, 64, 56, 56)),
    ("max", 3, 2, 1, (32, 64, 56, 56)),
    ("max", 3, 1, 1, (8, 64, 56, 56)),
    ("avg", 2, 2, 0, (32, 64, 56, 56)),
    ("avg", 3, 2, 1, (32, 64, 56, 56)),
]
ADAPTIVE: list[tuple[str, int, Shape]] = [
    ("max", 7, (16, 128, 30, 40)),
    ("avg", 7, (16, 128, 30, 40)),
    ("avg", 6, (8, 256, 37, 53)),
]
TINY: Shape = (1, 8, 8, 8)


def rows(small: Callable[[Shape], Shape]) -> list[Row]:
    """Every row; without JAX none."""
    if peers.load("jax") is None:
        return []
    made = []
    for train in (False, True):
        kind = "training" if train else "forward"
        for name, k, s, p, shape in SLIDING:
            words = f"{name} k{k} s{s} p{p} of {small(shape)}"
            make = partial(_sliding, name, (k, s, p), small(shape), train)
            made.append(Row(f"jax, {kind}", words, (WINDOWS,), make))
        for name, m, shape in ADAPTIVE:
            make = partial(_adaptive, name, m, small(shape), train)
            words = f"{name} to {m} of {small(shape)}"
            made.append(Row(f"jax, adaptive, {kind}", words, (SLICES,), make))
    for compiled in (True, False):
        words = f"max k2 s2 of {TINY}, {'compiled' if compiled else 'eager'}"
        made.append(Row("jax, call cost", words, (WINDOWS,), partial(_tiny, compiled)))
    return made


def _sliding(name: str, where: tuple[int, int, int], shape: Shape, train: bool) -> Contest:
    k, s, p = where
    function = ap.max_pool if name == "max" else ap.avg_pool
    return _contest(lambda x: function(x, k, s, p), WINDOWS, _reduce_window(name, k, s, p), shape,
                    train)  # fmt: skip


def _adaptive(name: str, m: int, shape: Shape, train: bool) -> Contest:
    function = ap.adaptive_max_pool if name == "max" else ap.adaptive_avg_pool
    return _contest(lambda x: function(x, m), SLICES, _slices(name, m), shape, train)


def _tiny(compiled: bool) -> Contest:
    jax = peers.load("jax")
    x = jax.numpy.asarray(np.random.default_rng(0).random(TINY, np.float32))
    both = [lambda x: ap.max_pool(x, 2), _reduce_window("max", 2, 2, 0)]
    ours, theirs = (jax.jit(f) if compiled else f for f in both)
    return Contest(lambda: ours(x).block_until_ready(),
                   {WINDOWS: lambda: theirs(x).block_until_ready()}, moved=x.nbytes)  # fmt: skip


def _reduce_window(name: str, k: int, s: int, p: int) -> Callable[[Any], Any]:
    """JAX's own windows."""
    jax = peers.load("jax")
    lax, jnp = jax.lax, jax.numpy
    sizes, steps = (1, 1, k, k), (1, 1, s, s)
    sides = ((0, 0), (0, 0), (p, p), (p, p))
    if name == "max":
        return lambda x: lax.reduce_window(x, -jnp.inf, lax.max, sizes, steps, sides)
    return lambda x: lax.reduce_window(x, 0.0, lax.add, sizes, steps, sides) / (k * k)


def _slices(name: str, m: int) -> Callable[[Any], Any]:
    """What is written where JAX has no adaptive pooling: a slice for each output and axis."""
    jax = peers.load("jax")
    jnp, cut_out = jax.numpy, jax.lax.slice_in_dim
    reduce = jnp.max if name == "max" else jnp.mean

    def along(x: Any, axis: int) -> Any:
        n = x.shape[axis]
        edges = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        cut = [reduce(cut_out(x, a, b, axis=axis), axis) for a, b in edges]
        return jnp.stack(cut, axis)

    return lambda x: along(along(x, 2), 3)


def _contest(ours: Any, peer: str, theirs: Any, shape: Shape, train: bool) -> Contest:
    jax = peers.load("jax")
    rng = np.random.default_rng(0)
    x = jax.numpy.asarray(rng.random(shape, np.float32) - np.float32(0.25))
    both = [ours, theirs]
    if train:
        g = jax.numpy.asarray(rng.random(ours(x).shape, np.float32))
        both = [partial(_back, f) for f in both]
        args = (x, g)
    else:
        args = (x,)
    mine, other = (_ready(jax.jit(f), args) for f in both)
    return Contest(mine, {peer: other}, moved=(4 if train else 1) * x.nbytes, close=1e-4)


def _back(function: Any, x: Any, g: Any) -> Any:
    """A step of training: the way forth and back. x is written anew, so nothing is left out."""
    y, back = peers.load("jax").vjp(function, x)
    return back(g + 0 * y)[0]


def _ready(function: Any, args: tuple[Any, ...]) -> Callable[[], Any]:
    return lambda: function(*args).block_until_ready()


def main() -> int:
    """Measure these rows alone."""
    peers.hold_still(2)
    from rich.console import Console

    from bench import run

    results = run.everything(False, re.compile("^jax, "))
    console, ratios = Console(width=120), {}
    for row in results["rows"]:
        for peer, ratio in row.get("ratio", {}).items():
            ratios.setdefault(row["group"], []).append(ratio["median"])
            took = row["median"]["anypool"] * 1e3
            console.print(f"{row['group']}: {row['name']}: {took:.3f} ms, {ratio['median']:.2f}x "
                          f"{peer} ({ratio['low']:.2f} to {ratio['high']:.2f})")  # fmt: skip
        if "error" in row:
            console.print(f"{row['group']}: {row['name']}: {row['error']}")
    for group, expected in EXPECTED.items():
        found = ratios.get(group)
        told = f"found {statistics.geometric_mean(found):.2f}x" if found else "nothing measured"
        console.print(f"{group}: expected {expected:g}x, {told}")
    return int(any("error" in row for row in results["rows"]))


if __name__ == "__main__":
    raise SystemExit(main())
