"""One job measured and told: figures, lines of a table, a picture. What `anypool bench` prints."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..doctor import cpu
from . import peers
from .job import Job
from .limit import bandwidth, least_seconds, moved
from .turns import FULL, Effort, measure, workers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CACHE = 1 << 25  # bytes; what is smaller may lie in a cache, which the memory's speed does not bind
LIMIT = "the memory's limit"


def measured(
    job: Job, against: str | None, threads: int, turns: int,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, Any]:  # fmt: skip
    """The job beside these peers (None: all that are installed), with the machine's bandwidth."""
    names = peers.installed()
    if against is not None:
        names = peers.chosen([name.strip() for name in against.split(",") if name.strip()])
    tell("measuring the memory")
    rates = bandwidth(threads)
    effort: Effort = FULL._replace(turns=turns)
    tell(f"measuring {', '.join(names)}: each is loaded in a process of its own")
    with workers(names, threads) as there:
        found = measure(job, there, effort)
    if "error" in found:
        return found
    away = {name: f"not installed: pip install {peer.package}" for name, peer in
            peers.PEERS.items() if against is None and peers.missing(name)}  # fmt: skip
    return limited(found | {"absent": found["absent"] | away}, job, rates)


def limited(found: dict[str, Any], job: Job, rates: dict[str, float]) -> dict[str, Any]:
    """With what the memory allows: the least seconds, and everyone's share of that."""
    least = least_seconds(job, rates)
    read, written = moved(job)
    shares = {name: least / taken for name, taken in found["median"].items()}
    limit = {"seconds": least, "bytes_read": read, "bytes_written": written, "share": shares}
    return found | {"bandwidth": rates, "limit": limit}


def facts(threads: int) -> dict[str, Any]:
    """The machine and the versions."""
    found = {}
    packages = {word for peer in peers.PEERS.values() for word in peer.package.split()}
    for package in sorted({*packages, "numba"}):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"cpu": cpu()["name"], "threads": threads, "system": platform.platform(),
            "python": platform.python_version(), "versions": found}  # fmt: skip


# -- words ----------------------------------------------------------------------------------------


def head() -> tuple[str, ...]:
    """The columns of the table."""
    return ("library", "time", "times slower", "least to most", "GB/s", "of the limit")


def lines(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """The fastest first, us among them; last what the memory allows."""
    size = found["limit"]["bytes_read"] + found["limit"]["bytes_written"]
    ours, told = found["median"][peers.OURS], []
    for name, taken in sorted(found["median"].items(), key=lambda pair: pair[1]):
        ratio = found["ratio"].get(name)
        told.append((
            name, duration(taken), times(ratio["median"]) if ratio else "1",
            f"{times(ratio['low'])} to {times(ratio['high'])}" if ratio else "",
            f"{size / taken / 1e9:.3g}", f"{found['limit']['share'][name]:.0%}",
        ))  # fmt: skip
    least = found["limit"]["seconds"]
    return [*told, (LIMIT, duration(least), times(least / ours), "",
                    f"{size / least / 1e9:.3g}", "100%")]  # fmt: skip


def notes(found: dict[str, Any]) -> list[str]:
    """Below the table: the machine, what small data means, and who took no part."""
    facts, rates = found["machine"], found["bandwidth"]
    told = [f"{facts['cpu']}, threads: {facts['threads']}."]
    told += [f"The machine reads {rates['read']:g} GB/s and copies {rates['copy']:g} GB/s."]
    if found["limit"]["bytes_read"] + found["limit"]["bytes_written"] < CACHE:
        told.append("So little data may lie in a cache, where the memory's limit does not hold.")
    return told + [f"{name}: {why}" for name, why in found["absent"].items()]


def duration(value: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.0123), duration(4.2e-6), duration(2.5)
    ('12.3 ms', '4.2 µs', '2.5 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def times(ratio: float) -> str:
    """Three digits, and none behind the point from ten on.

    >>> times(0.824), times(15.3)
    ('0.82', '15')
    """
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


# -- a picture ------------------------------------------------------------------------------------


def drawn(found: dict[str, Any]) -> Figure:
    """A bar for each library, its time beside it in words, and a line for the memory's limit."""
    from ..see.style import GRID, HUES, INK, SOFT, settings, sheet

    order = sorted(found["median"].items(), key=lambda pair: pair[1], reverse=True)
    with settings():
        high = 0.9 + 0.3 * len(order)  # inches: a bar each, a title above, an axis below
        figure = sheet((7.2, high), 120)
        ax = figure.add_axes((0.17, 0.55 / high, 0.7, 0.3 * len(order) / high))
        for place, (name, taken) in enumerate(order):
            ax.barh(place, taken, color=HUES[0] if name == peers.OURS else SOFT, height=0.66)
            ax.text(taken * 1.06, place, duration(taken), va="center", fontsize=8, color=INK)
        ax.axvline(found["limit"]["seconds"], color=HUES[1], linewidth=1.2, label=LIMIT)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: duration(value))
        ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        ax.set_xlim(min(found["limit"]["seconds"], order[-1][1]) / 3, order[0][1] * 3)
        ax.set_yticks(range(len(order)), [name for name, _ in order])
        ax.set_xlabel(f"time of a call, shorter is better; the line is {LIMIT}", color=SOFT)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="x", color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_title(found["name"], loc="left", fontsize=9, color=INK)
    return figure
