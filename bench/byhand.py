"""What nobody ships, written as a torch or NumPy user would write it by hand: for information."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import anypool as ap
from bench import peers
from bench.contest import Contest, Row
from bench.timing import Call
from cases import REDUCTIONS

SHAPE = (8, 64, 56, 56)
Shape = tuple[int, ...]


def rows(small: Callable[[Shape], Shape]) -> list[Row]:
    """Masks, true sizes, and the reductions that frameworks lack."""
    shape = small(SHAPE)
    both = ("torch", "numpy")
    masked = [
        Row(
            "masks and sizes",
            f"masked {name} k2 s2 of {shape}",
            both,
            partial(_masked, name, shape),
        )
        for name in ("avg", "max")
    ]
    ragged = Row(
        "masks and sizes", f"avg to 7 of {shape}, each of its own size", ("torch",),
        partial(_ragged, shape),
    )  # fmt: skip
    named = [
        Row("by hand", f"{name} {_size(name)} of {shape}", both, partial(_named, name, shape))
        for name in BY_HAND
    ]
    return [*masked, ragged, *named]


def _data(shape: Shape) -> np.ndarray:
    return np.random.default_rng(1).random(shape, np.float32) - np.float32(0.25)


def _with_torch(call: Callable[..., Any], *arrays: np.ndarray) -> dict[str, Call]:
    """The call on tensors of the same memory, where torch is there."""
    torch = peers.load("torch")
    return {} if torch is None else {"torch": partial(call, torch, *map(peers.tensor, arrays))}


# -- masks ----------------------------------------------------------------------------------------


def _masked(name: str, shape: Shape) -> Contest:
    x, mask = _data(shape), np.random.default_rng(2).random((shape[0], 1, *shape[2:])) < 0.7
    ours = partial(ap.avg_pool if name == "avg" else ap.max_pool, x, 2, mask=mask)
    torch_way, numpy_way = _MASKED[name]
    theirs = {**_with_torch(torch_way, x, mask), "numpy": partial(numpy_way, x, mask)}
    return Contest(ours, theirs, {"torch": peers.array}, x.nbytes + mask.nbytes)


def _torch_masked_avg(torch: Any, x: Any, mask: Any) -> Any:
    total = torch.nn.functional.avg_pool2d(x * mask, 2)
    return total / torch.nn.functional.avg_pool2d(mask.float(), 2).clamp(min=1e-9)


def _torch_masked_max(torch: Any, x: Any, mask: Any) -> Any:
    least = float("-inf")
    y = torch.nn.functional.max_pool2d(x.masked_fill(~mask, least), 2)
    return y.masked_fill(y == least, 0)


def _numpy_masked_avg(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    total = _blocks(np.where(mask, x, np.float32(0))).sum((3, 5))
    return total / np.maximum(_blocks(mask).sum((3, 5), dtype=np.float32), 1)


def _numpy_masked_max(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    y = _blocks(np.where(mask, x, np.float32(-np.inf))).max((3, 5))
    return np.where(y == -np.inf, np.float32(0), y)


_MASKED = {
    "avg": (_torch_masked_avg, _numpy_masked_avg),
    "max": (_torch_masked_max, _numpy_masked_max),
}


def _blocks(x: np.ndarray) -> np.ndarray:
    """Blocks of 2 x 2, as (batch, channel, rows, 2, columns, 2)."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2)


def _ragged(shape: Shape) -> Contest:
    """Padded samples, each pooled over its own size: a loop over the samples in torch."""
    x = _data(shape)
    low, high = np.array(shape[2:]) // 2, np.array(shape[2:])
    sizes = np.random.default_rng(3).integers(low, high, (shape[0], 2), endpoint=True)

    def loop(torch: Any, t: Any) -> Any:
        pool = torch.nn.functional.adaptive_avg_pool2d
        parts = zip(t, sizes.tolist(), strict=True)
        return torch.stack([pool(sample[:, :h, :w], 7) for sample, (h, w) in parts])

    ours = partial(ap.adaptive_avg_pool, x, 7, sizes=sizes)
    return Contest(ours, _with_torch(loop, x), {"torch": peers.array}, x.nbytes)


# -- reductions -----------------------------------------------------------------------------------


def _size(name: str) -> str:
    return "k3 s1" if name == "median" else "k2 s2"


def _named(name: str, shape: Shape) -> Contest:
    x = _data(shape)
    step: dict[str, Any] = (
        {"kernel_size": 3, "stride": 1} if name == "median" else {"kernel_size": 2}
    )
    windows, reduce = ap.windows.sliding(**step), REDUCTIONS[name].build()
    torch_way, numpy_way = BY_HAND[name]
    theirs = {**_with_torch(torch_way, x), "numpy": partial(numpy_way, x)}
    ours = partial(ap.pool, x, windows, reduce)
    return Contest(ours, theirs, {"torch": peers.array}, x.nbytes, 1e-4)


def _torch_gem(torch: Any, x: Any) -> Any:
    return torch.nn.functional.avg_pool2d(x.clamp(min=1e-6).pow(3), 2).pow(1 / 3)


def _numpy_gem(x: np.ndarray) -> np.ndarray:
    return (_blocks(np.maximum(x, np.float32(1e-6))) ** 3).mean((3, 5)) ** np.float32(1 / 3)


def _torch_lse(torch: Any, x: Any) -> Any:
    n, c, h, w = x.shape
    blocks = x.view(n, c, h // 2, 2, w // 2, 2)
    return (torch.logsumexp(blocks * 10, (3, 5)) - float(np.log(4))) / 10


def _numpy_lse(x: np.ndarray) -> np.ndarray:
    blocks = _blocks(x)
    top = blocks.max((3, 5), keepdims=True)
    return np.log(np.exp((blocks - top) * 10).mean((3, 5))) / 10 + top[:, :, :, 0, :, 0]


def _torch_soft(torch: Any, x: Any) -> Any:
    e, pool = x.exp(), torch.nn.functional.avg_pool2d
    return pool(e * x, 2) / pool(e, 2)


def _numpy_soft(x: np.ndarray) -> np.ndarray:
    e = np.exp(x)
    return _blocks(e * x).sum((3, 5)) / _blocks(e).sum((3, 5))


def _torch_median(torch: Any, x: Any) -> Any:
    return x.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2).median(-1).values


def _numpy_median(x: np.ndarray) -> np.ndarray:
    return np.median(sliding_window_view(x, (3, 3), (2, 3)), axis=(-2, -1))


BY_HAND: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "gem": (_torch_gem, _numpy_gem),
    "lse": (_torch_lse, _numpy_lse),
    "soft": (_torch_soft, _numpy_soft),
    "median": (_torch_median, _numpy_median),
}
