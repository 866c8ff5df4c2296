"""From one framework to another: a pooling's arguments, and whether two poolings agree."""

from __future__ import annotations

from .agreement import Agreement, port_check
from .porting import Ported, port

__all__ = ["Agreement", "Ported", "port", "port_check"]
