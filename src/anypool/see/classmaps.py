"""Where a network's scores come from: for every class, what each cell of its last maps adds.

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
class ClassMaps(showing.Shown):
    """What each cell adds to each score.

    contributions: float64 (N, K, H, W); where `exact`, those of a class and its bias sum to its
        score; else Grad-CAM, whose numbers mean only more and less
    bias: (N, K), the part of the score that no cell makes; zeros where not exact
    scores: (N, K), what is explained: before a last sigmoid or softmax, which `step` names
    output: (N, K) as the model gives them
    exact, why: whether the sums are proven on this x, and how a cell counts, or why they are not
    error: by how much the sums miss the scores, as a share of the largest score
    layer: whose maps these are; predicted, true: (N,) numbers of classes, or None
    classes: their names; pictures: the images, (H, W) or (H, W, 3) from 0 to 1
    """

    contributions: Floats
    bias: Floats
    scores: Floats
    output: Floats
    step: str
    exact: bool
    why: str
    error: float
    layer: str
    predicted: NDArray[np.int64] | None = None
    true: NDArray[np.int64] | None = None
    classes: tuple[str, ...] | None = None
    pictures: tuple[NDArray[np.float32], ...] = ()

    def figure(
        self, image: int = 0, *, classes: Sequence[Any] | None = None, most: int = 12,
        dpi: int = 120,
    ) -> Figure:  # fmt: skip
        """One image, its predicted class laid over it, and the maps of the classes beside.

        image: which of the batch; classes: numbers or names of those to draw, else the `most` with
        the highest scores; dpi: dots per inch on a screen, and of PNG files
        """
        from .inside.overlay import overlay

        return overlay(self, image, classes, most, dpi)

    def __repr__(self) -> str:
        n, k, *size = self.contributions.shape
        kind = "exact" if self.exact else "approximate"
        shape = " × ".join(map(str, size))
        return f"<ClassMaps: {kind}, {n} image{'s' * (n > 1)}, {k} classes, {shape}: {self.why}>"


def class_maps(
    model: Any, x: Any, pool: Any = None, *, true: Any = None,
    classes: Sequence[str] | None = None, scores: Any = None,
) -> ClassMaps:  # fmt: skip
    """For every class the cells that make its score; the model is left exactly as it was.

    model, x, true, classes, scores: as for `anypool.see.features`
    pool: the global pooling by name, number or module, or several that take the same maps; None:
        the model's last one. A model without a pooling layer is cut behind its last maps.

    With a 1x1 convolution before a global pooling the map before the pool is the class map. Every
    cell's contribution is x/N under the average, the winner alone under max, x · dy/dx for every
    pooling that is proportional to its map (Lp, median, top-k, mixtures), and an exact rule of
    their own for GeM, soft, log-sum-exp, std, attention: see `anypool.see.inside.shares`. A linear
    layer behind the pooling weighs them (the classic class activation map); its bias is `bias`.

    Nothing is assumed: on this very x the head is measured at other values, the scores must see
    the image by no other way, and the sums must give the scores within 1e-5. Where that fails
    (a head of several layers, say) `exact` is False, `why` says so, and the maps are Grad-CAM, by
    torchcam (`pip install 'anypool[cam]'`); without it PoolError says why.

    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    >>> found = class_maps(net, torch.rand(1, 4, 4))
    >>> found.exact, int((found.contributions[0, 0] != 0).sum())
    (True, 1)
    >>> bool(np.allclose(found.contributions.sum((2, 3)) + found.bias, found.scores, rtol=1e-5))
    True
    """
    showing.needs_torch()
    from .inside.explained import explained

    return ClassMaps(**explained(model, x, pool, true, classes, scores))
