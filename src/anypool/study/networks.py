"""The networks of the study: everything but the pooling is the same for every arm.

``build`` gives a module that takes (N, channels, H, W) floats and gives (N, classes) scores. A
network of your own is a function ``f(pool, channels, classes) -> nn.Module`` (or without ``pool``,
and its own pooling modules are exchanged).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from ..errors import PoolError
from .arms import Head, Site, inner, nearest

Tensor = torch.Tensor
Pools = Callable[[int], nn.Module]
Size = tuple[int, int]


def _conv(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]


def _stages(channels: int, pool: Pools) -> list[nn.Module]:
    """Three times two 3x3 convolutions and a pooling, as the tutorial has them."""
    layers: list[nn.Module] = []
    before = channels
    for width in (8, 16, 32):
        layers += [*_conv(before, width), *_conv(width, width), pool(width)]
        before = width
    return layers


class Tutorial(nn.Module):
    """The tutorial's network: class maps by a 1x1 convolution, pooled to scores, then a sigmoid.

    The sigmoid before the cross entropy is the tutorial's own; ``Plain`` leaves it out.
    """

    last: type[nn.Module] = nn.Sigmoid

    def __init__(self, channels: int, classes: int, size: Size, pool: Pools, head: str) -> None:
        super().__init__()
        maps = nn.Sequential(*_stages(channels, pool), nn.Conv2d(32, classes, 1))
        self.features = maps
        self.head = Head(head, Site(classes, _size_after(maps, channels, size)))
        self.last_step = self.last()

    def forward(self, x: Tensor) -> Tensor:
        return self.last_step(self.head(self.features(x)))


class Plain(Tutorial):
    """The tutorial's network without the sigmoid before the cross entropy."""

    last = nn.Identity


class Classical(Plain):
    """The design the tutorial argues against: its convolutions, then flatten, dropout, linear."""

    def __init__(self, channels: int, classes: int, size: Size, pool: Pools, head: str) -> None:
        super().__init__(channels, classes, size, pool, "flatten")


def _step(before: int, after: int, norm: Callable[[int], nn.Module]) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), norm(after), nn.ReLU(inplace=True)]


class Small(nn.Module):
    """All convolutions, at most 150 000 parameters: three stages, class maps, one pooling."""

    WIDTHS = ((32,), (64, 64), (96,))

    def __init__(
        self, channels: int, classes: int, size: Size, pool: Pools, head: str,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:  # fmt: skip
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for stage, widths in enumerate(self.WIDTHS):
            layers += [pool(before)] if stage else []
            for width in widths:
                layers += _step(before, width, norm)
                before = width
        maps = nn.Sequential(*layers, nn.Conv2d(before, classes, 1))
        self.features = maps
        self.head = Head(head, Site(classes, _size_after(maps, channels, size)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _size_after(layers: nn.Module, channels: int, size: Size) -> Size:
    """The size of the maps that images of ``size`` become."""
    was = layers.training
    try:
        with torch.no_grad():
            rows, columns = layers.eval()(torch.zeros(1, channels, *size)).shape[2:]
    except RuntimeError as error:
        raise PoolError(
            f"images of {size[0]}x{size[1]} do not fit this network, which halves them several "
            f"times ({error}); scale them up, or bring a network of your own"
        ) from None
    layers.train(was)
    return rows, columns


NETWORKS: dict[str, tuple[type[nn.Module], str]] = {
    "tutorial": (Tutorial, "three stages of 8, 16, 32 maps, 1x1 class maps, pooling, sigmoid"),
    "plain": (Plain, "the same without the sigmoid, which harms the cross entropy"),
    "small": (Small, "all convolutions with batch normalisation, below 150 000 parameters"),
    "classical": (Classical, "plain with flatten and linear layers; for inner poolings only"),
}


def build(
    network: str | Callable[..., nn.Module], place: str, arm: str, channels: int, classes: int,
    size: Size, ragged: bool = False,
) -> nn.Module:  # fmt: skip
    """A network with the arm at its place; what else it is does not depend on the arm.

    size: of the images, or of the smallest ones; ragged: images have different sizes, so that
    normalisation works on each image by itself.

    >>> net = build("small", "head", "gem", 1, 10, (28, 28))
    >>> sum(p.numel() for p in net.parameters()) < 150_000
    True
    """
    head, pool = (arm, "max") if place == "head" else ("avg", arm)
    pools = lambda width: inner(pool, width)  # noqa: E731
    if isinstance(network, str) and network in NETWORKS:
        kind = NETWORKS[network][0]
        if kind is Classical and place == "head":
            raise PoolError("network classical has its head fixed; compare the arm flatten instead")
        more = {"norm": lambda width: nn.GroupNorm(8, width)} if ragged and kind is Small else {}
        return kind(channels, classes, size, pools, head, **more)
    factory = named(network) if isinstance(network, str) else network
    return _own(factory, place, arm, channels, classes, size)


def named(name: str) -> Callable[..., nn.Module]:
    """The user's function behind ``module:function``."""
    module, colon, function = name.partition(":")
    if not colon:
        raise PoolError(
            f"no network is called {name!r}; {nearest(name, NETWORKS)}, or module:function of "
            "your own"
        )
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise PoolError(f"the network {name!r} cannot be found: {error}") from None


def _own(
    factory: Callable[..., nn.Module], place: str, arm: str, channels: int, classes: int, size: Size
) -> nn.Module:
    """The user's network: with a ``pool`` argument it takes the arm, else its modules change."""
    wanted: dict[str, Any] = {"channels": channels, "classes": classes}
    known = inspect.signature(factory).parameters
    wanted = {name: value for name, value in wanted.items() if name in known}
    if "pool" in known:
        slot = _slot(place, arm)
        return factory(pool=slot, **wanted)
    model = factory(**wanted)
    if not _exchange(model, place, arm, torch.zeros(2, channels, *size)):
        what = "global or adaptive" if place == "head" else "2x2 max or average"
        raise PoolError(
            f"the network has no pool= argument and no {what} pooling module that the arm {arm!r} "
            "could take the place of"
        )
    return model


def _slot(place: str, arm: str) -> Callable[..., nn.Module]:
    """What a ``pool=`` argument gets: ``pool(channels)`` inside, ``pool(maps, size)`` as head."""
    if place == "inner":
        return lambda channels: inner(arm, channels)
    return lambda channels, size=(1, 1): Head(arm, Site(channels, tuple(size)))


GLOBAL = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
HALVING = (nn.MaxPool2d, nn.AvgPool2d)


def _exchange(model: nn.Module, place: str, arm: str, images: Tensor) -> list[str]:
    """Put the arm where the model's own pooling modules stand; their names."""
    seen: dict[str, tuple[int, Size]] = {}

    def note(name: str) -> Callable[..., None]:
        return lambda module, args: seen.update({name: (args[0].shape[1], args[0].shape[2:])})

    kinds = GLOBAL if place == "head" else HALVING
    found = {n: m for n, m in model.named_modules() if isinstance(m, kinds) and _fits(m)}
    hooks = [module.register_forward_pre_hook(note(name)) for name, module in found.items()]
    was = model.training
    with torch.no_grad():
        model.eval()(images)
    model.train(was)
    for hook in hooks:
        hook.remove()
    for name, (channels, size) in seen.items():
        parent, _, child = name.rpartition(".")
        new = _Kept(Head(arm, Site(channels, size))) if place == "head" else inner(arm, channels)
        setattr(model.get_submodule(parent), child, new)
    return list(seen)


def _fits(module: nn.Module) -> bool:
    """Whether the module pools to 1x1, or by 2 without padding: what an arm also does."""
    told = {n: getattr(module, n, None) for n in ("output_size", "kernel_size", "stride")}
    if told["output_size"] is not None:
        return told["output_size"] in (1, (1, 1))
    same = told["kernel_size"] in (2, (2, 2)) and told["stride"] in (2, (2, 2))
    return same and getattr(module, "padding", 0) in (0, (0, 0))


class _Kept(nn.Module):
    """A head whose scores keep two axes of size 1, as the module it replaces gave them."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, maps: Tensor) -> Tensor:
        return self.head(maps)[:, :, None, None]


def check(
    network: str | Callable[..., nn.Module], place: str, arms: Iterable[str], channels: int,
    classes: int, size: Size,
) -> dict[str, int]:  # fmt: skip
    """Build every arm once and count its parameters, so that what cannot be is said at once.

    >>> check("small", "head", ["avg", "gem"], 1, 10, (28, 28))
    {'avg': 112362, 'gem': 112363}
    """
    counts = {}
    for arm in arms:
        with torch.random.fork_rng(devices=()):
            model = build(network, place, arm, channels, classes, size)
        counts[arm] = sum(p.numel() for p in model.parameters())
    return counts
