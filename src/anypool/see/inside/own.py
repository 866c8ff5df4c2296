"""A user's own module and photograph, as a command line names them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from ...errors import PoolError
from ..picture import MOST
from ..read import read
from .subject import on_channels, wants

_HOLDERS = ("state_dict", "model_state_dict", "model")  # what people call the tensors in a file


def made(factory: Callable[..., Any], name: str, weights: str | None) -> nn.Module:
    """The module that a function without arguments makes, with its tensors from a file."""
    try:
        module = factory if isinstance(factory, nn.Module) else factory()
    except TypeError as error:
        raise PoolError(
            f"{name} could not be called without arguments ({error}); write a function that can be"
        ) from None
    except Exception as error:  # it may raise anything
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PoolError(f"{name} failed to make a model: {words}") from error
    if not isinstance(module, nn.Module):
        raise PoolError(f"{name} gives {type(module).__name__}; it must give a torch.nn.Module")
    if weights is not None:
        _load(module, Path(weights))
    return module


def _load(module: nn.Module, path: Path) -> None:
    state = _state(path)
    try:
        module.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        lines = [line.strip(" \t.") for line in str(error).splitlines()]
        words = next((line for line in lines[1:] if line), lines[0])
        raise PoolError(f"the tensors of {path} do not fit the model: {words}") from None


def _state(path: Path) -> Mapping[str, Any]:
    """A state dict, read so that no code of the file can run."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise PoolError(f"there is no file {path}") from None
    except OSError as error:
        raise PoolError(f"cannot read {path}: {(error.strerror or 'no access').lower()}") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        raise PoolError(
            f"{path} is no file of tensors alone, and nothing else is read, because it could run "
            "code; write it by torch.save(model.state_dict(), path)"
        ) from None
    inner = (held.get(name) for name in _HOLDERS) if isinstance(held, Mapping) else ()
    state = next((found for found in inner if isinstance(found, Mapping)), held)
    if isinstance(state, Mapping):
        return _unwrapped(state)
    raise PoolError(f"{path} holds {type(state).__name__}; a state dict is wanted")


def _unwrapped(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The names that DataParallel or torch.compile put a word before, as the module has them."""
    for word in ("module.", "_orig_mod."):
        if state and all(str(name).startswith(word) for name in state):
            state = {name.removeprefix(word): tensor for name, tensor in state.items()}
    return state


def photograph(
    module: nn.Module, path: str | None, size: tuple[int, int] | None,
    mean: Sequence[float] | None, std: Sequence[float] | None,
) -> torch.Tensor:  # fmt: skip
    """A photograph as the module was trained on them, (1, C, H, W); grey where there is no path.

    size: rows and columns to scale it to; mean, std: taken off and divided by, one a channel
    """
    _, channels = wants(module)
    if size is not None and size[0] * size[1] > MOST:
        raise PoolError(
            f"--size is {size[0]}x{size[1]}; at most {MOST // 10**6} million pixels fit"
        )
    if path is None:
        if size is None:
            raise PoolError("say --image, or --size, so that there is something to look at")
        x = torch.full((1, channels or 3, *size), 0.5)
    else:
        x = torch.from_numpy(on_channels(read(path), channels).copy())[None]
    if size is not None and x.shape[2:] != size:
        x = interpolate(x, size, mode="bilinear", antialias=True).clamp(0, 1)
    return (x - _each(mean, "--mean", x, 0.0)) / _each(std, "--std", x, 1.0)


def _each(values: Sequence[float] | None, option: str, x: torch.Tensor, usual: float) -> Any:
    if values is None:
        return usual
    if len(values) not in (1, x.shape[1]):
        raise PoolError(f"{option} has {len(values)} numbers for {x.shape[1]} channels")
    if option == "--std" and not all(value > 0 for value in values):
        raise PoolError("--std must be positive; every channel is divided by it")
    return torch.tensor(values).reshape(-1, 1, 1)
