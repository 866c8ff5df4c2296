"""Where the maps of a model become scores: its global poolings, or its last layer with maps."""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from ...errors import PoolError
from .layers import described, name_of
from .run import Spot, called, run, tensor_of
from .subject import Subject
from .traceless import traceless

Tensor = torch.Tensor
Shape = tuple[int, ...]

_NAMED = re.compile(r"pool|gem\b", re.IGNORECASE)
# layers behind a pooling that only lay its maps out anew
_LAYING = (nn.Flatten, nn.Identity, nn.modules.dropout._DropoutNd, nn.Unflatten)


@dataclass(frozen=True)
class Event:
    """One call of a layer: which of its calls, shapes, and when it began and ended.

    source: the tensor that came in, where maps became smaller
    """

    name: str
    part: nn.Module
    call: int
    takes: Shape | None
    gives: Shape | None
    began: int
    source: Tensor | None


def events(who: Subject, *, every: bool = False) -> list[Event]:
    """Every call of a layer in the order in which they ended; of one image, or of every one."""
    journal = _Journal()
    with traceless(who.module), ExitStack() as hooks:
        for name, part in who.module.named_modules():
            if name:
                hooks.callback(part.register_forward_pre_hook(journal.began).remove)
                ended = partial(journal.ended, name)
                hooks.callback(part.register_forward_hook(ended, with_kwargs=True).remove)
        called(who.module, who.batch if every else who.batch[:1])
    return journal.events


class _Journal:
    """Notes every call of a layer as an event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.open: list[int] = []
        self.calls: Counter[str] = Counter()
        self.clock = 0

    def began(self, *_: Any) -> None:
        self.clock += 1
        self.open.append(self.clock)

    def ended(self, name: str, part: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        taken = args[0] if args else next(iter(kwargs.values()), None)
        takes, gives = _shape(taken), _shape(tensor_of(output))
        smaller = takes is not None and gives is not None and _shrinks(takes, gives)
        source = taken if smaller else None
        call = self.calls[name]
        self.events.append(Event(name, part, call, takes, gives, self.open.pop(), source))
        self.calls[name] += 1


def _shape(value: Any) -> Shape | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _cells(shape: Shape) -> int:
    return math.prod(shape[2:])


def _shrinks(takes: Shape, gives: Shape) -> bool:
    """Whether maps came in and less than their cells went out of each."""
    return len(takes) > 2 and _cells(takes) > 1 and _cells(gives) < _cells(takes)


def _maps(shape: Shape | None, rank: int) -> bool:
    return shape is not None and len(shape) == rank + 2 and _cells(shape) > 1


def final_pools(who: Subject, seen: list[Event] | None = None) -> list[Event]:
    """The poolings after which no layer sees maps any more; several, where they share their maps.

    A pooling is what is called so, or what gives one number for each of its maps.
    """
    seen = events(who) if seen is None else seen
    alike = [event for event in seen if _pools(event, who.rank)]
    alike = [event for event in alike if not any(_inside(o, event) for o in alike)]
    if not alike or any(_looks(event, alike[-1], who.rank) for event in seen):
        return []
    return [e for e in alike if _same(e.source, alike[-1].source)]


def _pools(event: Event, rank: int) -> bool:
    if event.source is None or event.takes is None or not _maps(event.takes, rank):
        return False
    gives = event.gives or ()
    if _NAMED.search(type(event.part).__name__):
        return len(gives) in (2, 3, rank + 2)
    return _cells(gives) == 1 and len(gives) in (2, rank + 2) and gives[1:2] == event.takes[1:2]


def _inside(one: Event, other: Event) -> bool:
    return one.name.startswith(f"{other.name}.")


def _looks(event: Event, pool: Event, rank: int) -> bool:
    """Whether a layer behind the pooling sees maps."""
    behind = event.began > pool.began and not _inside(event, pool) and event is not pool
    leaf = not any(event.part.children())
    return behind and leaf and _maps(event.takes, rank) and not isinstance(event.part, _LAYING)


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (
        a is not None and b is not None and a.data_ptr() == b.data_ptr() and a.shape == b.shape
    )


@dataclass(frozen=True)
class Site:
    """Where the maps of class maps lie.

    maps: the spot they pass; pools: the poolings that take them, empty where none is a layer
    layer: whose maps these are, in words; before: the layer that gives maps last, if any
    behind: the layers behind, in words
    """

    maps: Spot
    pools: tuple[Event, ...]
    layer: str
    before: str | None
    behind: str


def site(who: Subject, pool: Any) -> Site:
    """The poolings named, else those found, else the last layer that gives maps."""
    seen = events(who)
    pools = _asked(who, pool, seen) if pool is not None else final_pools(who, seen)
    first = min((event.began for event in pools), default=None)
    giving = [e for e in seen if _maps(e.gives, who.rank) and (first is None or e.began < first)]
    giving = [e for e in giving if not any(_inside(p, e) for p in pools)]
    if pools:
        layer = " and ".join(described(p.name, who.module) for p in pools)
        maps = Spot(pools[0].name, True, pools[0].call)
        before = giving[-1].name if giving else None
        return Site(maps, tuple(pools), layer, before, _behind(who, seen, pools[-1]))
    if not giving:
        raise PoolError(
            "no layer of the model gives maps (N, C, H, W), so there are no cells to speak of"
        )
    last = giving[-1]
    spot = Spot(last.name, False, last.call)
    layer = described(last.name, who.module)
    return Site(spot, (), layer, last.name, _behind(who, seen, last))


def _asked(who: Subject, pool: Any, seen: list[Event]) -> list[Event]:
    wanted = pool if isinstance(pool, list | tuple) else [pool]
    last = {event.name: event for event in seen}
    found = []
    for one in wanted:
        name = name_of(who.module, one)
        if name not in last:
            raise PoolError(f"the layer {described(name, who.module)} was never called")
        if not _maps(last[name].takes, who.rank):
            told = described(name, who.module)
            raise PoolError(f"{told} takes {last[name].takes}, which are no maps (N, C, H, W)")
        found.append(last[name])
    if not all(_same(e.source, found[0].source) for e in found):
        raise PoolError("the poolings named take different maps; name one, or those of one map")
    return found


def _behind(who: Subject, seen: list[Event], last: Event) -> str:
    """The layers that run behind, as a sentence names them."""
    after = [e for e in seen if e.began > last.began and not any(e.part.children())]
    names = [f"{type(e.part).__name__} {e.name}" for e in after if not _inside(e, last)]
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def is_class_map(who: Subject, spot: Spot, value: Tensor) -> bool:
    """Whether score k depends on channel k of these maps alone, and on nothing beside them."""
    leaf, image = value.clone().requires_grad_(), who.batch.clone().requires_grad_()
    try:
        scores = run(who.module, image, who.pick, put={spot: leaf.clone()}, grad=True).scores
    except PoolError:  # without gradients it ran: some layer has none, so nothing is known
        return False
    if scores is None or not scores.requires_grad:
        return False
    return not seen_past(scores, image) and _apart(scores, leaf)


def seen_past(scores: Tensor, image: Tensor) -> bool:
    """Whether the scores still see the image by another way than what was put in its place."""
    [past] = torch.autograd.grad(scores.sum(), [image], retain_graph=True, allow_unused=True)
    return past is not None


def _apart(scores: Tensor, leaf: Tensor) -> bool:
    """Whether no score leans on another's channel, and some lean on their own.

    Not all must: GeM, for one, is flat where a whole map is negative.
    """
    own = False
    for k in range(scores.shape[1]):
        [slope] = torch.autograd.grad(
            scores[:, k].sum(), leaf, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        leans = (slope != 0).flatten(2).any(2).any(0)
        own |= bool(leans[k])
        leans[k] = False
        if leans.any():
            return False
    return own
