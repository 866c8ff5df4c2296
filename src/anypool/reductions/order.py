"""Median and quantile, and the tools of every reduction that chooses elements.

``pick(v, w, n, p, u, c)`` reads the first n values and weights of a window, returns what it
becomes, and fills ``c`` with the share of each element in it (its derivative) if c is not empty.
It is plain Python that Numba compiles. ``u`` is a number in [0, 1) for the random ones.
"""

from __future__ import annotations

import numpy as np

from .base import Recipe

CLOSE = 1e-12  # cumulated weights this close (relative) to a bound have reached it


RUN = 32  # shorter stretches are sorted by insertion, then merged in pairs


def ranked(v, n):
    """The places of the first n values in ascending order, equal ones in the order they came.

    Our own merge sort, since NumPy's doubles the time that Numba needs to compile a kernel.
    """
    order, other = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        j, first = i, i - i % RUN
        while j > first and v[order[j - 1]] > v[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i
    width = RUN
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            a, b = low, middle
            for k in range(low, high):
                if a < middle and (b >= high or v[order[a]] <= v[order[b]]):
                    other[k] = order[a]
                    a += 1
                else:
                    other[k] = order[b]
                    b += 1
        order, other = other, order
        width *= 2
    return order


def first_nan(v, n):
    """The place of the first NaN among n values, or -1."""
    for i in range(n):
        if v[i] != v[i]:
            return i
    return -1


def share(c, i, amount):
    """Give ``amount`` of the derivative to element i; an empty c wants nothing."""
    if c.size > 0:
        c[i] += amount


def ranked_batch(xp, v, w):
    """Places of the real elements in ascending order, the others behind; and how many are real."""
    order = xp.argsort(v, axis=-1, stable=True)
    unreal = xp.take_along_axis(w, order, axis=-1) <= 0
    order = xp.take_along_axis(order, xp.argsort(unreal, axis=-1, stable=True), axis=-1)
    return order, xp.sum(w > 0, axis=-1)


def chosen(xp, v, order, place):
    """The values that stand at ``place`` in the order, and the shares that go to them."""
    index = xp.take_along_axis(order, place[..., None], axis=-1)
    hot = xp.where(index == xp.arange(v.shape[-1]), 1.0, 0.0)
    return xp.take_along_axis(v, index, axis=-1)[..., 0], hot


def spoiled(xp, v, w, y, c):
    """NaN in a window gives NaN, whatever was chosen; the first gets the derivative."""
    if xp.isdtype(v.dtype, ("bool", "integral")):
        return y, c
    nans, nan = (v != v) & (w > 0), float("nan")
    bad = xp.any(nans, axis=-1)
    first = nans & (xp.cumulative_sum(xp.where(nans, 1.0, 0.0), axis=-1) == 1)
    return xp.where(bad, nan, y), xp.where(bad[..., None], xp.where(first, nan, 0.0), c)


# -- median and quantile ------------------------------------------------------------------------


def between(v, c, lo, hi, t):
    """The value a share t of the way from element lo to element hi, as NumPy interpolates."""
    share(c, lo, 1.0 - t)
    share(c, hi, t)
    a, b = v[lo], v[hi]
    if a == b or t == 0:
        return a * 1.0
    if t < 0.5:
        return a + (b - a) * t
    return b - (b - a) * (1.0 - t)


def reached(order, w, n, bound):
    """How many elements it takes until their cumulated weight reaches the bound, less one."""
    total = 0.0
    for k in range(n):
        total += w[order[k]]
        if total >= bound:
            return k
    return n - 1


def total_weight(w, n):
    total = 0.0
    for i in range(n):
        total += w[i]
    return total


def median_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        share(c, bad, v[bad] * 1.0)
        return v[bad] * 1.0
    order = ranked(v, n)
    half = 0.5 * total_weight(w, n)
    low = reached(order, w, n, half * (1.0 - CLOSE))
    high = reached(order, w, n, half * (1.0 + CLOSE))
    if low == high:
        share(c, order[low], 1.0)
        return v[order[low]] * 1.0
    share(c, order[low], 0.5)
    share(c, order[high], 0.5)
    return (v[order[low]] + v[order[high]]) * 0.5


def lower_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        share(c, bad, v[bad] * 1.0)
        return v[bad]
    order = ranked(v, n)
    k = order[reached(order, w, n, 0.5 * total_weight(w, n) * (1.0 - CLOSE))]
    share(c, k, 1.0)
    return v[k]


def quantile_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        share(c, bad, v[bad] * 1.0)
        return v[bad] * 1.0
    order = ranked(v, n)
    if p[1] > 0:  # weighted: the inverted distribution function
        k = order[reached(order, w, n, p[0] * total_weight(w, n) * (1.0 - CLOSE))]
        share(c, k, 1.0)
        return v[k] * 1.0
    h = p[0] * (n - 1)
    lo = int(np.floor(h))
    return between(v, c, order[lo], order[min(lo + 1, n - 1)], h - lo)


def cumulated(xp, v, w):
    order, n = ranked_batch(xp, v, w)
    weights = xp.take_along_axis(xp.where(w > 0, w, 0.0), order, axis=-1)
    return order, n, xp.cumulative_sum(weights, axis=-1)


def near(xp, bound):
    """How far from a bound a cumulated weight has reached it: no nearer than its dtype can say."""
    return bound * max(CLOSE, 8 * float(xp.finfo(bound.dtype).eps))


# 1 - CLOSE is never written: it is 1 where an exporter stores constants as float32
def place_of(xp, total, bound, n):
    """The first place where the cumulated weight reaches the bound."""
    place = xp.sum(total < bound[..., None], axis=-1)
    return xp.minimum(place, n - 1)


def middle(xp, a, b, t):
    """As ``between``: exact where both ends agree."""
    endless = (a == b) & (xp.abs(a) == float("inf"))
    step = xp.where(endless | (t == 0), 0.0, b - a)
    return xp.where(t < 0.5, a + step * t, b - step * (1.0 - t))


def blend(xp, v, order, lo, hi, t):
    a, hot_a = chosen(xp, v, order, lo)
    b, hot_b = chosen(xp, v, order, hi)
    t = xp.asarray(t) * xp.ones_like(xp.asarray(lo), dtype=xp.float64)
    return middle(xp, a, b, t), hot_a * (1.0 - t)[..., None] + hot_b * t[..., None]


def median_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    half = 0.5 * total[..., -1]
    lo = place_of(xp, total, half - near(xp, half), n)
    hi = place_of(xp, total, half + near(xp, half), n)
    (a, hot_a), (b, hot_b) = chosen(xp, v, order, lo), chosen(xp, v, order, hi)
    return spoiled(xp, v, w, (a + b) * 0.5, hot_a * 0.5 + hot_b * 0.5)


def lower_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    half = 0.5 * total[..., -1]
    y, hot = chosen(xp, v, order, place_of(xp, total, half - near(xp, half), n))
    return spoiled(xp, v, w, y, hot)


def quantile_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    if p[1] > 0:
        bound = p[0] * total[..., -1]
        place = place_of(xp, total, bound - near(xp, bound), n)
        y, hot = chosen(xp, v, order, place)
        return spoiled(xp, v, w, y, hot)
    h = p[0] * xp.astype(n - 1, xp.float64)
    lo = xp.astype(xp.floor(h), xp.int64)
    y, c = blend(xp, v, order, lo, xp.minimum(lo + 1, n - 1), h - xp.astype(lo, h.dtype))
    return spoiled(xp, v, w, y, c)


def median_meaning(v, w, p):
    if np.isnan(v).any():
        return np.nan
    order = np.argsort(v, kind="stable")
    total = np.cumsum(w[order])
    sides = [np.searchsorted(total, total[-1] / 2 * (1 + e)) for e in (-CLOSE, CLOSE)]
    return (v[order[sides[0]]] + v[order[sides[1]]]) / 2


def lower_meaning(v, w, p):
    order = np.argsort(v, kind="stable")
    total = np.cumsum(w[order])
    return v[order[np.searchsorted(total, total[-1] / 2 * (1 - CLOSE))]]


def quantile_meaning(v, w, p):
    if p[1] > 0:
        return np.quantile(v, p[0], weights=w, method="inverted_cdf")
    return np.quantile(v, p[0])


MEDIAN = Recipe(
    "median", "pick", "mean", meaning=median_meaning, batch=median_batch, pick=median_pick,
    weighs=True,
)  # fmt: skip
LOWER = Recipe(
    "median", "pick", "same", meaning=lower_meaning, batch=lower_batch, pick=lower_pick,
    weighs=True,
)  # fmt: skip
QUANTILE = Recipe(
    "quantile", "pick", "mean", meaning=quantile_meaning, batch=quantile_batch, pick=quantile_pick,
    weighs=True,
)  # fmt: skip
