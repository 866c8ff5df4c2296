"""The public functions: pool() and its short names.

Every short name is one line over :func:`pool`; what they share is told once, in :data:`COMMON`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from . import arrays, doors, engine, reductions
from . import windows as where
from .errors import PoolError
from .reductions import Reduction
from .tape import Tape
from .windows import Windows

Pullback = Callable[[Any], Any]

COMMON = """
    Common arguments:
        axes: pooled axes, a tuple, or "channels_last". None: the last r axes where kernel_size or
            output_size has r numbers; else every axis (1 or 2 axes), or every axis after the first
            two (4 and more); with 3 axes say which.
        mask: bool, broadcastable to x, True where an element is real. Never multiplied.
        weights: non-negative, broadcastable to x; 0 takes an element out.
        sizes: (batch, axes) true sizes of padded samples, or (batch, axes, 2) starts and stops.
        return_sizes: also give the sizes of the pooled samples.
        fill: what a window with nothing real becomes (default 0); None: an error instead.
        nan: "propagate" (default), "skip" or "raise".
        ties: whom the derivative of max and min goes to: "first" (default) or "split".
        dtype: of the result; integers are rounded half to even.
        threads: how many at most; None: all that this process may use.
        out: a NumPy array to write into, of exactly the result's shape and dtype.

    Raises:
        PoolError: where the arguments make no sense together; the message says what would.
"""


ACCEPTED = {
    "axes", "mask", "weights", "sizes", "fill", "nan", "ties", "dtype", "threads",
    "count_include_pad", "divisor_override", "rng",
}  # fmt: skip


def _unknown(common: dict[str, Any], caller: FrameType) -> TypeError:
    """Python's own error for a keyword that nobody knows, in the name of the function called."""
    own = caller.f_globals is globals() and caller.f_code.co_name in globals()
    name = caller.f_code.co_name if own else "pool"
    word = next(word for word in common if word not in ACCEPTED)
    return TypeError(f"{name}() got an unexpected keyword argument {word!r}")


def pool(
    x: Any,
    windows: Windows,
    reduce: str | Reduction = "max",
    *,
    return_indices: bool = False,
    return_sizes: bool = False,
    out: np.ndarray | None = None,
    **common: Any,
) -> Any:
    """Reduce every window of ``x``: the one door behind all poolings.

    Args:
        x: array of any shape, dtype and strides; or, where the output size does not depend on the
            input's, a list of arrays of different sizes, which become one batch.
        windows: where each output looks, one of ``anypool.windows.*``.
        reduce: what a window becomes: a name such as "max", or ``anypool.reductions.gem(p=4)``.
        return_indices: also give where max and min stand: int64, flat over the pooled axes.

    Returns:
        The pooled array, its pooled axes in their places; a tuple with the indices and the sizes
        where those were asked for.

    >>> import anypool as ap
    >>> ap.pool([[1.0, 2.0], [3.0, 4.0]], ap.windows.whole(), "mean")
    array([[2.5]])
    """
    key = engine.key(x, windows, reduce, common) if out is None and not return_indices else None
    if key is not None and not return_sizes:
        known = engine.again(key, x, common)
        if known is not None:
            return known
    if not common.keys() <= ACCEPTED:
        raise _unknown(common, sys._getframe(1))
    there = doors.front(x)  # no := here: TensorFlow's AutoGraph reads this function
    if there is not None:
        return there.pool(x, windows, reduce, return_indices=return_indices,
                          return_sizes=return_sizes, out=out, **common)  # fmt: skip
    call = engine.prepare(x, windows, reduce, indices=return_indices, **common)
    if return_sizes and call.sizes is None:
        raise PoolError("return_sizes needs sizes; give sizes= or a list of arrays")
    made = engine.run(call, out)
    if key is not None:
        engine.remember(key, call, made.y, common.get("mask"))
    more = [made.indices] if return_indices else []
    if return_sizes:
        more.append(arrays.as_given(call.plan, made.sizes, call.pairwise))  # type: ignore[arg-type]
    return (made.y, *more) if more else made.y


def vjp(
    x: Any, windows: Windows, reduce: str | Reduction = "max", **common: Any
) -> tuple[Any, Pullback]:
    """Pool, and give the function that takes a derivative back through the pooling.

    Returns:
        ``(y, pullback)``. ``pullback(g)``, for g of y's shape, gives the derivative by x, of x's
        shape and dtype. Where weights were given, or parameters such as ``gem(p=4)``, it gives a
        tuple: by x, by the weights (of their shape), by each parameter (floats).

    The derivative is the same, bit for bit, for any number of threads.

    >>> import numpy as np, anypool as ap
    >>> y, pullback = ap.vjp(np.array([1.0, 3.0, 2.0, 2.0]), ap.windows.sliding(2), "max")
    >>> pullback(np.array([10.0, 20.0]))
    array([ 0., 10., 20.,  0.])
    """
    if not common.keys() <= ACCEPTED:
        raise _unknown(common, sys._getframe(0))
    there = doors.front(x)  # no := here: TensorFlow's AutoGraph reads this function
    if there is not None:
        return there.vjp(x, windows, reduce, **common)
    tape = Tape(engine.prepare(x, windows, reduce, **common))
    y = tape.forward()

    def pullback(g: Any) -> Any:
        return tape.backward(g)

    pullback.saved_bytes = tape.saved_bytes  # type: ignore[attr-defined]
    return y, pullback


# -- sliding windows ----------------------------------------------------------------------------


def max_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """The largest element of every window; padding never wins.

    ``return_indices=True`` also gives where it stands (int64, flat over the pooled axes, PyTorch's
    convention). NaN wins; of several the last. The dtype is x's.

    >>> import anypool as ap
    >>> ap.max_pool([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]], 2)
    array([[9, 9],
           [9, 5]])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "max", **common)


def min_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """The smallest element of every window; otherwise as :func:`max_pool`.

    >>> import anypool as ap
    >>> ap.min_pool([3, 1, 2, 5], 2)
    array([1, 2])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "min", **common)


def avg_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """The mean of every window.

    ``count_include_pad`` None counts explicit padding in the divisor (PyTorch) but not that of
    "same" (TensorFlow, ONNX), nor what a mask, weights or sizes leave out; the overhang of a ceil
    window never counts. ``divisor_override`` divides by that instead. Integers become float64.

    >>> import numpy as np, anypool as ap
    >>> ap.avg_pool(np.arange(1.0, 7.0), 3, 2, "same")
    array([2. , 4. , 5.5])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "mean", **common)


def sum_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """The sum of every window; integers are summed in 64 bits.

    >>> import anypool as ap
    >>> ap.sum_pool([1, 2, 3, 4], 2)
    array([3, 7])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "sum", **common)


def lp_pool(
    x: Any, norm_type: float, kernel_size: Any, stride: Any = None, padding: Any = 0,
    dilation: Any = 1, ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """``(sum |x|**p) ** (1/p)`` of every window, for p = norm_type > 0 (inf: the largest |x|).

    Unlike PyTorch's it takes |x|, is right on partial windows, and does not overflow.

    >>> import anypool as ap
    >>> ap.lp_pool([-3.0, 4.0, 6.0, 8.0], 2, 2)
    array([ 5., 10.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.lp(norm_type), **common)


def gem_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, p: float = 3, eps: float = 1e-6, **common: Any,
) -> Any:  # fmt: skip
    """The generalised mean, ``mean(max(x, eps)**p) ** (1/p)`` (Radenovic et al., arXiv:1711.02512).

    >>> import anypool as ap
    >>> ap.gem_pool([1.0, 1.0, 2.0, 2.0], 2, p=4)
    array([1., 2.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.gem(p, eps), **common)


def lse_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, r: float = 10, **common: Any,
) -> Any:  # fmt: skip
    """The smooth max ``log(mean(exp(r x))) / r`` (Pinheiro & Collobert, arXiv:1411.6228).

    >>> import anypool as ap
    >>> ap.lse_pool([1.0, 1.0, 2.0, 2.0], 2)
    array([1., 2.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.lse(r), **common)


def soft_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, beta: float = 1, **common: Any,
) -> Any:  # fmt: skip
    """The mean with weights ``exp(beta x)`` (SoftPool, Stergiou et al., arXiv:2101.00440).

    >>> import anypool as ap
    >>> ap.soft_pool([0.0, 1000.0], 2)
    array([1000.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.soft(beta), **common)


def std_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, correction: float = 0, **common: Any,
) -> Any:  # fmt: skip
    """The standard deviation; the divisor is the count less ``correction``.

    >>> import anypool as ap
    >>> ap.std_pool([1.0, 3.0, 5.0, 5.0], 2)
    array([1., 0.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.std(correction), **common)


def var_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, correction: float = 0, **common: Any,
) -> Any:  # fmt: skip
    """The variance; the divisor is the count less ``correction``.

    >>> import anypool as ap
    >>> ap.var_pool([1.0, 3.0, 5.0, 5.0], 2)
    array([1., 0.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.var(correction), **common)


def median_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, method: str = "midpoint", **common: Any,
) -> Any:  # fmt: skip
    """The median: the midpoint of two middle elements, or the lower with ``method="lower"``.

    >>> import anypool as ap
    >>> ap.median_pool([1, 9, 2, 4], 4)
    array([3.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.median(method), **common)


def quantile_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, q: float, **common: Any,
) -> Any:  # fmt: skip
    """The q-quantile, linear between elements as NumPy; with weights the inverted CDF.

    >>> import anypool as ap
    >>> ap.quantile_pool([0.0, 1.0, 2.0, 3.0, 4.0], 5, q=0.25)
    array([1.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.quantile(q), **common)


def mode_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """The most frequent element, the smallest of several: for label images.

    >>> import anypool as ap
    >>> ap.mode_pool([3, 1, 3, 2, 2, 1], 3)
    array([3, 2])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "mode", **common)


def topk_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, k: int, **common: Any,
) -> Any:  # fmt: skip
    """The mean of the k largest elements, or of all where there are fewer.

    >>> import anypool as ap
    >>> ap.topk_pool([1.0, 5.0, 3.0, 2.0], 4, k=2)
    array([4.])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.topk(k), **common)


def stochastic_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, *, rng: Any = None, **common: Any,
) -> Any:  # fmt: skip
    """An element drawn in proportion to its value (Zeiler & Fergus, arXiv:1301.3557).

    ``rng`` is a ``numpy.random.Generator`` or a seed; None gives the expectation. Negative elements
    are never drawn; a window without positive ones becomes 0.

    >>> import anypool as ap
    >>> ap.stochastic_pool([1.0, 3.0], 2)
    array([2.5])
    """
    over = _sliding(kernel_size, stride, padding, dilation, ceil_mode)
    return pool(x, over, reductions.stochastic(rng), **common)


def any_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """Whether any element of the window is not zero.

    >>> import anypool as ap
    >>> ap.any_pool([0, 0, 0, 7], 2)
    array([False,  True])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "any", **common)


def all_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **common: Any,
) -> Any:  # fmt: skip
    """Whether every element of the window is not zero.

    >>> import anypool as ap
    >>> ap.all_pool([0, 1, 2, 7], 2)
    array([False,  True])
    """
    return pool(x, _sliding(kernel_size, stride, padding, dilation, ceil_mode), "all", **common)


# -- windows that fit themselves to the input ---------------------------------------------------


def adaptive_pool(
    x: Any, output_size: Any, reduce: str | Reduction = "mean", *, rule: str = "adaptive",
    **common: Any,
) -> Any:  # fmt: skip
    """Windows that always give ``output_size`` outputs (None keeps an axis), by any reduction.

    >>> import numpy as np, anypool as ap
    >>> ap.adaptive_pool(np.arange(10), 7, "max")
    array([1, 2, 4, 5, 7, 8, 9])
    """
    return pool(x, _adaptive(output_size, rule), reduce, **common)


def adaptive_max_pool(x: Any, output_size: Any, *, rule: str = "adaptive", **common: Any) -> Any:
    """The largest element of windows that give ``output_size`` outputs whatever the input size.

    >>> import numpy as np, anypool as ap
    >>> ap.adaptive_max_pool(np.arange(25).reshape(5, 5), 3)[0]
    array([6, 8, 9])
    """
    return pool(x, _adaptive(output_size, rule), "max", **common)


def adaptive_avg_pool(x: Any, output_size: Any, *, rule: str = "adaptive", **common: Any) -> Any:
    """The mean of windows that give ``output_size`` outputs whatever the input size.

    >>> import numpy as np, anypool as ap
    >>> ap.adaptive_avg_pool(np.arange(10.0), 7)
    array([0.5, 1.5, 3. , 4.5, 6. , 7.5, 8.5])
    """
    return pool(x, _adaptive(output_size, rule), "mean", **common)


def global_pool(
    x: Any, reduce: str | Reduction = "mean", *, keepdims: bool = True, **common: Any
) -> Any:
    """One window over everything: every axis after the first two, or every axis of a 1-D or 2-D x.

    >>> import numpy as np, anypool as ap
    >>> ap.global_pool(np.arange(1.0, 17.0).reshape(4, 4), "max", keepdims=False)
    array(16.)
    """
    return pool(x, where.whole(keepdims), reduce, **common)


def global_max_pool(x: Any, *, keepdims: bool = True, **common: Any) -> Any:
    """The largest element of every plane; axes as :func:`global_pool`.

    >>> import numpy as np, anypool as ap
    >>> ap.global_max_pool(np.arange(8.0).reshape(1, 2, 2, 2)).ravel()
    array([3., 7.])
    """
    return pool(x, where.whole(keepdims), "max", **common)


def global_avg_pool(x: Any, *, keepdims: bool = True, **common: Any) -> Any:
    """The mean of every plane; axes as :func:`global_pool`.

    >>> import numpy as np, anypool as ap
    >>> ap.global_avg_pool(np.arange(1.0, 17.0).reshape(4, 4))
    array([[8.5]])
    """
    return pool(x, where.whole(keepdims), "mean", **common)


def fractional_max_pool(
    x: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, *,
    rng: Any = None, **common: Any,
) -> Any:  # fmt: skip
    """Max over windows at pseudo-random places (Graham 2014, arXiv:1412.6071); PyTorch's sequence.

    ``rng=None`` places them evenly (u = 0.5).

    >>> import numpy as np, anypool as ap
    >>> ap.fractional_max_pool(np.arange(10), 2, output_size=7)
    array([1, 3, 4, 5, 7, 8, 9])
    """
    over = where.fractional(kernel_size, output_size, output_ratio, rng)
    return pool(x, over, "max", **common)


def pyramid_pool(
    x: Any, bins: Any = (1, 2, 4), reduce: str | Reduction = "max", *, rule: str = "adaptive",
    **common: Any,
) -> Any:  # fmt: skip
    """Adaptive pooling with several numbers of bins, side by side (He et al., arXiv:1406.4729).

    The pooled axes become one axis, where the first of them stood.

    >>> import numpy as np, anypool as ap
    >>> ap.pyramid_pool(np.arange(16.0).reshape(4, 4), (1, 2))
    array([15.,  5.,  7., 13., 15.])
    """
    return pool(x, where.pyramid(bins, rule), reduce, **common)


def roi_pool(
    x: Any, boxes: Any, output_size: Any, reduce: str | Reduction = "max", *,
    rule: str = "adaptive", **common: Any,
) -> Any:  # fmt: skip
    """Adaptive windows laid on boxes of an image batch: boxes of any size, one output size.

    Args:
        boxes: (n, 1 + 2 * axes) whole numbers: the sample, the starts and the stops (half-open)
            along the pooled axes, in their order.

    Returns:
        (n, channels, *output_size): axis 0 counts the boxes.

    >>> import numpy as np, anypool as ap
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> ap.roi_pool(x, [[0, 0, 0, 2, 2], [0, 1, 1, 4, 4]], 1)[:, 0, 0, 0]
    array([ 5., 15.])
    """
    return pool(x, where.boxes(boxes, output_size, rule), reduce, **common)


MOST_WINDOWS = 1024


def _windows(make: Callable[..., Windows]) -> Callable[..., Windows]:
    """``make``, remembered for arguments that hash: the same windows are made once."""
    known: dict[tuple[Any, ...], Windows] = {}  # lru_cache would make torch.compile warn

    def made(*arguments: Any) -> Windows:
        try:
            found = known.get(arguments)
        except TypeError:
            return make(*arguments)
        if found is None:
            if len(known) >= MOST_WINDOWS:
                known.clear()
            found = known[arguments] = make(*arguments)
        return found

    return made


_sliding = _windows(where.sliding)
_adaptive = _windows(where.adaptive)

for _function in (pool, vjp):
    _function.__doc__ = (_function.__doc__ or "").rstrip() + "\n" + COMMON
