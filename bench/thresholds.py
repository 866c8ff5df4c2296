"""From which size our kernels win: PyTorch's time over ours, without and with a derivative.

`python -m bench.thresholds` prints what the thresholds in anypool.torch (call.py, named.py) are
read from; small inputs that PyTorch would get are given to our kernels here.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from bench import peers
from bench.timing import FULL, side_by_side, times_faster

SHAPES = ((1, 8, 8, 8), (1, 8, 24, 24), (4, 16, 28, 28), (64, 8, 28, 28), (64, 16, 14, 14),
          (64, 256, 7, 7), (8, 512, 14, 14), (16, 64, 32, 32), (16, 128, 30, 40))  # fmt: skip
CALLS = (("max_pool2d", (2,)), ("max_pool2d", (3, 1, 1)), ("avg_pool2d", (2,)),
         ("adaptive_avg_pool2d", (1,)), ("adaptive_avg_pool2d", (6,)),
         ("adaptive_max_pool2d", (6,)))  # fmt: skip


def _trained(torch: Any, function: Any, x: Any, args: tuple[Any, ...], g: Any) -> Any:
    return torch.autograd.grad(function(x, *args), x, g)


def main() -> int:
    """A line for each shape and call."""
    torch = peers.load("torch")
    import anypool.torch.functional as ours
    from anypool.torch import call

    call.SMALL = False
    for shape in SHAPES:
        for name, args in CALLS:
            x = torch.randn(shape)
            xr = x.clone().requires_grad_()
            both = {"ours": getattr(ours, name), "torch": getattr(torch.nn.functional, name)}
            g = torch.randn_like(both["torch"](x, *args))
            plain = {who: partial(f, x, *args) for who, f in both.items()}
            train = {who: partial(_trained, torch, f, xr, args, g) for who, f in both.items()}
            taken = [side_by_side(calls, FULL) for calls in (plain, train)]
            ratios = [times_faster(each["ours"], each["torch"]).median for each in taken]
            print(f"{name}{args} of {shape}: {ratios[0]:.2f}, with a derivative {ratios[1]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
