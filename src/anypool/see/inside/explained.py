"""Class maps, exact or by gradients, as the fields of `ClassMaps`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...errors import PoolError
from .exact import NotExactError, exact, kept
from .gradcam import weighted
from .record import array, judged
from .run import Ran, run
from .sites import site
from .subject import Subject, subject


@torch.inference_mode(False)
def explained(
    model: Any, x: Any, pool: Any, true: Any, classes: Any, scores: Any
) -> dict[str, Any]:
    """Everything `ClassMaps` holds."""
    who = subject(model, x, scores, classes)
    if any(parameter.is_inference() for parameter in who.module.parameters()):
        raise PoolError(
            "the model was made under torch.inference_mode, whose tensors have no gradients; make "
            "it outside"
        )
    where = site(who, pool)
    ran = run(who.module, who.batch, who.pick, keep=kept(where))
    fields = _scores(who, ran, true)
    try:
        found = exact(who, where, ran)
    except NotExactError as error:
        maps, layer = weighted(who, where, str(error))
        return fields | {
            "contributions": maps.numpy(), "bias": np.zeros_like(fields["scores"]), "exact": False,
            "why": str(error), "error": float("nan"), "layer": layer,
        }  # fmt: skip
    return fields | {
        "contributions": found.contributions.numpy(), "bias": found.bias.numpy(), "exact": True,
        "why": found.rule, "error": found.error, "layer": where.layer,
    }  # fmt: skip


def _scores(who: Subject, ran: Ran, true: Any) -> dict[str, Any]:
    """What is to be explained."""
    if ran.scores is None or ran.output is None:
        raise PoolError("the model gives no scores (N, classes), so there is nothing to explain")
    fields = judged(who, ran, true)
    if not np.isfinite(fields["scores"]).all():
        raise PoolError("the model gives scores that are not finite, which no map can explain")
    return fields | {
        "output": array(ran.output), "step": ran.step, "pictures": who.pictures,
    }  # fmt: skip
