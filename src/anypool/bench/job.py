"""One thing to measure, as plain data: it travels to the peers' processes as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import PoolError

# how operations are called here, and the reductions of anypool behind them
OPERATIONS = {
    "max": "max", "max and indices": "max", "min": "min", "avg": "mean", "sum": "sum", "lp": "lp",
    "gem": "gem", "lse": "lse", "soft": "soft", "median": "median", "std": "std",
}  # fmt: skip
KINDS = ("sliding", "adaptive", "whole", "pyramid")
DTYPES = ("float32", "float64", "float16", "bfloat16", "uint8", "int32")
LAYOUTS = ("first", "last")


@dataclass(frozen=True)
class Job:
    """An operation, its windows, and the array: batch x channels x sides, or channels last."""

    operation: str
    kind: str
    shape: tuple[int, ...]
    windows: dict[str, Any] = field(default_factory=dict)  # arguments of anypool.windows.<kind>
    layout: str = "first"
    dtype: str = "float32"
    backward: bool = False
    masked: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("operation", self.operation, tuple(OPERATIONS)), ("windows", self.kind, KINDS),
            ("dtype", self.dtype, DTYPES), ("layout", self.layout, LAYOUTS),
        ):  # fmt: skip
            if value not in known:
                raise PoolError(f"{name} {value!r} is not measured; one of {', '.join(known)} is")
        if not 3 <= len(self.shape) <= 5:
            raise PoolError(
                f"{'x'.join(map(str, self.shape))} has {len(self.shape)} numbers; give batch, "
                "channels and one to three sides, such as 8x64x56x56"
            )
        if self.backward and (not self.floating or self.operation == "max and indices"):
            what = self.dtype if not self.floating else self.operation
            raise PoolError(f"{what} has no derivative; measure it without backward")

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Job:
        """From what JSON made of it: lists become tuples again."""
        windows = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain["windows"].items()
        }
        return cls(**{**plain, "shape": tuple(plain["shape"]), "windows": windows})

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    # -- the array ---------------------------------------------------------------------------------

    @property
    def floating(self) -> bool:
        return "float" in self.dtype

    @property
    def rank(self) -> int:
        """How many axes are pooled."""
        return len(self.shape) - 2

    @property
    def axes(self) -> tuple[int, ...]:
        first = 2 if self.layout == "first" else 1
        return tuple(range(first, first + self.rank))

    @property
    def sides(self) -> tuple[int, ...]:
        """The lengths of the pooled axes."""
        return tuple(self.shape[a] for a in self.axes)

    @property
    def outer(self) -> int:
        """Samples times channels."""
        return math.prod(self.shape) // math.prod(self.sides)

    @property
    def itemsize(self) -> int:
        return 2 if "16" in self.dtype else np.dtype(self.dtype).itemsize

    def data(self) -> np.ndarray:
        """Random numbers, the same in every process."""
        rng = np.random.default_rng(0)
        if not self.floating:
            return rng.integers(0, 200, self.shape, self.dtype)
        x = rng.random(self.shape, np.float32) - np.float32(0.25)
        return x.astype(np_dtype(self.dtype), copy=False)

    def mask(self) -> np.ndarray | None:
        """Seven of ten elements are real, the same in every channel."""
        if not self.masked:
            return None
        shape = [n if a in (0, *self.axes) else 1 for a, n in enumerate(self.shape)]
        return np.random.default_rng(1).random(shape) < 0.7

    def incoming(self, shape: tuple[int, ...]) -> np.ndarray:
        """The derivative that comes from above."""
        g = np.random.default_rng(2).random(shape, np.float32)
        return g.astype(np_dtype(self.dtype), copy=False)

    # -- the windows, in numbers -------------------------------------------------------------------

    def each(self, name: str, default: Any = None) -> tuple[int, ...]:
        """An argument of sliding or adaptive windows for every pooled axis."""
        value = self.windows.get(name)
        value = default if value is None else value
        return tuple(value) if isinstance(value, tuple | list) else (value,) * self.rank

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.each("kernel_size")

    @property
    def stride(self) -> tuple[int, ...]:
        return self.each("stride", self.kernel)

    @property
    def padding(self) -> tuple[int, ...]:
        return self.each("padding", 0)

    @property
    def dilation(self) -> tuple[int, ...]:
        return self.each("dilation", 1)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Of adaptive windows: how many along each pooled axis."""
        return self.each("output_size")

    @property
    def bins(self) -> tuple[int, ...]:
        return self.each("bins", (1, 2, 4))

    @cached_property
    def grids(self) -> tuple[tuple[tuple[tuple[int, int, int], ...], ...], ...]:
        """For each grid of windows and each axis: start, stop and step of every window."""
        if self.kind == "sliding":
            return (tuple(map(_sliding, self.sides, self.kernel, self.stride, self.padding,
                              self.dilation)),)  # fmt: skip
        sizes = {"adaptive": [self.outputs] if self.kind == "adaptive" else [],
                 "whole": [(1,) * self.rank],
                 "pyramid": [(b,) * self.rank for b in self.bins]}[self.kind]  # fmt: skip
        return tuple(tuple(map(_adaptive, self.sides, outputs)) for outputs in sizes)

    @property
    def blocks(self) -> tuple[int, ...] | None:
        """The sides of the blocks, where the windows cut the array into equal ones."""
        if self.kind == "pyramid":
            return None
        found = []
        for n, axis in zip(self.sides, self.grids[0], strict=True):
            size = n // max(len(axis), 1)
            if (
                not size
                or axis != tuple((i, i + size, 1) for i in range(0, n - size + 1, size))
                or n % size
            ):
                return None
            found.append(size)
        return tuple(found)

    @property
    def results(self) -> int:
        """How many numbers come out."""
        return self.outer * sum(math.prod(map(len, grid)) for grid in self.grids)

    @property
    def taps(self) -> int:
        """How many numbers the windows hold together."""
        return self.outer * sum(
            math.prod(sum(len(range(*window)) for window in axis) for axis in grid)
            for grid in self.grids
        )

    def counts(self, padded: bool) -> np.ndarray:
        """How many elements each window of a plane holds, padding with or without."""
        parts = []
        for grid in self.grids:
            lengths = [
                [sum(padded or 0 <= i < n for i in range(*window)) for window in axis]
                for n, axis in zip(self.sides, grid, strict=True)
            ]
            counted = np.ones(())
            for length in lengths:
                counted = np.multiply.outer(counted, np.array(length, float))
            parts.append(counted)
        if self.kind == "pyramid":
            return np.concatenate([part.ravel() for part in parts])
        return parts[0]

    def laid(self, counted: np.ndarray) -> np.ndarray:
        """Numbers of one plane's windows, in a shape that goes with the result."""
        behind = 1 if self.layout == "last" else 0
        return counted.reshape(*counted.shape, *(1,) * behind)

    # -- words -------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        """The windows in few words: k3 s2 p1, or to 7."""
        told = {
            "sliding": lambda: " ".join(self._sliding_words()),
            "adaptive": lambda: f"to {_short(self.outputs)}",
            "whole": lambda: "whole",
            "pyramid": lambda: f"pyramid {','.join(map(str, self.bins))}",
        }
        return told[self.kind]()

    def _sliding_words(self) -> list[str]:
        words = [("k", self.kernel, None), ("s", self.stride, None), ("p", self.padding, 0),
                 ("d", self.dilation, 1)]  # fmt: skip
        return [f"{w}{_short(value)}" for w, value, plain in words
                if value != (plain,) * self.rank]  # fmt: skip

    @property
    def name(self) -> str:
        """Everything, in a line."""
        parts = [
            "masked " * self.masked + self.operation + " backward" * self.backward, self.said, "of",
            "x".join(map(str, self.shape)), self.dtype, f"channels {self.layout}",
        ]  # fmt: skip
        return " ".join(parts)


def _short(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]}" if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _sliding(n: int, k: int, s: int, p: int, d: int) -> tuple[tuple[int, int, int], ...]:
    span = d * (k - 1) + 1
    return tuple((i, i + span, d) for i in range(-p, n + p - span + 1, s))


def _adaptive(n: int, m: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((i * n // m, -(-(i + 1) * n // m), 1) for i in range(m))


def np_dtype(name: str) -> np.dtype:
    """NumPy's dtype; bfloat16 is that of ml_dtypes."""
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        raise PoolError("bfloat16 needs ml_dtypes: pip install ml_dtypes") from None
    return np.dtype(ml_dtypes.bfloat16)
