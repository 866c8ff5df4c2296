"""The command line of the benchmark: `python -m bench --help`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import ROOT, peers


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 1 if something could not be measured. A lost row is no failure."""
    asked = _parser().parse_args(arguments)
    peers.hold_still(asked.threads, asked.as_it_comes)  # before anything imports torch
    from bench import grid, publish, report

    console = Console(width=None if sys.stdout.isatty() else 160)
    partial = asked.quick or asked.only
    if asked.readme and partial:
        console.print("--readme needs the full measurement: leave out --quick and --only")
        return 2
    results = json.loads(asked.read.read_text("utf-8")) if asked.read else _measure(asked)
    report.show(results, console)
    if "grid" in results:
        grid.show(results["grid"], console)
    if not asked.read:
        console.print(f"kept in {publish.keep(results, asked.results)}")
    if asked.readme:
        written = ", ".join(str(path.relative_to(ROOT)) for path in publish.publish(results))
        console.print(f"figures written into {written}")
    parts = [*results["rows"], *results["memory"], *results["first_calls"].values(),
             *results.get("grid", {}).get("rows", [])]  # fmt: skip
    return int(any("error" in part for part in parts))


def _parser() -> argparse.ArgumentParser:
    from bench import RESULTS

    parser = argparse.ArgumentParser("python -m bench", description="anypool beside its peers")
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="little data, short bursts: figures mean little",
    )
    add("--only", metavar="PATTERN", default="", help="only what this regular expression finds")
    add("--as-it-comes", action="store_true", help="leave OpenMP's threads spinning, as torch does")
    add("--grid", metavar="JSON", type=Path, help="take the grid from this file of bench.grid")
    add("--threads", type=int, default=2, help="threads for each library (default: 2)")
    add("--readme", action="store_true", help="write the figures into README.md and docs/")
    add("--read", metavar="JSON", type=Path, help="take these results instead of measuring")
    add("--results", metavar="FOLDER", type=Path, default=RESULTS, help="where results are kept")
    return parser


def _measure(asked: argparse.Namespace) -> dict[str, Any]:
    from bench import run

    return run.everything(asked.quick, re.compile(asked.only), asked.as_it_comes, asked.grid)


if __name__ == "__main__":
    sys.exit(main())
