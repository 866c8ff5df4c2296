"""Results as tables: on the terminal, and as Markdown for the documents."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table as RichTable

from bench.goals import Results, geometric_means, goals, lost
from bench.goals import name as name_of


class Table(NamedTuple):
    """A title, the names of the columns, and rows of text."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(results: Results) -> list[Table]:
    """Everything that was measured; what was not is left out."""
    made = [*_rows(results), _means(results), _memory(results), _saved(results), _start(results),
            _goals(results)]  # fmt: skip
    return [table for table in made if table.rows]


def seconds(value: float) -> str:
    """A time in the unit that suits it.

    >>> seconds(0.0123), seconds(4.2e-6)
    ('12.3 ms', '4.2 µs')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def _rows(results: Results) -> list[Table]:
    head = ("case", "anypool", "GB/s", "peer", "its time", "times faster", "least to most")
    return [
        Table(group, head, [line for row in rows for line in _lines(row)])
        for group, rows in groupby(results["rows"], key=lambda row: row["group"])
    ]


def _lines(row: dict[str, Any]) -> list[Sequence[str]]:
    """A row of the benchmark: one line for each peer."""
    if "error" in row:
        return [(row["name"], "failed", "", "", "", row["error"], "")]
    ours = (row["name"], seconds(row["median"]["anypool"]), f"{row['gigabytes_per_second']:.1f}")
    told: list[Sequence[str]] = [
        (*ours, peer, seconds(row["median"][peer]), _times(ratio["median"]),
         f"{_times(ratio['low'])} to {_times(ratio['high'])}")
        for peer, ratio in row["ratio"].items()
    ]  # fmt: skip
    return told + [(*ours, peer, "not installed", "", "") for peer in row["missing"]]


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _means(results: Results) -> Table:
    rows = [
        (group, peer, _times(mean))
        for group, by_peer in geometric_means(results).items()
        for peer, mean in by_peer.items()
    ]
    return Table("geometric means", ("cases", "peer", "times faster"), rows)


def _memory(results: Results) -> Table:
    head = ("case", "input", "output", "beyond, process", "beyond, NumPy", "allowed")
    columns = ("input", "output", "process", "numpy", "allowed")
    rows = [
        (
            name_of(case).removeprefix("memory: "),
            *((f"{case[c] / 1e6:.1f} MB" for c in columns) if "input" in case else [case["error"]]),
        )
        for case in results["memory"]
    ]
    return Table("memory of a call", head, [(*r, *[""] * (len(head) - len(r))) for r in rows])


def _saved(results: Results) -> Table:
    head = ("bytes kept for the derivative, for each output", "anypool", "torch")
    rows = [
        (part["call"], f"{part['anypool']:g}", f"{part['torch']:g}")
        for part in results.get("saved", [])
    ]
    return Table("kept for the derivative", head, rows)


def _start(results: Results) -> Table:
    rows = [
        (f"import {module}", "", _span(taken))
        for module, taken in (results["imports"] or {}).items()
    ]
    for name, part in results["first_calls"].items():
        if "error" in part:
            rows.append((part["call"], name, part["error"]))
            continue
        call = f"{part['call']}, first"
        rows.append((f"{call}, compiled", part["kernel"], _span(part["compiled"])))
        rows.append((f"{call}, from disk", part["kernel"], _span(part["from_disk"])))
    return Table("start, in fresh processes", ("what", "kernel", "time"), rows)


def _span(taken: dict[str, float]) -> str:
    median, low, high = (seconds(taken[name]) for name in ("median", "low", "high"))
    return f"{median} ({low} to {high})"


def _goals(results: Results) -> Table:
    rows = [(goal.asked, goal.found, "yes" if goal.reached else "NO") for goal in goals(results)]
    return Table("goals", ("asked", "found", "reached"), rows)


# -- the terminal ---------------------------------------------------------------------------------


def show(results: Results, console: Console) -> None:
    """Print everything, and in the end what loses."""
    show_tables(tables(results), console)
    console.print(*machine_lines(results), sep="\n", style="dim")
    losers = lost(results)
    console.print(f"[bold]{len(losers)} rows lost or failed[/bold]", *losers, sep="\n  ")


def show_tables(made: Sequence[Table], console: Console) -> None:
    """Print tables, numbers to the right."""
    for table in made:
        shown = RichTable(title=table.title, title_justify="left", title_style="bold")
        for number, column in enumerate(table.head):
            shown.add_column(column, justify="left" if number == 0 else "right")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)


def machine_lines(results: Results) -> list[str]:
    """The machine in a few sentences."""
    facts = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    copy = facts["copy_gigabytes_per_second"]
    load = [
        f"{facts[name][0]}" if facts[name] else "unknown" for name in ("load_before", "load_after")
    ]
    return [
        f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} threads for each library.",
        f"A plain copy moves {copy['one']} GB/s on one thread, {copy['two']} GB/s on two.",
        f"Python {facts['python']}, {versions}; {facts['system']}.",
        f"Commit {facts['commit']}, {facts['when']}; load {load[0]} before, {load[1]} after.",
        *(f"{peer}: {why}." for peer, why in facts["missing"].items()),
    ]


# -- Markdown -------------------------------------------------------------------------------------


def markdown(table: Table) -> str:
    """A table as Markdown, numbers to the right."""
    rule = ["---"] + ["---:"] * (len(table.head) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.head, rule, *table.rows))


def full(results: Results) -> str:
    """Everything, for docs/performance.md."""
    parts = [f"### {table.title}\n\n{markdown(table)}" for table in tables(results)]
    losers = [f"- {title}" for title in lost(results)] or ["None."]
    told = ["### The machine", "\n".join(machine_lines(results)), *parts]
    return "\n\n".join([*told, "### Rows that lose", "\n".join(losers)])


def summary(results: Results) -> str:
    """A table for the README: times faster than torch, one row a shape; then the other goals."""
    groups = [f"{name}, {layout}" for name in ("max", "avg") for layout in _LAYOUTS]
    found = {
        (row["group"], row["name"]): _times(row["ratio"]["torch"]["median"])
        for row in results["rows"]
        if "torch" in row.get("ratio", {})
    }
    names = list(dict.fromkeys(name for group, name in found if group in groups))
    rows: list[Sequence[str]] = [
        (name, *(found.get((group, name), "") for group in groups)) for name in names
    ]
    means = geometric_means(results)
    overall = [means.get(group, {}).get("torch") for group in groups]
    rows.append(("geometric mean", *(_times(mean) if mean else "" for mean in overall)))
    table = Table("", ("times faster than torch, float32", *groups), rows)
    front = [
        (
            group.removeprefix("torch, "),
            _times(by["torch"]),
            _times(by["torch.compile"]) if "torch.compile" in by else "",
        )
        for group, by in means.items()
        if group.startswith(("torch, training", "torch, inference", "networks"))
    ]
    head = ("tensors in anypool.torch, geometric means", "times torch", "times torch.compile")
    tensors = [markdown(Table("", head, front))] if front else []
    rest = Table("", *_goals(results)[1:])
    machine = " ".join(machine_lines(results)[:2])
    count = f"{len(lost(results))} of all rows lose or failed;"
    names = "[docs/performance.md](docs/performance.md) names them."
    told = "\n\n".join([markdown(table), *tensors, markdown(rest)])
    return f"{told}\n\n{machine} {count} {names}"


_LAYOUTS = ("channels first", "channels last")
