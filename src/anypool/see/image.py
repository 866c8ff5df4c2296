"""Photographs pooled every way: one figure each, and a page that shows them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..errors import PoolError
from ..ops import pool
from .figure import Panel, draw
from .folder import whole
from .page import Entry, entry, page
from .read import Photo, read

DEFAULT = ("max", "avg", "min", "gem", "soft", "adaptive", "global")
# reductions with a short name of their own that takes (x, kernel_size, stride); the others go
# through pool(), because their short names want a parameter
_SHORT = {"max", "avg", "min", "sum", "gem", "lse", "soft", "std", "var", "median", "mode"}
_KNOWN = sorted(_SHORT | {"lp", "quantile", "topk", "stochastic", "any", "all"})


def _silent(_: str) -> None:
    """For those who do not want to hear of every step."""


@dataclass(frozen=True)
class Pooling:
    """One way to pool a photograph `x`: the call in words, the windows, the reduction."""

    call: str
    windows: Any
    reduce: str

    def __call__(self, photo: Photo) -> NDArray[Any]:
        """The photograph pooled over its rows and columns."""
        return pool(photo, self.windows, self.reduce, axes=(0, 1))


def poolings(
    names: Iterable[str] = DEFAULT, *, kernel: Any = 2, stride: Any = None, adaptive: Any = 7
) -> list[Pooling]:
    """What the names ask for: a reduction, or "adaptive", "global", "adaptive-max", "global-gem".

    >>> for way in poolings(["max", "adaptive", "global-gem"]):
    ...     print(way.call)
    max_pool(x, 2, axes=(0, 1))
    adaptive_avg_pool(x, 7, axes=(0, 1))
    global_pool(x, reduce='gem', axes=(0, 1))
    """
    return [_pooling(name, kernel, stride, adaptive) for name in names]


def _pooling(name: str, kernel: Any, stride: Any, adaptive: Any) -> Pooling:
    place, what = _parts(name)
    reduce = "mean" if what == "avg" else what
    if place == "adaptive":
        return Pooling(_call(f"adaptive_{what}", adaptive), windows.adaptive(adaptive), reduce)
    if place == "global":
        return Pooling(_call(f"global_{what}"), windows.whole(), reduce)
    sizes = (kernel,) if stride is None else (kernel, stride)
    where = windows.sliding(*sizes)
    if what in _SHORT:
        return Pooling(_call(what, *sizes), where, reduce)
    shown = ", ".join(map(str, sizes))
    return Pooling(f"pool(x, windows.sliding({shown}), '{what}', axes=(0, 1))", where, reduce)


def _parts(name: str) -> tuple[str, str]:
    """("adaptive", "max") for "adaptive-max", ("", "max") for "max", ("global", "avg") for both."""
    place, _, what = name.rpartition("-")
    if name in ("adaptive", "global"):
        place, what = name, "avg"
    what = "avg" if what == "mean" else what
    if place not in ("", "adaptive", "global") or what not in _KNOWN:
        raise PoolError(
            f"no pooling is called {name!r}; use one of {', '.join(_KNOWN)}, adaptive, global, "
            "or both words as in adaptive-max"
        )
    return place, what


def _call(name: str, *numbers: Any) -> str:
    """The call of a short name; adaptive and global have short names for max and avg only."""
    place, _, what = name.partition("_")
    words = ["x", *map(str, numbers)]
    if what and what not in ("max", "avg"):
        name, words = place, [*words, f"reduce='{what}'"]
    return f"{name}_pool({', '.join(words)}, axes=(0, 1))"


def panels(
    photo: Photo,
    ways: Sequence[Pooling],
    *,
    kernel: Any = 2,
    stride: Any = None,
    tell: Callable[[str], None] = _silent,
) -> list[Panel]:
    """The original, each pooling of it, and how far max and average lie apart."""
    shown = [Panel("original", photo)]
    for way in ways:
        tell(way.call)
        shown.append(Panel(way.call, way(photo)))
    largest, mean = poolings(["max", "avg"], kernel=kernel, stride=stride)
    apart = np.abs(largest(photo) - mean(photo))
    heat = apart if apart.ndim == 2 else apart.mean(axis=2)
    return [*shown, Panel("|max − average| of the same windows", heat, heat=True)]


def gallery(
    photos: Sequence[str | os.PathLike[str]],
    names: Iterable[str] = DEFAULT,
    *,
    kernel: Any = 2,
    stride: Any = None,
    adaptive: Any = 7,
    out: str | os.PathLike[str] = "pooled",
    dpi: int = 120,
    tell: Callable[[str], None] = _silent,
) -> list[Path]:
    """Write one figure a photograph and an ``index.html`` into `out`; give the files' paths.

    The folder is whole or untouched: a photograph that cannot be read leaves nothing behind.
    `tell` hears a few words before each step: reading, every pooling, drawing.
    """
    if not 20 <= dpi <= 1200:
        raise PoolError(f"dpi is {dpi}; it must lie between 20 and 1200")
    ways = poolings(names, kernel=kernel, stride=stride, adaptive=adaptive)
    entries: list[Entry] = []
    with whole(Path(out)) as stage:
        for source, target in zip(photos, _targets(photos), strict=True):
            tell(f"reading {os.fspath(source)}")
            photo = read(source)
            shown = panels(photo, ways, kernel=kernel, stride=stride, tell=tell)
            tell(f"drawing {target}")
            draw(shown, dpi=dpi).savefig(stage / target, format="png")
            entries.append(entry(Path(source).name, stage / target, shown))
        (stage / "index.html").write_text(page(entries), encoding="utf-8", errors="replace")
    return [Path(out) / name for name in (*(e.figure.name for e in entries), "index.html")]


def _targets(photos: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A file name for each figure: the photograph's own, numbered where two are alike."""
    names: list[str] = []
    for photo in photos:
        stem, count = Path(photo).stem, 1
        while (name := f"{stem}.png" if count == 1 else f"{stem}-{count}.png") in names:
            count += 1
        names.append(name)
    return names
