"""Independent truth: every window cut in plain loops, every reduction in NumPy's own words.

Slow on purpose and shares nothing with anypool: the reference itself is checked against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cut:
    """One output along one axis: the real positions it reads, and its length with padding."""

    reads: tuple[int, ...]
    span: int


# --- where: the windows of one axis ---------------------------------------------------------


def sliding_cuts(n, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False) -> list[Cut]:
    """PyTorch's windows of an axis of n elements; `padding` is (before, after) or a word."""
    stride = kernel_size if stride is None else stride
    reach = dilation * (kernel_size - 1) + 1
    before, after = _pads(n, reach, stride, padding)
    room = n + before + after - reach
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    while ceil_mode and (count - 1) * stride >= n + before:
        count -= 1
    cuts = []
    for i in range(count):
        taps = [i * stride - before + j * dilation for j in range(kernel_size)]
        reads = tuple(t for t in taps if 0 <= t < n)
        cuts.append(Cut(reads, sum(t < n + after for t in taps)))
    return cuts


def _pads(n: int, reach: int, stride: int, padding: Any) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding in ("same", "same_lower"):
        total = max((-(-n // stride) - 1) * stride + reach - n, 0)
        small, large = total // 2, total - total // 2
        return (small, large) if padding == "same" else (large, small)
    return (padding, padding) if isinstance(padding, int) else padding


def adaptive_cuts(n: int, m: int | None, rule: str = "adaptive") -> list[Cut]:
    """floor(i n / m) ... ceil((i + 1) n / m), or the disjoint parts of numpy.array_split."""
    m = n if m is None else m
    if rule == "split":
        return [_solid(part) for part in np.array_split(np.arange(n), m)]
    return [_solid(range(i * n // m, -(-(i + 1) * n // m))) for i in range(m)]


def fractional_cuts(n: int, kernel_size: int, m: int, u: float = 0.5) -> list[Cut]:
    """PyTorch's sequence for the sample u."""
    alpha = (n - kernel_size) / (m - 1) if m > 1 else 0.0
    starts = [int((i + u) * alpha) - int(u * alpha) for i in range(m - 1)] + [n - kernel_size]
    return [_solid(range(start, start + kernel_size)) for start in starts]


def _solid(positions: Any) -> Cut:
    return Cut(tuple(map(int, positions)), len(positions))


def levels_of(spec: Any, lengths: list[int]) -> list[list[list[Cut]]]:
    """For each level (several only in a pyramid), for each axis, the cuts of its outputs."""
    kwargs = spec.kwargs
    if spec.kind == "pyramid":
        bins, rule = kwargs.get("bins", (1, 2, 4)), kwargs.get("rule", "adaptive")
        return [[adaptive_cuts(n, m, rule) for n in lengths] for m in bins]
    return [[_axis_cuts(spec.kind, kwargs, n, i) for i, n in enumerate(lengths)]]


def _axis_cuts(kind: str, kwargs: dict[str, Any], n: int, i: int) -> list[Cut]:
    own = {name: _entry(name, value, i) for name, value in kwargs.items()}
    match kind:
        case "sliding":
            return sliding_cuts(n, **own)
        case "adaptive":
            return adaptive_cuts(n, own["output_size"], own.get("rule", "adaptive"))
        case "split":
            return adaptive_cuts(n, own["output_size"], "split")
        case "whole":
            return [_solid(range(n))]
        case "fractional":
            return fractional_cuts(n, own["kernel_size"], own["output_size"])
    raise AssertionError(f"no such windows: {kind}")


def _entry(name: str, value: Any, i: int) -> Any:
    """The part of an argument that belongs to axis i."""
    if name in ("ceil_mode", "rule", "keepdims") or not isinstance(value, tuple):
        return value
    return value[i]


# --- what: the meaning of each reduction on the real values v with weights w (or None) --------


def _ones(v: np.ndarray, w: np.ndarray | None) -> np.ndarray:
    return np.ones(v.shape) if w is None else w


def _mean(v, w):
    w = _ones(v, w)
    return (v * w).sum() / w.sum()


def _lp(v, w, p=2.0):
    top = np.abs(v).max()
    if top == 0 or np.isinf(top) or np.isinf(p):
        return top
    return top * (_ones(v, w) * (np.abs(v) / top) ** p).sum() ** (1 / p)


def _gem(v, w, p=3.0, eps=1e-6):
    v = np.maximum(v, eps)
    top = v.max()
    return top if np.isinf(top) else top * _mean((v / top) ** p, w) ** (1 / p)


def _lse(v, w, r=10.0):
    top = (r * v).max()
    return top / r if np.isinf(top) else (top + np.log(_mean(np.exp(r * v - top), w))) / r


def _soft(v, w, beta=1.0):
    at = beta * v
    if np.isinf(at.max()):
        return v[at.argmax()]
    share = _ones(v, w) * np.exp(at - at.max())
    counted = share > 0  # -inf takes part with weight zero
    return (v[counted] * share[counted]).sum() / share.sum()


def _var(v, w, correction=0.0):
    w = _ones(v, w)
    room = w.sum() - correction
    return (w * (v - _mean(v, w)) ** 2).sum() / room if room > 0 else np.nan


def _median(v, w, method="midpoint"):
    order = np.argsort(v, kind="stable")
    below = np.cumsum(_ones(v, w)[order])
    half = below[-1] / 2
    low = v[order][np.searchsorted(below, half, side="left")]
    high = v[order][min(np.searchsorted(below, half, side="right"), v.size - 1)]
    return low if method == "lower" else (float(low) + float(high)) / 2


def _quantile(v, w, q=0.5):
    if w is None:
        return np.quantile(v, q)
    return np.quantile(v, q, weights=w, method="inverted_cdf")


def _mode(v, w):
    values, which = np.unique(v, return_inverse=True)
    return values[np.bincount(which, weights=_ones(v, w)).argmax()]


def _stochastic(v, _w):
    chance = np.maximum(v, 0)
    return (chance * v).sum() / chance.sum() if chance.any() else 0.0


REDUCE: dict[str, Callable[..., Any]] = {
    "max": lambda v, _w: v.max(),
    "min": lambda v, _w: v.min(),
    "mean": _mean,
    "sum": lambda v, w: (v if w is None else v * w).sum(),
    "lp": _lp,
    "gem": _gem,
    "lse": _lse,
    "soft": _soft,
    "std": lambda v, w, correction=0.0: np.sqrt(_var(v, w, correction)),
    "var": _var,
    "median": _median,
    "quantile": _quantile,
    "mode": _mode,
    "topk": lambda v, _w, k=1: np.sort(v)[::-1][:k].mean(),
    "stochastic": _stochastic,
    "any": lambda v, _w: v.any(),
    "all": lambda v, _w: v.all(),
}
KEEP = {"max", "min", "mode", "any", "all"}  # computed in the dtype of the input


# --- windows times reduction -----------------------------------------------------------------


def pool(
    x, spec, reduce, axes, *, mask=None, weights=None, fill=0, nan="propagate", params=None
) -> np.ndarray:
    """The pooling of x in float64, int64, uint64, complex128 or (KEEP) its own dtype."""
    take = _Reader(x, reduce, mask, weights, nan)
    take.count_pad &= not str(spec.kwargs.get("padding")).startswith("same")

    def value(outer, cuts):
        return take.value(outer, cuts, fill, params or {})

    return _lay_out(x, spec, axes, value, take.result)


def indices(x, spec, axes, *, largest=True, mask=None, weights=None, nan="propagate"):
    """PyTorch's indices: flat over the pooled axes, first of ties, last NaN, -1 if empty."""
    take = _Reader(x, "max" if largest else "min", mask, weights, nan)
    plane = [x.shape[a] for a in sorted(a % x.ndim for a in axes)]

    def value(outer, cuts):
        return take.index(outer, cuts, plane, largest)

    return _lay_out(x, spec, axes, value, np.int64)


def _lay_out(x, spec, axes, value, result) -> np.ndarray:
    """Call value(outer index, one cut an axis) for every output and put the axes in place."""
    axes = [a % x.ndim for a in axes]
    order = np.argsort(axes)
    outer_axes = [a for a in range(x.ndim) if a not in axes]
    outer = [x.shape[a] for a in outer_axes]
    pooled = sorted(axes)
    blocks = []
    for level in levels_of(spec, [x.shape[a] for a in axes]):
        cuts = [level[i] for i in order]
        block = np.empty([*outer, *map(len, cuts)], result)
        for at in np.ndindex(*outer):
            key = dict(zip(outer_axes, at, strict=True))
            for where in np.ndindex(*map(len, cuts)):
                chosen = {a: c[w] for a, c, w in zip(pooled, cuts, where, strict=True)}
                block[at + where] = value(key, chosen)
        blocks.append(block)
    if spec.kind == "pyramid":
        flat = [block.reshape(*outer, -1) for block in blocks]
        return np.moveaxis(np.concatenate(flat, axis=-1), -1, pooled[0])
    if spec.kind == "whole" and not spec.kwargs.get("keepdims", True):
        return blocks[0].reshape(outer)
    return np.moveaxis(blocks[0], range(-len(pooled), 0), pooled)


class _Reader:
    """Reads one window: its real elements, their weights, its span."""

    def __init__(self, x, reduce, mask, weights, nan):
        self.reduce = reduce
        self.real = np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask, x.shape)
        self.weights = None if weights is None else np.broadcast_to(weights, x.shape)
        if self.weights is not None:
            self.real = self.real & (self.weights > 0)
        if nan == "skip":
            self.real = self.real & ~np.isnan(x)
        self.count_pad = mask is None and weights is None and nan == "propagate"
        self.x = x if reduce in KEEP else x.astype(_wide(x.dtype, reduce))
        self.result = bool if reduce in ("any", "all") else self.x.dtype
        if reduce == "sum" and weights is not None:
            self.result = np.result_type(self.x.dtype, np.float64)

    def places(self, key, cuts):
        """The real places of a window in row-major order, as indices of x."""
        rows = [[key[a]] if a in key else cuts[a].reads for a in range(self.x.ndim)]
        return [place for place in product(*rows) if self.real[place]]

    def value(self, key, cuts, fill, params):
        places = self.places(key, cuts)
        if not places:
            return fill
        v = np.array([self.x[place] for place in places])
        w = None if self.weights is None else np.array([self.weights[p] for p in places], float)
        if v.dtype.kind == "f" and np.isnan(v).any() and self.reduce not in ("any", "all"):
            return np.nan
        if self.reduce == "mean" and self.count_pad:
            return v.sum() / math.prod(cut.span for cut in cuts.values())
        return REDUCE[self.reduce](v, w, **params)

    def index(self, key, cuts, plane, largest):
        places = self.places(key, cuts)
        if not places:
            return -1
        v = np.array([self.x[place] for place in places])
        bad = np.flatnonzero(np.isnan(v)) if v.dtype.kind == "f" else ()
        best = bad[-1] if len(bad) else v.argmax() if largest else v.argmin()
        inner = [places[best][a] for a in sorted(cuts)]
        return np.ravel_multi_index(inner, plane)


def _wide(dtype: np.dtype, reduce: str) -> Any:
    if reduce == "sum" and dtype.kind in "biu":
        return np.uint64 if dtype.kind == "u" else np.int64
    return np.complex128 if dtype.kind == "c" else np.float64
