"""The functions that XLA calls, called by an XLA made here: frames as they should be, and not."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed")
from anypool import kernels

if kernels.why_not():
    pytest.skip(kernels.why_not(), allow_module_level=True)
from anypool.kernels import steps

SHAPE, FACTOR = (6, 5), 3
CALLED = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
Words = ctypes.c_int64 * 32


class Xla:
    """The other side of a call: its table of functions, and frames for one call."""

    def __init__(self, major: int = 0, help: str = "comes") -> None:
        self.told, self.threads, self.help, self.forgiven = [], [], help, 0
        self.functions = [CALLED(f) for f in (self.fail, self.forgive, self.schedule)]
        self.api = Words(152, 0, 24, 0, major)  # major and minor are halves of one word
        at = [ctypes.cast(f, ctypes.c_void_p).value for f in self.functions]
        self.api[6], self.api[8], self.api[17] = at
        self.kept = []

    def fail(self, given: int) -> int:
        size, _, message = (ctypes.c_int64 * 3).from_address(given)
        assert size == 28
        self.told.append(ctypes.string_at(message).decode())
        return 77

    def forgive(self, given: int) -> int:
        assert ctypes.c_int64.from_address(given + 16).value == 88
        self.forgiven += 1
        return 0

    def schedule(self, given: int) -> int:
        _, _, context, task, data = (ctypes.c_int64 * 5).from_address(given)
        assert context == 1234
        if self.help == "refused":
            return 88
        if self.help == "comes":
            self.threads.append(threading.Thread(target=CALLED(task), args=(data,)))
            self.threads[-1].start()
        else:  # comes when all is over
            self.threads.append(threading.Timer(0.05, CALLED(task), args=(data,)))
            self.threads[-1].start()
        return 0

    def buffer(self, a: np.ndarray, rank: int | None = None, size: int = 48) -> int:
        made = Words(size, 0, 11, a.ctypes.data, a.ndim if rank is None else rank)
        self.kept.append((a, made))
        return ctypes.addressof(made)

    def frame(self, given, made, *, length: int = 168, extension: int = 0, sizes=40) -> int:
        frame = Words(length, extension, ctypes.addressof(self.api), 1234, 0)
        for at, buffers in ((5, given), (10, made)):
            pointers = (ctypes.c_int64 * max(len(buffers), 1))(*buffers)
            self.kept.append(pointers)
            frame[at], frame[at + 2] = sizes, len(buffers)
            frame[at + 4] = ctypes.addressof(pointers)
        self.kept.append(frame)
        return ctypes.addressof(frame)


@pytest.fixture(scope="module")
def trial():
    return {parts: CALLED(steps.trial(SHAPE, FACTOR, parts)) for parts in (1, 4)}


def arrays():
    x = np.arange(30, dtype=np.float32).reshape(SHAPE)
    return x, np.zeros_like(x), x * FACTOR + np.arange(6, dtype=np.float32)[:, None]


@pytest.mark.parametrize("help", ["comes", "late", "refused"])
@pytest.mark.parametrize("parts", [1, 4])
def test_a_call(trial, parts, help):
    for _ in range(20):
        xla, (x, y, want) = Xla(help=help), arrays()
        assert trial[parts](xla.frame([xla.buffer(x)], [xla.buffer(y)])) == 0
        assert (y == want).all()
        assert xla.told == []
        assert xla.forgiven == (parts - 1 if help == "refused" else 0)
        for thread in xla.threads:
            thread.join()


def test_many_calls_at_once(trial):
    """More callers than cores, each with helpers that come when they like."""
    wrong = []

    def caller():
        for _ in range(50):
            xla, (x, y, want) = Xla(help="late"), arrays()
            status = trial[4](xla.frame([xla.buffer(x)], [xla.buffer(y)]))
            if status != 0 or not (y == want).all():
                wrong.append(status)
            for thread in xla.threads:
                thread.join()

    callers = [threading.Thread(target=caller) for _ in range(8)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert wrong == []


def test_it_says_which_version_it_was_written_for(trial):
    xla, (x, y, _) = Xla(), arrays()
    metadata = Words(48, 24, 0, -1)
    extension = Words(24, 1, 0, ctypes.addressof(metadata))
    frame = xla.frame([xla.buffer(x)], [xla.buffer(y)], extension=ctypes.addressof(extension))
    assert trial[1](frame) == 0
    assert metadata[3] == 1 << 32  # 0 and 1, two halves
    assert (y == 0).all()


def test_other_extensions_are_passed_over(trial):
    xla, (x, y, want) = Xla(), arrays()
    extension = Words(24, 5, 0, 0)
    frame = xla.frame([xla.buffer(x)], [xla.buffer(y)], extension=ctypes.addressof(extension))
    assert trial[1](frame) == 0
    assert (y == want).all()


@pytest.mark.parametrize(
    "change",
    [
        {"major": 1}, {"length": 96}, {"sizes": 48}, {"rank": 3}, {"size": 40}, {"given": 2},
        {"made": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_look_as_it_should_is_refused(trial, change):
    xla, (x, y, _) = Xla(major=change.get("major", 0)), arrays()
    own = {name: change[name] for name in ("rank", "size") if name in change}
    given = [xla.buffer(x, **own)] * change.get("given", 1)
    made = [xla.buffer(y)] * change.get("made", 1)
    shape = {name: change[name] for name in ("length", "sizes") if name in change}
    assert trial[4](xla.frame(given, made, **shape)) == 77
    assert xla.told == [
        "anypool: XLA's call is not as expected, or memory is short; ANYPOOL_KERNELS=0 does without"
    ]
    assert (y == 0).all()
