"""Windows and reductions as the calls that make them, as short as they can be."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from .. import reductions
from ..errors import PoolError
from ..reductions import Reduction
from ..windows import Adaptive, Windows

# where a call is found, and the fields that it takes by position
_MADE = {
    "Sliding": ("windows.sliding", 2),
    "Adaptive": ("windows.adaptive", 1),
    "Whole": ("windows.whole", 0),
    "Fractional": ("windows.fractional", 2),
    "Pyramid": ("windows.pyramid", 1),
    "Boxes": ("windows.boxes", 2),
    "Copied": ("see.copied", 1),
}
_OWN = {"drawn"}  # what a kind of windows works out by itself


def windows_call(where: Windows) -> str:
    """The call that makes these windows, with what is not left at its default.

    >>> from anypool import windows
    >>> windows_call(windows.sliding(3, 2, padding=1)), windows_call(windows.split(7))
    ('windows.sliding(3, 2, padding=1)', 'windows.split(7)')
    """
    if where == Adaptive(getattr(where, "output_size", None), "split"):
        return f"windows.split({where.output_size})"  # type: ignore[attr-defined]
    name, by_position = _MADE.get(type(where).__name__, (type(where).__name__, 0))
    told = [(f.name, getattr(where, f.name), f.default) for f in fields(where)]
    told = [one for one in told if one[0] not in _OWN]
    first, rest = told[:by_position], told[by_position:]
    while first and first[-1][1] == first[-1][2]:
        first.pop()
    words = [repr(value) for _, value, _ in first]
    words += [f"{key}={value!r}" for key, value, default in rest if value != default]
    return f"{name}({', '.join(words)})"


def reduction_call(reduce: str | Reduction) -> str:
    """A reduction as `reduce` takes it: its name in quotes, or the call with its parameters.

    >>> reduction_call("mean"), reduction_call(reductions.gem()), reduction_call(reductions.lp(3))
    ("'mean'", "'gem'", 'reductions.lp(3)')
    """
    found = reductions.resolve(reduce)
    plain = _plain(found.name)
    if plain == replace(found, given=()) and not found.sampled:
        return repr(found.name)
    if plain is None:  # a user's own: it has no call that we know
        return found.name
    usual = dict(plain.params)
    told = {key: value for key, value in found.params if usual.get(key) != value}
    words = [_number(value) if key == _first(plain) else f"{key}={_number(value)}"
             for key, value in told.items()]  # fmt: skip
    if found.sampled:
        words.append(f"rng={found.rng!r}")
    return f"reductions.{found.name}({', '.join(words)})"


def _first(plain: Reduction) -> str:
    return plain.params[0][0] if plain.params else ""


def _plain(name: str) -> Reduction | None:
    try:
        return reductions.resolve(name)
    except PoolError:
        return None


def _number(value: Any) -> str:
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
