"""Random settings of the explorer, and the same settings as anypool says them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import anypool as ap

NAMES = (
    "max", "mean", "min", "sum", "lp", "gem", "lse", "soft", "std", "var", "median", "quantile",
    "mode", "topk", "stochastic", "any", "all",
)  # fmt: skip
EXACT = {"max", "min", "median", "mode", "quantile", "any", "all"}
NO_GRADIENT = {"mode", "any", "all"}
KINDS = ("sliding", "same", "adaptive", "split", "copied", "whole", "fractional", "pyramid")
DATA = ("normal", "ties", "nan", "infinite", "positive")
INF = float("inf")
PARAMS: dict[str, dict[str, list[Any]]] = {
    "lp": {"p": [1.0, 2.0, 3.0, 2.5, 0.5, INF]},
    "gem": {"p": [1.0, 2.0, 3.0, 4.5, INF], "eps": [1e-6, 0.5]},
    "lse": {"r": [10.0, -3.0, 0.25]},
    "soft": {"beta": [1.0, 0.0, -5.0, 30.0]},
    "std": {"correction": [0, 1]},
    "var": {"correction": [0, 1, 2]},
    "median": {"method": [0, 1]},
    "quantile": {"q": [0.0, 0.25, 0.5, 0.9, 1.0]},
    "topk": {"k": [1, 2, 3, 100]},
}


@dataclass
class Case:
    """A pooling as the explorer has it, and the plane it pools."""

    pooling: dict[str, Any]
    x: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape[0], self.x.shape[1]

    @property
    def name(self) -> str:
        return self.pooling["reduce"]

    @property
    def steps(self) -> tuple[Any, ...]:
        """The step that pools in node."""
        return "pool", self.pooling, self.x.ravel(), *self.shape

    @property
    def anypool(self) -> tuple[Any, ...]:
        """Windows and reduction for ap.pool and ap.vjp."""
        return windows(self.pooling["windows"], self.shape), reduction(self.pooling)

    @property
    def common(self) -> dict[str, Any]:
        counts = self.pooling["countPadding"]
        return {} if counts is None else {"count_include_pad": counts}


def windows(w: dict[str, Any], shape: tuple[int, int]) -> ap.windows.Windows:
    """The explorer's windows as anypool's, for a plane of this shape."""
    make = ap.windows
    kind = w["kind"]
    if kind == "sliding":
        return make.sliding(w["kernel"], w["stride"], w["padding"], w["dilation"], w["ceil"])
    if kind == "copied":
        sizes = [n if m is None else m for n, m in zip(shape, w["size"], strict=True)]
        stride = [n // m for n, m in zip(shape, sizes, strict=True)]
        kernel = [n - (m - 1) * s for n, m, s in zip(shape, sizes, stride, strict=True)]
        return make.sliding(kernel, stride)
    if kind == "whole":
        return make.whole()
    if kind == "fractional":
        return make.fractional(w["kernel"], w["size"])
    if kind == "pyramid":
        return make.pyramid(w["bins"], w["rule"])
    return make.adaptive(w["size"], kind)


def reduction(pooling: dict[str, Any]) -> ap.reductions.Reduction:
    """The explorer's reduction as anypool's; a method is a number there."""
    own = dict(pooling["params"])
    if "method" in own:
        own["method"] = ("midpoint", "lower")[own["method"]]
    return getattr(ap.reductions, pooling["reduce"])(**own)


class Draw:
    """Random settings from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def number(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))

    def one(self, choices: Any) -> Any:
        return choices[self.number(0, len(choices) - 1)]

    def pair(self, least: int, most: int) -> list[int]:
        return [self.number(least, most), self.number(least, most)]

    def params(self, name: str) -> dict[str, Any]:
        return {key: self.one(values) for key, values in PARAMS.get(name, {}).items()}

    def windows(self, kind: str, least: int = 1) -> dict[str, Any]:
        """Windows of a kind; they may or may not fit, and with ``least`` 0 may make no sense."""
        n = least
        if kind in ("sliding", "same"):
            none, even = [[0, 0], [0, 0]], self.pair(0, 2)
            pads = (none, [[p, p] for p in even], [self.pair(n - 1, 6), self.pair(n - 1, 6)])
            return {
                "kind": "sliding", "kernel": self.pair(n, 5), "ceil": bool(self.number(0, 1)),
                "stride": self.one((None, [1, 1], self.pair(n, 4))),
                "padding": self.one(pads if kind == "sliding" else ("same", "same_lower")),
                "dilation": self.one(([1, 1], self.pair(n, 3))),
            }  # fmt: skip
        if kind == "whole":
            return {"kind": kind}
        if kind == "fractional":
            return {"kind": kind, "kernel": self.pair(n, 3), "size": self.pair(n, 6)}
        if kind == "pyramid":
            bins = [self.number(n, 5) for _ in range(self.number(n, 3))]
            return {"kind": kind, "bins": bins, "rule": self.one(("adaptive", "split"))}
        return {"kind": kind, "size": self.one(([None, self.number(n, 9)], self.pair(n, 9)))}

    def plane(self, rows: int, cols: int, data: str) -> np.ndarray:
        x = self.rng.normal(size=(rows, cols))
        if data == "ties":
            x = np.trunc(x * 1.5)
        if data == "positive":
            x = np.abs(x) * 100
        if data == "nan":
            x[self.rng.random((rows, cols)) < 0.1] = np.nan
        if data == "infinite":
            x[self.rng.random((rows, cols)) < 0.1] = INF
            x[self.rng.random((rows, cols)) < 0.05] = -INF
        return x

    def case(self, kind: str, name: str, data: str, least: int = 1) -> Case:
        counts = self.one((None, True, False)) if name == "mean" else None
        pooling = {
            "reduce": name, "params": self.params(name), "countPadding": counts,
            "windows": self.windows(kind, least),
        }  # fmt: skip
        return Case(pooling, self.plane(*self.pair(1, 13), data))

    def fitting(self, kind: str, name: str, data: str) -> Case:
        """A case that anypool accepts."""
        while True:
            case = self.case(kind, name, data)
            try:
                ap.pool(case.x, *case.anypool, **case.common)
            except (ap.PoolError, ZeroDivisionError):
                continue
            return case


def some_cases(kind: str, rounds: int) -> Iterator[Case]:
    """Cases of every reduction; in each second round with all parameters at their default."""
    draw = Draw(300 + KINDS.index(kind))
    for turn in range(rounds):
        for name in NAMES:
            case = draw.fitting(kind, name, DATA[(turn + len(name)) % len(DATA)])
            if turn % 2:
                case.pooling["params"] = {}
            yield case


def pooled(case: Case) -> np.ndarray:
    """What anypool makes of a case."""
    return ap.pool(case.x, *case.anypool, **case.common)


def sliding(**more: Any) -> dict[str, Any]:
    """Sliding windows of 3 x 3, but for what is told."""
    usual = {"kernel": [3, 3], "stride": None, "padding": [[0, 0], [0, 0]], "dilation": [1, 1]}
    return {"kind": "sliding", "ceil": False, **usual, **more}


def pooling(reduce: str, windows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pooling with every parameter at its default, but for what is told."""
    return {"reduce": reduce, "params": {}, "countPadding": None, "windows": windows, **more}
