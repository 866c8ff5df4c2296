"""What XLA hands to a function of ours on the CPU: a call frame, read where it lies.

The layout is that of XLA's FFI, version 0 (``jaxlib/include/xla/ffi/api/c_api.h``). XLA promises to
keep it for a year at a time; so a frame says how long it is, each buffer what it is, and nothing is
read from one that does not look as expected: the call fails with a sentence, and the test of one's
own (``kernelled``) that runs before any other call finds that out.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

VERSION = (0, 1)  # the oldest that has everything used here
METADATA, BUFFER = 1, 1  # kinds of extensions and of arguments
# byte offsets: in the frame, in its lists of arguments and results, and in a buffer
LENGTH, EXTENSION, API, ARGS, RETS = 0, 8, 16, 40, 80
COUNT, KINDS, POINTERS = 16, 24, 32
DATA, RANK, DIMS = 24, 32, 40
FRAME_LENGTH, LIST_LENGTH, BUFFER_LENGTH = 128, 40, 48  # at least
ERROR_CREATE, FAILED = 48, 13  # in the table of functions; XLA's code for an internal error

_word = ctypes.c_int64.from_address
_half = ctypes.c_int32.from_address
_KIND = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class Shape(NamedTuple):
    """A buffer: NumPy's dtype and its axes, in C order."""

    dtype: np.dtype
    axes: tuple[int, ...]


class _Failure(ctypes.Structure):
    """The arguments of XLA's function that makes an error."""

    _fields_ = (
        ("length", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    )


class FrameError(RuntimeError):
    """A call frame that does not look as it should."""


def handler(
    function: Callable[..., None], arguments: Sequence[Shape], results: Sequence[Shape]
) -> Any:
    """A function that XLA can call, which calls ``function`` with arrays for all buffers.

    The arrays are XLA's own memory and live until the call is over.
    """
    readers = [_reader(ARGS, i, shape) for i, shape in enumerate(arguments)]
    readers += [_reader(RETS, i, shape) for i, shape in enumerate(results)]
    counts = (ARGS, len(arguments)), (RETS, len(results))

    def called(frame: int) -> int | None:
        try:
            if _word(frame + EXTENSION).value and _introduced(frame):
                return None
            _check(frame, counts)
            function(*[read(frame) for read in readers])
        except BaseException as error:  # it may not leave through XLA's code
            return _failure(frame, error)
        return None

    return _KIND(called)


def capsule(made: Any) -> Any:
    """A handler as ``jax.ffi.register_ffi_target`` takes it; the handler must be kept alive."""
    return jax.ffi.pycapsule(made)


def _introduced(frame: int) -> bool:
    """Tell XLA which version this was written for, where it asks instead of calling."""
    extension = _word(frame + EXTENSION).value
    if _half(extension + 8).value != METADATA:
        return False
    version = _word(extension + 24).value + 8
    _half(version + 16).value, _half(version + 20).value = VERSION
    return True


def _check(frame: int, counts: tuple[tuple[int, int], ...]) -> None:
    if _word(frame + LENGTH).value < FRAME_LENGTH:
        raise FrameError(f"a call frame of {_word(frame + LENGTH).value} bytes")
    for at, count in counts:
        length, found = _word(frame + at).value, _word(frame + at + COUNT).value
        if length != LIST_LENGTH or found != count:
            raise FrameError(f"a list of {found} buffers, {length} bytes long")


def _reader(at: int, number: int, shape: Shape) -> Callable[[int], np.ndarray]:
    """The array of one buffer of a frame."""
    rank, bytes_ = len(shape.axes), math.prod(shape.axes) * shape.dtype.itemsize
    memory, dtype, axes = ctypes.c_char * bytes_, shape.dtype, shape.axes

    def read(frame: int) -> np.ndarray:
        buffer = _word(_word(frame + at + POINTERS).value + 8 * number).value
        if _word(buffer).value < BUFFER_LENGTH or _word(buffer + RANK).value != rank:
            raise FrameError(f"a buffer of {_word(buffer).value} bytes")
        data = memory.from_address(_word(buffer + DATA).value)
        return np.frombuffer(data, dtype).reshape(axes)  # type: ignore[call-overload]

    return read


def _failure(frame: int, error: BaseException) -> int:
    """An error of XLA's that says what went wrong."""
    message = f"anypool: {type(error).__name__}: {error}".encode()
    create = _word(_word(frame + API).value + ERROR_CREATE).value
    made = _Failure(ctypes.sizeof(_Failure), None, message, FAILED)
    return _KIND(create)(ctypes.addressof(made))
