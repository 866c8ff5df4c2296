"""NaN, -inf and half precision: where two poolings that agree on ordinary numbers may part."""

from __future__ import annotations

import numpy as np

from .describing import Portrait, Shape, numbers
from .reducing import plain
from .subject import Halves

LARGE = {"float16": 3e4, "bfloat16": 1.0}  # three of the first overflow a float16


def nans(a: Portrait, b: Portrait, shape: Shape, seed: int) -> list[str]:
    """How NaN and windows of nothing but -inf are treated, where that differs."""
    x = numbers("plain", shape, seed)
    x[np.random.default_rng(seed).random(shape) < 0.1] = np.nan
    found = []
    ya, yb = (p.subject.try_(x) for p in (a, b))
    if _differ(ya, yb):
        found.append(f"NaN: {_on_nan(a, x, ya)}, {_on_nan(b, x, yb)}")
    x = np.full(shape, -np.inf, np.float32)
    ya, yb = (p.subject.try_(x) for p in (a, b))
    if _differ(ya, yb):
        found.append(f"-inf: for nothing else a gives {_first(ya)}, b {_first(yb)}")
    return found


def _differ(ya: np.ndarray | Exception, yb: np.ndarray | Exception) -> bool:
    if isinstance(ya, Exception) or isinstance(yb, Exception):
        return type(ya) is not type(yb)
    if ya.shape != yb.shape:
        return True
    near = np.isclose(ya, yb, rtol=1e-4, atol=1e-4, equal_nan=True)
    return not bool(near.all())


def _first(y: np.ndarray | Exception) -> str:
    return type(y).__name__ if isinstance(y, Exception) else f"{y.flat[0]:.3g}"


def _on_nan(portrait: Portrait, x: np.ndarray, y: np.ndarray | Exception) -> str:
    if isinstance(y, Exception):
        return f"{portrait.name} raises {type(y).__name__}"
    holds = _holds_nan(portrait, x, y)
    given = np.isnan(y)
    if holds is None or (given == holds).all():
        return f"{portrait.name} gives NaN where one is in the window"
    if not given.any():
        return f"{portrait.name} drops it"
    some, all_ = int(given.sum()), int(holds.sum())
    return f"{portrait.name} gives NaN in {some} of the {all_} windows with one"


def _holds_nan(portrait: Portrait, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    if not portrait.fits:
        return None
    found = plain("any")(np.isnan(x), portrait.fits[0], portrait.axes)
    return found if found.shape == y.shape else None


def halves(a: Portrait, b: Portrait, shape: Shape, seed: int) -> tuple[list[str], list[str]]:
    """What half precision is added up in, where that differs; and which both were compared in."""
    found, compared = [], []
    for dtype, eps in Halves.items():
        x = _rounded(np.abs(numbers("plain", shape, seed)) / 4 + 4, eps)
        kinds = [p.subject.kind_for(x, dtype) for p in (a, b)]
        if not all(kinds):
            continue
        compared.append(dtype)
        for values in (np.full(shape, LARGE[dtype], np.float32), x):
            said = _added((a, b), kinds, values, dtype, eps)
            if said:
                found.append(said)
                break
    return found, compared


def _rounded(x: np.ndarray, eps: float) -> np.ndarray:
    """x in numbers that a half type holds exactly."""
    step = eps * 2.0 ** np.floor(np.log2(np.abs(x)))
    return (np.round(x / step) * step).astype(np.float32)


def _added(
    both: tuple[Portrait, Portrait], kinds: list[str], x: np.ndarray, dtype: str, eps: float
) -> str:
    ya, yb = (p.subject.ask(x, dtype, kind) for p, kind in zip(both, kinds, strict=True))
    if ya.shape == yb.shape and (np.isfinite(ya) == np.isfinite(yb)).all():
        room = 1.01 * eps * np.maximum(np.abs(ya), np.abs(yb))
        with np.errstate(invalid="ignore"):
            if ((ya == yb) | (np.abs(ya - yb) <= room) | np.isnan(ya)).all():
                return ""
    parts = [f"{p.name} {_off(y, _exact(p, x))}" for p, y in zip(both, (ya, yb), strict=True)]
    return f"accumulation of {dtype}: {', '.join(parts)}; added up in float32 none would be"


def _exact(portrait: Portrait, x: np.ndarray) -> np.ndarray | None:
    if not portrait.fits or not portrait.guesses:
        return None
    return portrait.guesses[0].pool(x.astype(np.float64), portrait.fits[0], portrait.axes)


def _off(y: np.ndarray, exact: np.ndarray | None) -> str:
    if not np.isfinite(y).all():
        return f"gives {y[~np.isfinite(y)].flat[0]:g}"
    if exact is None or exact.shape != y.shape:
        return "is of unknown exactness"
    worst = float((np.abs(y - exact) / np.abs(exact)).max())
    return f"is up to {100 * worst:.2g} % off"
