"""The rows: networks' shapes against torch, images and volumes against NumPy and scikit-image."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

import anypool as ap
from bench import byhand, jax_rows, keras_rows, peers, torch_rows
from bench.contest import Contest, Row
from bench.timing import Call
from cases import SPEED, Windows

Shape = tuple[int, ...]
NAMES = ("max", "avg")
FIRST, LAST = "channels first", "channels last"
CALL = ((1, 8, 8, 8), Windows("sliding", {"kernel_size": 2, "stride": 2}))
PHOTO, VOLUME = (3000, 2000), (256, 256, 128)
BLOCK_GOAL = 20.0  # times scikit-image: the largest of 8-bit images, and volumes


def all_rows(quick: bool = False) -> list[Row]:
    """Every row; with `quick`, the same on little data."""
    small = _small if quick else tuple
    full = [
        _layer(name, layout, small(shape), where, np.dtype(np.float32))
        for name in NAMES
        for layout in (FIRST, LAST)
        for shape, where in SPEED
    ]
    halves = [
        _layer(name, layout, small(shape), where, dtype)
        for dtype in _half_types()
        for name in NAMES
        for layout in (FIRST, LAST)
        for shape, where in SPEED[:1] + SPEED[-1:]
    ]
    call = [_layer(name, FIRST, *CALL, np.dtype(np.float32), "call cost") for name in NAMES]
    more = [*byhand.rows(small), *torch_rows.rows(small), *jax_rows.rows(small)]
    more += keras_rows.rows(small, few=True)
    return full + call + _blocks(small) + halves + more


def _small(shape: Shape) -> Shape:
    """A shape of the same kind that takes no time: one sample, few channels, sides of 64."""
    return (1, min(shape[1], 8), 64, 64) if len(shape) == 4 else (64,) * len(shape)


# -- what a network does --------------------------------------------------------------------------


def _layer(
    name: str, layout: str, shape: Shape, where: Windows, dtype: np.dtype, group: str = ""
) -> Row:
    kind = "" if dtype == np.float32 else f"{dtype}, "
    title = f"{name} {said(where)} of {shape}" if group else f"{said(where)} of {shape}"
    make = partial(_against_torch, name, layout == LAST, shape, where, dtype)
    return Row(group or f"{kind}{name}, {layout}", title, ("torch",), make)


def _against_torch(name: str, last: bool, shape: Shape, where: Windows, dtype: np.dtype) -> Contest:
    x = data((shape[0], *shape[2:], shape[1]) if last else shape, dtype)
    axes = {"axes": (1, 2)} if last else {}
    theirs: dict[str, Call] = {}
    if (torch := peers.load("torch")) is not None:
        function = getattr(torch.nn.functional, _TORCH[name, where.kind])
        theirs["torch"] = partial(function, peers.tensor(x, last), **where.kwargs)
    ours = partial(getattr(ap, _OURS[name, where.kind]), x, **where.kwargs, **axes)
    numbers = {"torch": partial(peers.array, last=last)}
    return Contest(ours, theirs, numbers, x.nbytes, 1e-5 if dtype.itemsize > 2 else 2e-2)


_OURS = {
    (name, kind): prefix + name + "_pool"
    for name in NAMES
    for kind, prefix in (("sliding", ""), ("adaptive", "adaptive_"))
}
# the functions that people call, not what is below them; max without indices
_TORCH = {key: ours + "2d" for key, ours in _OURS.items()}


def said(where: Windows) -> str:
    """Windows in few words: `k3 s2 p1`, or `to 7`."""
    given = where.kwargs
    if where.kind == "adaptive":
        return f"to {given['output_size']}"
    words = (("kernel_size", "k"), ("stride", "s"), ("padding", "p"))
    return " ".join(f"{short}{given[long]}" for long, short in words if long in given)


def _half_types() -> list[np.dtype]:
    try:
        import ml_dtypes
    except ImportError:
        return [np.dtype(np.float16)]
    return [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]


@lru_cache(maxsize=1)
def data(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Random numbers; the last array is kept, for rows on the same data follow one another."""
    rng = np.random.default_rng(0)
    if dtype.kind == "u":
        return rng.integers(0, 256, shape, dtype)
    return (rng.random(shape, np.float32) - np.float32(0.25)).astype(dtype, copy=False)


# -- what people who reduce images and volumes do -------------------------------------------------


def _blocks(small: Callable[[Shape], Shape]) -> list[Row]:
    """Blocks of images and volumes, which scikit-image and a reshape do too."""
    cases = [
        ("images", np.uint8, PHOTO, (4, 4), {"max": BLOCK_GOAL}),
        ("images", np.float32, PHOTO, (4, 4), {}),
        ("images", np.uint8, (*PHOTO, 3), (4, 4, 1), {}),
        ("volumes", np.float32, VOLUME, (2, 2, 2), {"max": BLOCK_GOAL, "mean": BLOCK_GOAL}),
    ]
    return [
        _block_row(group, name, np.dtype(dtype), small(shape), block, goals.get(name))
        for group, dtype, shape, block, goals in cases
        for name in ("max", "mean")
    ]


def _block_row(
    group: str, name: str, dtype: np.dtype, shape: Shape, block: Shape, goal: float | None
) -> Row:
    words = f"{name} {'x'.join(map(str, block))} of {'x'.join(map(str, shape))} {dtype}"
    make = partial(_against_blocks, name, dtype, shape, block)
    return Row(group, words, ("scikit-image", "numpy"), make, goal)


def _against_blocks(name: str, dtype: np.dtype, shape: Shape, block: Shape) -> Contest:
    x, reduce = data(shape, dtype), getattr(np, name)
    axes = tuple(axis for axis, size in enumerate(block) if size > 1)
    cut = [part for size, b in zip(shape, block, strict=True) for part in (size // b, b)]
    within = tuple(range(1, 2 * x.ndim, 2))
    theirs: dict[str, Call] = {"numpy": lambda: reduce(x.reshape(cut), axis=within)}
    if (measure := peers.load("scikit-image")) is not None:
        theirs["scikit-image"] = partial(measure.block_reduce, x, block, reduce)
    function = ap.max_pool if name == "max" else ap.avg_pool
    ours = partial(function, x, tuple(block[axis] for axis in axes), axes=axes)
    return Contest(ours, theirs, moved=math.prod(shape) * dtype.itemsize)
