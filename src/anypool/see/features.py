"""What a layer of a network sees: its maps, drawn as a grid, without a trace left in the network.

PyTorch and matplotlib are loaded when they are needed, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import showing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False, repr=False)
class Features(showing.Shown):
    """The maps of one layer for every image of a batch.

    maps: (N, C, H, W); (N, C, L) of signals, (N, C, D, H, W) of volumes, (N, C) of vectors
    layer, kind: the layer's name and its class; entering: the maps it takes, not those it gives
    scores: (N, K) as the model gives them, before a last sigmoid or softmax; None without scores
    predicted, true: (N,) numbers of classes, or None
    classes: their names, or None; of_classes: map k alone makes score k (measured)
    pictures: the images, (H, W) or (H, W, 3) from 0 to 1; (C, L) of signals
    note: what a reader must know, such as which of several calls is shown
    """

    maps: Floats
    layer: str
    kind: str
    entering: bool
    scores: Floats | None = None
    predicted: NDArray[np.int64] | None = None
    true: NDArray[np.int64] | None = None
    classes: tuple[str, ...] | None = None
    of_classes: bool = False
    pictures: tuple[NDArray[np.float32], ...] = ()
    note: str = ""

    @property
    def names(self) -> list[str]:
        """What each map is called: its class where it is a class map, else its number."""
        count = self.maps.shape[1]
        if not self.of_classes:
            return [f"#{i}" for i in range(count)]
        return list(self.classes or [f"class {i}" for i in range(count)])

    @property
    def title(self) -> str:
        """Which maps these are, in words."""
        count, *size = self.maps.shape[1:]
        shape = f" of {' × '.join(map(str, size))}" if size else ""
        what = ("map" if size else "number") + ("s" if count > 1 else "")
        verb = "entering" if self.entering else "leaving"
        return f"{count} {what}{shape} {verb} {self.layer or 'the model'} ({self.kind})"

    def figure(
        self, image: int = 0, *, most: int = 100, channels: Sequence[int] | None = None,
        dpi: int = 120,
    ) -> Figure:  # fmt: skip
        """One image with its maps beside it: a grid of one colour scale, mean and peak under each.

        image: which of the batch; channels: which maps, else all, or the `most` with the highest
        peak where there are more; dpi: dots per inch on a screen, and of PNG files
        """
        from .inside.grid import grid

        return grid(self, image, most, channels, dpi)

    def __repr__(self) -> str:
        images = len(self.maps)
        found = self.predicted
        seen = "" if found is None else f"; predicted {showing.said(found, self.classes)}"
        return f"<Features: {self.title}, {images} image{'s' * (images > 1)}{seen}>"


def features(
    model: Any, x: Any, layer: Any = None, *, entering: bool | None = None,
    call: int | None = None, true: Any = None, classes: Sequence[str] | None = None,
    scores: Any = None,
) -> Features:  # fmt: skip
    """The maps of a layer for an image or a batch; the model is left exactly as it was.

    model: a `torch.nn.Module` that takes (N, C, H, W), in any mode, or a network of a study
        (`Study(...).network()`), whose own normalisation the images then go through
    x: an array or a tensor (C, H, W) or (N, C, H, W), floats as the model was trained on;
        (H, W, C) where only that fits; the path of a picture, read as floats from 0 to 1
    layer: a name such as "features.16", a number that counts the layers with none inside in the
        order of `named_modules`, or the module; None: what enters the global pooling, or where
        that is no layer, the last maps that a layer gives
    entering: the maps that the layer takes instead of those it gives
    call: which call of a layer that is called several times, from 0; None: the last
    true: the right class of the image, or of each: numbers, or names of `classes`
    scores: where the output holds them, if it is a dict or a tuple: a key, a place, or a function

    The forward runs in evaluation mode, without gradients. Maps are copied as they pass, so that
    layers that work in place cannot spoil them. What a forward stores by itself in attributes of
    the model, and hooks of your own on it, are not touched. PoolError says in one sentence what
    does not fit.

    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> seen = features(net, np.zeros((1, 8, 8), np.float32), "1")
    >>> seen.maps.shape, seen.title
    ((1, 3, 6, 6), '3 maps of 6 × 6 leaving 1 (ReLU)')
    >>> features(net, np.zeros((1, 8, 8), np.float32)).title
    '3 maps of 6 × 6 entering 2 (AdaptiveAvgPool2d)'
    """
    showing.needs_torch()
    from .inside.record import recorded

    return Features(**recorded(model, x, layer, entering, call, true, classes, scores))


@dataclass(frozen=True)
class Layer:
    """A layer as it was called: its number among those with none inside, its shapes.

    number: None for a layer that holds others; takes, gives: shapes, or None where no tensor
    """

    number: int | None
    name: str
    kind: str
    takes: tuple[int, ...] | None
    gives: tuple[int, ...] | None
    parameters: int
    pools: bool = False


def layers(model: Any, x: Any, *, scores: Any = None) -> list[Layer]:
    """Every layer that a forward of x calls, in the order of `named_modules`.

    pools: the global pooling, whose entering maps `features` shows where no layer is named

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> [(row.number, row.kind, row.gives) for row in layers(net, np.zeros((1, 8, 8)))][:2]
    [(0, 'Conv2d', (1, 3, 6, 6)), (1, 'AdaptiveAvgPool2d', (1, 3, 1, 1))]
    """
    showing.needs_torch()
    from .inside.record import outlined

    return [Layer(**row) for row in outlined(model, x, scores)]
