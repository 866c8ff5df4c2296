"""Which framework an array belongs to, and the front that pools it there."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

FRONTS = ("torch", "tensorflow", "keras")


def home(x: Any) -> str:
    """The framework of an array or of a list's first array; "" where NumPy does it.

    Only frameworks that the process has already loaded are looked at.
    """
    if type(x) is np.ndarray:
        return ""
    if isinstance(x, list | tuple) and x:
        x = x[0]
    name = type(x).__module__.partition(".")[0]
    if name in FRONTS:
        return name
    loaded = sys.modules.get("torch")  # a subclass of Tensor made elsewhere
    return "torch" if loaded is not None and isinstance(x, loaded.Tensor) else ""


def front(x: Any) -> Any:
    """The room that pools arrays like x, or None for NumPy's; it is loaded now if it was not."""
    # the imports against the arrows, in the form that torch.compile can follow
    where = home(x)
    if where == "torch":
        from .torch import front as there
    elif where == "tensorflow":
        from .tensorflow import front as there
    elif where == "keras":
        from .keras import front as there
    else:
        return None
    return there
