"""Ways to pool a picture: by name, by value, or as windows and a reduction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..errors import PoolError
from ..ops import pool
from ..reductions import Reduction
from ..windows import Boxes, Windows
from .spell import reduction_call, windows_call

DEFAULT = ("max", "avg", "min", "gem", "soft", "adaptive", "global")
# reductions with a short name of their own that takes (x, kernel_size, stride); the others go
# through pool(), because their short names want a parameter
_SHORT = {"max", "avg", "min", "sum", "gem", "lse", "soft", "std", "var", "median", "mode"}
_KNOWN = sorted(_SHORT | {"lp", "quantile", "topk", "stochastic", "any", "all"})


@dataclass(frozen=True)
class Pooling:
    """One way to pool a photograph `x`: the call in words, the windows, the reduction, the axes."""

    call: str
    windows: Any
    reduce: Any
    axes: tuple[int, ...] = (0, 1)

    def __call__(self, photo: NDArray[Any]) -> NDArray[Any]:
        """The photograph pooled over its rows and columns."""
        return pool(photo, self.windows, self.reduce, axes=self.axes)

    def over(self, axes: tuple[int, ...]) -> Pooling:
        """The same pooling over other axes: those of a volume."""
        return replace(self, call=self.call.replace(str(self.axes), str(axes)), axes=axes)

    def drawn(self, photo: NDArray[Any]) -> NDArray[Any]:
        """As the call gives it, but always with rows and columns, so that it can be drawn."""
        y = np.asarray(self(photo), dtype=np.float32)
        missing = photo.ndim - y.ndim  # a pyramid joins its axes, whole() may drop them
        return y[(None,) * missing] if missing else y


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


def ways_of(
    asked: Iterable[Any],
    *,
    kernel: Any = 2,
    stride: Any = None,
    adaptive: Any = 7,
    axes: tuple[int, ...] = (0, 1),
) -> list[Pooling]:
    """The poolings that names, (windows, reduction) pairs and Pooling values stand for."""
    if isinstance(asked, str):
        asked = [asked]
    return [_way(one, kernel, stride, adaptive).over(axes) for one in asked]


def _way(one: Any, kernel: Any, stride: Any, adaptive: Any) -> Pooling:
    if isinstance(one, Pooling):
        return one
    if isinstance(one, str):
        return _pooling(one, kernel, stride, adaptive)
    where, reduce = pair(one)
    call = f"pool(x, {windows_call(where)}, {reduction_call(reduce)}, axes=(0, 1))"
    return Pooling(call, where, reduce)


def pair(given: Any) -> tuple[Windows, str | Reduction]:
    """Windows and a reduction, as they were given."""
    try:
        where, reduce = given
    except (TypeError, ValueError):
        where, reduce = given, None
    if not isinstance(where, Windows) or not isinstance(reduce, str | Reduction):
        raise PoolError(
            f"a way to pool is {given!r}; give a name such as 'max', or windows and a reduction: "
            "(anypool.windows.split(7), 'mean')"
        )
    if isinstance(where, Boxes):
        raise PoolError("boxes are no way to pool a whole picture; give them as boxes=")
    return where, reduce
