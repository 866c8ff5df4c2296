"""Errors that are ours and Keras's at once, so that either ``except`` finds them."""

from __future__ import annotations

from ..errors import PoolError


class PoolTypeError(PoolError, TypeError):
    """What Keras raises as a TypeError."""
