"""The layers of a model by name, by number or by themselves."""

from __future__ import annotations

import difflib
from typing import Any

from torch import nn

from ...errors import PoolError

_MOST = 60  # names in one sentence


def leaves(module: nn.Module) -> list[str]:
    """The names of the layers that have none inside, in the order in which they were made.

    >>> leaves(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Flatten())))
    ['0', '1.0', '1.1']
    """
    return [name for name, part in module.named_modules() if name and not any(part.children())]


def name_of(module: nn.Module, layer: Any) -> str:
    """The full name of the layer that a name, a number among `leaves`, or the module itself means.

    >>> name_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), -1)
    '1'
    """
    if isinstance(layer, nn.Module):
        found = next((name for name, part in module.named_modules() if part is layer), None)
        if found is None:
            raise PoolError(
                f"that {type(layer).__name__} is not a part of the model. {_all(module)}"
            )
        return found
    if isinstance(layer, int) and not isinstance(layer, bool):
        return _numbered(module, layer)
    if not isinstance(layer, str):
        raise PoolError(
            f"layer is {type(layer).__name__}; give a layer's name, its number or the module itself"
        )
    known = dict(module.named_modules(remove_duplicate=False))
    if layer in known:
        return layer
    close = difflib.get_close_matches(layer, [name for name in known if name], 3, 0.5)
    hint = f"; did you mean {' or '.join(close)}? " if close else ". "
    raise PoolError(f"the model has no layer {layer!r}{hint}{_all(module)}")


def _numbered(module: nn.Module, number: int) -> str:
    names = leaves(module)
    if not -len(names) <= number < len(names):
        raise PoolError(
            f"the model has no layer {number}; they are numbered from 0 to {len(names) - 1}. "
            f"{_all(module)}"
        )
    return names[number]


def _all(module: nn.Module) -> str:
    """The end of a sentence about a layer that is not there."""
    names = leaves(module)
    told = [f"{i} {n} ({type(module.get_submodule(n)).__name__})" for i, n in enumerate(names)]
    more = f", and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f"The layers: {', '.join(told[:_MOST])}{more}" if told else "It has no layers inside"


def described(name: str, module: nn.Module) -> str:
    """A layer as a sentence names it: its name and its kind."""
    kind = type(module.get_submodule(name) if name else module).__name__
    return f"{name} ({kind})" if name else f"the whole model ({kind})"
