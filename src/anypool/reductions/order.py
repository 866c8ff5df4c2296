"""Reductions that choose elements: order statistics, the mode, a random pick.

``pick(v, w, n, p, u, c)`` reads the first n values and weights of a window, returns what it
becomes, and fills ``c`` with the share of each element in it (its derivative) if c is not empty.
It is plain Python that Numba compiles. ``u`` is a number in [0, 1) for the random ones.
"""

from __future__ import annotations

import numpy as np

from .base import Recipe

CLOSE = 1e-12  # cumulated weights this close (relative) to a bound have reached it


def ranked(v, n):
    """The places of the first n values in ascending order, equal ones in the order they came."""
    if n > 48:  # measured: insertion wins below, merge sort above
        return np.argsort(v[:n], kind="mergesort")
    order = np.empty(n, np.int64)
    for i in range(n):
        j = i
        while j > 0 and v[order[j - 1]] > v[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i
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
    hot = index == xp.arange(v.shape[-1])
    return xp.take_along_axis(v, index, axis=-1)[..., 0], hot


def spoiled(xp, v, w, y, c):
    """NaN in a window gives NaN, whatever was chosen; integers have none."""
    bad = xp.any((v != v) & (w > 0), axis=-1)
    if not xp.any(bad):
        return y, c
    nan = float("nan")
    return xp.where(bad, nan, y), xp.where(bad[..., None], nan, c)


# -- median and quantile ----------------------------------------------------------------------------


def between(v, c, lo, hi, t):
    """The value a share t of the way from element lo to element hi, as NumPy interpolates."""
    share(c, lo, 1.0 - t)
    share(c, hi, t)
    a, b = v[lo], v[hi]
    if a == b:
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
    return between(v, c, order[low], order[high], 0.5)


def lower_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
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


def place_of(xp, total, bound, n):
    """The first place where the cumulated weight reaches the bound."""
    place = xp.sum(total < bound[..., None], axis=-1)
    return xp.minimum(place, n - 1)


def middle(xp, a, b, t):
    """As ``between``: exact where both ends agree."""
    step = xp.where(a == b, 0.0, b - a)
    return xp.where(t < 0.5, a + step * t, b - step * (1.0 - t))


def blend(xp, v, order, lo, hi, t):
    a, hot_a = chosen(xp, v, order, lo)
    b, hot_b = chosen(xp, v, order, hi)
    t = xp.asarray(t) * xp.ones_like(xp.asarray(lo), dtype=xp.float64)
    return middle(xp, a, b, t), hot_a * (1.0 - t)[..., None] + hot_b * t[..., None]


def median_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    half = 0.5 * total[..., -1]
    lo = place_of(xp, total, half * (1.0 - CLOSE), n)
    hi = place_of(xp, total, half * (1.0 + CLOSE), n)
    return spoiled(xp, v, w, *blend(xp, v, order, lo, hi, 0.5))


def lower_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    y, hot = chosen(xp, v, order, place_of(xp, total, 0.5 * total[..., -1] * (1.0 - CLOSE), n))
    return spoiled(xp, v, w, y, hot * 1.0)


def quantile_batch(xp, v, w, p, u):
    order, n, total = cumulated(xp, v, w)
    if p[1] > 0:
        place = place_of(xp, total, p[0] * total[..., -1] * (1.0 - CLOSE), n)
        y, hot = chosen(xp, v, order, place)
        return spoiled(xp, v, w, y, hot * 1.0)
    h = p[0] * (n - 1)
    lo = xp.astype(xp.floor(h), xp.int64)
    y, c = blend(xp, v, order, lo, xp.minimum(lo + 1, n - 1), h - lo)
    return spoiled(xp, v, w, y, c)


def median_meaning(v, w, p):
    if np.isnan(v).any():
        return np.nan
    order = np.argsort(v, kind="stable")
    total = np.cumsum(w[order])
    sides = [np.searchsorted(total, total[-1] / 2 * (1 + e)) for e in (-CLOSE, CLOSE)]
    return 0.5 * v[order[sides[0]]] + 0.5 * v[order[sides[1]]]


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


# -- mode -------------------------------------------------------------------------------------------


def mode_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        return v[bad]
    order = ranked(v, n)
    best, most, i = v[order[0]], 0.0, 0
    while i < n:
        value, weight = v[order[i]], 0.0
        while i < n and v[order[i]] == value:
            weight += w[order[i]]
            i += 1
        if weight > most * (1.0 + CLOSE):
            best, most = value, weight
    return best


def mode_batch(xp, v, w, p, u):
    """Quadratic in the window, but plain: each value's weight is that of all its equals."""
    w = xp.where(w > 0, w, 0.0)
    equal = v[..., :, None] == v[..., None, :]
    weight = xp.sum(xp.where(equal, w[..., None, :], 0.0), axis=-1)
    most = xp.max(weight, axis=-1)[..., None] * (1.0 - CLOSE)
    order, _ = ranked_batch(xp, v, xp.where(weight >= most, w, 0.0))
    y, hot = chosen(xp, v, order, xp.zeros(v.shape[:-1], dtype=xp.int64))
    return spoiled(xp, v, w, y, hot * 1.0)


def mode_meaning(v, w, p):
    if np.isnan(v).any():
        return np.nan
    values, where = np.unique(v, return_inverse=True)
    weight = np.bincount(where.ravel(), weights=w)
    return values[np.argmax(weight >= weight.max() * (1 - CLOSE))]


MODE = Recipe(
    "mode", "pick", "same", meaning=mode_meaning, batch=mode_batch, pick=mode_pick,
    weighs=True, plain=False,
)  # fmt: skip


# -- the mean of the k largest (rank-based average pooling, Shi 2016) -------------------------------


def topk_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        share(c, bad, v[bad])
        return v[bad]
    order = ranked(-v[:n], n)
    k = min(int(p[0]), n)
    total = 0.0
    for i in range(k):
        total += v[order[i]]
        share(c, order[i], 1.0 / k)
    return total / k


def topk_batch(xp, v, w, p, u):
    order, n = ranked_batch(xp, -v, w)
    k = xp.minimum(n, int(p[0]))[..., None]
    taken = xp.arange(v.shape[-1]) < k
    y = xp.sum(xp.where(taken, xp.take_along_axis(v, order, axis=-1), 0.0), axis=-1) / k[..., 0]
    rank = xp.argsort(order, axis=-1, stable=True)
    return spoiled(xp, v, w, y, xp.where(rank < k, 1.0 / k, 0.0))


TOPK = Recipe(
    "topk", "pick", "mean", batch=topk_batch, pick=topk_pick,
    meaning=lambda v, w, p: np.sort(v)[::-1][: int(p[0])].mean(),
)  # fmt: skip


# -- one element drawn in proportion to its value (Zeiler & Fergus 2013, arXiv:1301.3557) ------------


def sample_pick(v, w, n, p, u, c):
    bad = first_nan(v, n)
    if bad >= 0:
        share(c, bad, v[bad])
        return v[bad]
    total = 0.0
    for i in range(n):
        total += max(v[i], 0.0)
    if total == 0:
        return 0.0
    goal, passed, last = u * total, 0.0, 0
    for i in range(n):
        passed += max(v[i], 0.0)
        if v[i] > 0:
            last = i
            if passed > goal:
                break
    share(c, last, 1.0)
    return v[last]


def sample_batch(xp, v, w, p, u):
    size = xp.where((w > 0) & (v > 0), v, 0.0)
    passed = xp.cumulative_sum(size, axis=-1)
    total = passed[..., -1]
    place = xp.sum(passed <= (u * total)[..., None], axis=-1)
    hot = (place[..., None] == xp.arange(v.shape[-1])) & (total > 0)[..., None]
    return spoiled(xp, v, w, xp.sum(xp.where(hot, v, 0.0), axis=-1), hot * 1.0)


SAMPLE = Recipe(
    "stochastic", "pick", "mean", batch=sample_batch, pick=sample_pick,
    meaning=lambda v, w, p: np.nan,  # a draw has no meaning of its own: `u` decides
)  # fmt: skip
