"""How tensors lie for the GPU's kernels: outer axes as two, pooled ones as three, and the launch.

Everything here depends on shapes and strides alone, and is worked out once for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..kernels.gpu import names
from ..kernels.gpu.spec import ACCS, POINT, Line, Spec
from .eager import dense

Strides = tuple[int, ...]
NARROW = 1 << 31
WRITTEN_OUT = 32  # taps, or outputs that read an input, that a kernel holds one by one ...
WRITTEN_OUT_HARD = 16  # ... where each takes exponentials: a kernel of 30 took ptxas 15 s
ONE_LANE = 64  # taps that one thread reads; more are shared between lanes
PIECE, LEAST_PROGRAMS, MOST_PIECES = 4096, 1024, 64  # when large windows are cut into pieces
BLOCK = 256  # numbers that a program makes ...
BLOCK_LAST = {"float16": 1024, "bfloat16": 1024, "float32": 512}  # ... 16 bytes a thread


class Fold(NamedTuple):
    """Five axes a, b, d, h, w: the lengths of the outer two, and the strides of every array."""

    a: int
    b: int
    lines: tuple[Line, Line, Line]
    strides: tuple[tuple[int, int, int, int, int], ...]


def fold(spec: Spec, arrays: Sequence[Strides]) -> Fold | None:
    """The axes of arrays that lie like this as five, or None where the outer ones are too many."""
    outer = [(n, tuple(s[i] for s in arrays))
             for i, n in enumerate(spec.shape) if i not in spec.axes]  # fmt: skip
    first = [outer.pop(0)] if spec.sized else []  # samples have extents of their own
    merged = first + _merged([axis for axis in outer if axis[0] != 1])
    if len(merged) > 2:
        return None
    none = (1, (0,) * len(arrays))
    (a, sa), (b, sb) = [*merged, none][:2] if spec.sized else ([none] * 2 + merged)[-2:]
    lines, inner = _inner(spec, arrays)
    strides = tuple((sa[i], sb[i], *(s[i] for s in inner)) for i in range(len(arrays)))
    return Fold(a, b, lines, strides)  # type: ignore[arg-type]


def _merged(axes: Sequence[tuple[int, Strides]]) -> list[tuple[int, Strides]]:
    """Neighbours as one wherever every array goes through both in even steps."""
    found: list[tuple[int, Strides]] = []
    for n, strides in axes:
        if found and all(s == n * t for s, t in zip(found[-1][1], strides, strict=True)):
            found[-1] = (found[-1][0] * n, strides)
        else:
            found.append((n, strides))
    return found


def _inner(spec: Spec, arrays: Sequence[Strides]) -> tuple[Any, list[Strides]]:
    """The pooled axes as three; whole ones side by side in memory as one."""
    missing = 3 - len(spec.axes)
    strides = [tuple(s[i] for s in arrays) for i in spec.axes]
    lines = list(spec.lines[missing:])
    while len(lines) > 1 and not spec.sized and lines[-1].whole and lines[-2].whole:
        n = lines[-1].n
        if any(s != n * t for s, t in zip(strides[-2], strides[-1], strict=True)):
            break
        size = n * lines[-2].n
        lines[-2:], strides[-2:] = [lines[-1]._replace(n=size, size=size)], [strides[-1]]
    more = 3 - len(lines)
    return (*[POINT] * more, *lines), [(0,) * len(arrays)] * more + strides


class Launch(NamedTuple):
    """One launch: how many programs, and every argument but the tensors."""

    grid: tuple[int, ...]
    words: dict[str, Any]


class Pooling(NamedTuple):
    """The launches that pool: one, or one for the pieces and one that joins them."""

    y_stride: Strides
    pieces: int
    total: int
    pool: Launch
    join: Launch | None


def _words(lines: Sequence[Line]) -> dict[str, Any]:
    return {f"{axis}{word}": value for axis, line in zip("DHW", lines, strict=True)
            for word, value in zip("TKSPGA", line.words, strict=True)}  # fmt: skip


def _lengths(found: Fold) -> dict[str, int]:
    d, h, w = found.lines
    return {"nb": found.b, "nd": d.n, "nh": h.n, "nw": w.n, "md": d.m, "mh": h.m, "mw": w.m}


def _steps(letter: str, strides: Strides) -> dict[str, int]:
    return {f"{letter}{axis}": s for axis, s in zip("abdhw", strides, strict=True)}


def _far(spec: Spec, found: Fold, total: int) -> bool:
    """Whether 32 bits are too few for a place inside a plane, or for counting what is made."""
    ends = [max(line.n, line.m) - 1 for line in found.lines]
    reach = max(sum(n * s for n, s in zip(ends, own[2:], strict=True)) for own in found.strides)
    divided = any(line.kind != names.SLIDE.value and (line.m + 1) * (line.n + 1) >= NARROW
                  for line in found.lines)  # fmt: skip
    return reach >= NARROW or total + 2048 >= NARROW or divided


def _innermost(found: Fold, own: Strides) -> bool:
    """Whether channels lie closer together than the pooled axes."""
    return found.b > 1 and own[1] <= min([s for s, line in zip(own[2:], found.lines, strict=True)
                                          if line.n > 1] or [1])  # fmt: skip


def _shared(spec: Spec, par: bool) -> dict[str, Any]:
    """The words of a reduction that every kernel takes; a tensor's p is no constant."""
    return {
        "OP": names.NUMBER[spec.op], "P0": 0.0 if par else spec.p0, "PAR": par,
        "DIVIDE": spec.divide, "DIVISOR": spec.divisor, "ACC": ACCS[spec.acc].value,
    }  # fmt: skip


def none_of(spec: Spec) -> int:
    """The tap of a window with nothing real, as it is stored."""
    return 255 if spec.taps <= 255 else -1


@lru_cache(maxsize=1024)
def pooling(
    spec: Spec, x: Strides, w: Strides | None, weight: int, par: bool, keep: bool, taps: bool,
    indices: bool,
) -> Pooling | None:  # fmt: skip
    """The launches that pool tensors that lie like this; None where they lie too oddly."""
    y = dense(spec.out_shape, x)
    found = fold(spec, (x, w or x, y))
    if found is None:
        return None
    total = found.a * found.b * math.prod(line.m for line in found.lines)
    size = math.prod(line.size for line in found.lines)
    last = _innermost(found, found.strides[0])
    block, lanes = _tile(size, last)
    block = _block(spec, last) if lanes == 1 and block == BLOCK else block
    chunk, pieces = _pieces(spec, size, -(-total // block), lanes)
    common = {
        **_shared(spec, par), **_words(found.lines), **_lengths(found),
        **_steps("y", found.strides[2]), "total": total, "FILL": spec.fill, "LAST": last,
        "TAPS_OUT": taps,
        "HOLLOW": spec.hollow or weight > 0, "INDEX_OUT": indices, "KEEP": keep,
    }  # fmt: skip
    pool = Launch((-(-total // block), pieces), {
        **common, **_steps("x", found.strides[0]), **_steps("w", found.strides[1]),
        "chunk": chunk, "P1": spec.p1, "WEIGHT": weight, "SKIP": spec.skip,
        "RANK": len(spec.axes) if spec.sized else 0, "FAR": _far(spec, found, total),
        "SPLIT": pieces > 1, "BLOCK": block, "LANES": lanes,
        "STATIC": lanes == 1 and size <= _written_out(spec),
    })  # fmt: skip
    join = None
    if pieces > 1:
        join = Launch((-(-total // 4),), {**common, "pieces": pieces, "BLOCK": 4,
                                          "LANES": MOST_PIECES})  # fmt: skip
    return Pooling(y, pieces, total, pool, join)


def _written_out(spec: Spec) -> int:
    return WRITTEN_OUT if spec.op in ("max", "min", "sum", "mean") else WRITTEN_OUT_HARD


def _block(spec: Spec, last: bool) -> int:
    """Channels side by side are read and written in pieces of 16 bytes."""
    return BLOCK_LAST.get(spec.result, BLOCK) if last else BLOCK


def _tile(size: int, last: bool) -> tuple[int, int]:
    """Outputs of a program, and lanes of each: by the shape of windows alone."""
    if size <= ONE_LANE:
        return BLOCK, 1
    if last:
        return 32, 32
    lanes = min(1 << (size - 1).bit_length(), 1024)
    return max(1024 // lanes, 1), lanes


def _pieces(spec: Spec, size: int, programs: int, lanes: int) -> tuple[int, int]:
    """Taps of a piece, and how many pieces: the same on every card, so that the bits are too."""
    if spec.sized or size < 2 * PIECE:
        return size, 1
    wanted = min(-(-LEAST_PROGRAMS // programs), size // PIECE, MOST_PIECES)
    chunk = -(-size // max(wanted, 1) // lanes) * lanes
    return chunk, -(-size // chunk)


@lru_cache(maxsize=1024)
def spreading(
    spec: Spec, g: Strides, y: Strides, x: Strides, w: Strides | None, weight: int, par: bool,
    by: int,
) -> Launch | None:  # fmt: skip
    """The launch that takes a derivative back to tensors that lie like x."""
    z = dense(spec.shape, x)
    found = fold(spec, (g, y, x, w or x, z))
    if found is None:
        return None
    total = math.prod(spec.shape)
    cover = [line.cover for line in found.lines]
    count = math.prod(cover)
    steps = [_steps(letter, own) for letter, own in zip("gyxwz", found.strides, strict=True)]
    last = _innermost(found, found.strides[4])
    block = _block(spec, last)
    words = {
        **_shared(spec, par), **_words(found.lines), **_lengths(found),
        **dict(zip(("dc", "hc", "wc"), cover, strict=True)), "P1": spec.p1,
        "total": total, "WEIGHT": weight, "SKIP": spec.skip,
        "RANK": len(spec.axes) if spec.sized else 0, "LAST": last,
        "FAR": _far(spec, found, total), "BY": by,
        "COUNT": count if count <= _written_out(spec) else 0,
        "BLOCK": block,
    }  # fmt: skip
    for own in steps:
        words |= own
    return Launch((-(-total // block),), words)


@lru_cache(maxsize=1024)
def finding(spec: Spec, y: Strides) -> Launch | None:
    """The launch that turns taps into indices."""
    found = fold(spec, (y,))
    if found is None:
        return None
    total = found.a * found.b * math.prod(line.m for line in found.lines)
    words = {name: value for name, value in _words(found.lines).items() if name[1] != "A"}
    return Launch((-(-total // BLOCK),), {
        **words, **_lengths(found), **_steps("y", found.strides[0]), "total": total,
        "NONE": none_of(spec), "RANK": len(spec.axes) if spec.sized else 0,
        "LAST": _innermost(found, found.strides[0]), "FAR": _far(spec, found, total),
        "BLOCK": BLOCK,
    })  # fmt: skip
