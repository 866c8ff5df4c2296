"""WHAT a window becomes: the catalogue of reductions.

A name ("max") or a value that carries its parameters (``gem(p=4)``) goes wherever ``reduce`` is
asked for. To add one, write its recipe in this room and one function here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import ReductionError
from . import extremes, norms, order, picks, sums
from .base import Recipe, Reduction, parameter
from .custom import custom

__all__ = [
    "Recipe", "Reduction", "all", "any", "custom", "gem", "lp", "lse", "max", "mean", "median",
    "min", "mode", "quantile", "resolve", "soft", "std", "stochastic", "sum", "topk", "var",
]  # fmt: skip


def max() -> Reduction:
    """The largest element.

    >>> print(max())
    max
    """
    return Reduction("max", recipe=extremes.MAX)


def min() -> Reduction:
    """The smallest element."""
    return Reduction("min", recipe=extremes.MIN)


def any() -> Reduction:
    """Whether any element is not zero."""
    return Reduction("any", recipe=extremes.ANY)


def all() -> Reduction:
    """Whether every element is not zero."""
    return Reduction("all", recipe=extremes.ALL)


def sum() -> Reduction:
    """The (weighted) sum."""
    return Reduction("sum", recipe=sums.SUM)


def mean() -> Reduction:
    """The (weighted) mean."""
    return Reduction("mean", recipe=sums.MEAN)


def lp(p: float = 2) -> Reduction:
    """``(sum |x|**p) ** (1/p)`` (Gulcehre et al. 2013, arXiv:1311.1780); p = inf is max |x|.

    >>> print(lp(3))
    lp(p=3)
    """
    p = parameter("p", p, "above 0", lambda v: v > 0)
    return Reduction("lp", (("p", p),), norms.LP, ("p",))


def gem(p: float = 3, eps: float = 1e-6) -> Reduction:
    """``mean(max(x, eps)**p) ** (1/p)`` (Radenovic et al. 2018, arXiv:1711.02512).

    p = 1 is the mean of what is above eps; p = inf the max.

    >>> print(gem(p=4))
    gem(p=4, eps=1e-06)
    """
    p = parameter("p", p, "above 0", lambda v: v > 0)
    eps = parameter("eps", eps, "above 0 and finite", lambda v: 0 < v < float("inf"))
    return Reduction("gem", (("p", p), ("eps", eps)), norms.GEM, ("p",))


def lse(r: float = 10) -> Reduction:
    """``log(mean(exp(r x))) / r`` (Pinheiro & Collobert 2015, arXiv:1411.6228).

    r towards 0 is the mean, towards infinity the max; a negative r leans to the min.

    >>> print(lse(5))
    lse(r=5)
    """
    r = parameter("r", r, "finite and not 0; use mean for r = 0", _finite_nonzero)
    return Reduction("lse", (("r", r),), norms.LSE, ("r",))


def soft(beta: float = 1) -> Reduction:
    """The mean with weights ``exp(beta x)`` (SoftPool, Stergiou et al. 2021, arXiv:2101.00440).

    beta = 0 is the mean, towards infinity the max.

    >>> print(soft())
    soft(beta=1)
    """
    beta = parameter("beta", beta, "finite", lambda v: abs(v) < float("inf"))
    return Reduction("soft", (("beta", beta),), norms.SOFT, ("beta",))


def std(correction: float = 0) -> Reduction:
    """The standard deviation; the divisor is the count (or total weight) less ``correction``."""
    return Reduction("std", (("correction", _correction(correction)),), sums.STD)


def var(correction: float = 0) -> Reduction:
    """The variance; the divisor is the count (or total weight) less ``correction``."""
    return Reduction("var", (("correction", _correction(correction)),), sums.VAR)


def median(method: str = "midpoint") -> Reduction:
    """The median; ``method="lower"`` takes the lower of two middle elements, as PyTorch does.

    >>> print(median("lower"))
    median(method=lower)
    """
    if method not in ("midpoint", "lower"):
        raise ReductionError(f'median method is {method!r}; use "midpoint" or "lower"')
    if method == "lower":
        return Reduction("median", (("method", "lower"),), order.LOWER)
    return Reduction("median", recipe=order.MEDIAN)


def quantile(q: float = 0.5) -> Reduction:
    """The q-quantile, linear between elements as NumPy; with weights the inverted CDF."""
    q = parameter("q", q, "between 0 and 1", lambda v: 0 <= v <= 1)
    return Reduction("quantile", (("q", q),), order.QUANTILE)


def mode() -> Reduction:
    """The most frequent element (of largest total weight); the smallest of several."""
    return Reduction("mode", recipe=picks.MODE)


def topk(k: int = 1) -> Reduction:
    """The mean of the k largest elements, or of all where there are fewer."""
    whole = parameter("k", k, "a whole number of at least 1", lambda v: v >= 1 and v % 1 == 0)
    return Reduction("topk", (("k", whole),), picks.TOPK)


def stochastic(rng: Any = None) -> Reduction:
    """An element drawn in proportion to its value (Zeiler & Fergus 2013, arXiv:1301.3557).

    ``rng=None`` gives the expectation instead. Negative elements are never drawn.

    >>> stochastic().sampled
    False
    """
    recipe = sums.EXPECTATION if rng is None else picks.SAMPLE
    return Reduction("stochastic", recipe=recipe, rng=rng, sampled=rng is not None)


def _finite_nonzero(value: float) -> bool:
    return value != 0 and abs(value) < float("inf")


def _correction(value: float) -> float:
    return parameter("correction", value, "finite", lambda v: abs(v) < float("inf"))


CATALOGUE: dict[str, Callable[..., Reduction]] = {
    f.__name__: f
    for f in (max, min, mean, sum, lp, gem, lse, soft, std, var, median, quantile, mode, topk,
              stochastic, any, all)
}  # fmt: skip


def resolve(reduce: str | Reduction) -> Reduction:
    """The reduction that ``reduce`` names; a bare name has its default parameters.

    >>> resolve("max") == max()
    True
    """
    if isinstance(reduce, Reduction):
        return reduce
    if isinstance(reduce, str) and reduce in CATALOGUE:
        return replace(CATALOGUE[reduce](), given=())
    names = ", ".join(CATALOGUE)
    raise ReductionError(f"reduce is {reduce!r}; use one of {names}, or anypool.reductions.*(...)")
