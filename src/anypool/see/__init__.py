"""What does it look like? Photographs pooled every way, and what a network sees in them.

Pillow and matplotlib (``pip install 'anypool[image]'``) are loaded when a picture is made, PyTorch
when a network is looked into, not before.
"""

from __future__ import annotations

from .classmaps import ClassMaps, class_maps
from .explorer import Explorer, explorer
from .features import Features, Layer, features, layers
from .figure import Panel, draw
from .image import gallery, panels
from .images import images
from .read import read
from .rules import Cut, copied, three_cuts
from .save import save
from .ways import Pooling, poolings
from .window_picture import windows

__all__ = [
    "ClassMaps",
    "Cut",
    "Explorer",
    "Features",
    "Layer",
    "Panel",
    "Pooling",
    "class_maps",
    "copied",
    "draw",
    "explorer",
    "features",
    "gallery",
    "images",
    "layers",
    "panels",
    "poolings",
    "read",
    "save",
    "three_cuts",
    "windows",
]
