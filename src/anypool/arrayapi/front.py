"""The one door for arrays of other libraries: zero-copy to NumPy's kernels, else plain."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .. import blur, engine, ops, plain, unpool
from ..errors import PoolError, ShapeError
from ..reductions import Reduction, resolve
from ..windows import Windows
from .sloped import differentiates, sloped, unsloped
from .slopes import Pulled
from .space import ArraySpace, numpy_dtype
from .views import given_back, name_of, namespace, to_numpy, viewed

Array = Any
__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]
BESIDE = ("mask", "weights", "sizes")


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, return_indices: bool = False,
    return_sizes: bool = False, out: Any = None, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for arrays of any library that speaks DLPack or the array API."""
    if out is not None:
        raise PoolError("out is for NumPy arrays; other arrays get a new one")
    if unknown := common.keys() - ops.ACCEPTED:
        raise TypeError(f"pool() got an unexpected keyword argument {min(unknown)!r}")
    first = x[0] if isinstance(x, list | tuple) else x
    lain = _lain(x)
    if lain is None:
        return _plain(x, windows, resolve(reduce), return_indices, return_sizes, common)

    def pooled(lain: Any, common: dict[str, Any]) -> Any:
        y = ops.pool(lain, windows, reduce, return_indices=return_indices,
                     return_sizes=return_sizes, **common | _beside(common))  # fmt: skip
        return tuple(given_back(a, first) for a in y) if isinstance(y, tuple) else (
            given_back(y, first))  # fmt: skip

    if not differentiates(first):
        return pooled(lain, common)
    if first is not x:
        words = "a list of arrays is pooled without a derivative for"
        return unsloped(words, lambda *arrays: pooled(_lain(list(arrays)), common), *x)
    return sloped(x, common, lambda x, common: pooled(_lain(x), common),
                  lambda x, common: vjp(x, windows, reduce, **common))  # fmt: skip


def _lain(x: Any) -> Any:
    """x, or every array of a list, as NumPy's over the same memory; None where that cannot be."""
    if not isinstance(x, list | tuple):
        return viewed(x)
    arrays = [viewed(a) for a in x]
    if any(a is None for a in arrays):
        raise PoolError(
            f"a list of {name_of(x[0])} becomes one batch only in CPU memory; pad them into one "
            "array and say sizes="
        )
    return arrays


def _beside(common: dict[str, Any]) -> dict[str, Any]:
    """Mask, weights and sizes as NumPy's arrays, and a dtype as NumPy's."""
    return {name: to_numpy(common[name], name) for name in BESIDE if common.get(name) is not None}


# -- arrays that NumPy cannot read --------------------------------------------------------------


class Prepared:
    """A call on arrays of a namespace: checked, planned, with everything where x lies."""

    def __init__(
        self, x: Any, windows: Windows, reduction: Reduction, indices: bool, common: dict[str, Any]
    ) -> None:
        xp = namespace(x)
        if xp is None:
            raise PoolError(
                f"x is a {name_of(x)} that NumPy cannot read where it lies, and it has no array "
                "API namespace; copy it to the CPU first"
            )
        self.space, self.x, self.xp = ArraySpace.of(x, xp), x, xp
        common = dict(common)
        if (dtype := common.get("dtype")) is not None and not isinstance(dtype, str | type):
            common["dtype"] = _own_dtype(xp, dtype)
        given = {name: common.pop(name, None) for name in BESIDE}
        rng = common.get("rng")
        if isinstance(rng, np.random.Generator):  # it is asked once, below
            common["rng"] = copy.deepcopy(rng)
        self.call = engine.prepare(_stand_in(xp, x), windows, reduction, indices=indices,
                                   **_stand_ins(xp, given), **common)  # fmt: skip
        self.plan = self.call.plan
        self.given = {n: self._here(a) for n, a in given.items() if a is not None}
        if "weights" in self.given:
            _check_weights(self.space, self.given["weights"])
        self.source = next((s for s in (rng, getattr(windows, "rng", None), reduction.rng)
                            if s is not None), None)  # fmt: skip

    def _here(self, a: Any) -> Any:
        return a if namespace(a) is self.xp else self.space.asarray(np.asarray(a))

    def pooled(self) -> Any:
        """The result, and where max or min stand."""
        try:
            with np.errstate(all="ignore"):  # namespaces made of NumPy warn as it does
                return plain.pool(self.space, self.plan, self.x, **self.given, **self.draws())
        except TypeError as error:  # an argument of the standard that a function does not take
            said = str(error).strip().splitlines()[0]
            raise PoolError(
                f"{self.xp.__name__} departs from the array API standard ({said}); NumPy cannot "
                "read x where it lies, so copy it to NumPy"
            ) from error

    def draws(self) -> dict[str, Any]:
        """The numbers that NumPy would draw, where x lies."""
        if not (self.plan.windows.random or self.plan.reduction.sampled):
            return {}
        found = plain.numpy_draws(self.plan, self.source)
        return {name: self.space.asarray(a) for name, a in found.items()}


def _own_dtype(xp: Any, dtype: Any) -> Any:
    try:
        return numpy_dtype(xp, dtype)
    except PoolError:
        return dtype  # NumPy's, or nobody's: the plan says so


def _stand_in(xp: Any, a: Any, value: Any = 0) -> np.ndarray:
    """A NumPy array of the shape and dtype of ``a`` in the memory of one element."""
    shape = tuple(a.shape)
    if not all(isinstance(n, int) for n in shape):
        raise ShapeError(
            f"x has shape {shape}, of which not every size is known: it is evaluated lazily; "
            "compute it first"
        )
    return np.broadcast_to(np.array(value).astype(numpy_dtype(xp, a.dtype)), shape)


def _stand_ins(xp: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What the plan is checked with: shapes and dtypes of mask and weights, sizes as they are."""
    found = {}
    for name, a in given.items():
        own = a is not None and namespace(a) is xp
        found[name] = a if not own else _sizes(a) if name == "sizes" else _stand_in(xp, a, 1)
    return found


def _sizes(a: Any) -> np.ndarray:
    """Sizes as numbers: they lay out windows, which are made on the CPU."""
    found = viewed(a)
    if found is not None:
        return found
    whole = np.empty(tuple(a.shape), np.int64)
    for place in np.ndindex(*whole.shape):
        whole[place] = int(a[place])
    return whole


def _check_weights(space: ArraySpace, weights: Any) -> None:
    good = space.xp.all((weights >= 0) & (weights < float("inf")))
    if not bool(good):
        raise PoolError("weights must be finite and not negative; 0 takes an element out")


def _plain(
    x: Any, windows: Windows, reduction: Reduction, indices: bool, sizes: bool,
    common: dict[str, Any],
) -> Any:  # fmt: skip
    """Pool in plain operations of the array's own namespace."""
    made = Prepared(x, windows, reduction, indices, common)
    if sizes and "sizes" not in made.given:
        raise PoolError("return_sizes needs sizes; give sizes= or a list of arrays")
    y = made.pooled()
    if not sizes:
        return y
    after = plain.extents_after(made.space, made.plan, made.given["sizes"])
    return (*y, after) if indices else (y, after)


# -- derivatives, and what is not pooling -------------------------------------------------------


def vjp(x: Any, windows: Windows, reduce: str | Reduction = "max", **common: Any) -> Any:
    """:func:`anypool.vjp` for arrays of any library; derivatives come in the same library."""
    lain = _lain(x)
    if lain is None:
        made = Prepared(x, windows, resolve(reduce), False, common)
        pulled = Pulled(made.space, made.call, x, made.given.get("mask"), made.given.get("weights"))
        return made.pooled(), pulled
    y, pullback = ops.vjp(lain, windows, reduce, **common | _beside(common))

    def back(g: Any) -> Any:
        made = pullback(to_numpy(g, "the incoming gradient"))
        if isinstance(made, tuple):
            return tuple(given_back(a, x) for a in made)
        return given_back(made, x)

    return given_back(y, x), back


def blur_pool(
    x: Any, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *, mode: str = "reflect",
    axes: Any = None, mask: Any = None, weights: Any = None, fill: float = 0,
) -> Array:  # fmt: skip
    """:func:`anypool.blur_pool` for arrays of any library."""
    lain = None if differentiates(x) else viewed(x)
    more: dict[str, Any] = {"mode": mode, "axes": axes, "fill": fill}
    if lain is not None:
        y = blur.blur_pool(lain, kernel_size, stride, padding, mask=to_numpy(mask, "mask"),
                           weights=to_numpy(weights, "weights"), **more)  # fmt: skip
        return given_back(y, x)
    xp = namespace(x)
    if xp is None:
        raise PoolError(f"x is a {name_of(x)} that NumPy cannot read; copy it to the CPU first")
    laid = blur.laid(tuple(x.shape), kernel_size, stride, padding, mode, axes)
    return plain.blur_pool(
        ArraySpace.of(x, xp), x, numpy_dtype(xp, x.dtype), laid, mode, mask, weights, fill
    )


def max_unpool(
    y: Any, indices: Any, output_size: Any, axes: Any = None, duplicates: str = "last",
    fill: float = 0,
) -> Array:  # fmt: skip
    """:func:`anypool.max_unpool` for arrays of any library that NumPy can read."""

    def values(y: Array) -> Array:
        made = unpool.max_unpool(to_numpy(y, "y"), to_numpy(indices, "indices"), output_size,
                                 axes=axes, duplicates=duplicates, fill=fill)  # fmt: skip
        return given_back(made, y)

    return unsloped("max_unpool has no derivative for", values, y)
