"""The largest, the smallest, any and all."""

from __future__ import annotations

from .base import Recipe


def extreme_batch(xp, v, w, sign):
    """The largest (sign 1) or smallest (-1) real element and its place; a last NaN wins."""
    real = w > 0
    nan = (v != v) & real
    best = xp.max if sign > 0 else xp.min
    worst = lowest(xp, v.dtype, sign)
    y = best(xp.where(real & ~nan, v, worst), axis=-1)
    hit = (v == y[..., None]) & real
    place = xp.argmax(hit, axis=-1)
    last = v.shape[-1] - 1 - xp.argmax(xp.flip(nan, axis=-1), axis=-1)
    spoilt = xp.any(nan, axis=-1)
    y = xp.where(spoilt, float("nan"), y) if xp.any(spoilt) else y
    return y, xp.where(spoilt, last, xp.where(xp.any(real, axis=-1), place, -1))


def lowest(xp, dtype, sign):
    """What no element is better than: the identity of max (sign 1) or min (-1)."""
    if xp.isdtype(dtype, "bool"):
        return sign < 0
    if xp.isdtype(dtype, "integral"):
        return xp.iinfo(dtype).min if sign > 0 else xp.iinfo(dtype).max
    return -sign * float("inf")


def tied_start(x, w, p):
    return x, 1.0


def tied_max_step(s, x, w, p):
    if x == s[0]:
        return x, s[1] + 1.0
    return (x, 1.0) if x > s[0] or x != x else s


def tied_min_step(s, x, w, p):
    if x == s[0]:
        return x, s[1] + 1.0
    return (x, 1.0) if x < s[0] or x != x else s


def _tied(name, step):
    """The extreme as a stream that counts its equals: what ties="split" needs."""
    return Recipe(
        f"tied_{name}", "stream", "mean", meaning=lambda v, w, p: None,
        batch=lambda xp, v, w, p: None,
        start=tied_start, step=step, finish=lambda s, p: s[0],
        keep=lambda s, y, p: (1.0 / s[1], 0.0),
        slope=lambda x, w, y, a, b, p: (x == y) * a,
    )  # fmt: skip


MAX = Recipe(
    "max", "extreme", "same", meaning=lambda v, w, p: v.max(),
    batch=lambda xp, v, w, p=None: extreme_batch(xp, v, w, 1),
    slope=lambda x, w, y, a, b, p: (x == y) * 1.0, shared=_tied("max", tied_max_step),
)  # fmt: skip
MIN = Recipe(
    "min", "extreme", "same", meaning=lambda v, w, p: v.min(),
    batch=lambda xp, v, w, p=None: extreme_batch(xp, v, w, -1),
    slope=lambda x, w, y, a, b, p: (x == y) * 1.0, shared=_tied("min", tied_min_step),
)  # fmt: skip

ANY = Recipe(
    "any", "stream", "bool", meaning=lambda v, w, p: (v != 0).any(), plain=False,
    batch=lambda xp, v, w, p: (xp.any((v != 0) & (w > 0), axis=-1), 0.0, 0.0),
    start=lambda x, w, p: x != 0, step=lambda s, x, w, p: s or x != 0, finish=lambda s, p: s,
)  # fmt: skip
ALL = Recipe(
    "all", "stream", "bool", meaning=lambda v, w, p: (v != 0).all(), plain=False,
    batch=lambda xp, v, w, p: (xp.all((v != 0) | (w <= 0), axis=-1), 0.0, 0.0),
    start=lambda x, w, p: x != 0, step=lambda s, x, w, p: s and x != 0, finish=lambda s, p: s,
)  # fmt: skip
