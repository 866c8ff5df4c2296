"""What does it look like? Photographs pooled every way, and what a network sees in them.

Pillow and matplotlib (``pip install 'anypool[image]'``) are loaded when a picture is made, PyTorch
when a network is looked into, not before.
"""

from __future__ import annotations

from .classmaps import ClassMaps, class_maps
from .features import Features, Layer, features, layers
from .figure import Panel, draw
from .image import Pooling, gallery, panels, poolings
from .read import read
from .rules import Cut, three_cuts

__all__ = [
    "ClassMaps",
    "Cut",
    "Features",
    "Layer",
    "Panel",
    "Pooling",
    "class_maps",
    "draw",
    "features",
    "gallery",
    "layers",
    "panels",
    "poolings",
    "read",
    "three_cuts",
]
