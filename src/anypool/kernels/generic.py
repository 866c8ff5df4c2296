"""The one loop for every reduction, every kind of window and every layout of memory.

A range of output rows goes to one call, so that the caller can share the work between threads;
each output is made by one thread from its own window alone, so their number changes no bit.
Three families of reductions have their own inner loop: streams (start, step, finish), extremes
(which know where they stand) and picks (which see their window whole).

Kernels are closures over compiled helpers; their names tell every specialisation apart, since
the compile cache knows a kernel by its name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..reductions import Recipe
from . import numbers
from .cache import compile, helper

NONE, MASK, WEIGHTS = "none", "mask", "weights"


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


def weigher(weighting: str, acc: str, recipe_weighs: bool, name: str) -> Any:
    """Compiled: what the element at an offset of w counts for; 0 where it is not real."""
    one = numbers.KINDS[acc].dtype(1)
    if weighting == NONE:
        return helper(lambda w, i: one, f"{name}_weigh")
    if weighting == MASK or not recipe_weighs:
        zero = numbers.KINDS[acc].dtype(0)
        return helper(lambda w, i: one if w[i] > 0 else zero, f"{name}_weigh")
    return helper(lambda w, i: float(w[i]), f"{name}_weigh")


@lru_cache(maxsize=256)
def stream(recipe: Recipe, kind: str, out: str, weighting: str, scaled: bool) -> Any:
    """A kernel for a streaming reduction: what each window becomes."""
    exact = recipe.result in ("same", "sum") and weighting != WEIGHTS and not scaled
    acc = accumulator(kind, exact)
    name = f"stream_{recipe.name}_{kind}_{out}_{weighting}_{'scaled' if scaled else 'plain'}"
    locate, expand, divisor = walk()
    room = scratch()
    read, write = reader(kind, acc, name), writer(acc, out, name)
    weigh = weigher(weighting, acc, recipe.weighs, name)
    start, step, finish = steps(recipe, name)
    zero, one = numbers.KINDS[acc].dtype(0), numbers.KINDS[acc].dtype(1)

    def kernel(x, y, w, outer, pooled, starts, stops, divisors, source, ints, p, fill, skip,
               first, last):  # fmt: skip
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        at = pooled.shape[1] - 1
        outs, sx, sy, sw, hop = (
            pooled[1, at],
            pooled[2, at],
            pooled[3, at],
            pooled[4, at],
            pooled[5, at],
        )
        base = starts.shape[1] - outs
        height = 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[1, a]
        empty, nans = 0, 0
        for r in range(first, last):
            plane = r // height
            group = plane // ints[3]
            xl[0], y0, wl[0] = locate(plane, outer, source, ints)
            rows, yo = expand(r - plane * height, group, pooled, starts, stops, xl, wl, fl)
            for o in range(outs):
                a, b = starts[group, base + o], stops[group, base + o]
                count = 0
                state = start(read(x[0]), one, p)
                for e in range(rows):
                    xi, wi = xl[e] + a * sx, wl[e] + a * sw
                    for _ in range(a, b, hop):
                        wt = weigh(w, wi)
                        v = read(x[xi])
                        xi += hop * sx
                        wi += hop * sw
                        if wt > zero:
                            if v != v:
                                nans += 1
                                if skip:
                                    continue
                            state = start(v, wt, p) if count == 0 else step(state, v, wt, p)
                            count += 1
                if count == 0:
                    empty += 1
                    y[y0 + yo + o * sy] = fill
                else:
                    value = finish(state, count, p)
                    if scaled:
                        value = value / divisor(r, o, group, pooled, divisors, height)
                    y[y0 + yo + o * sy] = write(value)
        return empty, nans

    return compile(kernel, name, disk=not recipe.user)


@lru_cache(maxsize=64)
def extreme(sign: int, kind: str, weighting: str) -> Any:
    """A kernel for max (sign 1) and min (-1), which can tell where the extreme stands.

    ``places`` gets the flat index over the pooled axes, ``taps`` the place inside the window;
    either may be empty. The first of equals is taken; a NaN always, and of several the last.
    """
    acc = accumulator(kind, True)
    name = f"extreme_{'max' if sign > 0 else 'min'}_{kind}_{weighting}"
    locate, expand, _ = walk()
    room = scratch()
    read = reader(kind, acc, name)
    weigh = weigher(weighting, acc, False, name)
    zero = numbers.KINDS[acc].dtype(0)
    larger = sign > 0

    def kernel(x, y, w, outer, pooled, starts, stops, source, ints, fill, skip, places, taps,
               first, last):  # fmt: skip
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        at = pooled.shape[1] - 1
        length, outs, sx, sy, sw, hop = (
            pooled[0, at],
            pooled[1, at],
            pooled[2, at],
            pooled[3, at],
            pooled[4, at],
            pooled[5, at],
        )
        base = starts.shape[1] - outs
        height = 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[1, a]
        empty, nans = 0, 0
        for r in range(first, last):
            plane = r // height
            group = plane // ints[3]
            xl[0], y0, wl[0] = locate(plane, outer, source, ints)
            fl[0] = 0
            rows, yo = expand(r - plane * height, group, pooled, starts, stops, xl, wl, fl)
            for o in range(outs):
                a, b = starts[group, base + o], stops[group, base + o]
                best, spot, flat, tap, place = read(x[0]), np.int64(-1), np.int64(-1), -1, -1
                for e in range(rows):
                    xi, wi = xl[e] + a * sx, wl[e] + a * sw
                    for j in range(a, b, hop):
                        tap += 1
                        wt = weigh(w, wi)
                        v = read(x[xi])
                        here = xi
                        xi += hop * sx
                        wi += hop * sw
                        if wt > zero:
                            nan = v != v
                            if nan:
                                nans += 1
                                if skip:
                                    continue
                            if spot < 0 or nan or (v > best if larger else v < best):
                                best, spot, place = v, here, tap
                                flat = fl[e] * length + j
                if spot < 0:
                    empty += 1
                    y[y0 + yo + o * sy] = fill
                else:
                    y[y0 + yo + o * sy] = x[spot]
                if places.size > 0:
                    places[r * outs + o] = flat
                if taps.size > 0:
                    taps[r * outs + o] = place
        return empty, nans

    return compile(kernel, name)


@lru_cache(maxsize=256)
def pick(recipe: Recipe, kind: str, out: str, weighting: str) -> Any:
    """A kernel for reductions that must see a whole window before they can choose."""
    acc = accumulator(kind, recipe.result == "same")
    name = f"pick_{recipe.name}_{recipe.result}_{recipe.pick.__name__}_{kind}_{out}_{weighting}"
    locate, expand, _ = walk()
    room = scratch()
    gather, choose = gatherer(recipe, kind, weighting, acc, name)
    write = writer(acc, out, name)
    held = numbers.KINDS[acc].dtype

    def kernel(x, y, w, outer, pooled, starts, stops, source, ints, p, fill, skip, draws,
               first, last):  # fmt: skip
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        values = np.empty(ints[4] * ints[5], held)
        weights = np.empty(ints[4] * ints[5], np.float64)
        places = np.empty(ints[4] * ints[5], np.int64)
        nothing = np.empty(0, np.float64)
        at = pooled.shape[1] - 1
        outs, sx, sy, sw, hop = (
            pooled[1, at],
            pooled[2, at],
            pooled[3, at],
            pooled[4, at],
            pooled[5, at],
        )
        base = starts.shape[1] - outs
        height = 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[1, a]
        empty, nans = 0, 0
        for r in range(first, last):
            plane = r // height
            group = plane // ints[3]
            xl[0], y0, wl[0] = locate(plane, outer, source, ints)
            fl[0] = 0
            rows, yo = expand(r - plane * height, group, pooled, starts, stops, xl, wl, fl)
            for o in range(outs):
                a, b = starts[group, base + o], stops[group, base + o]
                count, bad = gather(x, w, a, b, rows, pooled, xl, wl, fl, skip,
                                    values, weights, places)  # fmt: skip
                nans += bad
                u = draws[r * outs + o] if draws.size > 0 else 0.0
                if count == 0:
                    empty += 1
                    y[y0 + yo + o * sy] = fill
                else:
                    y[y0 + yo + o * sy] = write(choose(values, weights, count, p, u, nothing))
        return empty, nans

    return compile(kernel, name)


def gatherer(recipe: Recipe, kind: str, weighting: str, acc: str, name: str) -> tuple[Any, Any]:
    """Compiled: copy a window's real elements side by side; and the recipe's pick on them."""
    read = reader(kind, acc, name)
    weigh = weigher(weighting, "f64", recipe.weighs, name)

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


def picker(recipe: Recipe, name: str) -> Any:
    """The recipe's pick, compiled together with the functions of its room that it calls."""
    return compiled_tree(recipe.pick, name)


def compiled_tree(function: Any, name: str) -> Any:
    """A plain function compiled, and with it the plain functions of its module that it names."""
    from types import FunctionType

    scope = dict(function.__globals__)
    for word in function.__code__.co_names:
        inner = scope.get(word)
        if isinstance(inner, FunctionType) and inner is not function:
            scope[word] = compiled_tree(inner, f"{name}_{word}")
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__,
                        function.__closure__)  # fmt: skip
    copy.__module__ = function.__module__
    return helper(copy, f"{name}_{function.__name__.strip('<>')}")


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
