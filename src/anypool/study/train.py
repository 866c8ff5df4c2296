"""The training loop. All chance comes from (seed, step), so it can stop and go on anywhere."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .checkpoint import Clock
from .device import device_of, moved
from .images import Images, augmented, half, scores
from .measure import correct
from .recipes import Recipe, augment, optimiser, rate
from .records import Row

Tensor = torch.Tensor


def chance(seed: int, what: str, step: int = 0) -> int:
    """A number for a random generator: the same on every machine, another for every use.

    >>> chance(0, "order", 1) == chance(0, "order", 1) != chance(0, "order", 2)
    True
    """
    digest = hashlib.sha256(f"{seed}/{what}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, what: str, step: int = 0) -> torch.Generator:
    """A generator that starts at that number."""
    return torch.Generator().manual_seed(chance(seed, what, step))


@dataclass
class Task:
    """What is to be learnt, and how."""

    images: Images
    labels: Tensor
    held_out: Images
    held_out_labels: Tensor
    recipe: Recipe
    seed: int
    precision: str

    @property
    def batches(self) -> int:
        return math.ceil(len(self.labels) / self.recipe.batch)

    def order(self, epoch: int) -> Tensor:
        """The order in which an epoch sees the training images."""
        n = len(self.labels)
        if not self.recipe.shuffle:
            return torch.arange(n)
        return torch.randperm(n, generator=generator(self.seed, "order", epoch))


@dataclass
class Fit:
    """A training in progress; `state` and `restore` are all that a checkpoint holds."""

    model: nn.Module
    recipe: Recipe
    step: int = 0
    right: int = 0
    seconds: float = 0.0
    epochs: list[Row] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimiser = optimiser(self.model, self.recipe)
        self.average: AveragedModel | None = None
        if self.recipe.average:
            ema = get_ema_multi_avg_fn(self.recipe.average)
            self.average = AveragedModel(self.model, multi_avg_fn=ema, use_buffers=True)

    @property
    def final(self) -> nn.Module:
        """The network that is measured: the running average where the recipe keeps one."""
        return self.model if self.average is None else self.average.module

    @property
    def diverged(self) -> bool:
        return bool(self.losses) and not math.isfinite(self.losses[-1])

    PLAIN = ("step", "right", "seconds", "epochs", "losses")

    def state(self) -> dict[str, Any]:
        average = self.average.state_dict() if self.average else None
        parts = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        return parts | {"average": average} | {name: getattr(self, name) for name in self.PLAIN}

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average:
            self.average.load_state_dict(state["average"])
        for name in self.PLAIN:
            setattr(self, name, state[name])


def fit(
    run: Fit, task: Task, clock: Clock, save: Callable[[], None], tell: Callable[[Row], None]
) -> None:
    """Train to the end of the recipe, or until the loss is no number."""
    recipe, batches = task.recipe, task.batches
    began = time.monotonic() - run.seconds
    steps = recipe.epochs * batches
    while run.step < steps and not run.diverged:
        epoch, batch = divmod(run.step, batches)
        order = task.order(epoch)
        for chosen in order.split(recipe.batch)[batch:]:
            learn(run, task, chosen, rate(recipe, run.step, steps))
            run.step += 1
            if run.diverged:
                break
            if run.step % batches:  # the last batch is kept with its epoch's row, never without
                _keep(run, began, clock, save)
        run.seconds = time.monotonic() - began
        run.epochs.append(_epoch(run, task, epoch))
        run.right = 0
        tell(run.epochs[-1])
        _keep(run, began, clock, save)


def _keep(run: Fit, began: float, clock: Clock, save: Callable[[], None]) -> None:
    """Keep the state where it is due, and leave where a signal asked for it."""
    if clock.due():
        run.seconds = time.monotonic() - began
        save()
        clock.kept()


def learn(run: Fit, task: Task, chosen: Tensor, speed: float) -> None:
    """One step: a batch forth and back, and the parameters moved."""
    recipe, labels = task.recipe, task.labels[chosen]
    chances = generator(task.seed, "augment", run.step)
    images = augmented(task.images.batch(chosen), lambda x: augment(x, recipe, chances))
    torch.manual_seed(chance(task.seed, "dropout", run.step))
    for group in run.optimiser.param_groups:
        group["lr"] = speed
    run.model.train()
    place = device_of(run.model)
    images, labels = moved(images, place), labels.to(place)
    with half(task.precision, place.type):
        guess = scores(run.model, images)
    loss = F.cross_entropy(guess.float(), labels, label_smoothing=recipe.smoothing)
    loss.backward()
    run.optimiser.step()
    run.optimiser.zero_grad()
    if run.average is not None:
        run.average.update_parameters(run.model)
    run.losses.append(loss.item())
    run.right += int((guess.argmax(1) == labels).sum())


def _epoch(run: Fit, task: Task, epoch: int) -> Row:
    """The line of the log that an epoch leaves; what is not finite is None."""
    n, last = len(task.labels), run.losses[epoch * task.batches :]
    loss = sum(last) / len(last)
    if task.recipe.training_accuracy == "second pass":
        seen = correct(run.final, task.images, task.labels, task.precision).mean()
    else:
        seen = run.right / n
    checked = correct(run.final, task.held_out, task.held_out_labels, task.precision)
    return {
        "epoch": epoch + 1,
        "loss": loss if math.isfinite(loss) else None,
        "train_accuracy": float(seen),
        "accuracy": float(checked.mean()),
        "seconds": run.seconds,
    }
