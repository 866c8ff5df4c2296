"""Which precision this machine trains faster in: measured on the study's own network and data."""

from __future__ import annotations

import time

import torch

from .data import Data
from .device import exact
from .records import Plan, Trial
from .train import Fit, learn
from .trial import network, prepare

STEPS = 5


def faster(plan: Plan, data: Data, device: str = "cpu") -> str:
    """ "bfloat16" where five steps with it take less time than five in "float32", one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with exact(device):  # as trials run
            taken = {precision: _seconds(plan, data, precision, device) for precision in PRECISIONS}
    finally:
        torch.set_num_threads(threads)
    return min(PRECISIONS, key=lambda precision: taken[precision])


PRECISIONS = ("float32", "bfloat16")


def _seconds(plan: Plan, data: Data, precision: str, device: str) -> float:
    """The time of the fastest of five steps, after one that warms up."""
    arm = plan.arms[0]
    trial = Trial(data.name, data.digest, plan.network, plan.place, arm, plan.recipe, 0, precision)
    task, _, _ = prepare(trial, data)
    training = Fit(network(trial, data).to(device), task.recipe)
    chosen = torch.arange(min(task.recipe.batch, len(task.labels)))
    taken = []
    for _ in range(STEPS + 1):
        began = time.perf_counter()
        learn(training, task, chosen, 0.0)
        taken.append(time.perf_counter() - began)
    return min(taken[1:])
