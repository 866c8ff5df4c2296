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
from .cache import compile
from .walk import (
    WEIGHTS,
    accumulator,
    gatherer,
    named,
    reader,
    scratch,
    steps,
    walk,
    weigher,
    writer,
)


@lru_cache(maxsize=256)
def stream(recipe: Recipe, kind: str, out: str, weighting: str, scaled: bool) -> Any:
    """A kernel for a streaming reduction: what each window becomes."""
    exact = recipe.result in ("same", "sum") and weighting != WEIGHTS and not scaled
    acc = accumulator(kind, exact)
    name = f"stream_{recipe.name}_{kind}_{out}_{weighting}_{'scaled' if scaled else 'plain'}"
    locate, expand, divisor = walk()
    room = scratch()
    read, write = reader(kind, acc, name), writer(acc, out, name)
    weigh = weigher(weighting, acc, name)
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
    weigh = weigher(weighting, acc, name)
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
    name = f"pick_{recipe.name}_{recipe.result}_{named(recipe.pick)}_{kind}_{out}_{weighting}"
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
        outs, sy = pooled[1, at], pooled[3, at]
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
