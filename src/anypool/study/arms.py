"""The poolings under study, by the names a command line gives them.

An arm is a name, with settings where wanted: ``gem``, ``gem:p=4``, ``gem:p=4:learnable=false``.
``avg+max`` puts two heads side by side. As the *head* a pooling turns class maps into scores; as
the *inner* pooling it halves the maps between two stages of a network.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import anypool.torch as at

from ..errors import PoolError
from .lip import LIPPool2d

Tensor = torch.Tensor
Settings = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """Where a pooling is put: how many maps come in, and how large they are."""

    channels: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Arm:
    """What one word of ``--arms`` asks for."""

    parts: tuple[tuple[str, Settings], ...]


def parse(word: str) -> Arm:
    """The arm that a word names.

    >>> parse("gem:p=4+max").parts
    (('gem', {'p': 4}), ('max', {}))
    """
    return Arm(tuple(_part(word, part) for part in word.split("+")))


def _part(word: str, part: str) -> tuple[str, Settings]:
    name, *settings = part.strip().split(":")
    if not name:
        raise PoolError(f"the arm {word!r} lacks a name; write one such as avg, gem:p=4 or avg+max")
    return name, dict(setting(text, f"the arm {word!r}") for text in settings)


def setting(text: str, whose: str = "the recipe") -> tuple[str, Any]:
    """A setting as one writes it on a command line.

    >>> setting("epochs=20"), setting("flip=false")
    (('epochs', 20), ('flip', False))
    """
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise PoolError(f"{whose} has the setting {text!r}; write it as name=value")
    return name, _value(value)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError):
        return text


class Flatten(nn.Module):
    """The classical head that global pooling replaced: every cell, dropout and linear layers."""

    def __init__(self, site: Site, hidden: int = 128, dropout: float = 0.5) -> None:
        super().__init__()
        cells = site.channels * site.size[0] * site.size[1]
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(cells, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, site.channels),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        return self.layers(maps)


class Mixed(nn.Module):
    """``share`` of the maximum and the rest of the average, over everything."""

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        if not 0 <= share <= 1:
            raise PoolError(f"mixed has share={share}; it must be from 0 to 1")
        self.share = share

    def forward(self, maps: Tensor) -> Tensor:
        return self.share * maps.amax((2, 3)) + (1 - self.share) * maps.mean((2, 3))


def _whole(name: str, **usual: Any) -> Callable[..., nn.Module]:
    layer = getattr(at, f"Global{name}Pool2d")
    return lambda site, **settings: layer(**{**usual, **settings})


def _halving(name: str) -> Callable[..., nn.Module]:
    layer = getattr(at, f"{name}Pool2d")
    return lambda channels, **settings: layer(2, **settings)


def _strided(site: Site) -> nn.Module:
    return nn.Conv2d(site.channels, site.channels, site.size)


# name -> its module, and what it does in words; each takes the site and the arm's settings
HEADS: dict[str, tuple[Callable[..., nn.Module], str]] = {
    "avg": (_whole("Avg"), "mean of the map"),
    "max": (_whole("Max"), "largest cell of the map"),
    "min": (_whole("Min"), "smallest cell of the map"),
    "sum": (_whole("Sum"), "sum of the map"),
    "gem": (_whole("GeM"), "generalised mean, p learnt from 3 (p, learnable)"),
    "lse": (_whole("LSE"), "log of the mean of exp, r learnt (r, learnable)"),
    "soft": (_whole("Soft"), "cells weighted by their softmax (beta, learnable)"),
    "std": (_whole("Std"), "standard deviation of the map"),
    "median": (_whole("Median"), "median of the map"),
    "quantile": (_whole("Quantile"), "a quantile of the map (q)"),
    "topk": (_whole("TopK", k=4), "mean of the k largest (k)"),
    "stochastic": (_whole("Stochastic"), "a cell drawn by its size; its expectation in testing"),
    "mixed": (lambda site, **s: Mixed(**s), "part maximum, part average (share)"),
    "attention": (
        lambda site, hidden=32, **s: at.AttentionPool(site.channels, hidden, **s),
        "gated attention over the cells, learnt (hidden, gated)",
    ),
    "pyramid": (
        lambda site, bins=(1, 2), reduce="mean": at.PyramidPool(bins, reduce, flatten=True),
        "spatial pyramid (bins, reduce)",
    ),
    "statistics": (lambda site: at.StatisticsPool(), "mean and standard deviation side by side"),
    "strided": (_strided, "a convolution over the whole map, learnt"),
    "flatten": (Flatten, "the classical head: flatten, dropout, linear layers (hidden, dropout)"),
}
SIZED = ("strided", "flatten")  # heads that can take one size of image only

INNERS: dict[str, tuple[Callable[..., nn.Module], str]] = {
    "max": (_halving("Max"), "largest of 2x2"),
    "avg": (_halving("Avg"), "mean of 2x2"),
    "min": (_halving("Min"), "smallest of 2x2"),
    "gem": (_halving("GeM"), "generalised mean, p learnt (p, learnable)"),
    "lse": (_halving("LSE"), "log of mean of exp, r learnt (r, learnable)"),
    "lp": (lambda c, p=2.0: at.LPPool2d(p, 2), "Lp norm of 2x2 (p)"),
    "soft": (_halving("Soft"), "SoftPool: cells weighted by their softmax"),
    "median": (_halving("Median"), "median of 2x2"),
    "stochastic": (_halving("Stochastic"), "a cell drawn by its size"),
    "mixed": (_halving("Mixed"), "part maximum, part average (share)"),
    "blur": (lambda c, **s: at.BlurPool2d(**s), "binomial filter, every second kept"),
    "maxblur": (lambda c: at.MaxBlurPool2d(2, 2), "maximum, then binomial filter"),
    "lip": (LIPPool2d, "local importance, learnt by a 1x1 convolution"),
    "strided": (lambda c: at.StridedConv2d(c, 2), "a convolution with stride 2, learnt"),
}


class Head(nn.Module):
    """Class maps to scores: the arm's poolings side by side, mixed by a linear layer if wider."""

    def __init__(self, arm: str, site: Site) -> None:
        super().__init__()
        self.pools = nn.ModuleList(_made(HEADS, "head", arm, p, (site,)) for p in parse(arm).parts)
        with torch.no_grad():
            maps = torch.zeros(2, site.channels, *site.size)
            width = sum(pool(maps).flatten(1).shape[1] for pool in self.pools)
        self.mix = nn.Identity()
        if width != site.channels:
            with torch.random.fork_rng(devices=()):
                self.mix = nn.Linear(width, site.channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, K, H, W) to (N, K)."""
        return self.mix(torch.cat([pool(maps).flatten(1) for pool in self.pools], 1))


def inner(arm: str, channels: int) -> nn.Module:
    """The arm as the pooling that halves ``channels`` maps."""
    part, *others = parse(arm).parts
    if others:
        raise PoolError(f"{arm!r} puts poolings side by side, which only a head can; name one")
    return _made(INNERS, "inner pooling", arm, part, (channels,))


def _made(
    table: dict[str, tuple[Callable[..., nn.Module], str]], what: str, arm: str,
    part: tuple[str, Settings], where: Sequence[Any],
) -> nn.Module:  # fmt: skip
    name, settings = part
    if name not in table:
        raise PoolError(f"no {what} is called {name!r}; {nearest(name, table)}")
    try:
        # a pooling that learns draws its tensors apart, so that the rest starts alike in every arm
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(torch.initial_seed() + 1)
            return table[name][0](*where, **settings)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PoolError(f"the arm {arm!r} cannot be built: {error}") from None


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name.

    >>> nearest("agv", ["avg", "max"])
    'did you mean avg? Known: avg, max'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    asked = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{asked}Known: {', '.join(names)}"


def check(place: str, arms: Iterable[str]) -> None:
    """Raise one sentence for the first arm that cannot stand at ``place``.

    >>> check("inner", ["max", "blur"])
    """
    if place not in ("head", "inner"):
        raise PoolError(f"a pooling under study stands at head or inner, not at {place!r}")
    for arm in arms:
        Head(arm, Site(3, (4, 4))) if place == "head" else inner(arm, 3)


def any_size(arm: str) -> bool:
    """Whether the head takes images of sizes it has not seen.

    >>> any_size("avg+max"), any_size("flatten")
    (True, False)
    """
    return not any(name in SIZED for name, _ in parse(arm).parts)
