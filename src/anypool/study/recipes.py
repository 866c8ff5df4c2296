"""How a network is trained: every setting by name, two ready sets of them, and what they do.

A recipe is plain data and stands whole in a trial's key; ``rate`` and ``augment`` are pure
functions of it and of where the training is, so that a resumed training needs no memory of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn

from ..errors import PoolError
from .arms import nearest

Tensor = torch.Tensor


@dataclass(frozen=True)
class Recipe:
    """Every setting of a training.

    split: "validation" keeps `share` of the training images of each class for validation, drawn
    anew for each seed; "tutorial" trains on all and validates on the test set, as the tutorial did.
    start: "xavier" (biases 0.01, the tutorial's) or "torch" (PyTorch's own initial tensors).
    score: "last" epoch's network, or the running average of the parameters ("average").
    """

    name: str = "fast"
    split: str = "validation"
    share: float = 0.1
    epochs: int = 12
    batch: int = 128
    shuffle: bool = True
    start: str = "torch"
    optimiser: str = "adamw"
    rate: float = 6e-3
    decay: float = 0.02
    schedule: str = "onecycle"
    smoothing: float = 0.1
    flip: bool = True
    shift: int = 0
    erase: float = 0.0
    normalise: bool = True
    average: float = 0.0
    training_accuracy: str = "running"


RECIPES: dict[str, tuple[Recipe, str]] = {
    "fast": (
        Recipe(),
        "AdamW, one cycle of the learning rate, label smoothing, flips; minutes",
    ),
    "tutorial": (
        Recipe(
            name="tutorial", split="tutorial", share=0.0, epochs=60, batch=64, shuffle=False,
            start="xavier", optimiser="adam", rate=3e-4, decay=0.0, schedule="constant",
            smoothing=0.0, flip=False, normalise=False, training_accuracy="second pass",
        ),
        "the tutorial's own: Adam 3e-4, batch 64, no shuffling, 60 epochs",
    ),
}  # fmt: skip
CHOICES = {
    "split": ("validation", "tutorial"),
    "start": ("torch", "xavier"),
    "optimiser": ("adamw", "adam", "sgd"),
    "schedule": ("onecycle", "constant"),
    "training_accuracy": ("running", "second pass"),
}
LEAST = {
    "epochs": 1, "batch": 1, "rate": 0.0, "decay": 0.0, "smoothing": 0.0, "shift": 0,
    "erase": 0.0, "average": 0.0, "share": 0.0,
}  # fmt: skip
MOST = {"smoothing": 0.99, "erase": 1.0, "average": 0.9999, "share": 0.9}


def recipe(name: str = "fast", **settings: Any) -> dict[str, Any]:
    """The settings of a named recipe, with some of them replaced.

    >>> recipe("tutorial", epochs=5)["epochs"]
    5
    """
    if name not in RECIPES:
        raise PoolError(f"no recipe is called {name!r}; {nearest(name, RECIPES)}")
    known = {field.name: type(field.default) for field in fields(Recipe)}
    unknown = [setting for setting in settings if setting not in known]
    if unknown:
        raise PoolError(f"a recipe has no setting {unknown[0]!r}; {nearest(unknown[0], known)}")
    told = asdict(RECIPES[name][0])
    return told | {n: _checked(n, value, known[n]) for n, value in settings.items()}


def _checked(name: str, value: Any, kind: type) -> Any:
    """The value as the setting's type, or one sentence."""
    fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fits or (kind is not bool and isinstance(value, bool)):
        raise PoolError(f"the setting {name} is {value!r}; it must be of type {kind.__name__}")
    if name in CHOICES and value not in CHOICES[name]:
        raise PoolError(f"the setting {name} is {value!r}; it may be {', '.join(CHOICES[name])}")
    least, most = LEAST.get(name), MOST.get(name, math.inf)
    if least is not None and not least <= value <= most:
        upto = "" if most == math.inf else f" and at most {most}"
        raise PoolError(f"the setting {name} is {value}; it must be at least {least}{upto}")
    return kind(value)


def of(settings: Mapping[str, Any]) -> Recipe:
    """The recipe that a trial's settings describe."""
    return Recipe(**settings)


def start(model: nn.Module, recipe: Recipe) -> None:
    """Give the model its initial tensors; the caller has seeded torch."""
    if recipe.start == "xavier":
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.constant_(module.bias, 0.01)


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser; normalisation, biases and what a pooling learns are not decayed."""
    heavy = [p for p in model.parameters() if p.ndim > 1]
    light = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": heavy, "weight_decay": recipe.decay}]
    groups += [{"params": light, "weight_decay": 0.0}] if light else []
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, recipe.rate, momentum=0.9, nesterov=True)
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, recipe.rate, fused=True)


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step: one cycle rises over a quarter and falls to nothing.

    >>> [round(rate(Recipe(rate=1.0), s, 8), 3) for s in (0, 2, 7)]
    [0.2, 1.0, 0.056]
    """
    if recipe.schedule == "constant":
        return recipe.rate
    rise = max(1, steps // 4)
    if step < rise:
        return recipe.rate * (0.2 + 0.8 * step / rise)
    left = (steps - step) / (steps - rise)
    return recipe.rate * left * (0.2 + 0.8 * left) if left < 1 else recipe.rate


def augment(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """A batch (N, C, H, W) as one step of the training sees it."""
    if recipe.flip:
        turned = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(turned[:, None, None, None], images.flip(-1), images)
    if recipe.shift:
        images = _shifted(images, recipe.shift, generator)
    if recipe.erase:
        images = _erased(images, recipe.erase, generator)
    return images


def _shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Every image moved by up to ``most`` pixels each way, its border repeated."""
    n, _, height, width = images.shape
    moves = torch.randint(-most, most + 1, (2, n, 1), generator=generator)
    rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)
    columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)
    picked = images[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def _erased(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A square of a third of the side blanked in ``share`` of the images."""
    n, _, height, width = images.shape
    side = max(1, min(height, width) // 3)
    top = torch.randint(height - side + 1, (n, 1), generator=generator)
    left = torch.randint(width - side + 1, (n, 1), generator=generator)
    chosen = torch.rand(n, 1, generator=generator) < share
    rows, columns = torch.arange(height), torch.arange(width)
    within = ((rows >= top) & (rows < top + side) & chosen)[:, None, :, None] & (
        (columns >= left) & (columns < left + side)
    )[:, None, None, :]
    return images.masked_fill(within, 0)
