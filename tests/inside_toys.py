"""Small networks to look into, and a way to tell whether a look has left anything behind."""

import random

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


def classic(channels=2, classes=4, pool=None):
    """Convolutions that work in place, a pooling, a linear layer."""
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
        nn.MaxPool2d(2), nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(inplace=True),
        pool or nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, classes),
    )  # fmt: skip


def maps_to_scores(pool, channels=2, classes=4, seed=0):
    """A 1x1 convolution to class maps, and a pooling: nothing behind it."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(channels, classes, 1), pool, nn.Flatten())


def mlp():
    return nn.Sequential(*classic()[:-1], nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))


class Shared(nn.Module):
    """One ReLU and one pooling, each called twice, and a layer that is never called."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 3, 3), nn.Conv2d(3, 4, 3)
        self.relu, self.pool, self.unused = (
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(1, 1, 1),
        )

    def forward(self, x):
        x = self.pool(self.relu(self.first(x)))
        return self.pool(self.relu(self.second(x))).amax((2, 3))


class Restless(nn.Module):
    """A network that changes whatever it can while it runs: buffers, and every generator."""

    def __init__(self, falls=False):
        super().__init__()
        self.body = classic()
        self.falls = falls
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("held", torch.ones(3))

    def forward(self, x):
        self.seen += len(x)
        self.held = self.held * 2
        random.random()
        np.random.rand()  # noqa: NPY002 (the global generator is what must come back)
        x = self.body(F.dropout(x, 0.1, training=True))
        if self.falls:
            raise ValueError("this network falls")
        return x


def unsettled(falls=False):
    """A restless network in no tidy state: parts train, parts do not; some are frozen."""
    torch.manual_seed(0)
    net = Restless(falls)
    net.train()
    net.body[1].eval()
    net.body[4].requires_grad_(False)
    net.body[0].weight.grad = torch.ones_like(net.body[0].weight)
    net.body[8].register_forward_hook(lambda *_: None)
    return net


def state_of(net):
    """Everything that a look inside might change: hooks, flags, gradients, buffers, chance."""
    hooks = {
        (name, kind): list(table)
        for name, part in net.named_modules()
        for kind, table in vars(part).items()
        if "hook" in kind and hasattr(table, "keys")
    }
    tensors = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    return {
        "hooks": hooks,
        "training": [part.training for part in net.modules()],
        "requires_grad": {n: p.requires_grad for n, p in net.named_parameters()},
        "grad": {n: (id(p.grad), p.grad is not None and p.grad.tolist())
                 for n, p in net.named_parameters()},
        "values": {n: t.tolist() for n, t in tensors.items()},
        "objects": {n: id(t) for n, t in tensors.items()},
        "torch": torch.get_rng_state().tolist(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "python": random.getstate(),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(),
                  torch.is_autocast_enabled("cpu")),
    }  # fmt: skip


def changed(before, after):
    """What a look has changed."""
    return [name for name, value in before.items() if after[name] != value]
