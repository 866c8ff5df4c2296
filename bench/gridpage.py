"""The grid in Markdown: for docs/performance.md whole, with the rows that lose and why; a few lines
for the README.
"""

from __future__ import annotations

import re
from typing import Any

from bench import gridsums
from bench.report import Table, markdown, seconds

# part of a row's name, part of its best peer's -> why we lose it; the first that fits is printed.
# Only what was measured, or read in the peer's source or ours, stands here; no guesses.
REASONS: list[tuple[str, str, str]] = [
    (r"^masked (lp|gem|lse|soft|std|median)\b", "", "masked, it has no kernel: the generic loop"),
    (r"^masked .* of 1x(41|14|8|7)x1 ", "", "too little for a kernel of masks: the generic loop"),
]
UNKNOWN = "not yet understood"


def page(grid: dict[str, Any] | None) -> list[str]:
    """Parts of a page: the machine, every table, and the rows that lose; nothing without a grid."""
    if not grid:
        return []
    head = _machine(grid)
    told = [f"### {table.title}\n\n{markdown(table)}" for table in gridsums.tables(grid)]
    lost = losing(grid["rows"])
    return ["### The grid", head, *told, f"### {lost.title}\n\n{markdown(lost)}"]


def _machine(grid: dict[str, Any]) -> str:
    rates, facts = grid["bandwidth"], grid["machine"]
    told = f"{len(grid['rows'])} rows in {facts['took_seconds']} s: {facts['cpu']}, "
    told += f"{facts['cores']} cores, {facts['threads']} threads for each library; it reads "
    told += f"{rates['read']} GB/s and copies {rates['copy']} GB/s. Commit {facts['commit']}, "
    return told + f"{facts['when']}, by `python -m bench.grid`."


def losing(rows: list[dict[str, Any]]) -> Table:
    """Every row below 0.95x of its best peer, and why."""
    lines = []
    for row in gridsums.lost(rows):
        name, ratio = gridsums.best(row)
        ours = seconds(row["median"][gridsums.OURS])
        mark = "common" if row["common"] else ""
        lines.append([row["name"], mark, ours, name, f"{ratio:.2f}", why(row["name"], name)])
    head = ("row", "", "anypool", "best peer", "times faster", "why")
    return Table("grid: the rows we lose, and why", head, lines or [["none", *[""] * 5]])


def why(row: str, peer: str) -> str:
    """A sentence on a lost row."""
    for pattern, whom, words in REASONS:
        if re.search(pattern, row) and re.search(whom, peer):
            return words
    return UNKNOWN


def front(grid: dict[str, Any] | None) -> list[str]:
    """For the README: the means against each peer, the goals, and where to read more."""
    if not grid:
        return []
    means = next(t for t in gridsums.tables(grid) if t.title == "grid: geometric means")
    keep = (0, 1, 2, 8)
    short = Table("", [means.head[i] for i in keep], [[r[i] for i in keep] for r in means.rows])
    goals = Table("", ("asked of the grid", "found", "reached"),
                  [(g.asked, g.found, "yes" if g.reached else "NO")
                   for g in gridsums.goals(grid)])  # fmt: skip
    return [_machine(grid), markdown(short), markdown(goals)]
