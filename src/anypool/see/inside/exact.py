"""Exact class maps: what of each score comes from which cell, and proof that it adds up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from .run import Ran, Spot, run
from .shares import Cells, Share, shared
from .sites import Site, seen_past
from .subject import Subject

Tensor = torch.Tensor

_SUM = 1e-5  # of the largest score: how well contributions and bias must add up
_LINE = 1e-4  # the same for the head at other places, where float32 rounds several times


@dataclass
class Exact:
    """Class maps that add up.

    contributions, bias: (N, K, H, W) and (N, K), whose sums are the scores
    error: by how much they miss them, as a share of the largest score; rule: how a cell counts
    """

    contributions: Tensor
    bias: Tensor
    error: float
    rule: str


class NotExactError(Exception):
    """Why there are no exact maps, in words."""


@dataclass(frozen=True)
class _Cut:
    """The model cut behind its poolings.

    put: runs the model with these tensors (one a pooling) in the place of what its poolings give
    """

    shares: list[Share]
    values: list[Tensor]
    put: Callable[..., Tensor]
    straight: bool


def exact(who: Subject, where: Site, ran: Ran) -> Exact:
    """The class maps of a site, or `NotExactError`. ran: a forward that kept `kept(where)`."""
    cut = _cut(who, where, ran)
    return _added_up(who, where, cut, ran)


def kept(where: Site) -> list[Spot]:
    """What a forward must keep so that `exact` can go on from it."""
    return [where.maps, *(_leaving(pool) for pool in where.pools)]


def _leaving(pool: Any) -> Spot:
    return Spot(pool.name, False, pool.call)


def _cut(who: Subject, where: Site, ran: Ran) -> _Cut:
    maps = ran.at(where.maps)
    spots = [_leaving(pool) for pool in where.pools] or [where.maps]
    values = [ran.at(spot) for spot in spots]
    shares: list[Share] = []
    for pool, spot in zip(where.pools, spots, strict=False):
        passed = ran.passed[spot]
        shares.append(shared(pool, maps, passed.args, dict(passed.kwargs)))
    shares = shares or [Cells(maps.double().cpu())]
    for share in shares:
        if share.fault:
            raise NotExactError(f"{where.layer} {share.fault}")
    put = partial(_scores, who, spots)
    return _Cut(shares, values, put, bool(where.pools))


def _scores(
    who: Subject, spots: list[Spot], values: list[Tensor], *, image: Tensor | None = None,
    grad: bool = False,
) -> Tensor:  # fmt: skip
    """The scores with these values in the place of what passes the spots."""
    batch = who.batch if image is None else image
    put = dict(zip(spots, values, strict=True))
    scores = run(who.module, batch, who.pick, put=put, grad=grad).scores
    if scores is None:
        raise NotExactError("the model gives scores only sometimes")
    return scores


def _added_up(who: Subject, where: Site, cut: _Cut, ran: Ran) -> Exact:
    leaves = [value.clone().requires_grad_() for value in cut.values]
    image = who.batch.clone().requires_grad_()
    scores = cut.put([leaf.clone() for leaf in leaves], image=image, grad=True)
    _alone(scores, image, where)
    points = _probes(cut)
    lines = [[_double(value) for value in point] for point in points]
    at_zero = _double(cut.put([torch.zeros_like(v) for v in cut.values]))
    contributions, offsets, along = _by_class(scores, leaves, cut, lines)
    _straight(where, cut, points, along, at_zero)
    bias = at_zero + offsets
    wanted = _double(ran.scores)
    error = _miss(contributions.flatten(2).sum(2) + bias, wanted)
    if error > max(_SUM, 8 * torch.finfo(who.batch.dtype).eps):
        raise NotExactError(f"behind {where.layer} the shares miss the scores by {error:.1e}")
    return Exact(contributions, bias, error, "; ".join(dict.fromkeys(s.rule for s in cut.shares)))


def _alone(scores: Tensor, image: Tensor, where: Site) -> None:
    """Everything that the scores know of the image must have passed here."""
    if not scores.requires_grad:
        raise NotExactError(f"the scores do not depend on {where.layer}")
    if seen_past(scores, image):
        raise NotExactError(f"the scores also see the image by another way than {where.layer}")


def _probes(cut: _Cut) -> list[list[Tensor]]:
    """Other values in the place of the pooled ones, at which a linear head must be the same line.

    Far away too, where hidden units that sleep on this image would wake. Maps without a pooling
    are only made larger and smaller: their cells may yet meet a max.
    """
    draws = torch.Generator().manual_seed(0)
    far = 100.0 if torch.finfo(cut.values[0].dtype).bits >= 32 else 8.0

    def scaled(value: Tensor, size: float) -> Tensor:
        if not cut.straight:
            return size * value
        factor = 2 * size * torch.rand(value.shape, generator=draws)
        return value * factor.to(value.device, value.dtype)

    return [[scaled(value, size) for value in cut.values] for size in (0.5, 1.5, far, far)]


def _by_class(
    scores: Tensor, leaves: list[Tensor], cut: _Cut, points: list[list[Tensor]]
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Contributions, the constants of the poolings, and the slope times each probe, by class."""
    maps, offsets, along = [], [], [[] for _ in points]
    constants = [share.offset for share in cut.shares]
    for k in range(scores.shape[1]):
        slopes = torch.autograd.grad(
            scores[:, k].sum(), leaves, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        slopes = [_double(slope) for slope in slopes]
        maps.append(_sum(share.of(a) for share, a in zip(cut.shares, slopes, strict=True)))
        offsets.append(_dot(slopes, constants))
        for line, point in zip(along, points, strict=True):
            line.append(_dot(slopes, point))
    return torch.stack(maps, 1), torch.stack(offsets, 1), [torch.stack(line, 1) for line in along]


def _straight(
    where: Site, cut: _Cut, points: list[list[Tensor]], along: list[Tensor], at_zero: Tensor
) -> None:
    """Whether the head is the line that its slope promises, at every probe."""
    for point, line in zip(points, along, strict=True):
        there = _double(cut.put(point))
        if _miss(line + at_zero, there) > max(_LINE, 8 * torch.finfo(point[0].dtype).eps):
            behind = f" ({where.behind})" if where.behind else ""
            raise NotExactError(
                f"what comes behind {where.layer} is not linear, as measured{behind}"
            )


def _double(t: Any) -> Tensor:
    return t.detach().double().cpu()


def _dot(slopes: list[Tensor], values: list[Tensor]) -> Tensor:
    return _sum(
        torch.linalg.vecdot(a.flatten(1), v.flatten(1)) for a, v in zip(slopes, values, strict=True)
    )


def _sum(parts: Any) -> Tensor:
    return torch.stack(list(parts)).sum(0)


def _miss(a: Tensor, b: Tensor) -> float:
    """How far two sets of scores lie apart, as a share of the largest of them."""
    if not (a.isfinite().all() and b.isfinite().all()):
        return float("inf")
    return float((a - b).abs().max()) / (float(b.abs().max()) or 1.0)
