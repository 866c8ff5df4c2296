"""What does it look like? Photographs pooled every way, as figures and a page.

Pillow and matplotlib (``pip install 'anypool[image]'``) are loaded when a picture is made, not
before.
"""

from __future__ import annotations

from .explorer import Explorer, explorer
from .figure import Panel, draw
from .image import Pooling, gallery, panels, poolings
from .read import read
from .rules import Cut, three_cuts

__all__ = [
    "Cut",
    "Explorer",
    "Panel",
    "Pooling",
    "draw",
    "explorer",
    "gallery",
    "panels",
    "poolings",
    "read",
    "three_cuts",
]
