"""Images as the networks take them: float batches from bytes, of one size or of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Tensor = torch.Tensor


@dataclass
class Images:
    """Images in memory as they were stored, with what makes floats of them.

    held: (N, C, H, W) or a list of (C, H, W), bytes or floats; mean, scale: (C, 1, 1)
    """

    held: Tensor | list[Tensor]
    mean: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.held)

    def batch(self, chosen: Tensor) -> Tensor | list[Tensor]:
        """The chosen images as floats, (N, C, H, W) with the channels last in memory, or a list."""
        if isinstance(self.held, Tensor):
            picked = self.held[chosen].float()
            return ((picked - self.mean) / self.scale).contiguous(memory_format=torch.channels_last)
        return [(self.held[i].float() - self.mean) / self.scale for i in chosen.tolist()]

    def only(self, chosen: Tensor) -> Images:
        """Some of the images."""
        some = self.held[chosen] if isinstance(self.held, Tensor) else [
            self.held[i] for i in chosen.tolist()
        ]  # fmt: skip
        return Images(some, self.mean, self.scale)


def held(images: Any) -> Tensor | list[Tensor]:
    """A data set's images as tensors."""
    if isinstance(images, np.ndarray):
        return torch.from_numpy(np.array(images))
    return [torch.from_numpy(np.array(image)) for image in images]


def scaling(images: Any, chosen: NDArray[Any], normalise: bool) -> tuple[Tensor, Tensor]:
    """Mean and scale of every channel over the training images; 0 and 255 where not wanted."""
    first = images[0]
    whole = 255.0 if first.dtype == np.uint8 else 1.0
    channels = first.shape[0]
    if not normalise:
        return torch.zeros(channels, 1, 1), torch.full((channels, 1, 1), whole)
    sums, squares, count = np.zeros(channels), np.zeros(channels), 0
    for some in _pieces(images, chosen):
        flat = some.astype(np.float64).swapaxes(0, 1).reshape(channels, -1)
        sums, squares, count = sums + flat.sum(1), squares + (flat**2).sum(1), count + flat.shape[1]
    mean = sums / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
    spread[spread == 0] = whole  # a channel that says nothing stays as it is
    shape = (channels, 1, 1)
    return torch.tensor(mean).float().reshape(shape), torch.tensor(spread).float().reshape(shape)


def _pieces(images: Any, chosen: NDArray[Any], most: int = 2048) -> Sequence[NDArray[Any]]:
    """The chosen images some at a time, so that their floats never fill the memory."""
    if isinstance(images, np.ndarray):
        return [images[chosen[i : i + most]] for i in range(0, len(chosen), most)]
    return [np.asarray(images[i])[None] for i in chosen]


def scores(model: nn.Module, images: Tensor | list[Tensor]) -> Tensor:
    """The model's scores of a batch; images of different sizes go through it size by size."""
    if isinstance(images, Tensor):
        return model(images)
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, image in enumerate(images):
        groups.setdefault(tuple(image.shape), []).append(place)
    parts = [model(torch.stack([images[i] for i in places])) for places in groups.values()]
    back = torch.tensor([i for places in groups.values() for i in places]).argsort()
    return torch.cat(parts)[back]


def augmented(images: Tensor | list[Tensor], change: Any) -> Tensor | list[Tensor]:
    """A batch changed at random; each image by itself where sizes differ."""
    if isinstance(images, Tensor):
        return change(images)
    return [change(image[None])[0] for image in images]


def half(precision: str, device: str = "cpu") -> torch.autocast:
    """bfloat16 where the trial's precision says so.

    >>> half("float32")._enabled
    False
    """
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")
