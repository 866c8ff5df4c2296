"""What a study trains on: a GPU where there is one that works, else the CPU, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from .pools import Here, Processes


class Place(NamedTuple):
    """A device, the sentence that says so, and what makes results of it differ from others'."""

    device: str
    words: str
    facts: dict[str, str]


def choose(executor: Executor | None = None) -> Place:
    """The GPU, if there is one and the trials run on this machine; else the CPU.

    CUDA_VISIBLE_DEVICES="" hides a GPU that shall not be used.

    >>> choose().device in ("cpu", "cuda")
    True
    """
    if not torch.cuda.is_available():
        return _cpu("PyTorch sees no GPU")
    if not isinstance(executor, Here | Processes | None):
        return _cpu("the trials may run on other machines, which need not have one")
    try:
        torch.zeros(1, device="cuda").add_(1).item()
    except RuntimeError as error:
        return _cpu(f"the GPU does not work: {str(error).splitlines()[0]}")
    name = torch.cuda.get_device_name()
    return Place("cuda", f"trains on the GPU, {name}", {"device": name})


def _cpu(why: str) -> Place:
    return Place("cpu", f"trains on the CPU: {why}", {})


def device_of(model: nn.Module) -> torch.device:
    """Where a network is; the CPU for one that has no parameters."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def moved(
    batch: torch.Tensor | list[torch.Tensor], device: torch.device
) -> torch.Tensor | list[torch.Tensor]:
    """A batch where the network is."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    return [image.to(device) for image in batch]


@contextmanager
def exact(device: str) -> Iterator[None]:
    """On a GPU: the same bits in every run wherever PyTorch can, and float32 that is float32."""
    if not device.startswith("cuda"):
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    cudnn: Any = torch.backends.cudnn
    was = torch.are_deterministic_algorithms_enabled()
    only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
    before = cudnn.benchmark, cudnn.allow_tf32
    cudnn.benchmark, cudnn.allow_tf32 = False, False
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=only_warned)
        cudnn.benchmark, cudnn.allow_tf32 = before
