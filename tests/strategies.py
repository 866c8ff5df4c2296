"""Random poolings for the laws: shapes, axes, windows of every kind, layouts, masks, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from cases import Windows, sample, windows

# Few dtypes on purpose: each reduction x dtype x (mask, weights or neither) compiles a kernel.
DTYPES = (np.float64,)
COMMON_DTYPES = (np.float32, np.int32, np.uint8)
KINDS = ("sliding", "sliding", "same", "adaptive", "split", "whole", "fractional", "pyramid")
LAYOUTS = ("C", "F", "reversed", "sliced", "turned")


@dataclass
class Problem:
    """An array, the axes to pool and the windows to lay on them."""

    x: np.ndarray
    axes: tuple[int, ...]
    windows: Windows

    @property
    def lengths(self) -> list[int]:
        return [self.x.shape[a] for a in self.axes]

    def common(self, **kwargs: Any) -> dict[str, Any]:
        return {"axes": self.axes, **kwargs}


def relayout(x: np.ndarray, how: str) -> np.ndarray:
    """The same values in another memory layout."""
    if how == "reversed":
        return np.ascontiguousarray(np.flip(x))[(slice(None, None, -1),) * x.ndim]
    if how == "sliced":
        room = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
        view = room[tuple(slice(1, 2 * n + 1, 2) for n in x.shape)]
        view[...] = x
        return view
    if how == "turned":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    return np.asarray(x, order=how)


@st.composite
def sliding(draw, lengths: list[int], ceil: bool = True) -> Windows:
    """Sliding windows that fit, with any padding, dilation and ceil mode."""
    kernel, stride, pads, dilation = [], [], [], []
    for n in lengths:
        before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        if draw(st.booleans()):
            before = after = 0
        k = min(draw(st.integers(1, 4)), n + before + after)
        most = (n + before + after - 1) // (k - 1) if k > 1 else 3
        kernel.append(k)
        stride.append(draw(st.integers(1, 4)))
        pads.append((before, after))
        dilation.append(draw(st.integers(1, min(3, most))))
    return windows(
        "sliding",
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        padding=tuple(pads),
        dilation=tuple(dilation),
        ceil_mode=draw(st.booleans()) if ceil else False,
    )


@st.composite
def windows_on(draw, lengths: list[int], kinds: tuple[str, ...] = KINDS) -> Windows:
    """Windows of any kind that fit axes of these lengths."""
    kind = draw(st.sampled_from(kinds))
    rank = len(lengths)
    if kind == "sliding":
        return draw(sliding(lengths))
    if kind == "same":
        word = draw(st.sampled_from(["same", "same_lower"]))
        k, s = (tuple(draw(st.integers(1, 4)) for _ in range(rank)) for _ in range(2))
        return windows("sliding", kernel_size=k, stride=s, padding=word)
    if kind == "adaptive":
        sizes = st.one_of(st.integers(1, 9), st.none())
        return windows("adaptive", output_size=tuple(draw(sizes) for _ in range(rank)))
    if kind == "split":
        return windows("split", output_size=tuple(draw(st.integers(1, n)) for n in lengths))
    if kind == "whole":
        return windows("whole", keepdims=draw(st.booleans()))
    if kind == "fractional":
        k = tuple(draw(st.integers(1, n)) for n in lengths)
        m = tuple(draw(st.integers(1, n - w + 1)) for n, w in zip(lengths, k, strict=True))
        return windows("fractional", kernel_size=k, output_size=m)
    bins = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return windows("pyramid", bins=tuple(bins))


@st.composite
def common_problems(draw, dtypes: tuple = COMMON_DTYPES) -> Problem:
    """The common windows on the last axes: other dtypes meet few kernels, so they compile few."""
    rank = draw(st.integers(1, 3))
    shape = tuple(
        draw(st.lists(st.integers(3, (20, 9, 6)[rank - 1]), min_size=rank, max_size=rank))
    )
    fixed = {"kernel_size": 3, "stride": 2, "ceil_mode": draw(st.booleans())}
    spec = draw(
        st.sampled_from(
            [
                windows("sliding", padding=draw(st.integers(0, 1)), **fixed),
                windows("adaptive", output_size=draw(st.integers(1, 5))),
                windows("whole"),
            ]
        )
    )
    seed, kind = draw(st.integers(0, 2**16)), draw(st.sampled_from(["ties", "plain"]))
    x = sample((2, *shape), draw(st.sampled_from(dtypes)), seed, kind)
    return Problem(x, tuple(range(1, rank + 1)), spec)


@st.composite
def problems(
    draw,
    dtypes: tuple = DTYPES,
    kinds: tuple[str, ...] = KINDS,
    data: tuple[str, ...] = ("ties", "plain", "flat"),
    outer: tuple[int, int] = (0, 2),
    layouts: tuple[str, ...] = LAYOUTS,
) -> Problem:
    """A small array with one to three pooled axes among its axes, in any order."""
    rank = draw(st.integers(1, 3))
    ndim = rank + draw(st.integers(*outer))
    axes = tuple(draw(st.permutations(range(ndim)))[:rank])
    longest = (12, 9, 6)[rank - 1]
    shape = tuple(draw(st.integers(1, longest if a in axes else 3)) for a in range(ndim))
    seed, kind = draw(st.integers(0, 2**16)), draw(st.sampled_from(data))
    x = sample(shape, draw(st.sampled_from(dtypes)), seed, kind)
    x = relayout(x, draw(st.sampled_from(layouts)))
    spec = draw(windows_on([shape[a] for a in axes], kinds))
    return Problem(x, axes, spec)


def mask_of(shape: tuple[int, ...], seed: int, share: float = 0.7) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


def weights_of(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights in quarters (their sums are exact), some of them zero."""
    return np.random.default_rng(seed).integers(0, 9, shape) / 4


@st.composite
def commons(draw, x: np.ndarray) -> dict[str, Any]:
    """mask, weights and fill as a caller might give them; often none of them."""
    seed = draw(st.integers(0, 2**16))
    common: dict[str, Any] = {}
    if draw(st.booleans()):
        common["mask"] = mask_of(draw(st.sampled_from([x.shape, x.shape[1:]])), seed)
    if draw(st.booleans()):
        common["weights"] = weights_of(x.shape, seed + 1)
    if draw(st.booleans()):
        common["fill"] = draw(st.sampled_from([0, 1]))
    return common
