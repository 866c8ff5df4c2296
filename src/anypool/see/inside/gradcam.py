"""Maps weighted by gradients, for models whose maps are not exact: by torchcam's Grad-CAM."""

from __future__ import annotations

from typing import Any

import torch

from ...errors import PoolError
from .layers import described
from .run import run
from .sites import Site
from .subject import Subject
from .traceless import traceless

Tensor = torch.Tensor


def weighted(who: Subject, where: Site, why: str) -> tuple[Tensor, str]:
    """(N, K, H, W) of the last layer that gives maps, and its name; why there are no exact ones."""
    try:
        from torchcam.methods import GradCAM
    except ImportError:
        raise PoolError(
            f"there are no exact class maps: {why}; for maps weighted by gradients "
            "pip install 'anypool[cam]'"
        ) from None
    if where.before is None:
        raise PoolError(f"there are no class maps: {why}, and no layer before it gives maps")
    with traceless(who.module, grad=True), GradCAM(who.module, where.before) as extractor:
        image = who.batch.clone().requires_grad_()
        try:
            scores = run(who.module, image, who.pick, grad=True).scores
        except PoolError:  # without gradients it ran: some layer has none
            scores = None
        if scores is None or not scores.requires_grad:
            raise PoolError(f"there are no class maps: {why}, and the scores have no gradient")
        maps = [_map(extractor, k, scores) for k in range(scores.shape[1])]
    return torch.stack(maps, 1), described(where.before, who.module)


def _map(extractor: Any, k: int, scores: Tensor) -> Tensor:
    """Grad-CAM of one class, as it is: not stretched to 0 and 1."""
    try:
        [found] = extractor(k, scores, normalized=False, retain_graph=True)
    except RuntimeError as error:
        raise PoolError(f"Grad-CAM found no gradient: {error}") from None
    return found.detach().double().cpu()
