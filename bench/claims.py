"""Does adaptive pooling cost less than average pooling with large kernels? Time and memory.

`python -m bench.claims` measures and prints a table; `--page` also writes it into docs/claims.md.
Every way makes 7x7 of 64 maps of 224x224 (the last but one: of 230x230), but for the last, which
slides its large window cell by cell over 8 maps.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench import ROOT, peers
from bench.timing import QUICK, Effort, side_by_side

PAGE, BEGIN, END = ROOT / "docs" / "claims.md", "<!-- measured:begin -->", "<!-- measured:end -->"
FULL = Effort(25, 0.02)  # the least of many turns: other work on the machine only adds
NAMES = ("torch", "ours")
HEAD = ("way", "output", "cells read", "torch ms", "anypool ms", "torch kept", "anypool kept")


class Way(NamedTuple):
    """A module's name and arguments, and the shape it pools."""

    module: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]

    @property
    def words(self) -> str:
        told = ", ".join(str(value) for value in self.arguments.values())
        return f"`{self.module}({told})` of {self.shape[2]}x{self.shape[3]}"


def _average(kernel: int, stride: int) -> dict[str, int]:
    return {"kernel_size": kernel, "stride": stride}


WAYS = (
    Way("AdaptiveAvgPool2d", {"output_size": 7}, (1, 64, 224, 224)),
    Way("AvgPool2d", _average(32, 32), (1, 64, 224, 224)),
    Way("AvgPool2d", _average(56, 28), (1, 64, 224, 224)),
    Way("AdaptiveAvgPool2d", {"output_size": 7}, (1, 64, 230, 230)),
    Way("AvgPool2d", _average(38, 32), (1, 64, 230, 230)),
    Way("AvgPool2d", _average(32, 1), (1, 8, 224, 224)),
)


def cells_read(way: Way) -> int:
    """How many numbers one map's outputs read together, a cell once for each window it is in.

    >>> cells_read(WAYS[0]) == cells_read(WAYS[1]) == 224 * 224
    True
    """
    import anypool as ap

    if way.module.startswith("Adaptive"):
        windows: Any = ap.windows.adaptive(way.arguments["output_size"])
    else:
        windows = ap.windows.sliding(way.arguments["kernel_size"], way.arguments["stride"])
    rows, columns = (ap.explain(n, windows).coverage[0].sum() for n in way.shape[2:])
    return int(rows * columns)


def kept(module: Callable[[Any], Any], shape: tuple[int, ...]) -> int:
    """Bytes that autograd keeps for the way back."""
    torch, sizes = peers.load("torch"), []

    def note(tensor: Any) -> Any:
        sizes.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        module(torch.rand(shape, requires_grad=True))
    return sum(sizes)


def measure(ways: Sequence[Way], effort: Effort) -> list[dict[str, Any]]:
    """CPU time of the forward pass, and what training keeps, by torch and by us; all in turns."""
    torch = peers.load("torch")
    import anypool.torch as at

    layers = [[getattr(m, way.module)(**way.arguments) for m in (torch.nn, at)] for way in ways]
    inputs = [torch.rand(way.shape) for way in ways]
    for way, (theirs, ours), x in zip(ways, layers, inputs, strict=True):
        if not torch.allclose(theirs(x), ours(x), atol=1e-5):
            raise RuntimeError(f"{way.words}: the two do not give the same numbers")
    calls = {(n, name): partial(layer, x)
             for n, (pair, x) in enumerate(zip(layers, inputs, strict=True))
             for name, layer in zip(NAMES, pair, strict=True)}  # fmt: skip
    with torch.no_grad():
        seconds = side_by_side(calls, effort, time.process_time)
    return [
        {"way": way.words, "output": tuple(layers[n][0](inputs[n]).shape[2:]),
         "reads": cells_read(way), "seconds": {name: seconds[n, name] for name in NAMES},
         "kept": dict(zip(NAMES, (kept(layer, way.shape) for layer in layers[n]), strict=True))}
        for n, way in enumerate(ways)
    ]  # fmt: skip


def words(rows: list[dict[str, Any]]) -> str:
    """What the first two rows say: the same windows by two names."""
    told = []
    for name, whose in zip(NAMES, ("PyTorch's", "anypool's"), strict=True):
        times = min(rows[0]["seconds"][name]) / min(rows[1]["seconds"][name])
        told.append(f"{whose} adaptive pooling took {times:.1f} times as long as its average one")
    return f"With the same windows (the first two rows) {', and '.join(told)}."


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [HEAD, ("---", *["---:"] * (len(HEAD) - 1)), *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["way"], "x".join(map(str, row["output"])), f"{row['reads']:,}".replace(",", " "),
        *(f"{1e3 * min(row['seconds'][name]):.3g}" for name in NAMES),
        *(f"{row['kept'][name] / 1e6:.3g} MB" for name in NAMES),
    )  # fmt: skip


def machine() -> str:
    """One line on where the figures come from."""
    from anypool import doctor

    torch = peers.load("torch")
    return f"{doctor.cpu()['name']}, threads: {torch.get_num_threads()}, torch {torch.__version__}"


def write(text: str, page: Path = PAGE) -> None:
    """Put the text between the page's markers."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")


def main() -> int:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser("python -m bench.claims", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short bursts: figures mean little")
    parser.add_argument("--page", action="store_true", help="write the table into docs/claims.md")
    asked = parser.parse_args()
    peers.hold_still(1)  # before anything imports torch; of one thread the CPU's time is the call's
    if peers.load("torch") is None:
        print("the claims are measured with torch, which is not installed")
        return 2
    rows = measure(WAYS, QUICK if asked.quick else FULL)
    told = f"{machine()}; `python -m bench.claims`; CPU time, the least of {FULL.turns} turns."
    text = f"{table(rows)}\n\n{told}\n\n{words(rows)}"
    print(text)
    if asked.page and not asked.quick:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
