"""Run a module as in use, and leave everything as it was found."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import PoolError


@contextmanager
def traceless(module: nn.Module, *, grad: bool = False) -> Iterator[None]:
    """Evaluation mode without autocast, with or without gradients; whatever happens, undone.

    Restored are the training flag of every part, buffers (which object, and its values),
    requires_grad and .grad of parameters, the random generators of Python, NumPy and PyTorch, and
    the modes of autograd. Flags are set one by one: train() and eval() may be the model's own.
    """
    flags = [(part, part.training) for part in module.modules()]
    held = [(part, dict(part._buffers)) for part in module.modules()]
    values = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    learnt = [(p, p.requires_grad, p.grad) for p in module.parameters()]
    drawn = _generators(module)
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.set_grad_enabled(grad))
        if "torch._dynamo" in sys.modules:  # compiled parts run as written, or hooks stay unheard
            modes.enter_context(torch.compiler.set_stance("force_eager"))
        for kind in {"cpu", *(device.type for device in _devices(module))}:
            modes.enter_context(torch.autocast(kind, enabled=False))
        try:
            for part, _ in flags:
                part.training = False
            yield
        finally:
            for part, flag in flags:
                part.training = flag
            _put_back(held, values, learnt)
            for restore, state in drawn:
                restore(state)


def _put_back(held: list[Any], values: list[Any], learnt: list[Any]) -> None:
    for part, buffers in held:
        part._buffers.clear()
        part._buffers.update(buffers)
    for buffer, value in values:
        if not torch.equal(buffer, value):  # an untouched one keeps its version too
            with torch.inference_mode(buffer.is_inference()), torch.no_grad():
                buffer.copy_(value)
    for parameter, wanted, gradient in learnt:
        if parameter.requires_grad != wanted:
            parameter.requires_grad_(wanted)
        parameter.grad = gradient


def refuse_hollow(module: nn.Module) -> None:
    """Say so where parameters have no values yet."""
    for name, parameter in module.named_parameters():
        if parameter.is_meta:
            raise PoolError(f"the parameter {name} holds no values (device meta); load them first")
        if nn.parameter.is_lazy(parameter):
            raise PoolError(
                f"the parameter {name} has no size yet, because the model has never seen an "
                "image; run the model once before looking inside"
            )


def _devices(module: nn.Module) -> set[torch.device]:
    every = [*module.parameters(), *module.buffers()]
    return {t.device for t in every if t.device.type not in ("cpu", "meta")}


def _generators(module: nn.Module) -> list[tuple[Any, Any]]:
    """What restores each random generator, and its state."""
    found: list[tuple[Any, Any]] = [
        (random.setstate, random.getstate()),
        (np.random.set_state, np.random.get_state()),  # noqa: NPY002 (the global one is meant)
        (torch.set_rng_state, torch.get_rng_state()),
    ]
    for device in _devices(module):
        there: Any = torch.get_device_module(device)

        def restore(state: Any, there: Any = there, device: Any = device) -> None:
            there.set_rng_state(state, device)

        found.append((restore, there.get_rng_state(device)))
    return found
