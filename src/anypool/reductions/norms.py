"""Norms and exponential means, which lie between the mean and the max.

Each is finite wherever its value is: powers and exponentials are scaled by the largest element
seen so far, so that nothing overflows on the way.
"""

from __future__ import annotations

import numpy as np

from .base import Recipe, still
from .sums import clamp

TINY = 2.0**-1022  # keeps a logarithm or a negative power finite where its factor is zero


# -- norms: Lp (Gulcehre 2013) and GeM (Radenovic 2018), scaled by the largest magnitude --------


def power(x, p):
    """``x**p``; the usual powers by multiplication, which is many times faster."""
    if p == 2.0:
        return x * x
    if p == 3.0:
        return x * x * x
    return x**p


def root(s, p):
    """The p-th root; NaN stays NaN though its 0th power is 1."""
    return s if s != s else s ** (1.0 / p)


def norm_add(m, s, a, w, p):
    """Add ``w * a**p`` to ``m**p * s``, where m is the largest a so far."""
    if a > m:
        return a, s * power(m / a, p) + w
    if a == m:
        return m, s + w
    return m, s + w * power(a / m, p)


def lp_start(x, w, p):
    return abs(x), w


def lp_step(s, x, w, p):
    return norm_add(s[0], s[1], abs(x), w, p[0])


def lp_finish(s, p):
    return s[0] * root(s[1], p[0])


def lp_keep(s, y, p):
    ties = s[1] if p[0] == np.inf else 1.0
    return (1.0 / y if y > 0 else 0.0), 1.0 / ties


def powers(xp, size, m, w, p):
    """The sum of ``w * (size / m)**p``, where the largest sizes count as 1 whatever m is."""
    plain = (m > 0) & (m < float("inf"))
    ratio = xp.where(plain, size, 0.0) / xp.where(plain, m, 1.0)
    raised = xp.where(plain, raise_to(xp, ratio, p), xp.where(xp.abs(size) == m, 1.0, 0.0))
    return xp.sum(w * raised, axis=-1, keepdims=True)


def raise_to(xp, ratio, p):
    """``ratio**p``; the lower powers of 0 have no derivative, and theirs is 0 here."""
    if isinstance(p, float) and p >= 2.0:
        return ratio**p
    none = ratio == 0
    return xp.where(none, 0.0, xp.where(none, 1.0, ratio) ** p)


def infinite(p):
    return isinstance(p, float) and p == float("inf")


def lp_batch(xp, v, w, p):
    base = xp.where(w > 0, v, 0.0)
    size = xp.abs(base)
    m = still(xp, xp.max(size, axis=-1, keepdims=True))
    even = isinstance(p[0], float) and p[0] % 2 == 0  # |x| has no second derivative at 0
    s = powers(xp, base if even else size, m, w, p[0])
    y = m * s ** (1.0 / p[0])
    inverse = xp.where(y > 0, 1.0 / xp.where(y > 0, y, 1.0), 0.0)
    b = 1.0 / (s if infinite(p[0]) else xp.ones_like(s))
    return y[..., 0], inverse[..., 0], b[..., 0]


# a quotient, not a product with 1 / y: exactly 1 where x is the norm, and less where it is less,
# which an endless power needs
def lp_slope(x, w, y, a, b, p):
    ratio = np.abs(x) / (y + (a == 0.0))
    return w * b * np.sign(x) * np.maximum(ratio, TINY) ** (p[0] - 1.0)


def lp_weight_slope(x, w, y, a, b, p):
    return y / p[0] * (np.abs(x) * a) ** p[0]


def lp_param_slope(x, w, y, a, b, p):
    ratio = np.abs(x) * a
    return w * ratio ** p[0] * y / p[0] * np.log(np.maximum(ratio, TINY))


LP = Recipe(
    "lp", "stream", "mean",
    meaning=lambda v, w, p: (w * np.abs(v) ** p[0]).sum() ** (1 / p[0]),
    batch=lp_batch,
    start=lp_start, step=lp_step, finish=lp_finish, keep=lp_keep,
    slope=lp_slope, weight_slope=lp_weight_slope, param_slopes=(("p", lp_param_slope),),
    weighs=True,
)  # fmt: skip


def gem_start(x, w, p):
    return clamp(x, p[1]), w, w


def gem_step(s, x, w, p):
    m, total = norm_add(s[0], s[1], clamp(x, p[1]), w, p[0])
    return m, total, s[2] + w


def gem_finish(s, p):
    return s[0] * root(s[1] / s[2], p[0])


def gem_keep(s, y, p):
    return 1.0 / y, 1.0 / (s[1] if p[0] == np.inf else s[2])


def gem_batch(xp, v, w, p):
    size = xp.where((w > 0) & ~(v <= p[1]), v, p[1])
    m = still(xp, xp.max(size, axis=-1, keepdims=True))
    s = powers(xp, size, m, w, p[0])
    total = xp.sum(w, axis=-1, keepdims=True)
    y = m * (s / total) ** (1.0 / p[0])
    b = 1.0 / (s if infinite(p[0]) else total)
    return y[..., 0], 1.0 / y[..., 0], b[..., 0]


def gem_slope(x, w, y, a, b, p):
    return (x > p[1]) * w * b * (np.maximum(x, p[1]) / y) ** (p[0] - 1.0)


def gem_weight_slope(x, w, y, a, b, p):
    return y / p[0] * b * ((np.maximum(x, p[1]) * a) ** p[0] - 1.0)


def gem_param_slope(x, w, y, a, b, p):
    ratio = np.maximum(x, p[1]) * a
    return w * b * ratio ** p[0] * y / p[0] * np.log(ratio)


GEM = Recipe(
    "gem", "stream", "mean",
    meaning=lambda v, w, p: ((w * np.maximum(v, p[1]) ** p[0]).sum() / w.sum()) ** (1 / p[0]),
    batch=gem_batch,
    start=gem_start, step=gem_step, finish=gem_finish, keep=gem_keep,
    slope=gem_slope, weight_slope=gem_weight_slope, param_slopes=(("p", gem_param_slope),),
    weighs=True,
)  # fmt: skip


# -- exponential weights: LSE (Pinheiro 2015) and soft (Stergiou 2021) --------------------------


def lse_start(x, w, p):
    return x, w, w


def lse_step(s, x, w, p):
    m, total = s[0], s[1]
    if x == m:
        return m, total + w, s[2] + w
    d = p[0] * (x - m)
    if d > 0:
        return x, total * np.exp(-d) + w, s[2] + w
    return m, total + w * np.exp(d), s[2] + w


def lse_finish(s, p):
    return s[0] + np.log(s[1] / s[2]) / p[0]


def leader(xp, v, w, r):
    """The element with the largest weight: the largest for r > 0, the smallest for r < 0."""
    if isinstance(r, float):
        return largest(xp, v, w) if r > 0 else smallest(xp, v, w)
    return xp.where(r > 0, largest(xp, v, w), smallest(xp, v, w))


def largest(xp, v, w):
    return still(xp, xp.max(xp.where(w > 0, v, -float("inf")), axis=-1, keepdims=True))


def smallest(xp, v, w):
    return still(xp, xp.min(xp.where(w > 0, v, float("inf")), axis=-1, keepdims=True))


def shares(xp, v, w, m, r):
    """``w * exp(r (v - m))``; 1 where v equals m, so that infinities keep their meaning."""
    endless = (v == m) & (xp.abs(m) == float("inf"))
    counts = (w > 0) & ~endless
    return w * xp.exp(r * (xp.where(counts, v, 0.0) - xp.where(counts, m, 0.0)))


def lse_batch(xp, v, w, p):
    m, total = leader(xp, v, w, p[0]), xp.sum(w, axis=-1, keepdims=True)
    s = xp.sum(shares(xp, v, w, m, p[0]), axis=-1, keepdims=True)
    y = m + xp.log(s / total) / p[0]
    return y[..., 0], 1.0 / total[..., 0], 0.0


def lse_slope(x, w, y, a, b, p):
    return w * a * np.exp(p[0] * (x - y))


LSE = Recipe(
    "lse", "stream", "mean",
    meaning=lambda v, w, p: np.logaddexp.reduce(p[0] * v + np.log(w / w.sum())) / p[0],
    batch=lse_batch,
    start=lse_start, step=lse_step, finish=lse_finish,
    keep=lambda s, y, p: (1.0 / s[2], 0.0),
    slope=lse_slope,
    weight_slope=lambda x, w, y, a, b, p: (np.exp(p[0] * (x - y)) - 1.0) * a / p[0],
    param_slopes=(
        ("r", lambda x, w, y, a, b, p: w * a * np.exp(p[0] * (x - y)) * (x - y) / p[0]),
    ),
    weighs=True,
)  # fmt: skip


def soft_start(x, w, p):
    return x, w, w * x


def soft_step(s, x, w, p):
    m, total, moment = s
    if x == m:
        return m, total + w, moment + w * x
    d = p[0] * (x - m)
    if d > 0:
        fade = np.exp(-d)
        kept = moment * fade if fade > 0 else 0.0
        return x, total * fade + w, kept + w * x
    share = w * np.exp(d)
    return m, total + share, (moment if share == 0 else moment + share * x)


def soft_finish(s, p):
    return s[2] / s[1]


def soft_batch(xp, v, w, p):
    m = leader(xp, v, w, p[0])
    share = shares(xp, v, w, m, p[0])
    total = xp.sum(share, axis=-1)
    y = xp.sum(share * xp.where(share == 0, 0.0, v), axis=-1) / total
    return y, m[..., 0], 1.0 / total


def soft_slope(x, w, y, a, b, p):
    return w * b * np.exp(p[0] * (x - a)) * (1.0 + p[0] * (x - y))


def soft_meaning(v, w, p):
    share = w * np.exp(p[0] * v - (p[0] * v).max())
    return (share * v).sum() / share.sum()


SOFT = Recipe(
    "soft", "stream", "mean",
    meaning=soft_meaning,
    batch=soft_batch,
    start=soft_start, step=soft_step, finish=soft_finish,
    keep=lambda s, y, p: (s[0], 1.0 / s[1]),
    slope=soft_slope,
    weight_slope=lambda x, w, y, a, b, p: b * np.exp(p[0] * (x - a)) * (x - y),
    param_slopes=(
        ("beta", lambda x, w, y, a, b, p: w * b * np.exp(p[0] * (x - a)) * (x - y) ** 2),
    ),
    weighs=True,
)  # fmt: skip
