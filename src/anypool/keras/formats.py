"""Keras's words for where things are: data formats, and the shapes that come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ..errors import PoolError, ShapeError
from ..windows import Windows
from ..windows.rules import Rule, Slide

Shape = tuple[int | None, ...]
FORMATS = ("channels_last", "channels_first")


def data_format_of(word: str | None) -> str:
    """The data format, Keras's own default where none is named."""
    found = keras.config.image_data_format() if word is None else str(word).lower()
    if found not in FORMATS:
        raise PoolError(f'data_format is {word!r}; use "channels_last" or "channels_first"')
    return found


def spatial(ndim: int, data_format: str) -> tuple[int, ...]:
    """The axes between batch and channels."""
    if ndim < 3:
        raise ShapeError(
            f'data_format="{data_format}" speaks of a batch, channels and at least one axis to '
            f"pool; inputs have {ndim} axes"
        )
    first = 1 if data_format == "channels_last" else 2
    return tuple(range(first, first + ndim - 2))


def check_rank(ndim: int, rank: int, data_format: str) -> None:
    """A layer or function with a rank in its name takes a batch and channels beside it."""
    if ndim != rank + 2:
        axes = ", ".join(f"axis {i + 1}" for i in range(rank))
        named = ("batch", *axes.split(", "), "channels") if data_format == "channels_last" else (
            "batch", "channels", *axes.split(", "))  # fmt: skip
        raise ShapeError(
            f'{rank}D pooling with data_format="{data_format}" takes {rank + 2} axes '
            f"({', '.join(named)}); inputs have {ndim}"
        )


def channel_axis(ndim: int, data_format: str) -> int:
    return ndim - 1 if data_format == "channels_last" else 1


def with_channels(ndim: int, a: Any, data_format: str, what: str) -> Any:
    """A mask or weights of (batch, *spatial) with an axis of length 1 for the channels."""
    if a is None:
        return None
    if len(a.shape) == ndim:
        return a
    if len(a.shape) != ndim - 1:
        raise ShapeError(
            f"{what} has shape {tuple(a.shape)}; give it the {ndim} axes of the inputs, or those "
            f"without the channels"
        )
    return keras.ops.expand_dims(a, channel_axis(ndim, data_format))


def output_shape(windows: Windows, shape: Sequence[int | None], axes: tuple[int, ...]) -> Shape:
    """The shape of the pooled array; a size that is not known yet is None."""
    grids: list[list[Any]] = [
        [_outputs(rule, shape[a], a) for rule, a in zip(rules, axes, strict=True)]
        for rules in windows.rules(len(axes))
    ]
    if windows.joined:
        sizes = [None if None in grid else int(np.prod(grid)) for grid in grids]
        total = None if None in sizes else sum(sizes)  # type: ignore[arg-type]
        first = min(axes)
        kept = [n for a, n in enumerate(shape) if a not in axes]
        return (*kept[:first], total, *kept[first:])
    found = list(shape)
    for a, n in zip(axes, grids[0], strict=True):
        found[a] = n
    return tuple(n for a, n in enumerate(found) if windows.keepdims or a not in axes)


def _outputs(rule: Rule, n: int | None, axis: int) -> int | None:
    if n is not None:
        one = np.array([0]), np.array([n])
        return rule.lay(n, *one, None, axis).start.shape[1]
    if isinstance(rule, Slide):
        return None
    return getattr(rule, "m", 1)
