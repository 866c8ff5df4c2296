"""How much of a pooled value comes from each cell: exact, by a rule that fits the pooling.

*Proportional* poolings (average, max, min, sum, Lp, GeM, median, quantile, top-k, their mixtures):
y(t x) = t y(x), so by Euler's theorem y is the sum over the cells of x dy/dx. For the average that
is x / N, for the max the winner alone. The same holds with another power of t (divided by it), and
beside a constant y(0), which belongs to no cell.

*Weighted means* (soft, the expectation of stochastic pooling, attention): y is the sum of w x by
definition, and w x is a cell's share. That is not x dy/dx, which also holds how x moves w.

*Log-sum-exp* is neither. With q the softmax of r x, which is dy/dx and sums to 1,
y = sum q x - KL(q || 1/N) / r: a weighted mean less what it costs to be uneven. The divergence is a
sum of one term a cell, q log(N q) - q + 1/N, never negative and 0 where q is 1/N. Each cell pays
its own, and since q log(N q) = r q (x - y) the share is q y + (q - 1/N) / r. The shares sum to y,
become x / N for r to 0 and the winner alone for r to infinity.

*GeM* is proportional in max(x, eps), of which the share is taken: y u**p / sum u**p.
*Spread* (std, var) is shared out by squared deviation: x counts by how far it lies from the mean.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import anypool.torch as at

from ...torch.layers import _Reducing
from .run import tensor_of
from .sites import Event

Tensor = torch.Tensor


class Share:
    """One pooling of these maps, in float64 on the CPU.

    value: what it gives, as a layer; offset: the part of it that no cell makes
    rule: in words; fault: why there is no exact share, or empty
    """

    rule, fault = "", ""
    value: Tensor
    offset: Tensor

    def of(self, slope: Tensor) -> Tensor:
        """(N, H, W): every cell's part of sum(slope * (value - offset)) of each image."""
        raise NotImplementedError


class Direct(Share):
    """Every map has one value, which its cells share."""

    def __init__(self, maps: Tensor, value: Tensor, shares: Tensor, rule: str) -> None:
        self.value, self.offset = value, torch.zeros_like(value)
        self.shares, self.rule = shares, rule
        kept = shares.flatten(2).sum(2)
        self.fault = "" if close(kept, value.flatten(1)) else "gives another value than its rule"

    def of(self, slope: Tensor) -> Tensor:
        return weighed(slope, self.shares)


def weighed(slope: Tensor, shares: Tensor) -> Tensor:
    """The shares of all maps of each image, a weight a map, added up to one map."""
    n, c, *size = shares.shape
    return torch.bmm(slope.reshape(n, 1, c), shares.reshape(n, c, -1)).reshape(n, *size)


class Cells(Share):
    """No pooling at all: the maps themselves go on."""

    def __init__(self, maps: Tensor) -> None:
        self.value, self.offset = maps, torch.zeros_like(maps)
        self.rule = "each cell counts its value times the slope of the score"

    def of(self, slope: Tensor) -> Tensor:
        return (slope * self.value).sum(1)


class Proportional(Share):
    """A pooling that grows as a power of its maps: Euler's theorem."""

    def __init__(self, pool: Callable[[Tensor], Tensor], maps: Tensor, rule: str) -> None:
        self.leaf = maps.clone().requires_grad_()
        with torch.enable_grad():
            self.pooled = pool(self.leaf.clone())
        with torch.no_grad():
            self.value, self.offset = self.pooled.detach(), pool(torch.zeros_like(maps))
            grown = self.value - self.offset
            double, half = (pool(t * maps) - self.offset for t in (2.0, 0.5))
        self.power, self.rule = _power(grown, double), rule
        fits = close(double, 2**self.power * grown) and close(half, 0.5**self.power * grown)
        if not fits or self.power <= 0:
            self.fault = "is not proportional to its maps, and no other rule is known for it"
        elif not self.pooled.requires_grad:
            self.fault = "has no derivative"
        self.shares = None if self.fault else self._apart(grown)

    def of(self, slope: Tensor) -> Tensor:
        return weighed(slope, self.shares) if self.shares is not None else self._euler(slope).sum(1)

    def _euler(self, slope: Tensor) -> Tensor:
        """x times what of the slope arrives at x, (N, C, H, W)."""
        slope = slope.reshape(self.pooled.shape)
        [moved] = torch.autograd.grad(self.pooled, self.leaf, slope, retain_graph=True)
        x = self.leaf.detach()
        # of a map of zeros some slopes are infinite
        return torch.where(x == 0, 0, x * moved) / self.power

    def _apart(self, grown: Tensor) -> Tensor | None:
        """The shares of each map in its own value, once for all classes, where maps do not mix.

        Slopes drawn at random tell: under these only maps that do not mix give back their values.
        """
        n, c = self.leaf.shape[:2]
        if grown.numel() != n * c:
            return None
        draws = 0.5 + torch.rand((n, c), generator=torch.Generator().manual_seed(0)).double()
        shares = self._euler(draws)
        shares = shares / draws.reshape(n, c, *(1,) * (shares.ndim - 2))
        return shares if close(shares.flatten(2).sum(2), grown.reshape(n, c)) else None


def close(a: Tensor, b: Tensor, share: float = 1e-6) -> bool:
    """Whether two results agree, up to a share of the largest number in them."""
    if a.shape != b.shape or not (a.isfinite().all() and b.isfinite().all()):
        return False
    most = max(float(b.abs().max()), float(a.abs().max())) if a.numel() else 0.0
    return bool(((a - b).abs() <= share * most).all())


def _power(grown: Tensor, double: Tensor) -> float:
    """The power of t with which y(t x) grows, found by doubling."""
    square = float((grown * grown).sum())
    ratio = float((grown * double).sum()) / square if square > 0 else 2.0
    power = math.log2(ratio) if ratio > 0 and math.isfinite(ratio) else 0.0
    return float(round(power)) if abs(power - round(power)) < 1e-6 else power


# -- which rule ---------------------------------------------------------------------------------


def shared(event: Event, maps: Tensor, args: tuple[Any, ...], named: dict[str, Any]) -> Share:
    """The share of each cell in what this pooling makes of the maps."""
    maps = maps.double().cpu()
    part, bare = event.part, not args and not named
    if bare and isinstance(part, at.AttentionPool):
        return _attention(_alone(part), maps)
    if bare and isinstance(part, _Reducing) and part.kind in RULES:
        rule, words = RULES[part.kind]
        value, shares = rule(part, maps)
        return Direct(maps, value, shares, words)
    return _measured(part, maps, args, named)


def _measured(part: nn.Module, maps: Tensor, args: tuple[Any, ...], named: dict[str, Any]) -> Share:
    alone = _alone(part)

    def pool(x: Tensor) -> Tensor:
        return tensor_of(alone.forward(x, *args, **named))

    try:
        share = Proportional(pool, maps, "each cell counts x · dy/dx, which sums to y (Euler)")
    except Exception as error:  # whatever the user's own pooling raises when called alone
        failed = Share()
        words = (str(error).splitlines() or [type(error).__name__])[0]
        failed.fault = f"cannot be called alone in float64: {words}"
        return failed
    share.rule = _words(part, maps, share.value) or share.rule
    return share


def _alone(part: nn.Module) -> Any:
    """The pooling in float64 on the CPU, without the hooks of its owner."""
    try:
        alone = copy.deepcopy(part).double().cpu()
    except Exception:  # what cannot be copied is called as it is, without its own hooks
        return part
    for module in alone.modules():
        module.training = False
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return alone


def _words(part: nn.Module, maps: Tensor, value: Tensor) -> str:
    """The rule for a proportional pooling, where its name allows plainer words."""
    kind = getattr(part, "kind", type(part).__name__).lower()
    whole = value.numel() == maps.shape[0] * maps.shape[1]
    whose = "" if whole else " of each window"
    if kind.startswith(("adaptiveavg", "avg")) or kind == "mean":
        every = whole and not kind.startswith("avg")
        cells = f"= {math.prod(maps.shape[2:])}" if every else "the cells of a window"
        return f"each cell counts x/N, N {cells}"
    if kind.startswith(("adaptivemax", "max")):
        return f"the largest cell{whose} counts alone"
    return f"the smallest cell{whose} counts alone" if kind == "min" else ""


def _attention(alone: at.AttentionPool, maps: Tensor) -> Direct:
    with torch.no_grad():
        value, weights = alone.forward(maps, return_weights=True)
    return Direct(maps, value, weights[:, None] * maps, "each cell counts its attention times x")


def _number(part: _Reducing, maps: Tensor) -> Tensor:
    """The parameter p, r or beta, one for all maps or one for each."""
    value = torch.as_tensor(part._value()).detach().double().cpu().reshape(-1)
    return value.reshape(-1, *(1,) * (maps.ndim - 2)) if value.numel() > 1 else value


def _over(maps: Tensor) -> tuple[int, ...]:
    return tuple(range(2, maps.ndim))


def _softmax(logits: Tensor) -> Tensor:
    return logits.flatten(2).softmax(2).reshape(logits.shape)


def _soft(part: _Reducing, x: Tensor) -> tuple[Tensor, Tensor]:
    shares = _softmax(_number(part, x) * x) * x
    return shares.sum(_over(x)), shares


def _lse(part: _Reducing, x: Tensor) -> tuple[Tensor, Tensor]:
    r, axes, n = _number(part, x), _over(x), math.prod(x.shape[2:])
    y = (torch.logsumexp(r * x, axes, keepdim=True) - math.log(n)) / r
    q = _softmax(r * x)
    return y.flatten(1), q * y + (q - 1 / n) / r


def _gem(part: _Reducing, x: Tensor) -> tuple[Tensor, Tensor]:
    p, axes = _number(part, x), _over(x)
    u = x.clamp(min=part.params["eps"])
    most = u.amax(axes, keepdim=True)
    powers = (u / most) ** p
    y = most * powers.mean(axes, keepdim=True) ** (1 / p)
    return y.flatten(1), y * powers / powers.sum(axes, keepdim=True)


def _spread(part: _Reducing, x: Tensor) -> tuple[Tensor, Tensor]:
    axes, n = _over(x), math.prod(x.shape[2:])
    square = (x - x.mean(axes, keepdim=True)) ** 2
    var = square.sum(axes, keepdim=True) / (n - part.params["correction"])
    y = var.sqrt() if part.kind == "std" else var
    total = square.sum(axes, keepdim=True)
    return y.flatten(1), torch.where(total > 0, y * square / total, 0)


def _drawn(part: _Reducing, x: Tensor) -> tuple[Tensor, Tensor]:
    u = x.clamp(min=0)
    total = u.sum(_over(x), keepdim=True)
    shares = torch.where(total > 0, u * u / torch.where(total > 0, total, 1), 0)
    return shares.sum(_over(x)), shares


Rule = Callable[[Any, Tensor], tuple[Tensor, Tensor]]
RULES: dict[str, tuple[Rule, str]] = {
    "soft": (_soft, "each cell counts its soft weight times x"),
    "lse": (_lse, "each cell counts q·y + (q − 1/N)/r, q the softmax of r·x"),
    "gem": (_gem, "each cell counts y · uᵖ / Σuᵖ, u = max(x, eps)"),
    "std": (_spread, "each cell counts by its squared distance from the mean"),
    "var": (_spread, "each cell counts by its squared distance from the mean"),
    "stochastic": (_drawn, "each cell counts its probability times x"),
}
