"""Which framework an array belongs to, and the front that pools it there."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

# the package that an array's type comes from -> the front that pools it
FRONTS = {
    "torch": "torch", "jax": "jax", "jaxlib": "jax", "tensorflow": "tensorflow", "keras": "keras",
}  # fmt: skip


def home(x: Any) -> str:
    """The front of an array or of a list's first array; "" where NumPy does it.

    Only frameworks that the process has already loaded are looked at.
    """
    if type(x) is np.ndarray:
        return ""
    if isinstance(x, list | tuple) and x:
        x = x[0]
    name = FRONTS.get(type(x).__module__.partition(".")[0])
    if name is not None:
        return name
    loaded = sys.modules.get("torch")  # a subclass of Tensor made elsewhere
    if loaded is not None and isinstance(x, loaded.Tensor):
        return "torch"
    if isinstance(x, np.ndarray | np.generic):
        return ""
    kind = type(x)
    speaks = hasattr(kind, "__array_namespace__") or hasattr(kind, "__dlpack__")
    return "arrayapi" if speaks else ""


def front(x: Any) -> Any:
    """The room that pools arrays like x, or None for NumPy's; it is loaded now if it was not."""
    name = home(x)
    if not name:
        return None
    if name == "torch":
        # the one import against the arrows, and the form of it that torch.compile can follow
        from .torch import front as there

        return there
    return importlib.import_module(f".{name}.front", __package__)
