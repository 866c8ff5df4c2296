"""The one door for what is Keras's own: symbolic tensors and variables."""

from __future__ import annotations

from typing import Any

from .. import blur, doors, ops, unpool
from ..errors import PoolError
from ..ops import ACCEPTED
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import home
from .operation import SYMBOLIC, Pooling
from .smooth import Blurring

TENSORS = ("mask", "weights", "sizes")
__all__ = ["blur_pool", "max_unpool", "pool", "vjp"]


def pool(
    x: Any, windows: Windows, reduce: str | Reduction = "max", *, axes: Any = None,
    return_sizes: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """:func:`anypool.pool` for symbolic tensors and variables; axes as anypool reads them.

    >>> import keras, anypool as ap
    >>> x = keras.Input((None, None, 3))
    >>> ap.adaptive_avg_pool(x, 7, axes="channels_last").shape
    (None, 7, 7, 3)
    """
    if not _symbolic(x):
        x, more = home.tensor(x), {"return_sizes": True} if return_sizes else {}
        return ops.pool(x, windows, reduce, axes=axes, **more, **common)
    if return_sizes:
        raise PoolError("return_sizes looks at numbers, which a symbolic tensor has not")
    common = {name: value for name, value in common.items() if value is not None}
    if unknown := common.keys() - ACCEPTED - {"return_indices", "parameter"}:
        raise TypeError(f"pool() got an unexpected keyword argument {min(unknown)!r}")
    tensors = {name: common.pop(name) for name in (*TENSORS, "parameter") if name in common}
    if not common.get("return_indices", True):
        common.pop("return_indices")
    made = Pooling(windows, resolve(reduce), None, common, axes)
    return made.symbolic_call(x, **tensors)


def _symbolic(x: Any) -> bool:
    if isinstance(x, list | tuple):
        raise PoolError("a list of symbolic tensors has no sizes; give one tensor with sizes=")
    return isinstance(x, SYMBOLIC)


def blur_pool(
    x: Any, kernel_size: Any = 3, stride: Any = 2, padding: Any = None, *, mode: str = "reflect",
    axes: Any = None, mask: Any = None, weights: Any = None, fill: float = 0,
) -> Any:  # fmt: skip
    """:func:`anypool.blur_pool` for symbolic tensors and variables."""
    tensors = {name: a for name, a in (("mask", mask), ("weights", weights)) if a is not None}
    if not _symbolic(x):
        x = home.tensor(x)
        return (doors.front(x) or blur).blur_pool(x, kernel_size, stride, padding, mode=mode,
                                                  axes=axes, fill=fill, **tensors)  # fmt: skip
    made = Blurring(kernel_size, stride, padding, mode, None, fill, axes)
    return made.symbolic_call(x, **tensors)


def vjp(x: Any, windows: Windows, reduce: str | Reduction = "max", **common: Any) -> Any:
    """:func:`anypool.vjp` for variables."""
    if _symbolic(x):
        raise PoolError("a symbolic tensor has no derivative; call vjp on the numbers themselves")
    return ops.vjp(home.tensor(x), windows, reduce, **common)


def max_unpool(
    y: Any, indices: Any, output_size: Any, axes: Any, duplicates: str, fill: float
) -> Any:
    """:func:`anypool.max_unpool` for variables."""
    if _symbolic(y):
        raise PoolError("max_unpool has no symbolic form; call it inside a layer's call")
    y = home.tensor(y)
    return unpool.max_unpool(y, indices, output_size, axes=axes, duplicates=duplicates, fill=fill)
