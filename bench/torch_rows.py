"""The rows of anypool.torch: beside torch eager and compiled, forward and training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench import networks, peers
from bench.contest import Contest, Row

Shape = tuple[int, ...]
BOTH = ("torch", "torch.compile")
# function, its arguments, shape
LAYERS: list[tuple[str, tuple[Any, ...], Shape]] = [
    ("max_pool2d", (2, 2), (32, 64, 56, 56)),
    ("max_pool2d", (3, 2, 1), (32, 64, 56, 56)),
    ("avg_pool2d", (2, 2), (32, 64, 56, 56)),
    ("adaptive_avg_pool2d", (1,), (32, 512, 7, 7)),
    ("adaptive_avg_pool2d", (7,), (16, 128, 30, 40)),
    ("adaptive_max_pool2d", (7,), (16, 128, 30, 40)),
    ("max_pool2d", (13, 1, 6), (8, 128, 20, 20)),
]
TINY = ("max_pool2d", (2,), (1, 8, 8, 8))
CALLS = 200  # of the tiny one, timed together


def outside(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function outside inference mode, in which the other rows are measured."""

    def called(*args: Any, **kwargs: Any) -> Any:
        torch = peers.load("torch")
        with torch.inference_mode(False), torch.enable_grad():
            return function(*args, **kwargs)

    return called


def rows(small: Callable[[Shape], Shape]) -> list[Row]:
    """Every row; without torch none."""
    if peers.load("torch") is None:
        return []
    made = []
    for dtype in ("float32", "bfloat16"):
        for last in (False, True):
            for layer in LAYERS if dtype == "float32" else LAYERS[:3]:
                made += [_row(*layer, small, dtype, last, True, BOTH)]
    for layer in LAYERS[:3]:
        made += [_row(*layer, small, "float32", False, False, BOTH)]
    made += [_tiny(train) for train in (False, True)]
    step = "one step of training"
    return [
        *made,
        Row(
            "networks",
            f"tutorial convnet, batch 64, {step}",
            ("torch",),
            _tutorial,
            as_it_comes=True,
        ),
        Row(
            "networks",
            f"ResNet-50, batch 4 of 128x128, {step}",
            ("torch",),
            _resnet,
            as_it_comes=True,
        ),
    ]


def _row(
    name: str, args: tuple[Any, ...], shape: Shape, small: Callable[[Shape], Shape], dtype: str,
    last: bool, train: bool, against: tuple[str, ...],
) -> Row:  # fmt: skip
    layout = "channels last" if last else "channels first"
    kind = "training" if train else "inference"
    words = f"{name}{args} of {small(shape)}"
    make = partial(_contest, name, args, small(shape), dtype, last, train, against)
    return Row(f"torch, {kind}, {dtype}, {layout}", words, against, make)


def _tiny(train: bool) -> Row:
    """The cost of calls, forward only; with ``train`` on a tensor that wants a derivative."""
    name, args, shape = TINY
    wanted = " that wants a derivative" if train else ""
    title = f"{CALLS} x {name}{args} of {shape}{wanted}"
    make = partial(_tiny_contest, train)
    return Row("torch, call cost", title, ("torch",), make, as_it_comes=True)


@outside
def _tiny_contest(train: bool) -> Contest:
    torch = peers.load("torch")
    import anypool.torch.functional as ours

    name, args, shape = TINY
    x = torch.randn(shape).requires_grad_(train)
    both = {"anypool": ours, "torch": torch.nn.functional}
    calls = {who: outside(partial(_many, getattr(room, name), x, args))
             for who, room in both.items()}  # fmt: skip
    return _as_contest(calls, 4 * x.numel() * CALLS, 1e-5)


def _many(function: Any, x: Any, args: tuple[Any, ...]) -> Any:
    """Many calls, so that the way out of inference mode, paid once, does not count."""
    for _ in range(CALLS - 1):
        function(x, *args)
    return function(x, *args)


@outside
def _contest(
    name: str, args: tuple[Any, ...], shape: Shape, dtype: str, last: bool, train: bool,
    against: tuple[str, ...],
) -> Contest:  # fmt: skip
    torch = peers.load("torch")
    import anypool.torch.functional as ours

    torch.manual_seed(0)
    layout = torch.channels_last if last else torch.contiguous_format
    x = torch.randn(shape).to(getattr(torch, dtype)).contiguous(memory_format=layout)
    theirs = getattr(torch.nn.functional, name)
    plain = {"anypool": getattr(ours, name), "torch": theirs}
    if "torch.compile" in against:
        plain["torch.compile"] = _compiled(torch, theirs)
    if not train:
        calls = {who: partial(f, x, *args) for who, f in plain.items()}
    else:
        x.requires_grad_()
        g = torch.randn_like(theirs(x, *args))
        calls = {who: outside(partial(_both_ways, f, x, args, g)) for who, f in plain.items()}
    moved = (4 if train else 1) * x.numel() * x.element_size()
    return _as_contest(calls, moved, 1e-4 if dtype == "float32" else 5e-2)


def _compiled(torch: Any, function: Any) -> Any:
    """By Inductor: inside a function of ours, for Dynamo passes over PyTorch's own."""

    def wrapped(x: Any, *args: Any) -> Any:
        return function(x, *args)

    torch.compiler.reset()  # or, after some rows, Dynamo gives up on `wrapped` and runs it eagerly
    return torch.compile(wrapped, dynamic=False)


def _both_ways(function: Any, x: Any, args: tuple[Any, ...], g: Any) -> Any:
    torch = peers.load("torch")
    return torch.autograd.grad(function(x, *args), x, g)[0]


def _as_contest(calls: dict[str, Any], moved: int, close: float) -> Contest:
    numbers = dict.fromkeys(calls, lambda t: t.detach().double().numpy())
    ours = calls.pop("anypool")
    return Contest(ours, calls, numbers, moved, close)


@outside
def _tutorial() -> Contest:
    return _steps(networks.tutorial, (64, 1, 28, 28), 10)


@outside
def _resnet() -> Contest:
    return _steps(networks.resnet50, (4, 3, 128, 128), 1000)


def _steps(network: Callable[[Any], Any], shape: Shape, classes: int) -> Contest:
    torch = peers.load("torch")
    import anypool.torch as at

    torch.manual_seed(0)
    models = [network(torch.nn) for _ in range(2)]
    models[0].load_state_dict(models[1].state_dict())
    at.swap(models[0])
    x = torch.randn(shape)
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, classes, shape[0]))
    calls = {
        who: outside(partial(networks.step, model, x, labels))
        for who, model in zip(("anypool", "torch"), models, strict=True)
    }
    return _as_contest(calls, 0, 1e-3)
