"""One forward through a model: what passes a spot is kept, or another tensor is put there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ...errors import PoolError
from .layers import described
from .traceless import traceless

Tensor = torch.Tensor
Pick = Callable[[Any], Tensor | None]

LAST = -1


@dataclass(frozen=True)
class Spot:
    """What enters or leaves a layer; call: which of its calls counts, from 0, or the last one."""

    name: str
    entering: bool = False
    call: int = LAST


@dataclass
class Passed:
    """What passed a spot, and with which further arguments its layer was called.

    call: which call it was, of how many
    """

    value: Tensor
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    call: int = 0


@dataclass
class Ran:
    """What a forward gave.

    output: the scores as the model gives them, (N, K), or None where it has none
    scores: those before a last sigmoid or softmax, which `step` names; else the same
    """

    output: Tensor | None
    scores: Tensor | None
    step: str
    passed: dict[Spot, Passed]
    calls: Counter[str]

    def at(self, spot: Spot) -> Tensor:
        """What passed the spot."""
        return self.passed[spot].value


def run(
    module: nn.Module,
    batch: Tensor,
    pick: Pick,
    *,
    keep: Collection[Spot] = (),
    put: Mapping[Spot, Tensor] | None = None,
    grad: bool = False,
) -> Ran:
    """A forward in evaluation mode that leaves no trace; every fault becomes one sentence.

    keep: spots to remember; put: spots whose tensor is exchanged for another
    """
    put = put or {}
    calls: Counter[str] = Counter()
    passed: dict[Spot, Passed] = {}
    watch = _Watch(calls, passed, put)
    with traceless(module, grad=grad), ExitStack() as hooks, _LastStep() as last:
        for name in {spot.name for spot in (*keep, *put)}:
            here = [spot for spot in {*keep, *put} if spot.name == name]
            hooks.enter_context(watch.on(module.get_submodule(name), name, here))
        output = picked(called(module, batch), pick, len(batch))
    for spot in (*keep, *put):
        if spot not in passed:
            raise PoolError(_not_called(module, spot, calls[spot.name]))
    before, step = last.before(output)
    return Ran(output, before, step, passed, calls)


class _Watch:
    """Hooks that keep what passes and exchange what is to be put in its place."""

    def __init__(
        self, calls: Counter[str], passed: dict[Spot, Passed], put: Mapping[Spot, Tensor]
    ) -> None:
        self.calls, self.passed, self.put = calls, passed, put

    def on(self, part: nn.Module, name: str, spots: list[Spot]) -> ExitStack:
        """Both hooks of a layer; closing the stack removes them."""

        def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
            number = self.calls[name]
            self.calls[name] += 1
            call = _Call(args, kwargs)
            for spot in spots:
                if spot.entering and spot.call in (LAST, number):
                    self._note(spot, call.value, number, call)
            new = self._new(spots, number, entering=True)
            return None if new is None else call.exchanged(new)

        def after(_: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
            number = self.calls[name] - 1
            for spot in spots:
                if not spot.entering and spot.call in (LAST, number):
                    self._note(spot, tensor_of(output), number, _Call(args, kwargs))
            new = self._new(spots, number, entering=False)
            return None if new is None else _exchanged(output, new)

        stack = ExitStack()
        handles = (
            part.register_forward_pre_hook(before, with_kwargs=True),
            part.register_forward_hook(after, with_kwargs=True),
        )
        for handle in handles:
            stack.callback(handle.remove)
        return stack

    def _note(self, spot: Spot, value: Any, number: int, call: _Call) -> None:
        """Remember a copy, which no layer in place can spoil; or what stands in its place."""
        if isinstance(value, Tensor):
            kept = self.put[spot] if spot in self.put else value.detach().clone()
            self.passed[spot] = Passed(kept, call.rest, call.named, number)

    def _new(self, spots: list[Spot], number: int, *, entering: bool) -> Tensor | None:
        """What is to be put here, if anything."""
        here = (s for s in spots if s.entering == entering and s.call == number)
        return next((self.put[spot] for spot in here if spot in self.put), None)


class _Call:
    """The arguments of a layer's call: the first, which is the maps, and the rest."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.first = None if args else next(iter(kwargs), None)
        self.value = args[0] if args else kwargs.get(self.first)  # type: ignore[arg-type]
        self.rest = args[1:]
        self.named = {name: value for name, value in kwargs.items() if name != self.first}

    def exchanged(self, value: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call with other maps."""
        if self.first is None:
            return (value, *self.rest), self.named
        return (), {self.first: value, **self.named}


def tensor_of(output: Any) -> Any:
    """What a layer gives, or the first of several things."""
    return output[0] if isinstance(output, tuple | list) and output else output


def _exchanged(output: Any, value: Tensor) -> Any:
    return (value, *output[1:]) if isinstance(output, tuple | list) else value


def _not_called(module: nn.Module, spot: Spot, calls: int) -> str:
    told = described(spot.name, module)
    if calls == 0:
        return f"the layer {told} was never called in this forward; nothing passed it"
    if spot.call >= calls:
        times = "once" if calls == 1 else f"{calls} times"
        return f"the layer {told} was called {times}; call={spot.call} is not among them"
    what = "takes" if spot.entering else "gives"
    return f"the layer {told} {what} no tensor that could be shown"


# -- the scores ---------------------------------------------------------------------------------


def called(module: nn.Module, batch: Tensor) -> Any:
    """The model's output; a model that fails says in which layer."""
    try:
        return module(batch.clone())  # what works in place shall not reach the caller's images
    except PoolError:
        raise
    except Exception as error:  # a model may raise anything
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        shape = tuple(batch.shape)
        raise PoolError(
            f"the model failed on x of shape {shape}{_where(module, batch)}: {words}"
        ) from error


def _where(module: nn.Module, batch: Tensor) -> str:
    """The innermost layer in which a forward fails."""
    inside: list[str] = []
    hooks = ExitStack()
    for name, part in module.named_modules():
        if name:
            handle = part.register_forward_pre_hook(lambda *_, name=name: inside.append(name))
            hooks.callback(handle.remove)
            handle = part.register_forward_hook(lambda *_: inside.pop() and None)
            hooks.callback(handle.remove)
    with hooks:
        try:
            module(batch.clone())
        except Exception:
            return f" in its layer {described(inside[-1], module)}" if inside else ""
    return ""


def picked(output: Any, pick: Pick, count: int) -> Tensor | None:
    """The scores (N, K) of an output; None where it has none of this shape."""
    scores = pick(output)
    if scores is None:
        return None
    if scores.ndim == 1 and count == 1:
        return scores[None]
    if scores.ndim == 1:
        return scores[:, None]
    if scores.ndim > 2 and scores[0, 0].numel() != 1:
        return None
    return scores.flatten(1)


_STEPS = {
    "sigmoid": "sigmoid",
    "special_expit": "sigmoid",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "log_sigmoid": "log_sigmoid",
}


class _LastStep(TorchFunctionMode):
    """Listens for the sigmoid or softmax that a model may end with, function or module."""

    def __init__(self) -> None:
        super().__init__()
        self.step: tuple[str, Tensor, Tensor] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        word = _STEPS.get(getattr(func, "__name__", ""))
        if word and args and isinstance(given, Tensor):
            self.step = (word, args[0], given)
        return given

    def before(self, output: Tensor | None) -> tuple[Tensor | None, str]:
        """The scores before that step, and its name, where it was the last thing done."""
        if output is None or self.step is None:
            return output, ""
        word, taken, given = self.step
        same = given.untyped_storage().data_ptr() == output.untyped_storage().data_ptr()
        if not same or given.numel() != output.numel():
            return output, ""
        return taken.reshape(output.shape), word
