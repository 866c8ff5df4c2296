"""One callable in anypool's settings: its windows, its reduction, and what it gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .fitting import Fit, fits
from .probing import Seen, look
from .reducing import Guess, guess
from .subject import Subject

Shape = tuple[int, ...]
KINDS = ("plain", "ties", "negative")
MOST_FITS = 4  # of settings that read the same, as many are kept to choose words from


@dataclass
class Portrait:
    """What is known of one of the two."""

    subject: Subject
    axes: tuple[int, ...]
    seen: dict[Shape, Seen] = field(default_factory=dict)
    runs: dict[tuple[Shape, str], np.ndarray] = field(default_factory=dict)
    errors: dict[Shape, str] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    given: dict[Fit, list[Guess]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def guesses(self) -> list[Guess]:
        """The reductions that hold under the first of the fits."""
        return self.given.get(self.fits[0], []) if self.fits else []

    @property
    def words(self) -> str:
        """The settings in a few words."""
        if not self.axes:
            return "no pooling: every output reads one input"
        over = f"over axes {', '.join(map(str, self.axes))}"
        if not self.fits:
            return f"windows {over} that are none of anypool's"
        kind = self.guesses[0].words if self.guesses else "a reduction that is none of anypool's"
        alike = [f.edges for f in self.fits if f.words == self.fits[0].words]
        edges = " or ".join(dict.fromkeys(alike[:2])) if alike[0] else ""
        return f"{kind}{self.fits[0].words}{', ' * bool(edges)}{edges}, {over}"


def numbers(kind: str, shape: Shape, seed: int) -> np.ndarray:
    """Repeatable data: normal, with many ties, all negative."""
    rng = np.random.default_rng([seed, *shape])
    if kind == "ties":
        return (rng.integers(-24, 25, shape) / 8).astype(np.float32)
    x = rng.normal(0.5, 2.0, shape)
    return (-1.0 - np.abs(x) if kind == "negative" else x).astype(np.float32)


def glance(subject: Subject, base: Shape) -> Portrait:
    """Which axes it pools."""
    one = look(subject, base)
    portrait = Portrait(subject, () if one is None else one.axes)
    if one is not None:
        portrait.seen[base] = one
    return portrait


def portray(portrait: Portrait, shapes: Sequence[Shape], seed: int) -> None:
    """Ask it on every shape, and find the settings that give what it gave."""
    for shape in shapes:
        _ask(portrait, shape, seed)
    seen = [portrait.seen[s] for s in shapes if s in portrait.seen]
    if not portrait.axes or not seen:
        return
    for made in fits(seen, portrait.axes):
        portrait.fits.append(made)
        if len(portrait.fits) == MOST_FITS:
            break
    runs = [(numbers(kind, shape, seed), y) for (shape, kind), y in portrait.runs.items()]
    portrait.given = {made: guess(made, portrait.axes, runs) for made in portrait.fits}
    if any(portrait.given.values()):  # settings under which some reduction holds
        portrait.fits = [made for made in portrait.fits if portrait.given[made]]


def _ask(portrait: Portrait, shape: Shape, seed: int) -> None:
    for kind in KINDS:
        y = portrait.subject.try_(numbers(kind, shape, seed))
        if isinstance(y, Exception):
            text = (str(y).strip().splitlines() or [""])[0][:160]
            portrait.errors[shape] = f"{type(y).__name__}: {text}"
            return
        portrait.runs[shape, kind] = y
    if shape in portrait.seen or not portrait.axes:
        return
    one = look(portrait.subject, shape, portrait.axes)
    if one is not None:
        portrait.seen[shape] = one
