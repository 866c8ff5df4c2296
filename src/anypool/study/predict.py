"""Use a trained network of a study: the classes of images it has not seen."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import nn

from ..errors import PoolError
from .images import Images, scores
from .networks import build
from .records import Trial

Tensor = torch.Tensor


@dataclass
class Network:
    """A trained network of a study, with what it must know of its images.

    model: the module in eval mode; classes: their names; size: of the images it learnt from
    whole: the value of white before normalisation; trial: what made it
    """

    model: nn.Module
    mean: Tensor
    scale: Tensor
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    ragged: bool
    whole: float
    trial: Trial

    def predict(self, images: Any) -> NDArray[np.float32]:
        """The probability of every class, float32 (N, classes).

        images: uint8 from 0 to 255 or floats from 0 to 1: (N, C, H, W), (N, H, W) of one channel,
            or a list of (C, h, w), (h, w, C) or (h, w) of any sizes. Colours become grey, and
            grey becomes colours, where the network was made for the other; sizes become the
            network's own, unless it learnt from images of different sizes.
        """
        batch = self.prepared(images)
        if not len(batch):
            return np.zeros((0, len(self.classes)), np.float32)
        with torch.inference_mode():
            return scores(self.model, batch).float().softmax(1).numpy()

    def prepared(self, images: Any) -> Tensor | list[Tensor]:
        """The images as the model takes them: (N, channels, H, W), or a list where sizes differ.

        images: as for `predict`; what `predict` refuses raises PoolError here too
        """
        ready = [self._image(image, place) for place, image in enumerate(images)]
        if len({image.shape for image in ready}) > 1:
            return Images(ready, self.mean, self.scale).batch(torch.arange(len(ready)))
        if not ready:
            return []
        return Images(torch.stack(ready), self.mean, self.scale).batch(torch.arange(len(ready)))

    def _image(self, image: Any, place: int) -> Tensor:
        """One image as floats on the scale that the network learnt, (channels, H, W)."""
        array = np.asarray(image)
        if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
            raise PoolError(f"image {place} is {array.dtype}; give uint8, or floats from 0 to 1")
        if array.dtype == np.uint8:
            array = array / np.float32(255)
        if not np.isfinite(array).all():
            raise PoolError(f"image {place} holds values that are not finite")
        x = torch.from_numpy(np.array(self._channels(array, place), np.float32)) * self.whole
        if self.ragged:
            return x
        return F.interpolate(x[None], self.size, mode="bilinear", antialias=True)[0]

    def _channels(self, array: NDArray[Any], place: int) -> NDArray[Any]:
        """(channels, H, W), whatever way round the image came."""
        if array.ndim == 2:
            array = array[None]
        if array.ndim != 3:
            raise PoolError(f"image {place} has {array.ndim} axes; give (C, H, W) or (H, W)")
        if array.shape[0] not in (1, 3, 4, self.channels) and array.shape[2] in (1, 3, 4):
            array = np.moveaxis(array, 2, 0)
        array = array[:3] if array.shape[0] == 4 and self.channels != 4 else array
        if array.shape[0] == self.channels:
            return array
        if self.channels == 1 and array.shape[0] == 3:
            return np.tensordot([0.299, 0.587, 0.114], array, 1)[None]  # ITU-R BT.601
        if self.channels == 3 and array.shape[0] == 1:
            return np.repeat(array, 3, 0)
        raise PoolError(
            f"image {place} has the shape {array.shape}; the network takes {self.channels} channels"
        )


def revive(trial: Trial, kept: bytes, factory: bytes | None = None) -> Network:
    """The network that a trial left behind; PoolError says why it no longer fits this anypool."""
    try:
        told = torch.load(io.BytesIO(kept), weights_only=True)
        classes, size = tuple(told["classes"]), tuple(told["size"])
        channels, ragged, state = told["channels"], told["ragged"], told["state"]
        scaled = told["mean"], told["scale"], 255.0 if told["bytes"] else 1.0
    except Exception as error:  # whatever a spoilt or a foreign file raises
        raise PoolError(f"{_whose(trial)} cannot be read: {_clause(error)}") from error
    kind: Any = trial.network if factory is None else pickle.loads(factory)
    try:
        model = build(kind, trial.place, trial.arm, channels, len(classes), size, ragged)
        model.load_state_dict(state)
    except (PoolError, RuntimeError) as error:
        raise PoolError(
            f"{_whose(trial)} does not fit the network {trial.network!r} as anypool "
            f"{version('anypool')} builds it: {_clause(error)}; train it again, or use the version "
            "that made it"
        ) from error
    mean, scale, whole = scaled
    return Network(model.eval(), mean, scale, classes, channels, size, ragged, whole, trial)


def _whose(trial: Trial) -> str:
    made = f", made by anypool {trial.versions['anypool']}," if "anypool" in trial.versions else ""
    return f"the kept network of {trial.data}, {trial.arm}, seed {trial.seed}{made}"


def _clause(error: Exception) -> str:
    """The first thing that an error says which is not a heading, without a full stop."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")] or [type(error).__name__]
    return told[0]


def best_guess(network: Network, images: Sequence[Any]) -> list[tuple[str, float]]:
    """The likeliest class of each image, and its probability."""
    shares = network.predict(images)
    return [(network.classes[row.argmax()], float(row.max())) for row in shares]
