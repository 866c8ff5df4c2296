"""Pooling functions in Keras's words, for tensors of every backend and for symbolic ones.

``max_pool``, ``average_pool``, ``adaptive_average_pool`` and ``adaptive_max_pool`` are
``keras.ops``'s by name and arguments; the others are those that Keras lacks. All take
``data_format`` and the common arguments of :func:`anypool.pool`: ``mask`` and ``weights`` of the
inputs' shape or of (batch, *spatial), ``sizes``, ``fill``, ``nan``, ``ties``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from .. import reductions
from .. import windows as where
from ..errors import PoolError
from ..reductions import Reduction, resolve
from ..windows import Windows
from . import home
from .formats import data_format_of
from .operation import Pooling, pooled
from .smooth import blur_pool

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "adaptive_pool", "average_pool", "blur_pool",
    "global_average_pool", "global_max_pool", "global_pool", "max_pool", "pool", "pyramid_pool",
]  # fmt: skip

TENSORS = ("mask", "weights", "sizes", "parameter")


def pool(
    inputs: Any, windows: Windows, reduce: str | Reduction = "max", *,
    data_format: str | None = None, **common: Any,
) -> Any:  # fmt: skip
    """Any reduction over any windows of the axes between batch and channels: :func:`anypool.pool`.

    ``parameter`` is a tensor in place of the reduction's first parameter (p, r, beta): one number,
    or one for each channel.

    >>> import numpy as np, anypool as ap, anypool.keras as ak
    >>> x = np.arange(8.0, dtype="float32").reshape(1, 4, 2)
    >>> ak.ops.pool(x, ap.windows.adaptive(2), "mean").shape == (1, 2, 2)
    True
    """
    tensors = {name: common.pop(name, None) for name in TENSORS}
    tensors = {name: given for name, given in tensors.items() if given is not None}
    data_format, reduction = data_format_of(data_format), resolve(reduce)
    if any(isinstance(t, keras.KerasTensor) for t in (inputs, *tensors.values())):
        made = Pooling(windows, reduction, data_format, common)
        return made.symbolic_call(inputs, **tensors)
    return pooled(home.tensor(inputs), windows, reduction, data_format, common, **tensors)


def _padding(padding: Any) -> Any:
    """Keras takes "SAME" for "same"."""
    return padding.lower() if isinstance(padding, str) else padding


def keras_padding(padding: Any) -> str:
    """Padding as the functions and layers with Keras's names take it."""
    found = _padding(padding)
    if found not in ("valid", "same"):
        raise PoolError(f'padding is {padding!r}; use "valid" or "same"')
    return found


def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: str | None = None, **common: Any,
) -> Any:  # fmt: skip
    """The largest element of every window; ``keras.ops.max_pool``.

    >>> import numpy as np, anypool.keras as ak
    >>> x = np.array([6.0, 9, 9, 2], "float32").reshape(1, 4, 1)
    >>> [float(v) for v in ak.ops.max_pool(x, 2)[0, :, 0]]
    [9.0, 9.0]
    """
    over = where.sliding(pool_size, strides, keras_padding(padding))
    return pool(inputs, over, "max", data_format=data_format, **common)


def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: str | None = None, **common: Any,
) -> Any:  # fmt: skip
    """The mean of every window, padding never counted; ``keras.ops.average_pool``."""
    over = where.sliding(pool_size, strides, keras_padding(padding))
    return pool(inputs, over, "mean", data_format=data_format, **common)


def adaptive_average_pool(
    inputs: Any, output_size: Any, data_format: str | None = None, **common: Any
) -> Any:
    """Means of as many windows as asked, whatever the input size.

    As ``keras.ops.adaptive_average_pool``.
    """
    return adaptive_pool(inputs, output_size, "mean", data_format, **common)


def adaptive_max_pool(
    inputs: Any, output_size: Any, data_format: str | None = None, **common: Any
) -> Any:
    """The largest of as many windows as asked; ``keras.ops.adaptive_max_pool``, without its crash.

    >>> import numpy as np, anypool.keras as ak
    >>> ak.ops.adaptive_max_pool(np.ones((1, 4, 4, 3), "float32"), 1).shape == (1, 1, 1, 3)
    True
    """
    return adaptive_pool(inputs, output_size, "max", data_format, **common)


def adaptive_pool(
    inputs: Any, output_size: Any, reduce: str | Reduction = "mean",
    data_format: str | None = None, *, rule: str = "adaptive", **common: Any,
) -> Any:  # fmt: skip
    """Any reduction over windows that always give ``output_size`` outputs (None keeps an axis)."""
    over = where.adaptive(output_size, rule)
    return pool(inputs, over, reduce, data_format=data_format, **common)


def global_pool(
    inputs: Any, reduce: str | Reduction = "mean", data_format: str | None = None,
    keepdims: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """Any reduction over everything between batch and channels."""
    return pool(inputs, where.whole(keepdims), reduce, data_format=data_format, **common)


def global_average_pool(
    inputs: Any, data_format: str | None = None, keepdims: bool = False, **common: Any
) -> Any:
    """The mean of everything between batch and channels."""
    return global_pool(inputs, "mean", data_format, keepdims, **common)


def global_max_pool(
    inputs: Any, data_format: str | None = None, keepdims: bool = False, **common: Any
) -> Any:
    """The largest of everything between batch and channels."""
    return global_pool(inputs, "max", data_format, keepdims, **common)


def pyramid_pool(
    inputs: Any, bins: Any = (1, 2, 4), reduce: str | Reduction = "max",
    data_format: str | None = None, **common: Any,
) -> Any:  # fmt: skip
    """Adaptive pooling with several numbers of bins, side by side: (batch, all bins, channels)."""
    return pool(inputs, where.pyramid(bins), reduce, data_format=data_format, **common)


# name -> what it does, its parameters with their defaults
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "min": ("The smallest element", {}),
    "sum": ("The sum", {}),
    "lp": ("``(sum |x|**p) ** (1/p)``", {"p": 2.0}),
    "gem": ("The generalised mean ``mean(max(x, eps)**p) ** (1/p)`` (arXiv:1711.02512)",
            {"p": 3.0, "eps": 1e-6}),
    "lse": ("The smooth max ``log(mean(exp(r x))) / r`` (arXiv:1411.6228)", {"r": 10.0}),
    "soft": ("The mean with weights ``exp(beta x)`` (arXiv:2101.00440)", {"beta": 1.0}),
    "std": ("The standard deviation", {"correction": 0.0}),
    "var": ("The variance", {"correction": 0.0}),
    "median": ("The median", {"method": "midpoint"}),
    "quantile": ("The q-quantile", {"q": 0.5}),
    "mode": ("The most frequent element", {}),
    "topk": ("The mean of the k largest elements", {"k": 1}),
    "stochastic": (
        "An element drawn in proportion to its value (arXiv:1301.3557), or its expectation",
        {"rng": None},
    ),
}  # fmt: skip


def reduction_of(kind: str, params: dict[str, Any]) -> tuple[Reduction, Any]:
    """The reduction with these parameters, and the first of them where it is a tensor."""
    if kind == "stochastic" and params.get("rng") is not None:
        return reductions.stochastic(0), None
    first = next(iter(KINDS[kind][1]), None) if kind in KINDS else None
    value = params.get(first) if first is not None else None
    if not (keras.ops.is_tensor(value) or isinstance(value, keras.Variable | keras.KerasTensor)):
        return getattr(reductions, kind)(**params), None
    rest = {name: v for name, v in params.items() if name != first}
    return getattr(reductions, kind)(**rest), value


def _sliding(kind: str) -> Callable[..., Any]:
    """The function ``{kind}_pool``."""
    told, defaults = KINDS[kind]

    def function(
        inputs: Any, pool_size: Any, strides: Any = None, padding: Any = "valid",
        data_format: str | None = None, *, dilation_rate: Any = 1, **more: Any,
    ) -> Any:  # fmt: skip
        params = {name: more.pop(name) for name in defaults if name in more}
        reduction, parameter = reduction_of(kind, params)
        over = where.sliding(pool_size, strides, _padding(padding), dilation_rate)
        if params.get("rng") is not None:
            more["rng"] = params["rng"]
        return pool(inputs, over, reduction, data_format=data_format, parameter=parameter, **more)

    own = ", ".join(f"{name}={default!r}" for name, default in defaults.items())
    function.__name__ = function.__qualname__ = f"{kind}_pool"
    function.__doc__ = (
        f"{told} of every window{f' (keyword arguments {own})' if own else ''}; the others as "
        "``max_pool``'s, and paddings as :func:`anypool.max_pool` takes them."
    )
    return function


for _kind in KINDS:
    globals()[f"{_kind}_pool"] = _sliding(_kind)
    __all__.append(f"{_kind}_pool")
