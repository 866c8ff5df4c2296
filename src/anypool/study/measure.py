"""What a trained network is worth: right or wrong on every example, moved images, other sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import nn

from .device import device_of, moved
from .images import Images, half, scores

Tensor = torch.Tensor
BATCH = 500
SHIFTS = tuple((s * dy, s * dx) for s in (1, 2, 3) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)))
SCALES = (0.75, 1.25, 1.5)
SOME = 2000  # examples for the measures that look at each image many times


def classes(model: nn.Module, images: Images, precision: str) -> Tensor:
    """The class the model gives each image, int64 (N,)."""
    every = torch.arange(len(images))
    return torch.cat([_guess(model, images.batch(c), precision) for c in every.split(BATCH)])


def _guess(model: nn.Module, batch: Tensor | list[Tensor], precision: str) -> Tensor:
    model.eval()
    place = device_of(model)
    with torch.inference_mode(), half(precision, place.type):
        return scores(model, moved(batch, place)).argmax(1).cpu()


def correct(model: nn.Module, images: Images, labels: Tensor, precision: str) -> NDArray:
    """Whether the model is right about each image, bool (N,)."""
    return (classes(model, images, precision) == labels).numpy()


def shift_consistency(model: nn.Module, images: Images, precision: str) -> float:
    """The share of unchanged classes when images move by 1 to 3 pixels in each of 4 directions.

    The border is repeated; the first 2000 images tell.
    """
    some = images.only(torch.arange(len(images))[:SOME])
    same = total = 0
    for chosen in torch.arange(len(some)).split(BATCH):
        batch = some.batch(chosen)
        still = _guess(model, batch, precision)
        for down, right in SHIFTS:
            moved = _each(batch, partial(moved_by, down=down, right=right))
            same += int((_guess(model, moved, precision) == still).sum())
            total += len(chosen)
    return same / total


def moved_by(images: Tensor, down: int, right: int) -> Tensor:
    """Images (N, C, H, W) moved down and to the right, their border repeated.

    >>> moved_by(torch.tensor([[[[1, 2, 3]]]]), 0, 1)
    tensor([[[[1, 1, 2]]]])
    """
    rows = (torch.arange(images.shape[-2]) - down).clamp(0, images.shape[-2] - 1)
    columns = (torch.arange(images.shape[-1]) - right).clamp(0, images.shape[-1] - 1)
    return images[..., rows, :][..., columns]


def _each(
    batch: Tensor | list[Tensor], change: Callable[[Tensor], Tensor]
) -> Tensor | list[Tensor]:
    """A batch changed; image by image where sizes differ."""
    if isinstance(batch, Tensor):
        return change(batch).contiguous(memory_format=torch.channels_last)
    return [change(image[None])[0] for image in batch]


def other_sizes(
    model: nn.Module, images: Images, labels: Tensor, precision: str
) -> dict[str, float]:
    """Accuracy on the first 2000 images scaled to 0.75, 1.25 and 1.5 times their size."""
    some, truth = images.only(torch.arange(len(images))[:SOME]), labels[:SOME]
    found: dict[str, float] = {}
    if isinstance(some.held, list):
        return found
    height, width = some.held.shape[2:]
    for scale in SCALES:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        scaled = partial(F.interpolate, size=size, mode="bilinear", antialias=True)
        try:
            right = sum(
                int((_guess(model, _each(some.batch(c), scaled), precision) == truth[c]).sum())
                for c in torch.arange(len(some)).split(BATCH)
            )
        except RuntimeError:  # the network's own windows do not fit so small an image
            continue
        found[f"accuracy@{size[0]}x{size[1]}"] = right / len(some)
    return found
