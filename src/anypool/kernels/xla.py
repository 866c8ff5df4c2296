"""Kernels as functions that XLA calls from inside its compiled programs, on the CPU.

XLA calls a C function with the address of a *call frame*: where the arguments and the results lie.
Here that function is compiled too and never asks for Python's lock: a call costs some four
microseconds, no Python thread can hold it up, and none can be waited for at the end of a process.
Measured: the same call through Python takes 10 us longer, and up to the 5 ms that a busy Python
thread keeps the lock.

The frame's layout is that of XLA's FFI (``jaxlib/include/xla/ffi/api/c_api.h``), major version 0.
A frame says how long its parts are and which version it is of, and each buffer how many axes it
has: where that is not as expected the call fails with a sentence. Large work is shared with XLA's
own threads. Parts are claimed, so that a call never waits for a thread that has not come.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding

from .address import (
    added,
    call,
    give_back,
    half,
    kernel_call,
    put,
    put_half,
    room,
    word,
)
from .cache import compile, helper

VERSION_MINOR = 1  # the oldest of major version 0 that has all that is used here
METADATA = 1  # the kind of extension by which XLA asks for the version
# byte offsets in a frame, in its lists of arguments and of results, and in a buffer
EXTENSION, API, CONTEXT, ARGS, RETS, FRAME = 8, 16, 24, 40, 80, 128
COUNT, POINTERS, LIST = 16, 32, 40
DATA, RANK, BUFFER = 24, 32, 48
# in XLA's table of functions
MAJOR, ERROR_CREATE, ERROR_DESTROY, SCHEDULE = 32, 48, 64, 136
# words of a job, and behind them five for each array: where it comes from (0 an argument, 1 a
# result, 2 memory of ours) and which, its axes, its elements and their bytes
KERNEL, ARRAYS, TOTAL, PARTS, GIVEN, MADE, TASK, YIELD, MESSAGE, HEAD = range(10)
# words of the state of one call, and behind them three for each array
NEXT, OVER, HOLDERS, FAILED, JOB, STATE = range(6)
FAILURE = 13  # XLA's code for an internal error

_three, _four = kernel_call(3), kernel_call(4)


def inner(function: Callable[..., Any]) -> Any:
    """A step of the functions below, compiled into them."""
    return helper(function, f"xla_{function.__name__}")


class Side(NamedTuple):
    """One of a kernel's arrays: argument or result ``number`` of the call, or memory of ours."""

    like: np.ndarray  # for its dtype and shape, or the memory itself
    number: int | None = None
    result: bool = False


# -- what runs inside XLA's programs --------------------------------------------------------------


@inner
def refusal(frame, job):
    """An error of XLA's that says the sentence of the job."""
    given = room(32)
    put(given, 28)
    put(given + 8, 0)
    put(given + 16, word(job + 8 * MESSAGE))
    put_half(given + 24, FAILURE)
    error = call(word(word(frame + API) + ERROR_CREATE), given)
    give_back(given)
    return error


@inner
def told(frame):
    """Whether XLA only asked which version this was written for; it is told."""
    extension = word(frame + EXTENSION)
    if extension == 0 or half(extension + 8) != METADATA:
        return False
    version = word(extension + 24) + 8
    put_half(version + 16, 0)
    put_half(version + 20, VERSION_MINOR)
    return True


@inner
def fits(frame, job):
    """Whether a frame looks as it should."""
    if word(frame) < FRAME or half(word(frame + API) + MAJOR) != 0:
        return False
    args, rets = frame + ARGS, frame + RETS
    if word(args) != LIST or word(rets) != LIST:
        return False
    given, made = word(job + 8 * GIVEN), word(job + 8 * MADE)
    return word(args + COUNT) == given and word(rets + COUNT) == made


@inner
def found(frame, job, sides):
    """Write where every array lies behind the state; whether all look as they should."""
    for i in range(word(job + 8 * ARRAYS)):
        side, at = job + 8 * (HEAD + 5 * i), sides + 24 * i
        where, number = word(side), word(side + 8)
        if where == 2:
            put(at, number)
        else:
            buffer = word(word(frame + (ARGS if where == 0 else RETS) + POINTERS) + 8 * number)
            if word(buffer) < BUFFER or word(buffer + RANK) != word(side + 16):
                return False
            put(at, word(buffer + DATA))
        put(at + 8, word(side + 24))
        put(at + 16, word(side + 32))
    return True


@inner
def work(state):
    """Claim parts and do them until none is left."""
    job, sides = word(state + 8 * JOB), state + 8 * STATE
    total, parts = word(job + 8 * TOTAL), word(job + 8 * PARTS)
    kernel = word(job + 8 * KERNEL)
    part = added(state + 8 * NEXT, 1)
    while part < parts:
        first, last = total * part // parts, total * (part + 1) // parts
        if word(job + 8 * ARRAYS) == 3:
            status = _three(kernel, sides, first, last)
        else:
            status = _four(kernel, sides, first, last)
        if status != 0:
            put(state + 8 * FAILED, 1)
        added(state + 8 * OVER, 1)
        part = added(state + 8 * NEXT, 1)


@inner
def leave(state):
    """The last who holds the state lets go of it."""
    if added(state + 8 * HOLDERS, -1) == 1:
        give_back(state)


def task(state, unused):
    """What a thread of XLA's does for a call."""
    work(state)
    leave(state)
    return 0


@inner
def invite(frame, job, state):
    """Ask XLA's threads for help; whoever cannot be asked holds nothing."""
    api, given = word(frame + API), room(40)
    put(given, 40)
    put(given + 8, 0)
    put(given + 16, word(frame + CONTEXT))
    put(given + 24, word(job + 8 * TASK))
    put(given + 32, state)
    for _ in range(word(job + 8 * PARTS) - 1):
        error = call(word(api + SCHEDULE), given)
        if error != 0:
            added(state + 8 * HOLDERS, -1)
            refused = room(24)
            put(refused, 24)
            put(refused + 8, 0)
            put(refused + 16, error)
            call(word(api + ERROR_DESTROY), refused)
            give_back(refused)
    give_back(given)


def serve(frame, job):
    """One call of XLA's; 0, or the address of an error."""
    if told(frame):
        return 0
    if not fits(frame, job):
        return refusal(frame, job)
    parts = word(job + 8 * PARTS)
    state = room(8 * (STATE + 3 * word(job + 8 * ARRAYS)))
    for i in range(JOB):
        put(state + 8 * i, 0)
    put(state + 8 * HOLDERS, parts)
    put(state + 8 * JOB, job)
    if not found(frame, job, state + 8 * STATE):
        give_back(state)
        return refusal(frame, job)
    if parts > 1:
        invite(frame, job, state)
    work(state)
    pause = word(job + 8 * YIELD)
    while added(state + 8 * OVER, 0) < parts:  # only of parts that a thread is at
        if pause != 0:
            call(pause, 0)
    failed = word(state + 8 * FAILED)
    leave(state)
    return refusal(frame, job) if failed else 0


# -- making them -----------------------------------------------------------------------------------

_KEPT: list[Any] = []  # XLA may call whatever it was given as long as the process lives
_lock = threading.Lock()
SORRY = ctypes.create_string_buffer(
    b"anypool: XLA's call is not as expected, or memory is short; ANYPOOL_KERNELS=0 does without"
)
_THUNK = """
define i64 @{name}(i64 %given) {{
  %result = alloca i64
  %error = alloca ptr
  store i64 0, ptr %result
  %function = inttoptr i64 {function} to ptr
  %status = call i32 %function(ptr %result, ptr %error, i64 %given, i64 {job})
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def address(kernel: Any, *arguments: Any) -> int:
    """Where the machine code of a compiled function is, for arguments like these."""
    import numba

    signature = tuple(numba.typeof(a) for a in arguments)
    kernel.compile(signature)
    made = kernel.overloads[signature]
    return made.library.get_pointer_to_function(made.fndesc.llvm_func_name)


def _as_c(function: int, job: int) -> int:
    """A C function of one address that calls a compiled one with the job's address beside it."""
    name = f"anypool_xla_{len(_KEPT)}"
    module = binding.parse_assembly(_THUNK.format(name=name, function=function, job=job))
    engine = binding.create_mcjit_compiler(module, _machine())
    engine.finalize_object()
    _KEPT.append(engine)
    return engine.get_function_address(name)


def _machine() -> Any:
    return binding.Target.from_default_triple().create_target_machine(jit=True)


@cache
def _compiled() -> tuple[int, int]:
    """The addresses of what serves a call, and of the C function that XLA's threads are given."""
    both = compile(serve, "xla_serve"), compile(task, "xla_task")
    served, tasked = (address(function, 0, 0) for function in both)
    return served, _as_c(tasked, 0)


def _yield() -> int:
    """Where the function is that lets other threads of the system go first; 0: there is none."""
    try:
        function = ctypes.CDLL(None).sched_yield
    except (AttributeError, OSError, TypeError):  # not on Windows
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def handler(kernel: Any, sides: Sequence[Side], total: int, parts: int) -> int:
    """The address of a C function that runs a kernel over ``total`` rows, in ``parts``.

    The kernel takes one dense array of one axis for each side, and the first and the last row.
    """
    if len(sides) not in (3, 4):
        raise ValueError(f"a kernel of {len(sides)} arrays cannot be called by XLA")
    flat = [
        side.like.reshape(-1) if side.number is None else np.empty(1, side.like.dtype)
        for side in sides
    ]
    with _lock:
        served, tasked = _compiled()
        head = [0] * HEAD
        head[KERNEL], head[ARRAYS] = address(kernel, *flat, 0, 0), len(sides)
        head[TOTAL], head[PARTS] = total, max(parts, 1)
        head[GIVEN] = sum(side.number is not None and not side.result for side in sides)
        head[MADE] = sum(side.result for side in sides)
        head[TASK], head[YIELD], head[MESSAGE] = tasked, _yield(), ctypes.addressof(SORRY)
        job = np.array([*head, *(n for s, a in zip(sides, flat, strict=True)
                                 for n in _told_of(s, a))], np.int64)  # fmt: skip
        _KEPT.append((job, flat, kernel))
        return _as_c(served, job.ctypes.data)


def _told_of(side: Side, flat: np.ndarray) -> tuple[int, ...]:
    if side.number is None:
        return 2, flat.ctypes.data, 0, flat.size, flat.itemsize
    like = side.like
    return int(side.result), side.number, like.ndim, like.size, like.itemsize
