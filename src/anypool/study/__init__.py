"""Which pooling for my data? Trials, a store that survives, and an honest verdict."""

from __future__ import annotations
