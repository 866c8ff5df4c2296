"""Sum, mean, variance and their kin: reductions that take a window's elements one by one."""

from __future__ import annotations

import numpy as np

from .base import Recipe

# -- sum and mean -------------------------------------------------------------------------------


def sum_start(x, w, p):
    return x * w


def sum_step(s, x, w, p):
    return s + x * w


def sum_finish(s, p):
    return s


def sum_batch(xp, v, w, p):
    return xp.sum(v * w, axis=-1), 0.0, 0.0


SUM = Recipe(
    "sum", "stream", "sum",
    meaning=lambda v, w, p: (v * w).sum(),
    batch=sum_batch,
    start=sum_start, step=sum_step, finish=sum_finish,
    keep=lambda s, y, p: (0.0, 0.0),
    slope=lambda x, w, y, a, b, p: w * 1.0,
    weight_slope=lambda x, w, y, a, b, p: x,
    weighs=True,
)  # fmt: skip


def mean_start(x, w, p):
    return x * w, w


def mean_step(s, x, w, p):
    return s[0] + x * w, s[1] + w


def mean_finish(s, p):
    return s[0] / s[1]


def mean_batch(xp, v, w, p):
    total = xp.sum(w, axis=-1)
    return xp.sum(v * w, axis=-1) / total, 1.0 / total, 0.0


MEAN = Recipe(
    "mean", "stream", "mean",
    meaning=lambda v, w, p: (v * w).sum() / w.sum(),
    batch=mean_batch,
    start=mean_start, step=mean_step, finish=mean_finish,
    keep=lambda s, y, p: (1.0 / s[1], 0.0),
    slope=lambda x, w, y, a, b, p: w * a,
    weight_slope=lambda x, w, y, a, b, p: (x - y) * a,
    weighs=True,
)  # fmt: skip


# -- spread: variance and standard deviation, by Welford's weighted update (West 1979) ----------


def var_start(x, w, p):
    return w, x, 0.0 * x


def var_step(s, x, w, p):
    total = s[0] + w
    d = x - s[1]
    mu = s[1] + d * (w / total)
    return total, mu, s[2] + w * d * (x - mu)


def var_finish(s, p):
    return s[2] / (s[0] - p[0]) if s[0] > p[0] else np.nan


def std_finish(s, p):
    return np.sqrt(s[2] / (s[0] - p[0])) if s[0] > p[0] else np.nan


def var_batch(xp, v, w, p):
    total = xp.sum(w, axis=-1)
    mu = xp.sum(v * w, axis=-1) / total
    some = total > p[0]
    square = xp.sum(w * (v - mu[..., None]) ** 2, axis=-1) / xp.where(some, total - p[0], 1.0)
    left = xp.where(some, total - p[0], float("nan"))
    return xp.where(some, square, float("nan")), mu, 1.0 / left


def std_batch(xp, v, w, p):
    square, mu, b = var_batch(xp, v, w, p)
    least = 4e-16 * (xp.finfo(v.dtype).eps / 2.0**-52)  # of the mean, by its rounding
    none = xp.sqrt(square) <= least * xp.abs(mu)  # a spread below the mean's rounding is none
    y = xp.where(none, 0.0, xp.sqrt(xp.where(none, 1.0, square)))
    return y, mu, xp.where(y > 0, b / xp.where(y > 0, y, 1.0), y * 0.0)


def std_keep(s, y, p):
    return s[1], (1.0 / ((s[0] - p[0]) * y) if y > 0 else y * 0.0)


def var_meaning(v, w, p):
    mu = (v * w).sum() / w.sum()
    left = w.sum() - p[0]
    return (w * (v - mu) ** 2).sum() / left if left > 0 else np.nan


VAR = Recipe(
    "var", "stream", "mean",
    meaning=var_meaning, batch=var_batch,
    start=var_start, step=var_step, finish=var_finish,
    keep=lambda s, y, p: (s[1], 1.0 / (s[0] - p[0])),
    slope=lambda x, w, y, a, b, p: 2.0 * w * (x - a) * b,
    weight_slope=lambda x, w, y, a, b, p: ((x - a) ** 2 - y) * b,
    weighs=True,
)  # fmt: skip

STD = Recipe(
    "std", "stream", "mean",
    meaning=lambda v, w, p: np.sqrt(var_meaning(v, w, p)), batch=std_batch,
    start=var_start, step=var_step, finish=std_finish, keep=std_keep,
    slope=lambda x, w, y, a, b, p: w * (x - a) * b,
    weight_slope=lambda x, w, y, a, b, p: ((x - a) ** 2 - y * y) * b * 0.5,
    weighs=True,
)  # fmt: skip


# -- the expectation of stochastic pooling (Zeiler & Fergus 2013) -------------------------------


def clamp(x, least):
    return least if x < least else x


def hope_start(x, w, p):
    c = clamp(x, 0.0)
    return c, c * c


def hope_step(s, x, w, p):
    c = clamp(x, 0.0)
    return s[0] + c, s[1] + c * c


def hope_finish(s, p):
    return 0.0 * s[0] if s[0] == 0 else s[1] / s[0]


def hope_keep(s, y, p):
    return (0.0 if s[0] == 0 else 1.0 / s[0]), 0.0


def hope_batch(xp, v, w, p):
    c = xp.where((w > 0) & ~(v <= 0), v, 0.0)
    total = xp.sum(c, axis=-1)
    some = xp.where(total == 0, 1.0, total)
    return xp.sum(c * c, axis=-1) / some, xp.where(total == 0, 0.0, 1.0 / some), 0.0


def hope_meaning(v, w, p):
    c = np.where(v < 0, 0.0, v)
    return (c * c).sum() / c.sum() if c.sum() != 0 else 0.0


EXPECTATION = Recipe(
    "stochastic", "stream", "mean",
    meaning=hope_meaning, batch=hope_batch,
    start=hope_start, step=hope_step, finish=hope_finish, keep=hope_keep,
    slope=lambda x, w, y, a, b, p: (x > 0) * (2.0 * x - y) * a,
)  # fmt: skip
