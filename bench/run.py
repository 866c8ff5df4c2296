"""Everything that is measured, in order, as one plain result; progress goes to stderr."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import ROOT, grid, machine, memory, peers, saved, start
from bench.contest import measure
from bench.rows import all_rows
from bench.timing import FULL, QUICK


def everything(
    quick: bool, only: re.Pattern[str], as_it_comes: bool = False, measured_grid: Path | None = None
) -> dict[str, Any]:  # fmt: skip
    """All rows, memory and start, as far as `only` finds their names.

    The grid is taken from a file of `python -m bench.grid`, if there is one.
    """
    began, effort = time.perf_counter(), QUICK if quick else FULL
    facts = machine.facts(effort)
    rows = [row for row in all_rows(quick) if only.search(row.title)]
    measured = [
        _said(row.title, alone, row.title, quick)
        if row.as_it_comes and not as_it_comes
        else _said(row.title, measure, row, effort)
        for row in rows
    ]
    results = {
        "quick": quick,
        "only": only.pattern,
        "machine": facts,
        "rows": measured,
        "saved": saved.everything() if only.search("saved") else [],
        **_fresh_processes(quick, only),
        **(
            {"grid": grid.read(measured_grid)}
            if measured_grid
            else _grid(quick, only, facts["threads"] or 2)
        ),
    }
    facts["load_after"] = machine.load()
    facts["took_seconds"] = round(time.perf_counter() - began)
    return results


def _grid(quick: bool, only: re.Pattern[str], threads: int) -> dict[str, Any]:
    """The grid, if any of its rows is asked for; of a quick one every twentieth row."""
    if not grid.found(only):
        return {}
    return {"grid": grid.everything(quick, only, threads, every=20 if quick else 1)}


def alone(title: str, quick: bool) -> dict[str, Any]:
    """A row in a fresh process with OpenMP as users have it: its threads spin for a while."""
    clean = {name: value for name, value in os.environ.items() if name not in peers.STILL}
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--as-it-comes", "--only", f"^{re.escape(title)}$", "--results", folder]
        command = [sys.executable, "-m", "bench", *asked, *["--quick"] * quick]
        subprocess.run(command, cwd=ROOT, env=clean, check=True, capture_output=True)
        [kept] = Path(folder).glob("*.json")
        [row] = json.loads(kept.read_text("utf-8"))["rows"]
    return row


def _fresh_processes(quick: bool, only: re.Pattern[str]) -> dict[str, Any]:
    cases = [case for case in memory.CASES if only.search(f"memory: {' '.join(case)}")]
    kernels = [name for name in start.CALLS if only.search(f"start: first call, {name}")]
    runs = 3 if quick else 9
    why_not = memory.why_not()
    if why_not and cases:
        _tell(f"memory is not measured: {why_not}")
    return {
        "memory": [
            _said(f"memory: {' '.join(case)}", memory.measure, case)
            for case in cases[: 1 if quick else None]
            if not why_not
        ],
        "imports": _said("start: import", start.imports, runs)
        if only.search("start: import")
        else {},
        "first_calls": {
            name: _said(f"start: first call, {name}", _first_calls, name, runs)
            for name in kernels[: 1 if quick else None]
        },
    }


def _first_calls(name: str, runs: int) -> dict[str, Any]:
    try:
        return start.first_calls(name, runs)
    except RuntimeError as error:  # named in the end, with the rows that lose
        return {"call": start.CALLS[name].call, "error": str(error)}


def _said(title: str, function: Any, *arguments: Any) -> Any:
    """Do it, and say what is being done."""
    began = time.perf_counter()
    found = function(*arguments)
    _tell(f"{title}: {time.perf_counter() - began:.1f} s")
    return found


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
