"""One trial from its settings to its result: what a worker does, wherever it stands."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .arms import any_size
from .checkpoint import clock, load, save, write_whole
from .data import Data, recall, split
from .device import exact
from .images import Images, held, scaling
from .measure import correct, other_sizes, shift_consistency
from .memory import forget_peak, keep_freed, peak
from .networks import build
from .recipes import of, start
from .records import Result, Row, Trial
from .train import Fit, Task, chance, fit

Tensor = torch.Tensor


@dataclass(frozen=True)
class Job:
    """All that a worker gets; it pickles.

    data: the folder where `study.data.keep` put the data set
    scratch: the folder of the checkpoint and the progress note of this trial
    network: a pickled factory, for a network given as a Python object
    threads: how many threads the trial may use; every: seconds between checkpoints
    device: what it trains on
    """

    trial: Trial
    data: str
    scratch: str
    network: bytes | None = None
    threads: int = 1
    every: float = 60.0
    device: str = "cpu"


def run(job: Job) -> Result:
    """Train and measure; goes on from the checkpoint in ``job.scratch`` where there is one.

    On SIGTERM it keeps its state and leaves with SystemExit(143).
    """
    torch.set_num_threads(job.threads)
    keep_freed()
    forget_peak()
    cpu = time.process_time()
    trial, data = job.trial, recall(Path(job.data))
    task, test, truth = prepare(trial, data)
    training = Fit(network(trial, data, job.network).to(job.device), task.recipe)
    scratch = Path(job.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    place, note = scratch / f"{trial.key}.pt", scratch / f"{trial.key}.json"
    kept = load(place)
    spent = 0.0
    if kept is not None:
        spent = kept.pop("cpu")
        training.restore(kept)

    def keep() -> None:
        save(place, training.state() | {"cpu": spent + time.process_time() - cpu})

    def tell(row: Row) -> None:
        _note(note, row, task.recipe.epochs)

    with clock(job.every) as ticking, exact(job.device):
        fit(training, task, ticking, keep, tell)
        result = _measured(trial, training, task, test, truth)
        result.weights = weights(training.final, test, data)
        if ticking.stopping:  # asked to stop while measuring: the whole training is kept
            keep()
            ticking.kept()
    result.measures["cpu_seconds"] = spent + time.process_time() - cpu
    result.measures["peak_bytes"] = float(peak())
    place.unlink(missing_ok=True)
    note.unlink(missing_ok=True)
    return result


def prepare(trial: Trial, data: Data) -> tuple[Task, Images, Tensor]:
    """The examples to learn from and to validate on, then those to be measured on."""
    recipe = of(trial.recipe)
    labels = torch.from_numpy(np.array(data.train_labels))
    truth = torch.from_numpy(np.array(data.test_labels))
    chosen, left = np.arange(len(labels)), np.arange(0)
    if recipe.split == "validation":
        chosen, left = split(data.train_labels, trial.seed, recipe.share)
    mean, scale = scaling(data.train_images, chosen, recipe.normalise)
    every = Images(held(data.train_images), mean, scale)
    test = Images(held(data.test_images), mean, scale)
    mine, rest = torch.from_numpy(chosen), torch.from_numpy(left)
    out, out_labels = (every.only(rest), labels[rest]) if len(rest) else (test, truth)
    whole = len(chosen) == len(labels)
    images = every if whole else every.only(mine)
    task = Task(images, labels[mine], out, out_labels, recipe, trial.seed, trial.precision)
    return task, test, truth


def network(trial: Trial, data: Data, factory: bytes | None = None) -> nn.Module:
    """The trial's network with its initial tensors, which are the seed's and not the arm's."""
    torch.manual_seed(chance(trial.seed, "start"))
    kind: Any = trial.network if factory is None else pickle.loads(factory)
    channels, classes = data.train_images[0].shape[0], len(data.classes)
    model = build(kind, trial.place, trial.arm, channels, classes, smallest(data), data.ragged)
    torch.manual_seed(chance(trial.seed, "start"))
    start(model, of(trial.recipe))
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def smallest(data: Data) -> tuple[int, int]:
    """The size of the images; of the smallest rows and columns where sizes differ."""
    if not data.ragged:
        return data.train_images[0].shape[1:]
    sizes = [image.shape[1:] for image in (*data.train_images, *data.test_images)]
    return min(rows for rows, _ in sizes), min(columns for _, columns in sizes)


def _measured(trial: Trial, training: Fit, task: Task, test: Images, truth: Tensor) -> Result:
    model = training.final
    validation = training.epochs[-1]["accuracy"]
    measures = {
        "validation_accuracy": float(validation or 0.0),
        "parameters": float(sum(p.numel() for p in model.parameters())),
        "seconds": training.seconds,
        "diverged": float(training.diverged),
    }
    right = np.zeros(0, bool)
    if trial.purpose == "tune":  # the test examples stay unseen
        measures["accuracy"] = measures["validation_accuracy"]
    else:
        right = correct(model, test, truth, trial.precision)
        measures["accuracy"] = float(right.mean())
        measures["shift_consistency"] = shift_consistency(model, test, trial.precision)
        if trial.place == "inner" or any_size(trial.arm):
            measures |= other_sizes(model, test, truth, trial.precision)
    losses = np.array(training.losses, np.float32)
    return Result(training.epochs, losses, right, measures, b"", platform.node())


def weights(model: nn.Module, images: Images, data: Data) -> bytes:
    """The network's tensors, and what it must know of the images that it was made for."""
    kept = {
        "state": {name: t.cpu().contiguous() for name, t in model.state_dict().items()},
        "mean": images.mean,
        "scale": images.scale,
        "classes": list(data.classes),
        "channels": data.train_images[0].shape[0],
        "size": list(smallest(data)),
        "ragged": data.ragged,
        "bytes": data.train_images[0].dtype == np.uint8,
    }
    file = io.BytesIO()
    torch.save(kept, file)
    return file.getvalue()


def _note(path: Path, row: Row, epochs: int) -> None:
    """Say how far the trial is, for whoever draws the progress."""
    told = {"pid": os.getpid(), "epochs": epochs} | row
    fine = {n: v for n, v in told.items() if v is None or math.isfinite(v)}

    def write(stage: Path) -> None:
        stage.write_text(json.dumps(fine))

    write_whole(path, write)
