"""The first sentence of a verdict: who leads, who keeps up, and what is still open."""

from __future__ import annotations

from collections.abc import Sequence

from .records import Comparison
from .stats import SEEDS_NEEDED
from .words import counted, listed, mirrored, percent_points, points

Comparisons = Sequence[Comparison]


def headline(
    comparisons: Comparisons, place: str, drawn: str, margin: float, reference: str | None
) -> str:
    """One sentence about all pairs of one place.

    place: how it begins, "On digits"; drawn: what it rests on, "10 seeds"
    """
    if len(comparisons) == 1:
        return comparisons[0].sentence
    if all(c.word == "too few seeds" for c in comparisons):
        return _too_few(comparisons, place, drawn)
    if reference is not None:
        seen = [c if c.b == reference else mirrored(c) for c in comparisons]
        return f"{place}, against {reference}, {'; '.join(_against(seen, margin))} ({drawn})."
    if all(c.word == "equivalent" for c in comparisons):
        names = listed(_arms(comparisons))
        within = percent_points(margin)
        return f"{place} no real difference between {names}: equivalent within {within} ({drawn})."
    return _about_the_leader(comparisons, place, drawn, margin)


def depends(comparisons: Comparisons) -> str:
    """What to say of the pair that turns round most from data set to data set; "" if none does.

    comparisons: those of all the single data sets
    """
    turns = {pair: turn for pair in _pairs(comparisons) if (turn := _turn(comparisons, pair))}
    if not turns:
        return ""
    up, down = max(turns.values(), key=lambda ends: min(e.difference for e in ends))
    others = len(turns) - 1
    also = (
        f" ({counted(others, 'other pair')} turn{'s' * (others == 1)} round too)" if others else ""
    )
    ups, downs = points(up.difference)[0], points(down.difference)[0]
    return (
        f" depends on the data: {up.a} is better than {up.b} by {ups} points on {up.data}, and"
        f" {down.a} is better than {down.b} by {downs} points on {down.data}{also}"
    )


def leader(comparisons: Comparisons) -> str:
    """The arm with the largest mean difference from the others."""
    total = dict.fromkeys(_arms(comparisons), 0.0)
    for c in comparisons:
        total[c.a] += c.difference
        total[c.b] -= c.difference
    return max(total, key=lambda arm: total[arm])


def _about_the_leader(comparisons: Comparisons, place: str, drawn: str, margin: float) -> str:
    first = leader(comparisons)
    own = [c if c.a == first else mirrored(c) for c in comparisons if first in (c.a, c.b)]
    own.sort(key=lambda c: c.difference)
    if all(c.word == "better" for c in own):
        return (
            f"{place} {first} is the best of {len(own) + 1}: {_gaps(own, 'better than')} ({drawn})."
        )
    clauses = [
        say
        for say in (
            _clause(own, "better", "better than"),
            _ties(own, margin),
            _clause(own, "worse", "worse than"),
            _open(own, "undecided against"),
            _clause_few(own, "not yet to be judged against"),
        )
        if say
    ]
    return f"{place} {first} leads: {'; '.join(clauses)} ({drawn})."


def _against(own: Comparisons, margin: float) -> list[str]:
    """What every arm is beside the reference."""
    better = sorted((c for c in own if c.word == "better"), key=lambda c: -c.difference)
    worse = sorted((c for c in own if c.word == "worse"), key=lambda c: c.difference)
    same = [c.a for c in own if c.word == "equivalent"]
    few = [c.a for c in own if c.word == "too few seeds"]
    open_ = [c for c in own if c.word == "undecided"]
    texts = [
        better and f"{_subject(better)} better by {_range(better)} points",
        worse and f"{_subject(worse)} worse by {_range(worse)} points",
        same and f"{listed(same)} {_are(same)} equivalent within {percent_points(margin)}",
        open_ and f"{_subject(open_)} undecided{_hopes(open_)}",
        few and f"{listed(few)} {_have(few)} too few seeds",
    ]
    return [text for text in texts if text]


def _subject(own: Comparisons) -> str:
    names = [c.a for c in own]
    return f"{listed(names)} {_are(names)}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _have(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _clause(own: Comparisons, word: str, verb: str) -> str:
    found = [c for c in own if c.word == word]
    return _gaps(found, verb) if found else ""


def _gaps(found: Comparisons, verb: str) -> str:
    return f"{verb} {listed([c.b for c in found])} by {_range(found)} points"


def _ties(own: Comparisons, margin: float) -> str:
    names = [c.b for c in own if c.word == "equivalent"]
    return f"equivalent to {listed(names)} within {percent_points(margin)}" if names else ""


def _open(own: Comparisons, verb: str) -> str:
    found = [c for c in own if c.word == "undecided"]
    return f"{verb} {listed([c.b for c in found])}{_hopes(found)}" if found else ""


def _clause_few(own: Comparisons, verb: str) -> str:
    names = [c.b for c in own if c.word == "too few seeds"]
    return f"{verb} {listed(names)}" if names else ""


def _range(found: Comparisons) -> str:
    """The least and the largest difference, once where they print alike."""
    sizes = sorted(abs(c.difference) for c in found)
    low, high = points(sizes[0], sizes[-1])
    return low if low == high else f"{low} to {high}"


def _hopes(found: Comparisons) -> str:
    """How many more seeds would decide the open pairs that seeds can decide."""
    more = sorted(c.more for c in found if c.more is not None)
    if not more:
        return ", which more seeds alone would not decide"
    span = f"{more[0]}" if more[0] == more[-1] else f"{more[0]} to {more[-1]}"
    rest = len(found) - len(more)
    some = f" {len(more)} of these" if rest else ""
    return f", where about {span} more {'seed' if span == '1' else 'seeds'} would decide{some}"


def _too_few(comparisons: Comparisons, place: str, drawn: str) -> str:
    count = len(_arms(comparisons))
    are = "is" if drawn.startswith("1 seed") else "are"
    return (
        f"{place} {drawn} {are} too few for a verdict on {count} arms: at least {SEEDS_NEEDED}"
        f" are needed ({leader(comparisons)} leads so far)."
    )


def _arms(comparisons: Comparisons) -> list[str]:
    return list(dict.fromkeys(arm for c in comparisons for arm in (c.a, c.b)))


def _pairs(comparisons: Comparisons) -> list[tuple[str, str]]:
    return list(dict.fromkeys((c.a, c.b) for c in comparisons))


def _turn(comparisons: Comparisons, pair: tuple[str, str]) -> tuple[Comparison, Comparison] | None:
    """Where a pair is decided both ways: its clearest case each way, both told by the winner."""
    own = [c for c in comparisons if (c.a, c.b) == pair]
    wins = [c for c in own if c.word == "better"]
    losses = [mirrored(c) for c in own if c.word == "worse"]
    if not wins or not losses:
        return None
    return max(wins, key=lambda c: c.difference), max(losses, key=lambda c: c.difference)
