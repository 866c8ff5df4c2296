"""No read and no write outside the arrays: they lie between pages that may not be touched."""

from __future__ import annotations

import ctypes
import mmap
import subprocess
import sys

import numpy as np
import pytest

import anypool as ap
from anypool import kernels

pytestmark = [
    pytest.mark.skipif(bool(kernels.why_not()), reason="the kernels need numba"),
    pytest.mark.skipif(sys.platform == "win32", reason="pages are guarded by mprotect"),
]

PAGE = mmap.PAGESIZE
slid = ap.windows.sliding
CALLS = [
    ("median", slid(3, stride=1)), ("median", slid(3, stride=1, padding=1)),
    ("median", slid(3, stride=2)), ("median", ap.windows.adaptive((4, 3))),
    ("median", slid(12, stride=1, padding=4)), ("median", ap.windows.whole()),
    ("max", slid(12, stride=1, padding=5)), ("mean", slid((3, 14), stride=(1, 2))),
]  # fmt: skip
SHAPES = [(1, 1, 13, 17), (1, 2, 16, 64), (2, 1, 14, 33)]


def guarded(like: np.ndarray, at_end: bool) -> np.ndarray:
    """A copy whose memory begins right behind a guarded page, or ends right before one."""
    pages = -(-like.nbytes // PAGE)
    room = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    libc = ctypes.CDLL(None, use_errno=True)
    for page in (0, pages + 1):
        assert libc.mprotect(ctypes.c_void_p(start + page * PAGE), PAGE, 0) == 0
    offset = (pages + 1) * PAGE - like.nbytes if at_end else PAGE
    made = np.frombuffer(room, like.dtype, like.size, offset).reshape(like.shape)
    made[...] = like
    return made


def every_call(dtype: str) -> None:
    from anypool.kernels import fast

    fast.LEAST_READ = 0  # in a process of its own, where no fixture does it
    rng = np.random.default_rng(0)
    for reduce, windows in CALLS:
        for shape in SHAPES:
            for last in (False, True):
                x = (rng.normal(size=shape) * 40 + 120).astype(dtype)
                axes = (2, 3)
                if last:
                    x, axes = np.ascontiguousarray(np.moveaxis(x, 1, -1)), (1, 2)
                want = ap.pool(x, windows, reduce, axes=axes)
                for at_end in (False, True):
                    out = guarded(np.zeros_like(want), at_end)
                    ap.pool(guarded(x, at_end), windows, reduce, axes=axes, out=out)
                    assert np.array_equal(out, want)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_kernels_touch_only_their_arrays(dtype: str) -> None:
    code = f"import test_guards; test_guards.every_call({dtype!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          cwd=__file__.rpartition("/")[0])  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_guard_is_one() -> None:
    code = (
        "import ctypes, numpy as np, test_guards as g; a = g.guarded(np.zeros(9), True);"
        "ctypes.string_at(a.ctypes.data + a.nbytes, 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False,
                          cwd=__file__.rpartition("/")[0])  # fmt: skip
    assert done.returncode == -11  # SIGSEGV
