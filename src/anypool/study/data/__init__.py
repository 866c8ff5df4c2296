"""Data sets for a study: read, checked, named by their content, and kept for the workers."""

from __future__ import annotations

from .arrays import from_arrays
from .datasets import from_dataset
from .loading import NAMES, load
from .sets import Data
from .splits import split
from .store import keep, recall

__all__ = ["NAMES", "Data", "from_arrays", "from_dataset", "keep", "load", "recall", "split"]
