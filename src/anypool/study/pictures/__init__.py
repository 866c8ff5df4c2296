"""The pictures of a study: each function takes data and gives a matplotlib Figure."""

from __future__ import annotations

from .classes import class_differences
from .cost import cost, costs, front
from .curves import accuracy_curves, loss_curves, recorded
from .forest import forest
from .save import inline, save
from .slopes import slopes
from .steady import steadiness, steady_parts
from .style import looks

__all__ = [
    "accuracy_curves",
    "class_differences",
    "cost",
    "costs",
    "forest",
    "front",
    "inline",
    "looks",
    "loss_curves",
    "recorded",
    "save",
    "slopes",
    "steadiness",
    "steady_parts",
]
