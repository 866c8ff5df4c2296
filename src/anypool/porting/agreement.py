"""Whether two poolings agree, and if not which setting explains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PoolError
from . import differing, special, telling
from .describing import Portrait, glance, portray
from .subject import Subject

Shape = tuple[int, ...]
SHAPES = ((2, 9, 13, 11), (2, 11, 13), (1, 7, 10, 9, 8), (12, 13))
STEPS = (0, 1, 2, 3)  # added to the pooled axes: sizes even and odd, that divide and do not


@dataclass(frozen=True)
class Agreement:
    """What :func:`port_check` found. True where the two agree; prints as one paragraph.

    ``reasons`` are the settings that explain a difference; ``a`` and ``b`` say what each does, in
    anypool's words; ``worst`` is the largest difference on ordinary numbers (inf where shapes
    differ); ``shapes`` what was tried.
    """

    agrees: bool
    reasons: tuple[str, ...]
    a: str
    b: str
    worst: float
    shapes: tuple[Shape, ...]
    text: str

    def __bool__(self) -> bool:
        return self.agrees

    def __str__(self) -> str:
        return self.text


def port_check(
    a: Callable[[Any], Any], b: Callable[[Any], Any], shape: Sequence[int] | None = None, *,
    channels: tuple[str, str] | None = None, nan: bool = True, halves: bool = True, seed: int = 0,
) -> Agreement:  # fmt: skip
    """Find whether two poolings agree, and if not which setting explains the difference.

    Both get the same random numbers (with ties, negative ones, NaN and -inf, float16 and bfloat16)
    in several sizes. Each is then described in anypool's own settings: its windows by touching one
    input after the other, its reduction by trying anypool's on the same numbers.

    Args:
        a, b: functions of one array: functions, modules or layers of NumPy, PyTorch, JAX, Keras or
            TensorFlow; each gets arrays of the kind it takes.
        shape: (batch, channels, ...) or (batch, ..., channels), at least 6 along the pooled axes;
            it is tried and then made larger. None: 2, 1 and 3 pooled axes are tried.
        channels: where a and b have them, such as ``("first", "last")``: arrays are moved for the
            one, and ``shape`` is (batch, channels, ...). None: both get the same arrays, and a
            difference of layout is found.
        nan, halves: whether NaN and -inf, float16 and bfloat16 must agree too.

    Returns:
        An :class:`Agreement`: true or false, printed as one paragraph.

    Raises:
        PoolError: where one of the two takes none of the arrays; it says what it raised.

    >>> import anypool as ap
    >>> def a(x):
    ...     return ap.avg_pool(x, 3, 2, padding="same")
    >>> def b(x):
    ...     return ap.avg_pool(x, 3, 2, padding=1)
    >>> found = ap.port_check(a, b, shape=(1, 2, 8, 9))
    >>> bool(found)
    False
    >>> for reason in found.reasons:
    ...     print(reason)
    padding: a has "same" (on 8: 0 before, 1 after), b has 1
    divisor: a divides by its real elements, b by its elements and the padding
    """
    first, second = _subjects(a, b, channels)
    base, one, other, layout = _met(first, second, shape, seed)
    axes = sorted({*one.axes, *other.axes})
    shapes = [tuple(n + step * (i in axes) for i, n in enumerate(base)) for step in STEPS]
    for portrait in (one, other):
        portray(portrait, shapes, seed)
    return _judged(one, other, shapes, layout, nan, halves, seed)


def _subjects(a: Any, b: Any, channels: tuple[str, str] | None) -> tuple[Subject, Subject]:
    for f in (a, b):
        if not callable(f):
            raise PoolError(f"port_check compares two callables; {type(f).__name__} is none")
    if channels is None:
        return Subject(a, "a"), Subject(b, "b")
    if len(channels) != 2 or not set(channels) <= {"first", "last"}:
        raise PoolError(f'channels is {channels!r}; say ("first", "last") or the like')
    return Subject(a, "a", channels[0]), Subject(b, "b", channels[1])


def _met(
    a: Subject, b: Subject, shape: Sequence[int] | None, seed: int
) -> tuple[Shape, Portrait, Portrait, str]:
    """Both looked at, on the first shape that both take; rather on one where they pool alike."""
    shapes = SHAPES if shape is None else (tuple(int(n) for n in shape),)
    said, found = "", []
    for base in shapes:
        refused = _refused(a, b, base, seed)
        if refused:
            said = said or refused
            continue
        found.append(_looked_at(a, b, base))
        _, one, other, layout = found[-1]
        if layout or one.axes == other.axes:
            return found[-1]
    if not found:
        raise PoolError(f"{said}; give shape=, and callables of one array")
    _refused(a, b, found[0][0], seed)  # settle on what was found first
    return found[0]


def _refused(a: Subject, b: Subject, shape: Shape, seed: int) -> str:
    """Who takes no array of this shape, and what it says."""
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    for subject in (a, b):
        error = subject.settle(x)
        if error is not None:
            line = (str(error).strip().splitlines() or [""])[0][:200]
            kind = type(error).__name__
            return f"{subject.name} takes no array of shape {shape} ({kind}: {line})"
    return ""


def _looked_at(a: Subject, b: Subject, base: Shape) -> tuple[Shape, Portrait, Portrait, str]:
    """Both looked at; where one has its channels last and the other first, they are moved."""
    one, other = glance(a, base), glance(b, base)
    rank = len(base) - 2
    first, last = tuple(range(2, 2 + rank)), tuple(range(1, 1 + rank))
    if rank < 1 or a.channels or {one.axes, other.axes} != {first, last}:
        return base, one, other, ""
    said = f"layout: a pools axes {one.axes}, b {other.axes}; move the channels between them"
    mover = a if one.axes == last else b
    mover.channels = "last"
    if mover is a:
        base = (base[0], base[-1], *base[1:-1])
    return base, glance(a, base), glance(b, base), said


def _judged(
    a: Portrait, b: Portrait, shapes: list[Shape], layout: str, nan: bool, halves: bool, seed: int
) -> Agreement:  # fmt: skip
    reasons = [layout] * bool(layout)
    gap = telling.compare(a, b)
    compared: list[str] = []
    if not gap.agrees:
        reasons += [*differing.windows(a, b, shapes), *differing.reductions(a, b)]
    refusals = list(differing.refusals(a, b))
    if not gap.agrees:
        reasons += refusals
    if gap.agrees:
        shape = next(s for s, _ in a.runs if (s, "plain") in b.runs)
        reasons += special.nans(a, b, shape, seed) if nan else []
        added, compared = special.halves(a, b, shape, seed) if halves else ([], [])
        reasons += added
    agrees = gap.agrees and not reasons
    text = telling.paragraph(a, b, gap, reasons, nan, compared)
    if agrees and refusals:  # no disagreement, but worth a word
        text += f" Note: {refusals[0]}."
    return Agreement(agrees, tuple(reasons), a.words, b.words, gap.worst, tuple(shapes), text)
