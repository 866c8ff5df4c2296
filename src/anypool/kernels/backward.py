"""The derivative of every reduction, in gather form: each input cell reads the outputs that
cover it, in a fixed order. No cell is written twice, so the number of threads changes no bit.

Reductions that must see their window whole (``pick``) spread their shares instead, plane by
plane; a plane belongs to one thread, so the same holds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..reductions import Recipe
from . import numbers
from .cache import compile, helper
from .walk import compiled_tree, gatherer, named, reader, scratch, steps, walk, weigher


@lru_cache(maxsize=128)
def keep(recipe: Recipe, kind: str, weighting: str) -> Any:
    """A kernel that notes what a window's derivative needs: its value and two numbers."""
    name = f"keep_{recipe.name}_{kind}_{weighting}"
    locate, expand, _ = walk()
    room = scratch()
    read = reader(kind, "f64", name)
    weigh = weigher(weighting, "f64", name)
    start, step, finish = steps(recipe, name)
    note = compiled_tree(recipe.keep, f"{name}_note")

    def kernel(x, w, outer, pooled, starts, stops, source, ints, p, skip, kept, first, last):
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        at = pooled.shape[1] - 1
        outs, sx, sw, hop = pooled[1, at], pooled[2, at], pooled[4, at], pooled[5, at]
        base = starts.shape[1] - outs
        height = 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[1, a]
        for r in range(first, last):
            plane = r // height
            group = plane // ints[3]
            xl[0], _, wl[0] = locate(plane, outer, source, ints)
            rows, _ = expand(r - plane * height, group, pooled, starts, stops, xl, wl, fl)
            for o in range(outs):
                a, b = starts[group, base + o], stops[group, base + o]
                count, number = 0, r * outs + o
                state = start(read(x[0]), 1.0, p)
                for e in range(rows):
                    for j in range(a, b, hop):
                        wt = weigh(w, wl[e] + j * sw)
                        v = read(x[xl[e] + j * sx])
                        if wt > 0 and not (skip and v != v):
                            state = start(v, wt, p) if count == 0 else step(state, v, wt, p)
                            count += 1
                if count == 0:
                    kept[number, 0], kept[number, 1], kept[number, 2] = 0.0, 0.0, 0.0
                else:
                    value = finish(state, count, p)
                    kept[number, 0] = value
                    kept[number, 1], kept[number, 2] = note(state, value, p)

    return compile(kernel, name)


@lru_cache(maxsize=1)
def cover() -> Any:
    """How the backward kernels find the outputs that read an input row."""

    def rows_over(row, group, pooled, starts, stops, lows, highs, ol, tl):
        """List the output rows whose windows hold this input row, and its place in each.

        Returns how many, and the offset of the input row in x, in w and in the plane.
        """
        axes = pooled.shape[1]
        ahead = 1
        for a in range(axes - 1):
            ahead *= pooled[0, a]
        ol[0], tl[0] = 0, 0
        found, ob, ib = 1, 0, 0
        xo, wo = 0, 0
        for a in range(axes - 1):
            n, outs, step = pooled[0, a], pooled[1, a], pooled[5, a]
            ahead //= n
            i = row // ahead
            row -= i * ahead
            xo += i * pooled[2, a]
            wo += i * pooled[4, a]
            low, high = lows[group, ib + i], highs[group, ib + i]
            fresh = 0
            for o in range(low, high):
                s, t = starts[group, ob + o], stops[group, ob + o]
                if s <= i < t and (i - s) % step == 0:
                    fresh += 1
            at = found * fresh
            for e in range(found - 1, -1, -1):
                kept_o, kept_t = ol[e], tl[e]
                for o in range(high - 1, low - 1, -1):
                    s, t = starts[group, ob + o], stops[group, ob + o]
                    if s <= i < t and (i - s) % step == 0:
                        at -= 1
                        ol[at] = kept_o * outs + o
                        tl[at] = kept_t * ((t - s + step - 1) // step) + (i - s) // step
            found *= fresh
            ob += outs
            ib += n
        return found, xo, wo

    return helper(rows_over, "anypool_rows_over")


@lru_cache(maxsize=128)
def gather(recipe: Recipe, kind: str, out: str, weighting: str, by_weight: bool) -> Any:
    """A kernel: the derivative of a streaming reduction by x, or by the weights."""
    name = f"gather_{recipe.name}_{kind}_{out}_{weighting}_{'w' if by_weight else 'x'}"
    locate, rows_over, room = walk()[0], cover(), scratch()
    read = reader(kind, "f64", name)
    weigh = weigher(weighting, "f64", name)
    slope = compiled_tree(recipe.weight_slope if by_weight else recipe.slope, f"{name}_slope")
    store = numbers.KINDS[out].dtype

    def kernel(x, w, g, outer, pooled, starts, stops, lows, highs, pointers, members, itself,
               ints, p, skip, kept, gx, first, last):  # fmt: skip
        ol, tl = room(ints[8] + 1), room(ints[8] + 1)
        at = pooled.shape[1] - 1
        length, outs, sx, sw, hop = (
            pooled[0, at],
            pooled[1, at],
            pooled[2, at],
            pooled[4, at],
            pooled[5, at],
        )
        ob, ib = starts.shape[1] - outs, lows.shape[1] - length
        height, out_height = 1, 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[0, a]
            out_height *= pooled[1, a]
        for r in range(first, last):
            plane = r // height
            sample, rest = plane // ints[7], plane % ints[7]
            x0, _, w0 = locate(plane, outer, itself, ints)
            for i in range(length):
                gx[r * length + i] = 0
            for m in range(pointers[sample], pointers[sample + 1]):
                group = members[m]
                out_plane = group * ints[7] + rest
                table = min(group, starts.shape[0] - 1)
                found, xo, wo = rows_over(r - plane * height, table, pooled, starts, stops,
                                          lows, highs, ol, tl)  # fmt: skip
                for i in range(length):
                    wt = weigh(w, w0 + wo + i * sw)
                    v = read(x[x0 + xo + i * sx])
                    if not wt > 0 or (skip and v != v):
                        continue
                    low, high = lows[table, ib + i], highs[table, ib + i]
                    total = 0.0
                    for e in range(found):
                        number = (out_plane * out_height + ol[e]) * outs
                        for o in range(low, high):
                            s = starts[table, ob + o]
                            if s <= i < stops[table, ob + o] and (i - s) % hop == 0:
                                k = number + o
                                k3 = k if kept.shape[0] > 1 else 0
                                total += g[k] * slope(v, wt, kept[k3, 0], kept[k3, 1],
                                                      kept[k3, 2], p)  # fmt: skip
                    gx[r * length + i] += store(total)

    return compile(kernel, name)


@lru_cache(maxsize=32)
def gather_extreme(out: str) -> Any:
    """A kernel: the derivative of max and min, from each output's saved place in its window."""
    name = f"gather_extreme_{out}"
    rows_over, room = cover(), scratch()
    store = numbers.KINDS[out].dtype

    def kernel(g, taps, none, pooled, starts, stops, lows, highs, pointers, members, ints, gx,
               first, last):  # fmt: skip
        ol, tl = room(ints[8] + 1), room(ints[8] + 1)
        at = pooled.shape[1] - 1
        length, outs, hop = pooled[0, at], pooled[1, at], pooled[5, at]
        ob, ib = starts.shape[1] - outs, lows.shape[1] - length
        height, out_height = 1, 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[0, a]
            out_height *= pooled[1, a]
        for r in range(first, last):
            plane = r // height
            sample, rest = plane // ints[7], plane % ints[7]
            for i in range(length):
                gx[r * length + i] = 0
            for m in range(pointers[sample], pointers[sample + 1]):
                group = members[m]
                out_plane = group * ints[7] + rest
                table = min(group, starts.shape[0] - 1)
                found, _, _ = rows_over(r - plane * height, table, pooled, starts, stops,
                                        lows, highs, ol, tl)  # fmt: skip
                for i in range(length):
                    low, high = lows[table, ib + i], highs[table, ib + i]
                    total = 0.0
                    for e in range(found):
                        number = (out_plane * out_height + ol[e]) * outs
                        for o in range(low, high):
                            s, t = starts[table, ob + o], stops[table, ob + o]
                            if s <= i < t and (i - s) % hop == 0:
                                tap = tl[e] * ((t - s + hop - 1) // hop) + (i - s) // hop
                                if taps[number + o] == tap and tap != none:
                                    total += g[number + o]
                    gx[r * length + i] += store(total)

    return compile(kernel, name)


@lru_cache(maxsize=128)
def spread(recipe: Recipe, kind: str, weighting: str) -> Any:
    """A kernel: the derivative of a reduction that picks, spread over its window; plane-private."""
    pick_name = named(recipe.pick)
    name = f"spread_{recipe.name}_{pick_name}_{kind}_{weighting}"
    locate, expand, _ = walk()
    room = scratch()
    window, choose = gatherer(recipe, kind, weighting, "f64", name)

    def kernel(x, w, g, outer, pooled, starts, stops, pointers, members, source, ints, p, skip,
               draws, gx, first, last):  # fmt: skip
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        most = ints[4] * ints[5]
        values, weights, shares = np.empty(most), np.empty(most), np.empty(most)
        places = np.empty(ints[4] * ints[5], np.int64)
        outs = pooled[1, pooled.shape[1] - 1]
        base = starts.shape[1] - outs
        height, size = 1, 1
        for a in range(pooled.shape[1]):
            size *= pooled[0, a]
            height *= pooled[1, a]
        height //= outs
        for plane in range(first, last):
            sample, rest = plane // ints[7], plane % ints[7]
            gx[plane * size : (plane + 1) * size] = 0
            for m in range(pointers[sample], pointers[sample + 1]):
                group = members[m]
                table = min(group, starts.shape[0] - 1)
                out_plane = group * ints[7] + rest
                for row in range(height):
                    xl[0], _, wl[0] = locate(out_plane, outer, source, ints)
                    fl[0] = 0
                    rows, _ = expand(row, table, pooled, starts, stops, xl, wl, fl)
                    for o in range(outs):
                        a, b = starts[table, base + o], stops[table, base + o]
                        count, _ = window(x, w, a, b, rows, pooled, xl, wl, fl, skip,
                                          values, weights, places)  # fmt: skip
                        if count == 0:
                            continue
                        number = (out_plane * height + row) * outs + o
                        u = draws[number] if draws.size > 0 else 0.0
                        shares[:count] = 0
                        choose(values, weights, count, p, u, shares)
                        for e in range(count):
                            gx[plane * size + places[e]] += g[number] * shares[e]

    return compile(kernel, name)


@lru_cache(maxsize=32)
def along(recipe: Recipe, parameter: str, kind: str, weighting: str) -> Any:
    """A kernel: the derivative of each output by a parameter, summed over its window."""
    name = f"along_{recipe.name}_{parameter}_{kind}_{weighting}"
    locate, expand, _ = walk()
    room = scratch()
    read = reader(kind, "f64", name)
    weigh = weigher(weighting, "f64", name)
    slope = compiled_tree(dict(recipe.param_slopes)[parameter], f"{name}_slope")

    def kernel(x, w, outer, pooled, starts, stops, source, ints, p, skip, kept, total, first, last):
        xl, wl, fl = room(ints[4] + 1), room(ints[4] + 1), room(ints[4] + 1)
        at = pooled.shape[1] - 1
        outs, sx, sw, hop = pooled[1, at], pooled[2, at], pooled[4, at], pooled[5, at]
        base = starts.shape[1] - outs
        height = 1
        for a in range(pooled.shape[1] - 1):
            height *= pooled[1, a]
        for r in range(first, last):
            plane = r // height
            group = plane // ints[3]
            xl[0], _, wl[0] = locate(plane, outer, source, ints)
            rows, _ = expand(r - plane * height, group, pooled, starts, stops, xl, wl, fl)
            for o in range(outs):
                a, b = starts[group, base + o], stops[group, base + o]
                k = r * outs + o
                total[k] = 0.0
                for e in range(rows):
                    for j in range(a, b, hop):
                        wt = weigh(w, wl[e] + j * sw)
                        v = read(x[xl[e] + j * sx])
                        if wt > 0 and not (skip and v != v):
                            total[k] += slope(v, wt, kept[k, 0], kept[k, 1], kept[k, 2], p)

    return compile(kernel, name)
