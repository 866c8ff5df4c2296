"""The sentences of a verdict: plain words for one pair, for one data set, for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .records import Comparison
from .stats import SEEDS_NEEDED

_MIRRORED = {"better": "worse", "worse": "better"}


def mirrored(comparison: Comparison) -> Comparison:
    """The same comparison seen from b."""
    c = comparison
    return replace(
        c,
        a=c.b,
        b=c.a,
        per_seed=tuple(-value for value in c.per_seed),
        difference=-c.difference,
        low=-c.high,
        high=-c.low,
        low_here=-c.high_here,
        high_here=-c.low_here,
        low_90=-c.high_90,
        high_90=-c.low_90,
        share=1 - c.share,
        share_low=1 - c.share_high,
        share_high=1 - c.share_low,
        word=_MIRRORED.get(c.word, c.word),
    )


def points(*shares: float) -> list[str]:
    """Shares as points, all with as many decimals as the smallest of them needs.

    >>> points(0.0172, 0.0121)
    ['1.7', '1.2']
    >>> points(0.0172, -0.0002)
    ['1.72', '−0.02']
    """
    sizes = [abs(share) for share in shares if abs(share) >= 5e-6]
    digits = next((n for n in (1, 2) if min(sizes, default=1) >= 0.005 * 10**-n), 3)
    return [f"{100 * share + 0.0:.{digits}f}".replace("-", "−") for share in shares]


def counted(count: int, unit: str) -> str:
    """
    >>> counted(1, "seed"), counted(6, "data set")
    ('1 seed', '6 data sets')
    """
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def spanned(counts: Iterable[int], unit: str) -> str:
    """
    >>> spanned([10, 10], "seed"), spanned([8, 10], "seed")
    ('10 seeds', '8 to 10 seeds')
    """
    least, *_, most = sorted([*counts] * 2)
    return counted(most, unit) if least == most else f"{least} to {counted(most, unit)}"


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["avg", "max", "gem"])
    'avg, max and gem'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def percent_points(margin: float) -> str:
    """
    >>> percent_points(0.003)
    '0.3 points'
    """
    return f"{100 * margin:g} points"


def sentence(comparison: Comparison, place: str, drawn: str, margin: float) -> str:
    """One pair, from the side of the better arm; `drawn` is what it rests on, "10 seeds"."""
    c = comparison if comparison.difference >= 0 else mirrored(comparison)
    return _SENTENCES[c.word](c, place, drawn, margin)


def _better(c: Comparison, place: str, drawn: str, margin: float) -> str:
    by, low, high = points(c.difference, c.low, c.high)
    small = f", yet by less than the margin of {percent_points(margin)}" * (c.high_90 < margin)
    return (
        f"{place} {c.a} is better than {c.b} by {by} points"
        f" (95 % interval {low} to {high}, {drawn}){small}."
    )


def _equivalent(c: Comparison, place: str, drawn: str, margin: float) -> str:
    low, high = points(c.low_90, c.high_90)
    return (
        f"{place} no real difference between {c.a} and {c.b}: equivalent within"
        f" {percent_points(margin)} (90 % interval {low} to {high}, {drawn})."
    )


def _undecided(c: Comparison, place: str, drawn: str, margin: float) -> str:
    by, low, high = points(c.difference, c.low, c.high)
    lead = f"{c.a} leads by {by} points" if c.difference else "they are level"
    return (
        f"{place} it is undecided between {c.a} and {c.b}: {lead}"
        f" (95 % interval {low} to {high}, {drawn})."
    )


def _too_few(c: Comparison, place: str, drawn: str, margin: float) -> str:
    are = "is" if drawn.startswith("1 seed") else "are"
    so_far = f", where {c.a} leads by {points(c.difference)[0]} points so far" * (c.difference > 0)
    return (
        f"{place} {drawn} {are} too few for a verdict between {c.a} and {c.b}{so_far}:"
        f" at least {SEEDS_NEEDED} are needed."
    )


_SENTENCES = {
    "better": _better,
    "equivalent": _equivalent,
    "undecided": _undecided,
    "too few seeds": _too_few,
}


def hope(more: int | None, growth: float, unit: str) -> str:
    """What would settle an open question.

    more: seeds (or data sets) as `forecast` counts them
    growth: how many times as large the test set would have to be
    """
    if more is not None:
        return f"about {counted(more, f'more {unit}')} would decide"
    if 1 < growth <= 1000:
        times = f"{max(growth, 1.1):.1f}" if growth < 10 else f"{growth:.0f}"
        return f"no number of {unit}s would decide, only a test set at least {times} times as large"
    return f"it lies out of reach of a thousand {unit}s"
