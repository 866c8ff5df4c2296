"""What the figures must reach, and which rows lose: nothing is left out because it looks bad."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

Results = dict[str, Any]

LOST = 1 / 1.05  # within 5 % is a draw
FASTER = {"max, channels first": 12.0, "avg, channels first": 3.0}  # geometric means against torch
CALL_COST = 10e-6
CALL_MORE = 4e-6  # a tensor's way through anypool.torch, over PyTorch's own
IMPORT, COMPILED, FROM_DISK = 0.2, 2.0, 0.06


class Goal(NamedTuple):
    """A sentence of what was asked, what was found, and whether that is enough."""

    asked: str
    found: str
    reached: bool


def geometric_means(results: Results) -> dict[str, dict[str, float]]:
    """For each group and peer, the geometric mean of the rows' ratios."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in results["rows"]:
        for peer, ratio in row.get("ratio", {}).items():
            found.setdefault(row["group"], {}).setdefault(peer, []).append(ratio["median"])
    return {
        group: {peer: statistics.geometric_mean(all_) for peer, all_ in by_peer.items()}
        for group, by_peer in found.items()
    }


def lost(results: Results) -> list[str]:
    """By name: where a peer is faster, a call takes too much memory, or nothing was measured."""
    told = []
    for row in results["rows"]:
        title = f"{row['group']}: {row['name']}"
        if "error" in row:
            told.append(f"{title}: {row['error']}")
        told += [
            f"{title}: {ratio['median']:.2f}x {peer} ({ratio['low']:.2f} to {ratio['high']:.2f})"
            for peer, ratio in row.get("ratio", {}).items()
            if ratio["median"] < LOST
        ]
    told += [
        f"{name(case)}: {case['beyond'] / 1e6:.1f} MB beyond the output"
        for case in results["memory"]
        if "beyond" in case and case["beyond"] > case["allowed"]
    ]
    broken = [*results["memory"], *results["first_calls"].values()]
    return told + [f"{name(part)}: {part['error']}" for part in broken if "error" in part]


def name(part: dict[str, Any]) -> str:
    """A memory case or a first call, in words."""
    if "layout" in part:
        return f"memory: {part['call']}, {part['dtype']}, {part['layout']}"
    return f"first call: {part['call']}"


def goals(results: Results) -> list[Goal]:
    """Every goal that these results can speak about."""
    return [*_speed(results), *_memory(results), *_start(results)]


def _speed(results: Results) -> Iterator[Goal]:
    means = geometric_means(results)
    for group, least in FASTER.items():
        if mean := means.get(group, {}).get("torch"):
            yield Goal(f"{group}: {least:g}x torch", f"{mean:.1f}x", mean >= least)
    rows = [row for row in results["rows"] if "ratio" in row]
    layers = [r["ratio"]["torch"]["median"] for r in rows if _is_layer(r)]
    if layers:
        asked = "no float32 row slower than torch (within 5 %)"
        yield Goal(asked, f"slowest {min(layers):.2f}x", min(layers) >= LOST)
    for row in rows:
        if row["group"] == "call cost":
            cost = row["median"]["anypool"]
            asked = f"{row['name']}: {CALL_COST * 1e6:g} µs"
            yield Goal(asked, f"{cost * 1e6:.1f} µs", cost <= CALL_COST)
        elif row["group"] == "torch, call cost":
            count, name = row["name"].split(" x ")
            more = (row["median"]["anypool"] - row["median"]["torch"]) / int(count)
            asked = f"{name}: at most {CALL_MORE * 1e6:g} µs over torch"
            yield Goal(asked, f"{more * 1e6:+.1f} µs", more <= CALL_MORE)
        elif row["goal"] and (ratio := row["ratio"].get(row["peers"][0])):
            asked = f"{row['name']}: {row['goal']:g}x {row['peers'][0]}"
            yield Goal(asked, f"{ratio['median']:.0f}x", ratio["median"] >= row["goal"])


def _is_layer(row: dict[str, Any]) -> bool:
    """A row of the seven shapes, float32: groups of other dtypes begin with the dtype."""
    return row["group"].startswith(("max, ", "avg, ")) and "torch" in row["ratio"]


def _memory(results: Results) -> Iterator[Goal]:
    cases = [case for case in results["memory"] if "beyond" in case]
    if cases:
        worst = max(cases, key=lambda case: case["beyond"] / case["allowed"])
        found = f"most: {worst['beyond'] / 1e6:.1f} MB ({name(worst).removeprefix('memory: ')})"
        asked = "beyond the output at most 4 MB + 2 % of the input"
        yield Goal(asked, found, worst["beyond"] <= worst["allowed"])


def _start(results: Results) -> Iterator[Goal]:
    if results["imports"]:
        took = results["imports"]["anypool"]["median"]
        yield Goal(f"import anypool: {IMPORT:g} s", f"{took:.3f} s", took <= IMPORT)
    for kernel, part in results["first_calls"].items():
        if "error" in part:
            continue
        cold, kept = part["compiled"]["median"], part["from_disk"]["median"]
        yield Goal(
            f"first call, {kernel}, compiled: {COMPILED:g} s", f"{cold:.2f} s", cold <= COMPILED
        )
        asked = f"first call, {kernel}, from disk: {1000 * FROM_DISK:g} ms"
        yield Goal(asked, f"{1000 * kept:.0f} ms", kept <= FROM_DISK)
