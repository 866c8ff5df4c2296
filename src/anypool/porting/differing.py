"""What explains a difference between two poolings, setting by setting."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..windows.rules import Slide
from .describing import Portrait, Shape
from .fitting import Fit, padding_words
from .pooling import short


def windows(a: Portrait, b: Portrait, shapes: list[Shape]) -> list[str]:
    """The settings in which the windows of two differ; none where they read the same."""
    if a.axes != b.axes:
        return [f"axes: a pools {a.axes or 'none'}, b {b.axes or 'none'}"]
    both = [s for s in shapes if s in a.seen and s in b.seen]
    unlike = [s for s in both if not _alike(a, b, s)]
    reasons = []
    if any(a.seen[s].dropped != b.seen[s].dropped for s in both):
        keeps = ["drops" if p.seen[both[0]].dropped else "keeps" for p in (a, b)]
        reasons.append(f"keepdims: a {keeps[0]} the pooled axes, b {keeps[1]} them")
    if not unlike:
        return reasons
    found = _settings(a, b, unlike[0])
    return reasons + (found or [f"windows: {_example(a, b, unlike[0])}"])


def _alike(a: Portrait, b: Portrait, shape: Shape) -> bool:
    one, other = a.seen[shape].reads, b.seen[shape].reads
    return all(np.array_equal(one[axis], other[axis]) for axis in a.axes)


def _settings(a: Portrait, b: Portrait, shape: Shape) -> list[str]:
    """The fewest settings that differ, of all that read what was seen."""
    if not a.fits or not b.fits:
        return []
    pairs = itertools.product(a.fits, b.fits)
    best = min(pairs, key=lambda pair: len(_fields(*pair)))
    sizes = tuple(shape[axis] for axis in a.axes)
    told = [_told(name, *best, sizes) for name in _fields(*best)]
    for portrait, fit in zip((a, b), best, strict=True):  # told in the words that were compared
        portrait.fits.remove(fit)
        portrait.fits.insert(0, fit)
    if best[0].kind != best[1].kind or best[0].kind != "sliding":
        told.append(f"on {shape}, {_example(a, b, shape)}")
    return told


def _fields(a: Fit, b: Fit) -> list[str]:
    if a.kind != b.kind:
        return ["kind"]
    names = ("output", "kernel", "stride", "dilation", "padding", "ceil")
    return [n for n in names if getattr(a, n) != getattr(b, n)]


def _told(name: str, a: Fit, b: Fit, sizes: tuple[int, ...]) -> str:
    mine, theirs = getattr(a, name), getattr(b, name)
    if name == "kind":
        return f"windows: a has {a.kind_words}, b {b.kind_words}"
    if name == "ceil":
        return f"ceil mode: {'a' if mine else 'b'} keeps a last window that hangs over the end"
    if name == "padding":
        return f"padding: a has {_padding(a, sizes)}, b has {_padding(b, sizes)}"
    words = f"{name}: a has {short(mine)}, b has {short(theirs)}"
    if name == "stride" and {"ones", "kernel"} <= {_default(a), _default(b)}:
        words += (
            "; a stride left out is the kernel in PyTorch and Keras, and 1 in JAX, Flax and ONNX"
        )
    return words


def _default(fit: Fit) -> str:
    if all(s == 1 for s in fit.stride):
        return "ones"
    return "kernel" if fit.stride == fit.kernel else ""


def _padding(fit: Fit, sizes: tuple[int, ...]) -> str:
    if not isinstance(fit.padding, str):
        return padding_words(fit.padding or ((0, 0),))
    rows = zip(fit.kernel, fit.stride, fit.dilation, sizes, strict=True)
    pads = [(n, Slide(k, s, 0, 0, d, False, fit.padding).padding(n)) for k, s, d, n in rows]
    n, (before, after) = pads[0]
    return f'"{fit.padding}" (on {n}: {before} before, {after} after)'


def _example(a: Portrait, b: Portrait, shape: Shape) -> str:
    """The first output that reads other inputs."""
    for axis in a.axes:
        mine, theirs = a.seen[shape].reads[axis], b.seen[shape].reads[axis]
        if len(mine) != len(theirs):
            return f"axis {axis} of {shape[axis]} has {len(mine)} outputs in a, {len(theirs)} in b"
        for o, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            if (one != other).any():
                return (
                    f"output {o} along axis {axis} of {shape[axis]} reads {_span(one)} in a, "
                    f"{_span(other)} in b"
                )
    return "the windows are alike"


def _span(row: np.ndarray) -> str:
    places = np.flatnonzero(row)
    if not len(places):
        return "nothing"
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    return f"[{places[0]}:{places[-1] + 1}{f':{step}' if step > 1 else ''}]"


def reductions(a: Portrait, b: Portrait) -> list[str]:
    """The reductions, or the divisors of averages, where no one hypothesis gives both."""
    common = [f for f in a.fits if f in b.fits and a.given[f] and b.given[f]]
    for fit in common:
        if {g.key for g in a.given[fit]} & {g.key for g in b.given[fit]}:
            return []
    mine, theirs = (a.given[common[0]], b.given[common[0]]) if common else (a.guesses, b.guesses)
    if not mine and not theirs:
        return []
    if not mine or not theirs:
        known, strange = (a, "b") if mine else (b, "a")
        words = known.guesses[0].words
        return [f"reduction: {known.name} is {words}, {strange} none of anypool's"]
    if not common and {g.key for g in mine} & {g.key for g in theirs}:
        return []
    one, other = mine[0], theirs[0]
    if one.name != other.name:
        return [f"reduction: a is {one.words}, b is {other.words}"]
    return [f"divisor: a divides by {one.divides}, b by {other.divides}"]


def refusals(a: Portrait, b: Portrait) -> Iterator[str]:
    """Shapes that one takes and the other does not."""
    for shape in [*a.errors, *b.errors]:
        if (shape in a.errors) != (shape in b.errors):
            one, other = (a, b) if shape in a.errors else (b, a)
            yield f"sizes: {one.name} refuses {shape}, {other.name} takes it: {one.errors[shape]}"
            return


def number(value: Any) -> str:
    return f"{float(value):.6g}"
