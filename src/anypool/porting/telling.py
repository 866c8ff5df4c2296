"""What was found, as one paragraph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .describing import Portrait, Shape, numbers
from .reducing import apart

ROOM = 64.0  # units in the last place of float32 that sums in another order may differ


class Gap(NamedTuple):
    """How far two are apart on ordinary numbers."""

    agrees: bool
    worst: float
    ulp: float
    example: str
    arrays: int


def compare(a: Portrait, b: Portrait) -> Gap:
    """All runs that both made."""
    both = [key for key in a.runs if key in b.runs]
    worst = ulp = 0.0
    agrees, example = True, ""
    for shape, kind in both:
        mine, theirs = a.runs[shape, kind], b.runs[shape, kind]
        if mine.shape != theirs.shape:
            said = f"{shape} becomes {mine.shape} in a, {theirs.shape} in b"
            return Gap(False, float("inf"), float("inf"), said, len(both))
        far = apart(mine, theirs, numbers(kind, shape, 0))
        with np.errstate(all="ignore"):
            worst = max(worst, float(np.nan_to_num(np.abs(mine - theirs), nan=0.0).max(initial=0)))
        ulp = max(ulp, float(far.max(initial=0.0)))
        if agrees and not (far <= ROOM).all():
            agrees, example = False, _place(shape, mine, theirs, far)
    return Gap(agrees, worst, ulp, example, len(both))


def _place(shape: Shape, mine: np.ndarray, theirs: np.ndarray, far: np.ndarray) -> str:
    wrong = far > ROOM
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    share = 100 * wrong.mean()
    return (
        f"on {shape} in {share:.3g} % of the outputs, first at {at}: {mine[at]:.6g} and "
        f"{theirs[at]:.6g}"
    )


def paragraph(
    a: Portrait, b: Portrait, gap: Gap, reasons: list[str], nan: bool, compared: list[str]
) -> str:  # fmt: skip
    """The whole finding in one paragraph."""
    if gap.agrees and not reasons:
        return f"They agree: {_agreeing(gap, nan, compared)}. {_both(a, b)}"
    if gap.agrees and len(reasons) == 1 and reasons[0].startswith("layout"):
        return f"They agree once the channels are moved: {reasons[0]}. {_both(a, b)}"
    because = f"What explains it: {'; '.join(reasons)}." if reasons else ""
    if gap.agrees:
        some = f"They agree on ordinary numbers ({_close(gap)}), but not everywhere."
        return f"{some} {_both(a, b)} {because}"
    each = f"a is {a.words}; b is {b.words}."
    if not reasons:
        because = "No setting of anypool explains it."
    return f"They disagree: {gap.example}. {each} {because}"


def _close(gap: Gap) -> str:
    if gap.ulp == 0:
        return "bit for bit"
    return f"within {gap.ulp:.2g} units in the last place"


def _agreeing(gap: Gap, nan: bool, compared: list[str]) -> str:
    kinds = ["ties", "negative numbers", *(["NaN", "-inf"] if nan else []), *compared]
    return f"{_close(gap)} on {gap.arrays} arrays of several sizes, with {', '.join(kinds)}"


def _both(a: Portrait, b: Portrait) -> str:
    if a.words == b.words:
        return f"Both are {a.words}."
    return f"a is {a.words}; b is {b.words}."
