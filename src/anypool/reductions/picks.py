"""The mode, the mean of the largest, and a random pick; the protocol is told in ``order``."""

from __future__ import annotations

import numpy as np

from .base import Recipe
from .order import CLOSE, chosen, first_nan, near, ranked, ranked_batch, share, spoiled

# -- mode ---------------------------------------------------------------------------------------


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
    most = xp.max(weight, axis=-1)[..., None]
    most = most - near(xp, most)
    order, _ = ranked_batch(xp, v, xp.where(weight >= most, w, 0.0))
    y, hot = chosen(xp, v, order, xp.zeros(v.shape[:-1], dtype=xp.int64))
    return spoiled(xp, v, w, y, hot)


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


# -- the mean of the k largest (rank-based average pooling, Shi 2016) ---------------------------


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
    number = xp.astype(k, v.dtype)
    total = xp.sum(xp.where(taken, xp.take_along_axis(v, order, axis=-1), 0.0), axis=-1)
    rank = xp.argsort(order, axis=-1, stable=True)
    return spoiled(xp, v, w, total / number[..., 0], xp.where(rank < k, 1.0 / number, 0.0))


TOPK = Recipe(
    "topk", "pick", "mean", batch=topk_batch, pick=topk_pick,
    meaning=lambda v, w, p: np.sort(v)[::-1][: int(p[0])].mean(),
)  # fmt: skip


# -- one element drawn in proportion to its value (Zeiler & Fergus 2013, arXiv:1301.3557) -------


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
    y = xp.sum(xp.where(hot, v, 0.0), axis=-1)
    return spoiled(xp, v, w, y, xp.where(hot, 1.0, 0.0))


SAMPLE = Recipe(
    "stochastic", "pick", "mean", batch=sample_batch, pick=sample_pick,
    meaning=lambda v, w, p: np.nan,  # a draw has no meaning of its own: `u` decides
)  # fmt: skip
