"""A device to measure on: how to wait, how to time, how much memory is used, and what it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from bench import machine
from bench.timing import Effort, spread

Call = Callable[[], Any]


class Device(NamedTuple):
    """How to wait, how to time, and how much memory is in use on a device."""

    torch: Any
    name: str

    @property
    def cuda(self) -> bool:
        return self.name.startswith("cuda")

    def wait(self) -> None:
        if self.cuda:
            self.torch.cuda.synchronize()

    def seconds(self, call: Call, count: int) -> float:
        """Seconds for one call, over ``count`` of them."""
        if not self.cuda:
            began = time.perf_counter()
            for _ in range(count):
                call()
            return (time.perf_counter() - began) / count
        first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.torch.cuda.synchronize()
        first.record()
        for _ in range(count):
            call()
        last.record()
        last.synchronize()
        return first.elapsed_time(last) / 1000 / count

    def peak(self, call: Call) -> int | None:
        """Bytes in use at most during a call, beyond those before it; None on a CPU."""
        if not self.cuda:
            return None
        call()
        self.wait()
        before = self.torch.cuda.memory_allocated()
        self.torch.cuda.reset_peak_memory_stats()
        call()
        self.wait()
        return self.torch.cuda.max_memory_allocated() - before


def in_turns(device: Device, calls: dict[str, Call], effort: Effort) -> dict[str, list[float]]:
    """Seconds for one call of each, in each turn: A B C, A B C, ..."""
    counts = {}
    for name, call in calls.items():
        call()
        device.wait()
        each = max(device.seconds(call, 3), 1e-7)
        counts[name] = max(1, min(round(effort.least / each), 10_000))
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(effort.turns):
        for name, call in calls.items():
            seconds[name].append(device.seconds(call, counts[name]))
    return seconds


def copying(device: Device, effort: Effort, size: int) -> float:
    """Bytes read and written in a second by the device's own copy."""
    source = device.torch.ones(size, dtype=device.torch.uint8, device=device.name)
    target = device.torch.empty_like(source)
    seconds = in_turns(device, {"copy": partial(target.copy_, source)}, effort)["copy"]
    return 2 * size / spread(seconds).median


def about(device: Device) -> dict[str, Any]:
    """The card, the versions, the commit and the command."""
    torch = device.torch
    facts: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"), "commit": machine.commit(),
        "command": " ".join(["python -m bench.gpu", *sys.argv[1:]]), "device": device.name,
        "torch": torch.__version__, "cuda": torch.version.cuda,
    }  # fmt: skip
    try:
        import triton

        facts["triton"] = triton.__version__
    except ImportError:
        facts["triton"] = None
    if device.cuda:
        card = torch.cuda.get_device_properties(device.name)
        facts |= {"card": card.name, "capability": f"{card.major}.{card.minor}",
                  "memory_bytes": card.total_memory,
                  "cache_bytes": getattr(card, "L2_cache_size", None)}  # fmt: skip
    return facts
