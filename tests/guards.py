"""Arrays between two pages that nobody may touch: a kernel that reads or writes beyond one dies.

As a program it pools and differentiates random arrays that lie so, in a process of its own:
`python guards.py SEED CALLS [every]`. What the kernels write into lies so too.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import anypool as ap
from cases import REDUCTIONS, sample

PAGE = mmap.PAGESIZE
EMPTY, EMPTY_LIKE = np.empty, np.empty_like
MPROTECT = ctypes.CDLL(None, use_errno=True).mprotect
MPROTECT.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def room(size: int, at_end: bool) -> np.ndarray:
    """`size` bytes whose last (or first) is the last before a page that may not be touched."""
    pages = max(1, -(-size // PAGE))
    whole = np.frombuffer(mmap.mmap(-1, (pages + 2) * PAGE), np.uint8)
    for page in (0, pages + 1):
        if MPROTECT(whole.ctypes.data + page * PAGE, PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    first = PAGE * (pages + 1) - size if at_end else PAGE
    return whole[first : first + size]


def like(a: np.ndarray, at_end: bool | None) -> np.ndarray:
    """An array that lies as `a` does, between guards, with the same numbers."""
    if at_end is None:
        return a
    order = np.argsort([-stride for stride in a.strides], kind="stable")
    dense = np.ascontiguousarray(a.transpose(order))
    made = room(dense.nbytes, at_end).view(dense.dtype).reshape(dense.shape)
    made[...] = dense
    return made.transpose(np.argsort(order))


@contextmanager
def guarded(at_end: bool | None) -> Iterator[None]:
    """What np.empty and np.empty_like make in here lies between guards; with None it does not.

    Numba must have compiled what is called in here: it knows np.empty as it was.
    """
    if at_end is None:
        yield
        return
    np.empty = lambda *a, **k: like(EMPTY(*a, **k), at_end)  # type: ignore[assignment]
    np.empty_like = lambda *a, **k: like(EMPTY_LIKE(*a, **k), at_end)  # type: ignore[assignment]
    try:
        yield
    finally:
        np.empty, np.empty_like = EMPTY, EMPTY_LIKE


def windows(rng: random.Random, rank: int, sizes: list[int]) -> Any:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(rng.randint(low, high) for _ in range(rank))

    kind = rng.choice(["sliding"] * 4 + ["adaptive", "split", "whole", "pyramid"])
    if kind == "sliding":
        kernel = tuple(rng.choice([1, 2, 2, 3, 3, 4, 5, 7, 13]) for _ in range(rank))
        return ap.windows.sliding(
            tuple(min(k, n) for k, n in zip(kernel, sizes, strict=True)), each(1, 4), each(0, 2),
            rng.choice([(1,) * rank, each(1, 2)]), rng.random() < 0.3,
        )  # fmt: skip
    if kind == "whole":
        return ap.windows.whole()
    if kind == "pyramid":
        return ap.windows.pyramid((1, 3))
    return getattr(ap.windows, kind)(tuple(rng.randint(1, n) for n in sizes))


def question(rng: random.Random) -> dict[str, Any]:
    """One random call."""
    rank = rng.choice([1, 2, 2, 2, 3])
    sizes = [rng.randint(1, {1: 200, 2: 50, 3: 12}[rank]) for _ in range(rank)]
    last = rng.random() < 0.5
    channels = [rng.choice([1, 2, 3, 4, 8, 15, 16, 17, 33, 64])] if last else []
    first = [rng.randint(1, 3)] + ([] if last else [rng.choice([1, 2, 5])])
    dtype = rng.choice(["float32"] * 4 + ["float64", "float16", "uint8", "int32"])
    return {
        "shape": (*first, *sizes, *channels),
        "axes": tuple(range(len(first), len(first) + rank)),
        "windows": windows(rng, rank, sizes),
        "reduce": rng.choice(["max", "mean", "min", "sum", *REDUCTIONS]),
        "dtype": dtype,
        "masked": rng.random() < 0.25,
        "back": rng.random() < 0.4 and dtype.startswith("float"),
        "threads": rng.choice([1, 2]),
    }


def answers(q: dict[str, Any], at_end: bool | None, seed: int) -> list[bytes]:
    """The bytes of the result, and of the derivative where that was asked."""
    reduction = REDUCTIONS.get(q["reduce"])
    reduce = q["reduce"] if reduction is None else reduction.build()
    x = like(sample(q["shape"], q["dtype"], seed, "plain"), at_end)
    call: dict[str, Any] = {"axes": q["axes"], "threads": q["threads"]}
    if q["masked"]:
        call["mask"] = like(np.random.default_rng(seed).random(q["shape"]) < 0.7, at_end)
    differentiable = reduction is None or reduction.gradient
    with guarded(at_end):
        found = [np.array(ap.pool(x, q["windows"], reduce, **call))]
        if q["back"] and differentiable:
            y, pullback = ap.vjp(x, q["windows"], reduce, **call)
            slopes = pullback(like(sample(y.shape, y.dtype, seed + 1, "plain"), at_end))
            found += [np.array(one) for one in (slopes if isinstance(slopes, tuple) else [slopes])]
    return [a.tobytes() for a in found]


def main(seed: int, calls: int) -> None:
    faulthandler.enable()
    rng, asked = random.Random(seed), 0
    while asked < calls:
        q = question(rng)
        print(q, file=sys.stderr, flush=True)  # noqa: T201 - the last line names who died
        try:
            found = [answers(q, at_end, asked) for at_end in (None, True, False)]
        except ap.PoolError:  # windows that do not fit
            continue
        if not found[0] == found[1] == found[2]:
            raise SystemExit(f"other numbers at another place in memory: {q}")
        asked += 1
    print(asked)  # noqa: T201 - it is a program


if __name__ == "__main__":
    if sys.argv[3:] == ["every"]:  # kernels made for their windows also where little is to be done
        from anypool.kernels import fast

        fast.LEAST_READ = 0
    main(int(sys.argv[1]), int(sys.argv[2]))
