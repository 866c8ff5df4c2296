"""The one table: windows x reduction x shape x dtype. Tests and benchmarks both read it.

A new reduction is one row of REDUCTIONS, a new kind of window one row of WINDOWS.
Only NumPy is needed to read it; anypool is imported when a row is called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Windows in words: `kind` names a function of ap.windows, `kwargs` its arguments."""

    kind: str
    kwargs: dict[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        import anypool as ap

        return getattr(ap.windows, self.kind)(**self.kwargs)

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(f'{k}={v!r}' for k, v in self.kwargs.items())})"


def windows(kind: str, **kwargs: Any) -> Windows:
    return Windows(kind, kwargs)


@dataclass(frozen=True)
class Reduction:
    """A reduction: its name, its parameters and what may be asked of it."""

    name: str
    tolerance: str  # a key of ULP
    params: dict[str, Any] = field(default_factory=dict)
    weights: str = "selects"  # weighs | counts (median, quantile, mode) | selects
    gradient: bool = True
    parameter: str | None = None  # the parameter that has a gradient
    between: bool = False  # lies between the least and the largest of its window

    def build(self) -> Any:
        """What is handed to ap.pool: the plain name, or the value that carries parameters."""
        import anypool as ap

        if not self.params:
            return self.name
        return getattr(ap.reductions, self.name)(**self.params)

    @cached_property
    def id(self) -> str:
        return self.name + "".join(f"-{k}={v}" for k, v in self.params.items())


# How far a result may stand from the reference, in units in the last place of the result's dtype
# at the size of the window's content. "exact" is bit for bit (zeros compare equal). Sums of some
# hundred equal float64, one after the other, are up to ten ulp off.
ULP = {"exact": 0, "sum": 16, "smooth": 32}


def _reduction(name: str, tolerance: str, params: dict | None = None, **kwargs) -> Reduction:
    return Reduction(name, tolerance, params or {}, **kwargs)


ALL_REDUCTIONS = [
    _reduction("max", "exact", between=True),
    _reduction("min", "exact", between=True),
    _reduction("mean", "sum", weights="weighs", between=True),
    _reduction("sum", "sum", weights="weighs"),
    _reduction("lp", "smooth", weights="weighs"),
    _reduction("lp", "smooth", {"p": 3}, weights="weighs", parameter="p"),
    _reduction("gem", "smooth", weights="weighs"),
    _reduction("gem", "smooth", {"p": 4.5}, weights="weighs", parameter="p"),
    _reduction("lse", "smooth", weights="weighs", between=True),
    _reduction("lse", "smooth", {"r": -2.5}, weights="weighs", parameter="r", between=True),
    _reduction("soft", "smooth", weights="weighs", between=True),
    _reduction("soft", "smooth", {"beta": 0.7}, weights="weighs", parameter="beta", between=True),
    _reduction("std", "smooth", weights="weighs"),
    _reduction("var", "smooth", weights="weighs"),
    _reduction("var", "smooth", {"correction": 0.5}, weights="weighs"),
    _reduction("median", "exact", weights="counts", between=True),
    _reduction("median", "exact", {"method": "lower"}, weights="counts", between=True),
    _reduction("quantile", "smooth", {"q": 0.3}, weights="counts", between=True),
    _reduction("mode", "exact", weights="counts", gradient=False, between=True),
    _reduction("topk", "sum", {"k": 2}, between=True),
    _reduction("stochastic", "smooth"),
    _reduction("any", "exact", gradient=False),
    _reduction("all", "exact", gradient=False),
]
REDUCTIONS = {r.id: r for r in ALL_REDUCTIONS}

# Windows for a plane of 9 x 10 (every kind, every kind of padding, partial and empty windows).
PLANE = (9, 10)
WINDOWS = {
    "k2": windows("sliding", kernel_size=2),
    "k3s2p1": windows("sliding", kernel_size=3, stride=2, padding=1),
    "k3s1p1": windows("sliding", kernel_size=3, stride=1, padding=1),
    "k3s2p1-ceil": windows("sliding", kernel_size=3, stride=2, padding=1, ceil_mode=True),
    "k1s3": windows("sliding", kernel_size=1, stride=3),
    "dilated": windows("sliding", kernel_size=(3, 2), stride=2, padding=(2, 1), dilation=(2, 3)),
    "pairs": windows("sliding", kernel_size=(4, 3), stride=(2, 3), padding=((1, 2), (0, 2))),
    "empty-windows": windows("sliding", kernel_size=2, padding=3),
    "same": windows("sliding", kernel_size=3, stride=2, padding="same"),
    "same-lower": windows("sliding", kernel_size=(2, 3), stride=(1, 2), padding="same_lower"),
    "valid": windows("sliding", kernel_size=(9, 4), stride=3, padding="valid"),
    "adaptive": windows("adaptive", output_size=(4, 7)),
    "adaptive-more": windows("adaptive", output_size=(13, None)),
    "split": windows("split", output_size=(4, 3)),
    "whole": windows("whole"),
    "whole-squeezed": windows("whole", keepdims=False),
    "fractional": windows("fractional", kernel_size=(2, 3), output_size=(5, 4)),
    "pyramid": windows("pyramid", bins=(1, 2, 3)),
}
DTYPES = {
    **{name: np.dtype(name) for name in ("bool", "float16", "float32", "float64")},
    **{f"{u}int{bits}": np.dtype(f"{u}int{bits}") for u in ("", "u") for bits in (8, 16, 32, 64)},
}

SHAPES = {
    "1d": ((2, 3, 11), (2,), windows("sliding", kernel_size=3, stride=2, padding=1)),
    "3d": ((2, 2, 5, 6, 4), (2, 3, 4), windows("sliding", kernel_size=2, stride=2, padding=1)),
    "3d-adaptive": ((1, 2, 5, 6, 4), (2, 3, 4), windows("adaptive", output_size=(2, 4, 3))),
    "4d": ((2, 3, 4, 3, 4), (1, 2, 3, 4), windows("sliding", kernel_size=2)),
    "channels-last": ((2, 9, 10, 3), (1, 2), WINDOWS["k3s2p1"]),
    "channels-first": ((2, 3, 9, 10), (2, 3), WINDOWS["k3s2p1"]),
    "pooled-axes-apart": ((9, 2, 10, 3), (0, 2), WINDOWS["adaptive"]),
    "axes-turned": ((2, 3, 10, 9), (3, 2), WINDOWS["pairs"]),
    "no-outer-axes": ((9, 10), (0, 1), WINDOWS["k3s2p1"]),
}


@dataclass(frozen=True)
class Case:
    """One row: everything a call needs, and how exact its result must be."""

    windows: Windows
    reduction: Reduction
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    dtype: np.dtype
    label: str

    @property
    def tolerance(self) -> str:
        return self.reduction.tolerance

    @property
    def ulp(self) -> int:
        return ULP[self.tolerance]

    def __str__(self) -> str:
        return f"{self.label}-{self.reduction.id}-{self.dtype}"

    def data(self, seed: int = 0) -> np.ndarray:
        return sample(self.shape, self.dtype, seed)


def sample(shape: tuple[int, ...], dtype: Any, seed: int = 0, kind: str = "ties") -> np.ndarray:
    """Repeatable data: "ties" (eighths, many equal), "plain" (normal), "distinct" or "flat"."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.3
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = (max(info.min, -9), 10) if kind != "plain" else (info.min, info.max)
        return rng.integers(low, high, shape, dtype, endpoint=True)
    size = int(np.prod(shape))
    made = {
        "ties": lambda: rng.integers(-24, 25, shape) / 8,
        "plain": lambda: rng.normal(0.5, 2.0, shape),
        "distinct": lambda: (rng.permutation(size).reshape(shape) - size / 3) / 16,
        "flat": lambda: np.full(shape, 0.3),
    }[kind]()
    if dtype.kind == "c":
        return (made + 1j * np.flip(made)).astype(dtype)
    return made.astype(dtype)


def result_dtype(reduction: Reduction, dtype: Any, weighted: bool = False) -> np.dtype:
    """The dtype a result has: the rule of the design, in one place."""
    dtype, name = np.dtype(dtype), reduction.name
    if name in ("any", "all"):
        return np.dtype(bool)
    if dtype.kind not in "biu":
        return dtype
    if name in ("max", "min", "mode") or reduction.params.get("method") == "lower":
        return dtype
    if name == "sum" and not weighted:
        return np.dtype(np.uint64 if dtype.kind == "u" else np.int64)
    return np.dtype(np.float64)


def scale_of(reduction: Reduction, x: np.ndarray, windows: Any, **common: Any) -> Any:
    """The size of what goes into each output: ulp are counted at this scale."""
    from anypool import reference

    size = np.abs(x.astype(np.float64))
    if reduction.name == "sum":
        return reference.pool(size, windows, "sum", **common)
    top = size[np.isfinite(size)].max(initial=0.0)
    small = {"var": top**2, "mean": top, "topk": top}
    return small.get(reduction.name, top + 1)


def _table() -> list[Case]:
    float64, float32 = np.dtype(np.float64), np.dtype(np.float32)
    rows = [
        Case(w, r, (2, 3, *PLANE), (2, 3), float64, label)
        for label, w in WINDOWS.items()
        for r in ALL_REDUCTIONS
    ]
    rows += [
        Case(w, REDUCTIONS[name], shape, axes, float32, label)
        for label, (shape, axes, w) in SHAPES.items()
        for name in ("max", "mean", "median", "gem")
    ]
    # A kernel is compiled for each dtype: every dtype once, the common ones with more.
    rows += [
        Case(WINDOWS["k3s2p1"], REDUCTIONS[name], (2, 3, *PLANE), (2, 3), dtype, "k3s2p1")
        for dtype in DTYPES.values()
        if dtype != float64
        for name in ("max", "mean")
    ]
    rows += [
        Case(WINDOWS["adaptive"], REDUCTIONS[name], (2, 3, *PLANE), (2, 3), dtype, "adaptive")
        for dtype in (float32, np.dtype(np.uint8))
        for name in ("max", "mean")
    ]
    rows += [
        Case(WINDOWS["k3s2p1"], r, (2, 3, *PLANE), (2, 3), np.dtype(name), "k3s2p1")
        for name in ("uint8", "int32")
        for r in ALL_REDUCTIONS
        if r.id in ("min", "sum", "median", "mode", "std", "any", "all")
    ]
    return rows


CASES = _table()

# The rows of the speed targets (float32, two threads), for bench/.
SPEED = [
    ((32, 64, 112, 112), windows("sliding", kernel_size=3, stride=2, padding=1)),
    ((32, 64, 56, 56), windows("sliding", kernel_size=2, stride=2)),
    ((8, 3, 1024, 1024), windows("sliding", kernel_size=2, stride=2)),
    ((32, 64, 56, 56), windows("sliding", kernel_size=3, stride=1, padding=1)),
    ((8, 64, 224, 224), windows("adaptive", output_size=7)),
    ((16, 256, 30, 40), windows("adaptive", output_size=7)),
    ((8, 512, 37, 53), windows("adaptive", output_size=6)),
]
