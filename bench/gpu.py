"""anypool beside PyTorch on a GPU: `python -m bench.gpu`, where there is one.

Every row is measured in both layouts, float32 and bfloat16, beside eager PyTorch and
`torch.compile`: the way forth, the way back, and the memory that is kept between the two. Times
are those of the device, between two events around a burst of calls, all candidates in turns.
A row's share says how near it comes to the card's own copy. At the end a ResNet-50 is trained with
deterministic algorithms, before and after `swap`.

With `--device cpu` and `--quick` the same code runs on little data without a GPU, to be tried;
those figures mean nothing. `anypool bench` itself measures on the CPU only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

from bench import RESULTS, gpu_rows, networks
from bench.contest import DiffersError
from bench.gpu_device import Device, about, copying, in_turns
from bench.gpu_rows import Row, bytes_moved
from bench.timing import Effort, Spread, spread, times_faster

# before torch is imported: cuBLAS wants it where determinism is asked for
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
FULL, QUICK = Effort(9, 0.05), Effort(2, 0.001)


def measure(device: str = "cuda", quick: bool = False, only: str = "") -> dict[str, Any]:
    """Every row, the copy, and the training step, as plain data."""
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise SystemExit("no CUDA device here; this measures GPUs (--device cpu --quick to try it)")
    at, effort = Device(torch, device), QUICK if quick else FULL
    copy = copying(at, effort, 1 << 20 if quick else 1 << 29)
    rows = []
    for row in gpu_rows.ROWS:
        own = gpu_rows.small(row) if quick else row
        for dtype in gpu_rows.DTYPES:
            for layout in gpu_rows.LAYOUTS:
                if re.search(only, f"{own.title}, {dtype}, {layout}"):
                    rows.append(tried(at, own, dtype, layout, effort, copy))
                    print(line(rows[-1]), flush=True)
    trained = None if only else _trained(at, effort, quick)
    facts = {**about(at), "copy_gigabytes_per_second": copy / 1e9}
    return {"machine": facts, "quick": quick, "rows": rows, "training": trained,
            "goals": goals(rows)}  # fmt: skip


def _trained(device: Device, effort: Effort, quick: bool) -> dict[str, Any]:
    """The training step's figures, or what went wrong: the rows must not be lost by it."""
    try:
        return training(device, effort, quick)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def tried(device: Device, row: Row, dtype: str, layout: str, effort: Effort,
          copy: float) -> dict[str, Any]:  # fmt: skip
    """A row's figures, or what went wrong: one broken row must not hide the others."""
    plain = {"row": row.title, "network": row.network, "name": row.name, "dtype": dtype,
             "layout": layout, "adaptive": row.adaptive}  # fmt: skip
    try:
        return plain | figures(device, row, dtype, layout, effort, copy)
    except Exception as error:
        return plain | {"error": f"{type(error).__name__}: {error}"}


def figures(device: Device, row: Row, dtype: str, layout: str, effort: Effort,
            copy: float) -> dict[str, Any]:  # fmt: skip
    """Forth, back, and memory."""
    torch = device.torch
    import anypool.torch.functional as ours

    theirs = getattr(torch.nn.functional, row.name)
    functions = {"anypool": getattr(ours, row.name), "torch": theirs,
                 "torch.compile": compiled(torch, theirs)}  # fmt: skip
    x = data(torch, row, dtype, layout, device.name)
    pools = {who: partial(f, x.detach(), *row.args) for who, f in functions.items()}
    ahead = in_turns(device, pools, effort)
    outs = {who: f(x, *row.args) for who, f in functions.items()}
    check(torch, outs, 1e-5 if dtype == "float32" else 2e-2)
    g = torch.randn_like(outs["torch"])
    backs = {who: partial(torch.autograd.grad, y, x, g, retain_graph=True)
             for who, y in outs.items()}  # fmt: skip
    back = in_turns(device, backs, effort)
    runs = [torch.autograd.grad(outs["anypool"], x, g, retain_graph=True)[0] for _ in range(2)]
    tap = 1 if row.name.startswith(("max", "adaptive_max")) else 0
    size, out = x.element_size(), tuple(outs["torch"].shape)
    del outs, backs
    steps = {who: partial(step, torch, f, x, row.args, g) for who, f in functions.items()}
    return {
        "forward": contest(ahead, bytes_moved(row.shape, out, size, 0), copy),
        "backward": contest(back, bytes_moved(row.shape, out, size, tap), copy),
        "peak_bytes": {who: device.peak(call) for who, call in steps.items()},
        "kept_bytes": {who: kept(torch, f, x, row.args) for who, f in functions.items()
                       if who != "torch.compile"},
        "same_bits": bool(torch.equal(*runs)),
        "input_bytes": x.numel() * size,
    }  # fmt: skip


def contest(seconds: dict[str, list[float]], moved: int, copy: float) -> dict[str, Any]:
    """The middle time of each, how many times faster we are, and our share of the card's copy."""
    ours = seconds["anypool"]
    speed = moved / spread(ours).median
    return {
        "seconds": {who: spread(own).median for who, own in seconds.items()},
        "ratio": {who: times_faster(ours, own)._asdict()
                  for who, own in seconds.items() if who != "anypool"},
        "gigabytes_per_second": speed / 1e9,
        "share_of_copy": speed / copy,
    }  # fmt: skip


def data(torch: Any, row: Row, dtype: str, layout: str, device: str) -> Any:
    made = torch.Generator().manual_seed(0)
    x = torch.randn(row.shape, generator=made).to(device, getattr(torch, dtype))
    if layout == "last":
        form = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        x = x.contiguous(memory_format=form)
    return x.requires_grad_()


def compiled(torch: Any, function: Any) -> Any:
    def wrapped(x: Any, *args: Any) -> Any:
        return function(x, *args)

    torch.compiler.reset()
    return torch.compile(wrapped, dynamic=False)


def check(torch: Any, outs: dict[str, Any], close: float) -> None:
    """An error, unless all give the same numbers: other times must not be compared."""
    for who, y in outs.items():
        try:
            torch.testing.assert_close(outs["anypool"], y, rtol=close, atol=close)
        except AssertionError as error:
            raise DiffersError(f"{who} gives other numbers: {error}") from None


def step(torch: Any, function: Any, x: Any, args: tuple[Any, ...], g: Any) -> Any:
    return torch.autograd.grad(function(x, *args), x, g)[0]


def kept(torch: Any, function: Any, x: Any, args: tuple[Any, ...]) -> int:
    """Bytes that autograd keeps for the way back: x too, where it is kept."""
    found: dict[int, int] = {}

    def pack(t: Any) -> Any:
        found[t.data_ptr()] = t.numel() * t.element_size()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        function(x, *args)
    return sum(found.values())


def training(device: Device, effort: Effort, quick: bool) -> dict[str, Any]:
    """A step of a ResNet-50 with deterministic algorithms on, before and after ``swap``."""
    torch = device.torch
    import anypool.torch as at

    torch.manual_seed(0)
    batch, side = (1, 64) if quick else (64, 224)
    model = networks.resnet50(torch.nn).to(device.name)
    x = torch.randn(batch, 3, side, side, device=device.name)
    labels = torch.arange(batch, device=device.name) % 1000
    call, found = partial(networks.step, model, x, labels), {}
    was = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        for who in ("torch", "anypool"):
            if who == "anypool":
                at.swap(model)
            seconds = in_turns(device, {who: call}, effort._replace(least=0.0))[who]
            found[who] = {"seconds": spread(seconds).median, "peak_bytes": device.peak(call)}
    finally:
        torch.use_deterministic_algorithms(was)
    return {"batch": batch, "side": side, **found}


def goals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The targets, and what came of them: the middle over the rows that a target speaks of."""
    well = [row for row in rows if "error" not in row]

    def ratio(way: str, **like: Any) -> float | None:
        own = [row for row in well if all(row[name] == value for name, value in like.items())]
        return _middle([row[way]["ratio"]["torch"]["median"] for row in own])

    most = [row["kept_bytes"]["anypool"] / row["kept_bytes"]["torch"] for row in well
            if "max" in row["name"] and row["kept_bytes"]["torch"]]  # fmt: skip
    large = [row["forward"]["share_of_copy"] for row in well if row["input_bytes"] > 1 << 27]
    return {
        "forward, float32, at least 1.2": ratio("forward", dtype="float32"),
        "forward, bfloat16, at least 1.5": ratio("forward", dtype="bfloat16"),
        "backward, at least 1.5": ratio("backward", adaptive=False),
        "adaptive backward, at least 2": ratio("backward", adaptive=True),
        "memory kept by max, at most 0.33": _middle(most),
        "share of copy out of cache, at least 0.7": _middle(large),
        "the same bits twice": all(row["same_bits"] for row in well) if well else None,
    }


def _middle(figures: list[float]) -> float | None:
    return statistics.median(figures) if figures else None


def line(row: dict[str, Any]) -> str:
    """A row in a line of text."""
    head = f"{row['row']}, {row['dtype']}, channels {row['layout']}"
    if "error" in row:
        return f"{head}: {row['error'].splitlines()[0]}"
    told = []
    for way in ("forward", "backward"):
        by = {who: Spread(**own).median for who, own in row[way]["ratio"].items()}
        told.append(f"{way} {row[way]['seconds']['anypool'] * 1e6:.0f} us, "
                    + ", ".join(f"{times:.2f}x {who}" for who, times in by.items())
                    + f", {row[way]['share_of_copy']:.0%} of copy")  # fmt: skip
    return f"{head}: {'; '.join(told)}"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 1 if a row could not be measured."""
    parser = argparse.ArgumentParser("python -m bench.gpu", description="anypool on a GPU")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="little data: figures mean little")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only rows like this")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    asked = parser.parse_args(arguments)
    found = measure(asked.device, asked.quick, asked.only)
    for goal, figure in found["goals"].items():
        print(f"{goal}: {figure if figure is None else round(figure, 3)}")
    asked.results.mkdir(parents=True, exist_ok=True)
    stamp = found["machine"]["when"].replace(":", "").replace("+0000", "Z")
    path = asked.results / f"gpu-{stamp}{'-quick' if asked.quick else ''}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"kept in {path}")
    return int(any("error" in row for row in found["rows"]))


if __name__ == "__main__":
    sys.exit(main())
