"""Which pictures a study gives, and what stands under each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from matplotlib.figure import Figure

from .. import pictures
from ..pictures.classes import MOST
from ..pictures.style import Looks
from ..records import Comparison, Outcomes, Plan, Verdict
from ..summary import Arm, base, class_gaps, widest
from ..units import points


@dataclass(frozen=True)
class Shot:
    """One picture to take: its section of the page, its data set, its words, and how to draw it."""

    section: str
    data: str
    title: str
    caption: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class View:
    """One data set as the report sees it."""

    outcome: Outcomes
    arms: Sequence[Arm]
    comparisons: Sequence[Comparison]
    plan: Plan
    margin: float
    looks: Looks


def shots(views: Sequence[View], verdict: Verdict) -> list[Shot]:
    """Every picture for which the study holds numbers, section by section."""
    makers = (_forest, _accuracy, _loss, _slopes, _classes, _cost, _steady)
    across = _across(verdict)
    return [*across, *(shot for make in makers for view in views for shot in make(view))]


def names(shots: Sequence[Shot]) -> list[str]:
    """A file name for each picture, without an ending: its section, and its data set's name."""
    taken: set[str] = set()
    chosen = []
    for shot in shots:
        stem = "-".join(filter(None, (shot.section, slug(shot.data))))
        free = next(n for i in count(1) if (n := stem if i == 1 else f"{stem}-{i}") not in taken)
        taken.add(free)
        chosen.append(free)
    return chosen


def slug(text: str) -> str:
    """A text as a part of a file name: plain letters, digits and hyphens.

    >>> slug("folder:/data/Pets & more")
    'folder-data-pets-more'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[-40:].strip("-")


def _across(verdict: Verdict) -> Iterator[Shot]:
    pairs = [c for c in verdict.across if math.isfinite(c.difference)]
    for data in dict.fromkeys(c.data for c in pairs):
        chosen = widest(c for c in pairs if c.data == data)
        yield Shot(
            "forest",
            data,
            f"Paired differences in accuracy, {data}",
            _FOREST.format(margin=points(verdict.margin).lstrip("+")),
            lambda chosen=chosen: pictures.forest(chosen, verdict.margin),
        )


_FOREST = (
    "Right of nought the first pooling is better. The thin line with end bars is the 95 % interval "
    "for new images like these and new seeds; the thick line is the 95 % interval if only the "
    "seeds were new and the test images stayed. Small dots above are the single seeds; an arrow "
    "at the edge is a seed outside the frame. The grey band is the margin of ±{margin} points "
    "within which the difference would not matter."
)


def _forest(view: View) -> Iterator[Shot]:
    pairs = widest(c for c in view.comparisons if math.isfinite(c.difference))
    if pairs:
        yield Shot(
            "forest",
            view.outcome.data,
            "Paired differences in test accuracy",
            _FOREST.format(margin=points(view.margin).lstrip("+")),
            lambda: pictures.forest(pairs, view.margin),
        )


def _accuracy(view: View) -> Iterator[Shot]:
    if _has(view, "accuracy"):
        yield Shot(
            "accuracy",
            view.outcome.data,
            "Accuracy by epoch",
            "Left: the mean of every pooling on the validation images. Then one panel for each: "
            "thin lines are single seeds, the band is one standard deviation (no further than the "
            "seeds), dashes are the mean on the training images, grey lines the other poolings' "
            "means; × is where a seed's numbers end.",
            lambda: pictures.accuracy_curves(view.outcome, view.looks),
        )


def _loss(view: View) -> Iterator[Shot]:
    if _has(view, "loss"):
        yield Shot(
            "loss",
            view.outcome.data,
            "Training loss by epoch",
            "Mean over the seeds, single seeds and band as above. Poolings are told apart by "
            "accuracy, not by loss: a lower training loss alone says little about new images. "
            "A seed that diverges leaves the frame or ends in ×.",
            lambda: pictures.loss_curves(view.outcome, view.looks),
        )


def _has(view: View, what: str) -> bool:
    runs = (pictures.recorded(view.outcome, arm, what) for arm in view.outcome.arms)
    return any(run is not None for run in runs)


def _slopes(view: View) -> Iterator[Shot]:
    if _finished(view):
        yield Shot(
            "seeds",
            view.outcome.data,
            "Seed by seed",
            "Each line is one seed, which gave every pooling the same split, the same initial "
            "tensors where shapes agree and the same order. Lines that mostly rise or mostly fall "
            "between two poolings are what the verdict rests on; lines that cross are noise. "
            "An arrow at the edge is a seed far outside the frame, with its accuracy.",
            lambda: pictures.slopes(view.outcome, view.arms, view.looks),
        )


def _classes(view: View) -> Iterator[Shot]:
    finished = [arm.name for arm in _finished(view)]
    if len(finished) < 2:
        return
    against = base(view.arms, view.plan.reference)
    gaps = {a: class_gaps(view.outcome, a, against) for a in finished if a != against}
    gaps = {arm: found for arm, found in gaps.items() if found}
    if not gaps:
        return
    most = max(map(len, gaps.values()))
    cut = f" Of {most} classes, the {MOST} with the largest differences." if most > MOST else ""
    yield Shot(
        "classes",
        view.outcome.data,
        "Class by class",
        f"Each pooling minus {against}, on the test images of one class, with the 95 % interval "
        "for new images and seeds. The intervals stand each for itself: among twenty classes "
        f"without any difference one would still show one.{cut}",
        lambda: pictures.class_differences(gaps, against, view.margin, view.looks),
    )


def _cost(view: View) -> Iterator[Shot]:
    if pictures.costs(view.arms):
        yield Shot(
            "cost",
            view.outcome.data,
            "Accuracy against cost",
            "Mean test accuracy with one standard deviation over the seeds. No other pooling "
            "measured is both cheaper and more accurate than one on the dashed front; a small "
            "step of the front may be noise, as the differences above tell.",
            lambda: pictures.cost(view.arms, view.looks),
        )


_PARTS = {
    "shift_consistency": "How often the prediction stays the same when the image moves by one to "
    "three pixels: a mark for each seed, a bar at the mean.",
    "sizes": "Accuracy on test images of other sizes than those trained on, mean with one standard "
    "deviation over the seeds.",
}


def _steady(view: View) -> Iterator[Shot]:
    parts = pictures.steady_parts(view.arms)
    if parts:
        yield Shot(
            "steadiness",
            view.outcome.data,
            "Shifted images, and other sizes",
            " ".join(_PARTS[part] for part in parts),
            lambda: pictures.steadiness(view.outcome, view.arms, view.looks),
        )


def _finished(view: View) -> list[Arm]:
    return [arm for arm in view.arms if arm.seeds]
