"""The errors anypool raises. Every message says what was asked, the rule, and what would fit."""

from __future__ import annotations


class PoolError(ValueError):
    """A pooling that cannot be done as asked."""


class ShapeError(PoolError):
    """Arrays, axes or sizes that do not agree with each other."""


class WindowError(PoolError):
    """Windows that cannot be laid on the given sizes."""


class ReductionError(PoolError):
    """A reduction, or one of its parameters, that has no meaning here."""
