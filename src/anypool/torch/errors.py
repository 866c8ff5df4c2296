"""Errors that are ours and PyTorch's at once, so that either ``except`` finds them."""

from __future__ import annotations

from ..errors import PoolError


class PoolRuntimeError(PoolError, RuntimeError):
    """What PyTorch raises as a RuntimeError."""


class PoolTypeError(PoolError, TypeError):
    """What PyTorch raises as a TypeError."""


class PoolNotImplementedError(PoolError, NotImplementedError):
    """What PyTorch raises as a NotImplementedError (which is a RuntimeError)."""


class PoolIndexError(PoolError, IndexError):
    """What PyTorch raises as an IndexError."""


KINDS: dict[type[BaseException], type[PoolError]] = {
    RuntimeError: PoolRuntimeError,
    ValueError: PoolRuntimeError,
    TypeError: PoolTypeError,
    NotImplementedError: PoolNotImplementedError,
    IndexError: PoolIndexError,
}


def translated(error: Exception, hint: str = "") -> Exception:
    """PyTorch's refusal of arguments as ours; any other error (out of memory, ...) as it is."""
    kind = KINDS.get(type(error))
    if kind is None:
        return error
    told = str(error).splitlines()[0] if str(error) else type(error).__name__
    return kind(f"{hint} (PyTorch: {told})" if hint else told)
