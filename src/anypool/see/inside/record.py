"""The maps of one layer, as the fields of `Features`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray

from ...errors import PoolError
from .labels import numbers_of
from .layers import described, leaves, name_of
from .run import LAST, Ran, Spot, run
from .sites import events, final_pools, is_class_map, site
from .subject import Subject, subject

Tensor = torch.Tensor


@torch.inference_mode(False)
def recorded(
    model: Any, x: Any, layer: Any, entering: bool | None, call: int | None, true: Any,
    classes: Any, scores: Any,
) -> dict[str, Any]:  # fmt: skip
    """Everything `Features` holds."""
    who = subject(model, x, scores, classes)
    spot = _spot(who, layer, entering, call)
    ran = run(who.module, who.batch, who.pick, keep=[spot])
    passed = ran.passed[spot]
    maps, one = array(passed.value), replace(spot, call=passed.call)
    if maps.ndim < 2 or maps.ndim > 5 or len(maps) != len(who.batch):
        raise PoolError(
            f"{described(spot.name, who.module)} has the shape {maps.shape} here, which are no "
            f"maps of {len(who.batch)} images; choose another layer"
        )
    times = ran.calls[spot.name]
    return {
        "maps": maps,
        "layer": spot.name,
        "kind": type(who.module.get_submodule(spot.name)).__name__,
        "entering": spot.entering,
        "of_classes": _of_classes(who, ran, one, passed.value),
        "pictures": who.pictures,
        "note": f"call {passed.call + 1} of {times}" if times > 1 else "",
        **judged(who, ran, true),
    }


def judged(who: Subject, ran: Ran, true: Any) -> dict[str, Any]:
    """Scores, the classes they name, and the right ones."""
    classes, count = who.classes, None
    if ran.scores is not None:
        count = ran.scores.shape[1]
        if classes is not None and len(classes) != count:
            raise PoolError(f"classes names {len(classes)}, and the model gives {count} scores")
    found = None if ran.scores is None else array(ran.scores)
    return {
        "scores": found,
        "predicted": None if found is None or count == 1 else found.argmax(1),
        "true": numbers_of(true, classes, count, len(who.batch)),
        "classes": classes,
    }


def array(t: Tensor) -> NDArray[Any]:
    """A tensor as a NumPy array of its own; halves as float32, which holds them."""
    t = t.detach().cpu()
    return (t.float() if t.dtype in (torch.bfloat16, torch.float16) else t.clone()).numpy()


def _spot(who: Subject, layer: Any, entering: bool | None, call: int | None) -> Spot:
    if call is not None and call < 0:
        raise PoolError(f"call is {call}; calls are counted from 0")
    number = LAST if call is None else call
    if layer is not None:
        return Spot(name_of(who.module, layer), bool(entering), number)
    where = site(who, None)
    if not where.pools or entering is None:
        return replace(where.maps, call=where.maps.call if call is None else call)
    pool = where.pools[-1]
    return Spot(pool.name, entering, pool.call if call is None else call)


def _of_classes(who: Subject, ran: Ran, spot: Spot, maps: Tensor) -> bool:
    """Whether map k alone makes score k: only then may it carry the class's name."""
    if ran.scores is None or maps.ndim < 3 or not maps.is_floating_point():
        return False
    return maps.shape[1] == ran.scores.shape[1] > 1 and is_class_map(who, spot, maps)


def outlined(model: Any, x: Any, scores: Any) -> list[dict[str, Any]]:
    """Everything the rows of `layers` hold."""
    who = subject(model, x, scores)
    names = [name for name, _ in who.module.named_modules() if name]
    seen = {event.name: event for event in events(who, every=True)}
    pools = {event.name for event in final_pools(who)}
    numbers = {name: number for number, name in enumerate(leaves(who.module))}
    return [
        {
            "number": numbers.get(name),
            "name": name,
            "kind": type(part).__name__,
            "takes": seen[name].takes,
            "gives": seen[name].gives,
            "parameters": sum(p.numel() for p in part.parameters()),
            "pools": name in pools,
        }
        for name in names
        if name in seen
        for part in [who.module.get_submodule(name)]
    ]
