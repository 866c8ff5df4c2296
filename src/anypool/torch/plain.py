"""Pooling in plain tensor operations."""

from typing import Any


def pool(*arguments: Any, **common: Any) -> Any:
    """To come."""
    raise NotImplementedError
