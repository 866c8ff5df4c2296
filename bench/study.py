"""Epochs a minute of the whole machine, the tutorial's recipe: the study's way and the tutorial's.

`python -m bench.study` trains the tutorial's network (average head, float32) on Fashion-MNIST, or
on random bytes of its shape where it is not at hand, with a share of the images. The tutorial's
way: a Dataset that makes a tensor of each image when asked, a DataLoader, two more passes for the
accuracies, one training with all threads. The study's way: `anypool.study.train.fit`, images in
memory, as many trainings as cores with one thread each. In turns, each in fresh processes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

SHARE = 10  # a tenth of the images: an epoch is then some seconds
EXPECTED = 2.0


def images(share: int = SHARE) -> Any:
    """A tenth of the data set as (x, y) for training and for validation, bytes and labels."""
    import numpy as np

    from anypool.errors import PoolError
    from anypool.study.data import load

    try:
        data = load("fashion-mnist")
        every = (data.train_images, data.train_labels, data.test_images, data.test_labels)
        return [part[: len(part) // share] for part in every]
    except PoolError as error:
        print(f"random bytes instead of Fashion-MNIST: {error}", file=sys.stderr)
    draw = np.random.default_rng(0)
    sizes = (60_000 // share, 10_000 // share)
    x = [draw.integers(0, 256, (n, 1, 28, 28), np.uint8) for n in sizes]
    y = [draw.integers(0, 10, n) for n in sizes]
    return [x[0], y[0], x[1], y[1]]


def tutorial_way(epochs: int) -> float:
    """Seconds for some epochs as the tutorial trains: items made one by one, two more passes."""
    import numpy as np
    import torch
    from PIL import Image
    from torch import nn
    from torch.utils.data import DataLoader, Dataset

    from bench.networks import tutorial

    class Pictures(Dataset):
        """Each item becomes an image, then a tensor, whenever it is asked for."""

        def __init__(self, x: Any, y: Any) -> None:
            self.x, self.y = x, torch.from_numpy(np.array(y))

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, i: int) -> tuple[Any, int]:
            picture = np.array(Image.fromarray(self.x[i][0]))
            return torch.from_numpy(picture)[None].float().div(255), int(self.y[i])

    x, y, vx, vy = images()
    train, check = (DataLoader(Pictures(*p), 64) for p in ((x, y), (vx, vy)))
    model = nn.Sequential(*tutorial(nn), nn.Sigmoid())
    optimiser = torch.optim.Adam(model.parameters(), 3e-4)

    def epoch() -> None:
        model.train()
        for batch, labels in train:
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(batch), labels).backward()
            optimiser.step()
        model.eval()
        for loader in (train, check):
            with torch.no_grad():
                [(model(batch).argmax(1) == labels).sum().item() for batch, labels in loader]

    epoch()
    began = time.perf_counter()
    for _ in range(epochs):
        epoch()
    return time.perf_counter() - began


def study_way(epochs: int) -> float:
    """Seconds for some epochs of one training of the study, with one thread."""
    import torch

    from anypool.study.checkpoint import Clock
    from anypool.study.data import from_arrays
    from anypool.study.memory import keep_freed
    from anypool.study.recipes import recipe
    from anypool.study.records import Trial
    from anypool.study.train import Fit, fit
    from anypool.study.trial import network, prepare

    torch.set_num_threads(1)
    keep_freed()
    data = from_arrays("tenth", *images(), classes=[str(c) for c in range(10)])
    settings = recipe("tutorial", epochs=epochs + 1)
    trial = Trial("tenth", data.digest, "tutorial", "head", "avg", settings, 0)
    task, _, _ = prepare(trial, data)
    ends: list[float] = []
    fit(Fit(network(trial, data), task.recipe), task, Clock(1e9), lambda: None,
        lambda row: ends.append(time.perf_counter()))  # fmt: skip
    return ends[-1] - ends[0]  # the first epoch warms up


WAYS = {"tutorial": (tutorial_way, 1), "study": (study_way, os.cpu_count() or 1)}


def speed(way: str, epochs: int) -> float:
    """Epochs a minute of the whole machine, in fresh processes that run side by side."""
    command = [sys.executable, "-m", "bench.study", "--way", way, "--epochs", str(epochs)]
    side = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(WAYS[way][1])]
    taken = [float(process.communicate()[0]) for process in side]
    return sum(60 * epochs / seconds for seconds in taken) / SHARE


def _machine() -> str:
    from anypool.study.provenance import machine

    facts = machine()
    return f"{facts['processor']}, {facts['cores']} cores, torch {facts['torch']}"


def main() -> int:
    """Measure in turns and print one JSON object."""
    parser = argparse.ArgumentParser("python -m bench.study", description=__doc__)
    parser.add_argument("--way", choices=WAYS, help="train this way once and print the seconds")
    parser.add_argument("--epochs", type=int, default=3, help="epochs that are timed")
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    if asked.way:
        print(WAYS[asked.way][0](asked.epochs))
        return 0
    turns = [{way: speed(way, asked.epochs) for way in WAYS} for _ in range(asked.turns)]
    ratios = sorted(turn["study"] / turn["tutorial"] for turn in turns)
    middle = {way: statistics.median(turn[way] for turn in turns) for way in WAYS}
    print(json.dumps({
        "epochs_a_minute": {way: round(found, 2) for way, found in middle.items()},
        "ratio": round(statistics.median(ratios), 2), "from": round(ratios[0], 2),
        "to": round(ratios[-1], 2), "expected": EXPECTED, "turns": turns, "machine": _machine(),
    }, indent=1))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
