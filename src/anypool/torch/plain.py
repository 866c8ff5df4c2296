"""The same pooling in plain tensor operations: for tracers, exporters and devices without kernels.

Nothing here looks at a number in a tensor, writes in place or needs a derivative of its own, so
whatever transforms PyTorch's operations transforms this. Arguments are taken as checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import PoolError
from ..reductions import Recipe, Reduction
from ..windows import Boxes, Fractional, Pyramid, Windows
from . import builtin, extremes, windowed
from .numbers import narrowed, natural, widened
from .places import Axis, Places, lay
from .totals import count, kept, seen, total
from .windowed import long


class Call(NamedTuple):
    """One call: the tensor to read, what of it is real, and what is asked."""

    x: Tensor
    real: Tensor | None
    weights: Tensor | None
    reduction: Reduction
    axes: tuple[int, ...]
    ties: str
    count_include_pad: bool
    divisor_override: Any
    selects: bool  # elements may be unreal inside a window
    parameter: Tensor | None
    indices: bool


def pool(
    x: Tensor, windows: Windows, reduction: Reduction, axes: tuple[int, ...], *,
    mask: Tensor | None = None, weights: Tensor | None = None, sizes: Tensor | None = None,
    fill: Any = 0, nan: str = "propagate", ties: str = "first",
    count_include_pad: bool | None = None, divisor_override: Any = None,
    parameter: Tensor | None = None, draws: Tensor | None = None, return_indices: bool = False,
    order: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """What ``anypool.pool`` gives, as a Tensor; with ``return_indices`` the places too.

    Args:
        axes: the pooled axes, sorted and not negative; ``sizes`` and ``draws`` are in their order.
        parameter: takes the place of the reduction's first parameter: without axes, or one that
            broadcasts against x with the pooled axes of length 1.
        order: where in ``windows`` each of the axes stands, where that is not its own place.
        draws: numbers in [0, 1): (..., axes) for windows at random places, after the axes that
            are not pooled; of the output's shape for a reduction that draws.
    """
    _refuse(windows, reduction, fill, nan, draws)
    selects = mask is not None or weights is not None or nan == "skip"
    if count_include_pad is None:
        count_include_pad = windows.pads and not selects and sizes is None
    real, weights = _hidden(x, mask, weights, nan, reduction.recipe.weighs)
    result = natural(x.dtype, reduction.recipe, weights is not None)
    wide = widened(x, reduction.recipe)
    low, high = _extents(sizes, x.ndim)
    if isinstance(windows, Boxes):
        wide, real, weights, low, high = _boxed(windows, len(axes), wide, real, weights)
    call = Call(wide, real, weights, reduction, axes, ties, count_include_pad, divisor_override,
                selects, parameter, return_indices)  # fmt: skip
    spots = _spots(draws, axes, x.ndim) if windows.random else None
    pieces = []
    for asked in windows.rules(len(axes)):
        rules = asked if order is None else tuple(asked[i] for i in order)
        own = builtin.pooled(call, rules, low is not None)
        if own is not None:
            pieces.append((narrowed(own, result, reduction.recipe), None))
            continue
        places = [
            lay(rule, Axis(a, x.ndim, wide.shape[a], x.device, low[i] if low else None,
                           high[i] if high else None, spots[i] if spots else None))
            for i, (rule, a) in enumerate(zip(rules, axes, strict=True))
        ]  # fmt: skip
        u = None if draws is None or windows.random else _own(draws, pieces, places, windows)
        y, at, nothing = _grid(call, places, u)
        pieces.append(_finished(y, at, nothing, fill, result, reduction.recipe))
    y = assembled([p[0] for p in pieces], axes, windows)
    return (y, assembled([p[1] for p in pieces], axes, windows)) if return_indices else y


def _refuse(windows: Windows, reduction: Reduction, fill: Any, nan: str, draws: Any) -> None:
    """What plain operations cannot say."""
    if fill is None:
        raise PoolError("fill=None needs to look at the numbers, which a traced call cannot")
    if nan == "raise":
        raise PoolError('nan="raise" needs to look at the numbers, which a traced call cannot')
    if reduction.recipe.user:
        raise PoolError(f"{reduction} is made of Python functions; plain operations have none")
    if windows.random and reduction.sampled:
        raise PoolError("windows and reduction both draw numbers; let one of the two draw")
    if draws is None and (windows.random or reduction.sampled):
        raise PoolError(f"{reduction} over {windows} draws numbers; give them as draws=")


# -- what is real -------------------------------------------------------------------------------


def _aligned(a: Tensor, rank: int) -> Tensor:
    return a.reshape((1,) * (rank - a.ndim) + tuple(a.shape))


def _hidden(
    x: Tensor, mask: Tensor | None, weights: Tensor | None, nan: str, weighs: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Which elements are real, and the weights where they mean more than that."""
    found = None if mask is None else _aligned(mask, x.ndim)
    if weights is not None:
        weights = _aligned(weights, x.ndim)
        found = weights > 0 if found is None else found & (weights > 0)
    if nan == "skip" and x.dtype.is_floating_point:
        found = x == x if found is None else found & (x == x)
    return found, weights if weighs else None


def _extents(sizes: Tensor | None, rank: int) -> tuple[list[Tensor] | None, list[Tensor] | None]:
    """The real extent of each sample, axis by axis, as tensors of ``rank + 1`` axes."""
    if sizes is None:
        return None, None
    pairs = torch.stack((torch.zeros_like(sizes), sizes), -1) if sizes.ndim == 2 else sizes
    shaped = pairs.to(torch.int64).movedim(0, 2).reshape(*pairs.shape[1:], -1, *(1,) * rank)
    return [own[0] for own in shaped.unbind()], [own[1] for own in shaped.unbind()]


def _boxed(
    windows: Boxes, axes: int, x: Tensor, real: Tensor | None, weights: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None, list[Tensor], list[Tensor]]:
    """The samples that boxes read, one for each box, and the extents of the boxes."""
    rows = torch.tensor(windows.boxes, dtype=torch.int64, device=x.device).reshape(-1, 1 + 2 * axes)
    sides = rows.T.reshape(1 + 2 * axes, -1, *(1,) * x.ndim).unbind()

    def taken(a: Tensor | None) -> Tensor | None:
        return a if a is None or a.shape[0] == 1 < x.shape[0] else a.index_select(0, rows[:, 0])

    return (x.index_select(0, rows[:, 0]), taken(real), taken(weights),
            list(sides[1 : 1 + axes]), list(sides[1 + axes :]))  # fmt: skip


def _spots(draws: Tensor | None, axes: tuple[int, ...], rank: int) -> list[Tensor]:
    """The draws of each pooled axis, as tensors of ``rank + 1`` axes."""
    assert draws is not None  # noqa: S101 - refused before
    outer = [a for a in range(rank) if a not in axes]
    found = []
    for own in draws.unbind(-1):
        shape = [1] * (rank + 1)
        for a, n in zip(outer, own.shape, strict=True):
            shape[a] = n
        found.append(own.reshape(shape))
    return found


# -- one grid -----------------------------------------------------------------------------------


def _grid(
    call: Call, places: Sequence[Places], draws: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The value of every window, where it stands, and whether there is nothing real."""
    name = call.reduction.name
    if name in ("max", "min") and call.ties == "split" and not call.indices:
        return _shared(call, places, 1 if name == "max" else -1)
    if name in ("max", "min", "any", "all"):
        return _extreme(call, places)
    if name in ("sum", "mean"):
        return _total(call, places)
    if name in ("lp", "gem") and call.reduction.numbers[0] == float("inf"):
        return _endless(call, places)
    return windowed.reduce(call, places, draws)


def _extreme(call: Call, places: Sequence[Places]) -> Any:
    x, name = call.x, call.reduction.name
    sign = 1 if name in ("max", "any") else -1
    if name in ("any", "all"):
        x = (x != 0).to(torch.uint8)
    real = long(call.real, call, places)
    nothing = _not(seen(real, places))
    if not call.indices and (not x.dtype.is_floating_point or windowed.silent(x)):
        return extremes.best(x, real, places, sign), None, nothing
    y, at = extremes.found(kept(x, real, 0), real, places, sign)
    return y, at if nothing is None else torch.where(nothing, -1, at), nothing


def _shared(call: Call, places: Sequence[Places], sign: int) -> Any:
    v, w, nothing = windowed.gather(call, places, call.x.dtype)
    return extremes.shared(v, w, sign), None, nothing


def _endless(call: Call, places: Sequence[Places]) -> Any:
    """The norm and the mean of endless power: the largest, whose equals share."""
    v, w, nothing = windowed.gather(call, places, call.x.dtype)
    if call.reduction.name == "lp":
        v = v.abs()
    else:
        eps = call.reduction.numbers[1]
        v = torch.where(v <= eps, eps, v)
    return extremes.shared(v, w, 1), None, nothing


def _total(call: Call, places: Sequence[Places]) -> Any:
    """Sums and means. A mean divides by what it counts, which is known or summed as well."""
    x, real, mean = call.x, call.real, call.reduction.name == "mean"
    nothing = _not(seen(long(real, call, places), places))
    x = kept(x, real, 0)
    if call.weights is not None:
        weights = torch.where(real, call.weights.to(_weight_dtype(x)), 0)  # type: ignore[arg-type]
        x = x * weights
    y = total(x, places)
    if not mean:
        return y, None, nothing
    divisor: Any
    if call.divisor_override is not None:
        divisor = call.divisor_override
    elif not call.selects:
        divisor = count(places, call.count_include_pad)
    elif call.weights is not None:
        divisor = total(long(weights, call, places), places)  # type: ignore[arg-type]
    else:
        divisor = total(long(real, call, places).to(x.dtype), places)  # type: ignore[union-attr]
    if nothing is not None and isinstance(divisor, Tensor):
        divisor = torch.where(divisor == 0, 1, divisor)
    return y / divisor, None, nothing


def _weight_dtype(x: Tensor) -> torch.dtype:
    floats = x.dtype.is_floating_point or x.dtype.is_complex
    return x.dtype.to_real() if floats else torch.float64


def _not(a: Tensor | None) -> Tensor | None:
    return None if a is None else ~a


# -- the finish ---------------------------------------------------------------------------------


def _finished(
    y: Tensor, at: Tensor | None, nothing: Tensor | None, fill: Any, result: torch.dtype,
    recipe: Recipe,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    if nothing is None:
        return narrowed(y, result, recipe), at
    if not result.is_complex and not result.is_floating_point:
        y = narrowed(y, result, recipe)
        return torch.where(nothing, torch.full((), fill, dtype=result, device=y.device), y), at
    return narrowed(torch.where(nothing, fill, y), result, recipe), at


def assembled(pieces: Sequence[Any], axes: tuple[int, ...], windows: Windows) -> Tensor:
    """A pyramid's pieces as one axis where the first pooled axis stood; dropped axes dropped."""
    y = pieces[0]
    if isinstance(windows, Pyramid):
        side = tuple(range(axes[0], axes[0] + len(axes)))
        flat = [p.movedim(axes, side).flatten(side[0], side[-1]) for p in pieces]
        return torch.cat(flat, axes[0])
    return y if windows.keepdims else y.reshape([n for a, n in enumerate(y.shape) if a not in axes])


def _own(
    draws: Tensor, before: Sequence[Any], places: Sequence[Places], windows: Windows
) -> Tensor:
    """The draws of one grid, pooled axes in their places."""
    axes = tuple(p.axis.axis for p in places)
    if isinstance(windows, Fractional) or not windows.joined:
        shape = list(draws.shape)
        for a in axes if not windows.keepdims else ():
            shape.insert(a, 1)
        return draws.reshape(shape)
    side = tuple(range(axes[0], axes[0] + len(axes)))
    sizes = [p.outputs for p in places]
    first = sum(_joined_size(y, axes) for y, _ in before)
    own = draws.narrow(axes[0], first, torch.Size(sizes).numel())
    return own.unflatten(axes[0], sizes).movedim(side, axes)


def _joined_size(y: Tensor, axes: tuple[int, ...]) -> int:
    return torch.Size([y.shape[a] for a in axes]).numel()
