"""The public grid: `python -m bench.grid` measures it, prints what it says, and keeps it as JSON.

Every peer has a process of its own; all take turns (anypool.bench.turns). What was measured is kept
line by line as well, so that a run that was stopped goes on with `--resume`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from anypool.bench import (
    FULL,
    PEERS,
    QUICK,
    Job,
    bandwidth,
    better,
    chosen,
    installed,
    measure,
    workers,
)
from anypool.bench.peers import missing
from bench import RESULTS, gridsums, machine
from bench.gridrows import Row, rows
from bench.report import show_tables
from bench.timing import QUICK as SHORT

PARTIAL = "grid-partial.jsonl"
COMPILED = "torch.compile"  # takes seconds to compile: asked where its users are
COMPILED_DTYPES = ("float32", "bfloat16")


def asks(row: Row, names: Iterable[str]) -> list[str]:
    """Who is asked in a row: all, but torch.compile only on common rows and its users' dtypes."""
    job = row.job
    fits = row.common or (job.dtype in COMPILED_DTYPES and not job.masked)
    return [name for name in names if name != COMPILED or fits]


def smaller(job: Job) -> Job:
    """The same on little data: one sample, few channels; it runs, and its figures mean little."""
    channel = 1 if job.layout == "first" else len(job.shape) - 1
    few = [1 if a == 0 else min(n, 4) if a == channel else n for a, n in enumerate(job.shape)]
    if job.kind == "sliding":
        span = [d * (k - 1) + 1 for k, d in zip(job.kernel, job.dilation, strict=True)]
        for axis, least in zip(job.axes, span, strict=True):
            few[axis] = min(few[axis], max(16, least))
    return replace(job, shape=tuple(few))


def run(
    asked: list[Row], names: list[str], threads: int, quick: bool, partial: Path,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:  # fmt: skip
    """Measure what the partial file does not hold yet; it holds everything in the end."""
    kept = [json.loads(line) for line in _lines(partial)]
    done = {row["name"] for row in kept}
    with workers(names, threads) as there, partial.open("a", encoding="utf-8") as lines:
        for number, row in enumerate(asked, 1):
            job = smaller(row.job) if quick else row.job
            if job.name in done:
                continue
            some = {name: there[name] for name in asks(row, names)}
            told = measure(job, some, QUICK if quick else FULL)
            told |= {"size": row.size, "common": row.common}
            lines.write(json.dumps(told) + "\n")
            lines.flush()
            kept.append(told)
            done.add(job.name)
            tell(f"{number} of {len(asked)}: {_said(told)}")
    return kept


def _lines(path: Path) -> list[str]:
    """Whole lines only: the last may have been cut off."""
    if not path.exists():
        return []
    return [line for line in path.read_text("utf-8").splitlines() if line.endswith("}")]


def _said(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['name']}: {row['error']}"
    if not row["ratio"]:
        return f"{row['name']}: nobody else has it"
    name, ratio = gridsums.best(row)
    return f"{row['name']}: {ratio:.2f}x {name}, {row['took']} s"


def everything(
    quick: bool, only: re.Pattern[str], threads: int, names: list[str] | None = None,
    folder: Path = RESULTS, resume: bool = False, every: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """The grid as plain data, as far as `only` finds "grid: " and a row's name."""
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / PARTIAL
    if not resume:
        partial.unlink(missing_ok=True)
    facts = machine.facts(SHORT)
    facts["threads"] = threads
    facts["missing"] = {name: "not installed" for name in PEERS if missing(name)}
    rates = bandwidth(threads)
    asked = found(only)[::every]
    measured = run(asked, names or installed(), threads, quick, partial, _tell)
    rates = better(rates, bandwidth(threads))  # a neighbour may have been busy the first time
    facts["load_after"] = machine.load()
    facts["took_seconds"] = round(time.perf_counter() - began)
    partial.unlink(missing_ok=True)
    return {"quick": quick, "only": only.pattern, "machine": facts, "bandwidth": rates,
            "rows": measured}  # fmt: skip


def found(only: re.Pattern[str]) -> list[Row]:
    """The rows whose name the pattern finds."""
    return [row for row in rows() if only.search(f"grid: {row.job.name}")]


def keep(results: dict[str, Any], folder: Path = RESULTS) -> Path:
    """The results as JSON, named after the moment they were measured."""
    stamp = results["machine"]["when"].replace(":", "").replace("+0000", "Z")
    path = folder / f"grid-{stamp}{'-quick' if results['quick'] else ''}.json"
    path.write_text(json.dumps(results) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """A grid from its own file, or from that of the whole benchmark."""
    results = json.loads(path.read_text("utf-8"))
    return results.get("grid", results)


def show(results: dict[str, Any], console: Console, before: dict[str, Any] | None = None) -> None:
    """Print the summary, and beside an earlier run how much has moved."""
    made = gridsums.tables(results)
    show_tables([*made, *([gridsums.again(results, before)] if before else [])], console)
    rates = results["bandwidth"]
    told = f"{len(results['rows'])} rows in {results['machine']['took_seconds']} s; "
    told += f"the machine reads {rates['read']} GB/s and copies {rates['copy']} GB/s"
    console.print(told, style="dim")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 1 if a row failed. A lost row is no failure."""
    asked = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 170)
    if asked.list:
        console.print(*[row.job.name for row in rows()], sep="\n", highlight=False)
        return 0
    before = read(asked.against) if asked.against else None
    if asked.read:
        results = read(asked.read)
    else:
        names = chosen(asked.peers.split(",")) if asked.peers else None
        results = everything(asked.quick, re.compile(asked.only), asked.threads, names,
                             asked.results, asked.resume)  # fmt: skip
    show(results, console, before)
    if not asked.read:
        console.print(f"kept in {keep(results, asked.results)}")
    if asked.readme:
        from bench import publish

        console.print(f"figures written into {', '.join(map(str, publish.publish_grid(results)))}")
    return int(any("error" in row for row in results["rows"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.grid", description="the public grid")
    add = parser.add_argument
    add("--quick", action="store_true", help="little data: does every row run?")
    add("--only", metavar="PATTERN", default="", help="only rows whose name this finds")
    add("--peers", metavar="NAMES", default="", help="only these peers: torch,jax")
    add("--threads", type=int, default=2, help="threads for each library (default: 2)")
    add("--against", metavar="JSON", type=Path, help="say how many ratios stayed within 15 %%")
    add("--read", metavar="JSON", type=Path, help="take these results instead of measuring")
    add("--readme", action="store_true", help="write the figures into README.md and docs/")
    add("--resume", action="store_true", help="go on where a stopped run ended")
    add("--list", action="store_true", help="print the rows' names")
    add("--results", metavar="FOLDER", type=Path, default=RESULTS, help="where results are kept")
    return parser


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
