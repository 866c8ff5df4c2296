"""Our threads beside torch's own: a step of training, its poolings cut into more or fewer parts.

`python -m bench.spinning` trains the convnet of the tutorials with OpenMP as users have it (idle
threads spin for a while) and prints how many times faster than torch the swapped network is, for
1, 2, 4, 8 parts a thread and for poolings on one thread. Expected before the first run: 1 part
loses where a spinning thread holds a core, 4 parts lose little; more only cost calls.
"""

from __future__ import annotations

import copy
import os
import sys
from functools import partial
from typing import Any

from bench import networks, peers
from bench.timing import Effort, side_by_side, times_faster

EFFORT = Effort(25, 0.1)
MANY = 1 << 40  # elements: no call has so many


def _step(parts: int, serial: int, model: Any, x: Any, labels: Any) -> Any:
    """One step with the poolings cut as said."""
    from anypool.kernels import share

    share.PARTS, share.SERIAL_WORK = parts, serial
    return networks.step(model, x, labels)


def main() -> int:
    """A line for each way of cutting."""
    for name in peers.STILL:
        os.environ.pop(name, None)
    torch = peers.load("torch")
    import anypool.torch
    from anypool.kernels import share

    theirs = networks.tutorial(torch.nn)
    ours = copy.deepcopy(theirs)
    anypool.torch.swap(ours)
    data = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    usual = share.SERIAL_WORK
    calls = {"torch": partial(networks.step, theirs, *data)}
    for parts in (1, 2, 4, 8):
        calls[f"{parts} parts a thread"] = partial(_step, parts, usual, ours, *data)
    calls["one thread"] = partial(_step, 1, MANY, ours, *data)
    taken = side_by_side(calls, EFFORT)
    for name in list(calls)[1:]:
        found = times_faster(taken[name], taken["torch"])
        print(f"{name}: {found.median:.2f}x torch ({found.low:.2f} to {found.high:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
