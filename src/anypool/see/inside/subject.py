"""Who looks at what: a module, a batch as it takes it, and the pictures as people see them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...errors import PoolError
from .run import Pick
from .traceless import refuse_hollow

Tensor = torch.Tensor
Picture = NDArray[np.float32]
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Subject:
    """A module and the batch it looks at.

    batch: (N, C, *sizes) as the module takes it; rank: how many sizes
    pictures: for each image (H, W) or (H, W, 3) from 0 to 1, or (C, L) of a signal
    """

    module: nn.Module
    batch: Tensor
    pick: Pick
    pictures: tuple[Picture, ...]
    classes: tuple[str, ...] | None

    @property
    def rank(self) -> int:
        return self.batch.ndim - 2


def subject(
    model: Any, x: Any, scores: Any = None, classes: Sequence[str] | None = None
) -> Subject:
    """The model and x, made ready: a module or a study's network, one image or a batch."""
    names = None if classes is None else tuple(str(name) for name in classes)
    if hasattr(model, "prepared") and not isinstance(model, nn.Module):
        batch = _of_network(model, x)
        shown = _pictures(batch * model.scale + model.mean, model.whole)
        return Subject(model.model, batch, _picker(scores), shown, names or model.classes)
    module = _module(model)
    refuse_hollow(module)
    batch = _batch(module, x)
    return Subject(module, batch, _picker(scores), _pictures(batch), names)


def _module(model: Any) -> nn.Module:
    """The module itself; below torch.compile the one that was compiled, whose layers are called."""
    if isinstance(model, torch.jit.ScriptModule):
        raise PoolError("a TorchScript model hides its layers; give the module that it was made of")
    if isinstance(model, nn.Module):
        return getattr(model, "_orig_mod", model)
    if isinstance(model, Mapping):
        raise PoolError(
            f"model is a state dict of {len(model)} tensors; make the module that they belong to "
            "and give them to its load_state_dict"
        )
    if isinstance(model, type):
        raise PoolError(
            f"model is the class {model.__name__}; make one of it: {model.__name__}(...)"
        )
    raise PoolError(
        f"model is {type(model).__name__}; give a torch.nn.Module, or a network of a study"
    )


# -- the batch ----------------------------------------------------------------------------------


def _of_network(network: Any, x: Any) -> Tensor:
    """Images through the network's own normalisation."""
    if isinstance(x, str | os.PathLike):
        x = _read(x)
    if isinstance(x, Tensor):
        x = x.detach().cpu().numpy()
    one = hasattr(x, "ndim") and x.ndim in (2, 3)
    batch = network.prepared([x] if one else x)
    if not len(batch):
        raise PoolError("x holds no image; give at least one")
    if not isinstance(batch, Tensor):
        raise PoolError("the images have different sizes; look at those of one size at a time")
    return batch


def _read(path: Any) -> Picture:
    from ..read import read

    return read(path)


def _batch(module: nn.Module, x: Any) -> Tensor:
    """(N, C, *sizes) in the module's own type and on its device; x itself stays as it is."""
    rank, channels = wants(module)
    photograph = isinstance(x, str | os.PathLike)
    if photograph:
        x = on_channels(_read(x), channels)
    t = _tensor(x)
    if t.ndim == 3 and rank == 2 and channels and t.shape[2] == channels != t.shape[0]:
        t = t.movedim(2, 0)  # (H, W, C) as photographs come
    t = t[None] if t.ndim == rank else t
    t = t[None] if t.ndim == rank + 1 else t
    if t.ndim != rank + 2:
        sizes = ("L", "H, W", "D, H, W")[rank - 1]
        raise PoolError(
            f"x has {t.ndim} axes; this model takes (N, C, {sizes}), or one image (C, {sizes})"
        )
    if 0 in t.shape:
        raise PoolError(f"x has the shape {tuple(t.shape)}: there is nothing in it to look at")
    like = next((p for p in module.parameters() if p.is_floating_point()), None)
    return t.float() if like is None else t.to(like.device, like.dtype)


def wants(module: nn.Module) -> tuple[int, int | None]:
    """How many axes of size the model pools over, and its channels: its first convolution's."""
    found = (m for m in module.modules() if isinstance(m, nn.modules.conv._ConvNd))
    first = next(found, None)
    return (2, None) if first is None else (len(first.kernel_size), first.in_channels)


def on_channels(photo: Picture, channels: int | None) -> Picture:
    """(C, H, W) in as many channels as the model takes."""
    if channels == 1 and photo.ndim == 3:
        photo = photo @ GREY
    if photo.ndim == 2:
        return np.repeat(photo[None], channels if channels == 3 else 1, 0)
    return np.moveaxis(photo, 2, 0)


def _tensor(x: Any) -> Tensor:
    if isinstance(x, list | tuple) and x:
        parts = [_tensor(image) for image in x]
        shapes = {tuple(part.shape) for part in parts}
        if len(shapes) > 1:
            raise PoolError(
                f"x holds images of different shapes, {' and '.join(map(str, sorted(shapes)))}; "
                "look at those of one size at a time"
            )
        return torch.stack(parts)
    t = x.detach() if isinstance(x, Tensor) else _from_array(x)
    if not t.is_floating_point():
        raise PoolError(
            f"x is {str(t.dtype).removeprefix('torch.')}; a module takes floats, scaled as in its "
            "training: x / 255 for most"
        )
    return t


def _from_array(x: Any) -> Tensor:
    try:
        return torch.from_numpy(np.array(x))
    except (TypeError, ValueError):
        raise PoolError(
            f"x is {type(x).__name__}; give an array or a tensor (N, C, H, W), or a file's path"
        ) from None


# -- the scores ---------------------------------------------------------------------------------


def _picker(scores: Any) -> Pick:
    """What finds the scores in a model's output."""
    if scores is None:
        return _plain
    if callable(scores):
        return lambda output: _tensor_alone(scores(output), "through the function scores")
    return lambda output: _held(output, scores)


def _plain(output: Any) -> Tensor | None:
    if output is None or isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        names = [str(key) for key in output]
        said = f"a dict with {', '.join(names) or 'nothing'}"
        raise PoolError(
            f"the model gives {said}; say which holds the scores: scores={_said(names)}"
        )
    if isinstance(output, tuple | list):
        kinds = [tuple(o.shape) if isinstance(o, Tensor) else type(o).__name__ for o in output]
        told = ", ".join(map(str, kinds))
        raise PoolError(
            f"the model gives a {type(output).__name__} of {len(output)} ({told}); say which "
            "holds the scores: scores=0, or another place"
        )
    raise PoolError(
        f"the model gives {type(output).__name__}; say how to find the scores: "
        "scores=lambda output: ..."
    )


def _said(names: list[str]) -> str:
    usual = [name for name in ("logits", "out", "scores") if name in names]
    return repr((usual or names or ["..."])[0])


def _held(output: Any, key: Any) -> Tensor | None:
    try:
        value = output[key] if not isinstance(key, str) or isinstance(output, Mapping) else (
            getattr(output, key)
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, AttributeError):
        known = f": it has {', '.join(map(str, output))}" if isinstance(output, Mapping) else ""
        raise PoolError(
            f"the model's output ({type(output).__name__}) holds nothing under scores={key!r}"
            f"{known}"
        ) from None
    return _tensor_alone(value, f"under scores={key!r}")


def _tensor_alone(value: Any, where: str) -> Any:
    if value is None or isinstance(value, Tensor):
        return value
    raise PoolError(f"what the model gives {where} is {type(value).__name__}, no tensor")


# -- the pictures -------------------------------------------------------------------------------


def _pictures(batch: Tensor, whole: float | None = None) -> tuple[Picture, ...]:
    """Every image as people see it; whole: the value of white, found where it is not known."""
    values = batch.detach().float().cpu().numpy()
    if values.ndim == 3:
        return tuple(values)
    if values.ndim == 5:
        values = values[:, :, values.shape[2] // 2]  # the middle slice of a volume
    return tuple(_picture(image, whole) for image in values)


def _picture(image: NDArray[Any], whole: float | None) -> Picture:
    image = image[0] if len(image) in (1, 2) else np.moveaxis(image[:3], 0, 2)
    low, high = float(image.min()), float(image.max())
    if whole is None and (low < 0 or high > 1):  # normalised in a way that nobody told
        image = (image - low) / ((high - low) or 1.0)
    return np.clip(image / (whole or 1.0), 0, 1).astype(np.float32)
