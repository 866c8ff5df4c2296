"""Everything that is measured, in order, as one plain result; progress goes to stderr."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from bench import machine, memory, saved, start
from bench.contest import measure
from bench.rows import all_rows
from bench.timing import FULL, QUICK


def everything(quick: bool, only: re.Pattern[str]) -> dict[str, Any]:
    """All rows, memory and start, as far as `only` finds their names."""
    began, effort = time.perf_counter(), QUICK if quick else FULL
    facts = machine.facts(effort)
    rows = [row for row in all_rows(quick) if only.search(row.title)]
    measured = [_said(row.title, measure, row, effort) for row in rows]
    results = {
        "quick": quick,
        "only": only.pattern,
        "machine": facts,
        "rows": measured,
        "saved": saved.everything() if only.search("saved") else [],
        **_fresh_processes(quick, only),
    }
    facts["load_after"] = machine.load()
    facts["took_seconds"] = round(time.perf_counter() - began)
    return results


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
