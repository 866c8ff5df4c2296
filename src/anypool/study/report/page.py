"""The page of a report: one file that needs nothing else, light and dark, spoken and printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .. import units
from ..records import Plan, Verdict
from ..summary import Arm, sizes, widest
from .choice import Shot, View

_HERE = Path(__file__).parent / "templates"
# section -> its heading, in the order of the page
SECTIONS = {
    "forest": "Paired differences",
    "accuracy": "Accuracy by epoch",
    "loss": "Loss by epoch",
    "seeds": "Seed by seed",
    "classes": "Class by class",
    "cost": "Accuracy against cost",
    "steadiness": "Shifted images, and other sizes",
}


@dataclass(frozen=True)
class Plate:
    """A picture as the page holds it: what it is, its file's name, and its SVG."""

    shot: Shot
    name: str
    svg: str


def render(
    plan: Plan,
    views: Sequence[View],
    verdict: Verdict,
    provenance: Mapping[str, Any],
    plates: Sequence[Plate],
) -> str:
    """The HTML of the report."""
    arms = [arm for view in views for arm in view.arms]
    house = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    house.filters |= {name: getattr(units, name) for name in _FILTERS}
    house.filters["last_line"] = last_line
    return house.get_template("report.html").render(
        plan=plan,
        views=views,
        verdict=verdict,
        chapters=list(_chapters(plates)),
        columns=_columns(arms),
        several=len(views) > 1,
        pairs=[*widest(verdict.across), *verdict.comparisons],
        crashes=[(arm, *item) for arm in arms for item in arm.failed.items()],
        stray=[arm for arm in arms if arm.diverged],
        settings=flat({"recipe": plan.recipe, "settings tuned for": plan.tuned}),
        provenance=flat(provenance),
    )


_FILTERS = ("percent", "points", "span", "chance", "seconds", "memory", "count")


def _chapters(plates: Sequence[Plate]) -> Iterator[tuple[str, str, list[Plate]]]:
    for section, heading in SECTIONS.items():
        chosen = [plate for plate in plates if plate.shot.section == section]
        if chosen:
            yield section, heading, chosen


def _columns(arms: Sequence[Arm]) -> list[tuple[str, str, str]]:
    """Of the measures beside accuracy those that were recorded: heading, name, how written."""
    found = {name for arm in arms for name in arm.means}
    known = [
        ("parameters", "parameters", "count"),
        ("CPU time a trial", "cpu_seconds", "seconds"),
        ("peak memory", "peak_bytes", "memory"),
        ("same after a shift", "shift_consistency", "percent"),
    ]
    at_sizes = [(f"at {_size(name)}", name, "percent") for name in sizes(found)]
    return [column for column in (*known, *at_sizes) if column[1] in found]


def _size(name: str) -> str:
    """The size in words, kept on one line."""
    height, width = name.partition("@")[2].split("x")
    return " ".join((height, "×", width, "px")).replace(" ", "\N{NO-BREAK SPACE}")


def flat(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """What a nested mapping holds, as pairs of path and text; lists on one line.

    >>> flat({"versions": {"torch": "2.13"}, "seeds": [0, 1]})
    [('versions › torch', '2.13'), ('seeds', '0, 1')]
    """
    pairs = []
    for name, value in tree.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            pairs += flat(value, f"{path} › ")
        elif isinstance(value, list | tuple):
            pairs.append((path, ", ".join(map(str, value))))
        else:
            pairs.append((path, str(value)))
    return pairs


def last_line(text: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason recorded"
