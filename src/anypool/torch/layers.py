"""Modules that torch.nn lacks: every reduction over sliding, adaptive and whole windows.

``GeMPool2d(kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, *, p=3.0, eps=1e-6,
learnable=True, channels=None)``: with ``learnable`` the first parameter of GeM, LSE and Soft is an
``nn.Parameter``, one number, or one for each of ``channels``. ``GlobalGeMPool2d(keepdims=True,
...)`` is its global form. Every forward takes ``mask``, ``weights`` and ``sizes``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .. import windows as where
from ..windows import Windows
from . import more
from .errors import PoolRuntimeError

Tensor = torch.Tensor

# the name in a class -> the reduction, and whether its parameter is learnt unless told otherwise
NAMES: dict[str, tuple[str, bool]] = {
    "Min": ("min", False), "Sum": ("sum", False), "GeM": ("gem", True), "LSE": ("lse", True),
    "Soft": ("soft", False), "Std": ("std", False), "Var": ("var", False),
    "Median": ("median", False), "Quantile": ("quantile", False), "Mode": ("mode", False),
    "TopK": ("topk", False), "Stochastic": ("stochastic", False),
}  # fmt: skip
LEARNABLE = ("gem", "lse", "soft")


class _Reducing(nn.Module):
    """A module that reduces windows of its last ``rank`` axes."""

    kind: str
    rank: int
    learns: bool

    def _take(self, params: dict[str, Any]) -> None:
        """Keep the parameters of the reduction; the first may be learnt."""
        learnable = params.pop("learnable", self.learns)
        channels = params.pop("channels", None)
        defaults = more.KINDS[self.kind][1] if self.kind in more.KINDS else {}
        if self.kind == "stochastic":
            defaults = {}
        unknown = set(params) - set(defaults)
        if unknown:
            told = ", ".join(defaults) or "none"
            raise PoolRuntimeError(
                f"{type(self).__name__} does not know {sorted(unknown)}; its parameters: {told}"
            )
        self.params = {**defaults, **params}
        self.channels = channels
        if self.kind not in LEARNABLE:
            if learnable or channels is not None:
                raise PoolRuntimeError(
                    f"{type(self).__name__} has nothing to learn; learnable= and channels= are "
                    "for GeM, LSE and Soft"
                )
            return
        first = next(iter(defaults))
        value = torch.full((channels or 1,), float(self.params.pop(first)))
        if learnable:
            setattr(self, first, nn.Parameter(value))
        else:
            self.register_buffer(first, value)
        self.first = first

    def _pool(self, x: Any, windows: Windows, common: dict[str, Any]) -> Any:
        params = dict(self.params)
        if self.kind in LEARNABLE:
            params = {self.first: self._value(), **params}
        if self.kind == "stochastic" and self.training:
            params = {"rng": _generator()}
        return more.reduced(self.kind, self.rank, x, windows, params, common)

    def _value(self) -> Any:
        """The learnt parameter as a tensor; a fixed shared one as a number, for the kernels."""
        value = getattr(self, self.first)
        fixed = not isinstance(value, nn.Parameter) and value.numel() == 1
        return value.item() if fixed and not torch.compiler.is_compiling() else value

    def extra_repr(self) -> str:
        told = {**getattr(self, "geometry", {}), **self.params}
        if self.kind in LEARNABLE:
            value = getattr(self, self.first)
            learnt = "learnable" if isinstance(value, nn.Parameter) else f"{value[0].item():g}"
            told[self.first] = learnt if value.numel() == 1 else f"{learnt} x {value.numel()}"
        return ", ".join(f"{name}={value}" for name, value in told.items())


def _generator() -> torch.Generator:
    """A generator that follows ``torch.manual_seed``."""
    seed = torch.randint(2**62, ()).item()
    return torch.Generator().manual_seed(int(seed))


class _Sliding(_Reducing):
    """Any reduction over sliding windows."""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.geometry = {
            "kernel_size": kernel_size, "stride": kernel_size if stride is None else stride,
            "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode,
        }  # fmt: skip
        where.sliding(**self.geometry).rules(self.rank)  # windows that make no sense, found now
        self._take(params)

    def forward(self, input: Any, **common: Any) -> Any:
        """(N, C, ...) or (C, ...) pooled over its last axes."""
        return self._pool(input, where.sliding(**self.geometry), common)


class _Adaptive(_Reducing):
    """Any reduction over adaptive windows."""

    def __init__(self, output_size: Any, rule: str = "adaptive", **params: Any) -> None:
        super().__init__()
        self.geometry = {"output_size": output_size, "rule": rule}
        where.adaptive(**self.geometry).rules(self.rank)
        self._take(params)

    def forward(self, input: Any, **common: Any) -> Any:
        """(N, C, ...), (C, ...) or a list of (C, ...) pooled to the output size."""
        return self._pool(input, where.adaptive(**self.geometry), common)


class _Global(_Reducing):
    """Any reduction over everything."""

    def __init__(self, keepdims: bool = True, **params: Any) -> None:
        super().__init__()
        self.geometry = {"keepdims": keepdims}
        self._take(params)

    def forward(self, input: Any, **common: Any) -> Any:
        """(N, C, ...), (C, ...) or a list of (C, ...) pooled to one number for each channel."""
        return self._pool(input, where.whole(**self.geometry), common)


WAYS = {"": _Sliding, "Adaptive": _Adaptive, "Global": _Global}
__all__: list[str] = []


def _class(way: str, name: str, rank: int) -> None:
    kind, learns = NAMES.get(name) or ({"Max": "max", "Avg": "mean"}[name], False)
    words = {"": "sliding", "Adaptive": "adaptive", "Global": "whole"}[way]
    told = f"{name} pooling of {words} windows over the last {rank} axes; see this module."
    body = {"kind": kind, "learns": learns, "rank": rank, "__doc__": told, "__module__": __name__}
    full = f"{way}{name}Pool{rank}d"
    globals()[full] = type(full, (WAYS[way],), body)
    __all__.append(full)


for _rank in (1, 2, 3):
    for _name in NAMES:
        for _way in WAYS:
            _class(_way, _name, _rank)
    for _name in ("Max", "Avg"):
        _class("Global", _name, _rank)
