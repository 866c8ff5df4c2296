"""A study as a report: a page for people, pictures and a table for papers, numbers for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import PoolError
from ...see.folder import whole
from .. import pictures
from ..records import Outcomes, Plan, Verdict
from ..summary import base, class_gaps, summarise
from .choice import Shot, View, names, shots
from .latex import table
from .page import Plate, render

__all__ = ["write"]

_LEAST, _MOST = 50, 600


def write(
    folder: Path,
    plan: Plan,
    outcomes: Sequence[Outcomes],
    verdict: Verdict,
    provenance: Mapping[str, Any],
    *,
    dpi: int = 150,
) -> list[Path]:
    """Write the report of a study into `folder`, whole or not at all; give the files' paths.

    report.html is one file that works offline; every picture of it is there as PNG (at `dpi`
    pixels an inch, 50 to 600) and SVG; table.tex has the numbers for LaTeX, verdict.json all of
    them for programs. The same input gives the same bytes. A folder that exists keeps its other
    files. Raises PoolError where the folder cannot be written or `dpi` is out of range.
    """
    if not _LEAST <= dpi <= _MOST:
        raise PoolError(f"dpi is {dpi}; from {_LEAST} to {_MOST} is possible, 150 is usual")
    folder = Path(folder)
    views = _views(plan, outcomes, verdict)
    taken = shots(views, verdict)
    with whole(folder) as stage:
        plates = [
            _plate(stage, shot, name, dpi) for shot, name in zip(taken, names(taken), strict=True)
        ]
        arms = [arm for view in views for arm in view.arms]
        texts = {
            "report.html": render(plan, views, verdict, provenance, plates),
            "table.tex": table(plan, arms, verdict),
            "verdict.json": _json(plan, views, verdict, provenance),
        }
        for name, text in texts.items():
            (stage / name).write_text(text, encoding="utf-8")
        made = sorted(file.name for file in stage.iterdir())
    return [folder / name for name in made]


def _views(plan: Plan, outcomes: Sequence[Outcomes], verdict: Verdict) -> list[View]:
    everyone = (*plan.arms, *(arm for outcome in outcomes for arm in outcome.arms))
    looks = pictures.looks(everyone)
    return [
        View(
            outcome,
            summarise(outcome),
            [c for c in verdict.comparisons if c.data == outcome.data],
            plan,
            verdict.margin,
            looks,
        )
        for outcome in outcomes
    ]


def _plate(stage: Path, shot: Shot, name: str, dpi: int) -> Plate:
    svg = pictures.save(shot.draw(), stage / name, dpi)
    return Plate(shot, name, pictures.inline(svg, name, f"{shot.title}, {shot.data}"))


def _json(
    plan: Plan, views: Sequence[View], verdict: Verdict, provenance: Mapping[str, Any]
) -> str:
    document = {
        "format": 1,
        "plan": plan.document(),
        "verdict": verdict.document(),
        "arms": [asdict(arm) for view in views for arm in view.arms],
        "classes": [row for view in views for row in _class_rows(view)],
        "provenance": provenance,
    }
    # numbers that JSON has no name for become null; a path or a date becomes its text
    plain = json.loads(json.dumps(document, default=str), parse_constant=lambda _: None)
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _class_rows(view: View) -> list[dict[str, Any]]:
    """Every class of every arm against the one it is held against, as in the picture."""
    finished = [arm.name for arm in view.arms if arm.seeds]
    if len(finished) < 2:
        return []
    against = base(view.arms, view.plan.reference)
    return [
        {"data": view.outcome.data, "a": arm, "b": against} | asdict(gap)
        for arm in finished
        if arm != against
        for gap in class_gaps(view.outcome, arm, against)
    ]
