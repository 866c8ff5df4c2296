"""The pieces that kernels are made of: finding the way through memory, reading, weighing, writing.

Every piece is compiled into the kernel that uses it; its name holds the kernel's, since the compile
cache tells symbols apart by name.
"""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from ..reductions import Recipe
from . import numbers
from .cache import helper

MASK, WEIGHTS = "mask", "weights"  # a kernel without either is one with an empty mask


@lru_cache(maxsize=1)
def scratch() -> Any:
    """Compiled: room for n offsets."""
    return helper(lambda n: np.empty(n, np.int64), "anypool_room")


@lru_cache(maxsize=1)
def walk() -> tuple[Any, Any, Any]:
    """How kernels find their way: ``locate`` a plane, ``expand`` a row of outputs, ``divisor``."""

    def locate(plane, outer, source, firsts):
        """The offsets in x, y and w of the first element of a plane of outputs."""
        xo, yo, wo = firsts[0], firsts[1], firsts[2]
        for k in range(outer.shape[1] - 1, 0, -1):
            i = plane % outer[0, k]
            plane //= outer[0, k]
            xo += i * outer[1, k]
            yo += i * outer[2, k]
            wo += i * outer[3, k]
        sample = source[plane] if source.size > 0 else plane
        return xo + sample * outer[1, 0], yo + plane * outer[2, 0], wo + sample * outer[3, 0]

    def expand(row, group, pooled, starts, stops, xl, wl, fl):
        """List the window's rows (offsets in x, w and the flat index); return how many, and y's.

        A window over r axes is a list of rows along the last one. Filled from the back, each
        axis turns every entry into as many as it has elements, in row-major order.
        """
        axes = pooled.shape[1]
        base = starts.shape[1] - pooled[1, axes - 1]
        for a in range(axes - 2, -1, -1):
            base -= pooled[1, a]
        rows, yo = 1, 0
        ahead = 1
        for a in range(axes - 1):
            ahead *= pooled[1, a]
        for a in range(axes - 1):
            ahead //= pooled[1, a]
            o = row // ahead
            row -= o * ahead
            yo += o * pooled[3, a]
            start, stop, step = starts[group, base + o], stops[group, base + o], pooled[5, a]
            base += pooled[1, a]
            count = max(-((start - stop) // step), 0)
            for e in range(rows - 1, -1, -1):
                for t in range(count - 1, -1, -1):
                    i = start + t * step
                    xl[e * count + t] = xl[e] + i * pooled[2, a]
                    wl[e * count + t] = wl[e] + i * pooled[4, a]
                    fl[e * count + t] = fl[e] * pooled[0, a] + i
            rows *= count
        return rows, yo

    def divisor(row, o, group, pooled, divisors, height):
        """The divisor of one output: the product of its axes' own."""
        column = divisors.shape[1]
        total = 1.0
        row %= height
        for a in range(pooled.shape[1] - 1, -1, -1):
            column -= pooled[1, a]
            total *= divisors[group, column + o]
            if a > 0:
                o = row % pooled[1, a - 1]
                row //= pooled[1, a - 1]
        return total

    return (
        helper(locate, "anypool_locate"),
        helper(expand, "anypool_expand"),
        helper(divisor, "anypool_divisor"),
    )


def accumulator(kind: str, exact: bool) -> str:
    """What a loop computes with: float64, or 64-bit integers where integers stay integers."""
    family = numbers.KINDS[kind].family
    if exact and family in ("int", "uint"):
        return "i64" if family == "int" else "u64"
    return "f64"


def reader(kind: str, acc: str, name: str) -> Any:
    """Compiled: one stored number as an accumulator."""
    if kind == acc:
        return helper(lambda v: v, f"{name}_read")
    return numbers.scalar_convert(kind, acc)


def writer(acc: str, out: str, name: str) -> Any:
    """Compiled: an accumulator as the number to store."""
    if out == "bool":
        return helper(lambda v: np.uint8(1) if v else np.uint8(0), f"{name}_write")
    if acc == out:
        return helper(lambda v: v, f"{name}_write")
    return numbers.scalar_convert(acc, out)


def weigher(weighting: str, acc: str, name: str) -> Any:
    """Compiled: what the element at an offset of w counts for; 0 where it is not real."""
    if weighting == WEIGHTS:
        return helper(lambda w, i: float(w[i]), f"{name}_weigh")
    zero, one = numbers.KINDS[acc].dtype(0), numbers.KINDS[acc].dtype(1)
    return helper(lambda w, i: one if w.size == 0 or w[i] > 0 else zero, f"{name}_weigh")


def gatherer(recipe: Recipe, kind: str, weighting: str, acc: str, name: str) -> tuple[Any, Any]:
    """Compiled: copy a window's real elements side by side; and the recipe's pick on them."""
    read = reader(kind, acc, name)
    weigh = weigher(weighting, "f64", name)

    def gather(x, w, a, b, rows, pooled, xl, wl, fl, skip, values, weights, places):
        at = pooled.shape[1] - 1
        length, sx, sw, hop = pooled[0, at], pooled[2, at], pooled[4, at], pooled[5, at]
        count, nans = 0, 0
        for e in range(rows):
            for j in range(a, b, hop):
                wt = weigh(w, wl[e] + j * sw)
                v = read(x[xl[e] + j * sx])
                if wt > 0:
                    if v != v:
                        nans += 1
                        if skip:
                            continue
                    values[count] = v
                    weights[count] = wt
                    places[count] = fl[e] * length + j
                    count += 1
        return count, nans

    return helper(gather, f"{name}_gather"), picker(recipe, name)


def named(function: Any) -> str:
    """A plain function's name, fit for a symbol."""
    return function.__name__.strip("<>")


def picker(recipe: Recipe, name: str) -> Any:
    """The recipe's pick, compiled together with the functions of its room that it calls."""
    return compiled_tree(recipe.pick, name)


def compiled_tree(function: Any, name: str) -> Any:
    """A plain function compiled, and with it the plain functions of its module that it names."""
    scope = dict(function.__globals__)
    for word in function.__code__.co_names:
        inner = scope.get(word)
        if isinstance(inner, FunctionType) and inner is not function:
            scope[word] = compiled_tree(inner, f"{name}_{word}")
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__,
                        function.__closure__)  # fmt: skip
    copy.__module__ = function.__module__
    return helper(copy, f"{name}_{named(function)}")


def steps(recipe: Recipe, name: str) -> tuple[Any, Any, Any]:
    """start(x, w, p), step(state, x, w, p) and finish(state, count, p), compiled."""
    if recipe.user:
        begin, add, end = (compiled_tree(f, f"{name}_{i}") for i, f in enumerate(recipe.user))
        return (
            helper(lambda x, w, p: begin(x), f"{name}_start"),
            helper(lambda s, x, w, p: add(s, x), f"{name}_step"),
            helper(lambda s, n, p: end(s, n), f"{name}_finish"),
        )
    end = compiled_tree(recipe.finish, f"{name}_end")
    return (
        compiled_tree(recipe.start, f"{name}_start"),
        compiled_tree(recipe.step, f"{name}_step"),
        helper(lambda s, n, p: end(s, p), f"{name}_finish"),
    )
