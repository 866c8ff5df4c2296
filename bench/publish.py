"""Figures into documents, between two markers: nobody types a figure by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import RESULTS, ROOT, gridpage
from bench.goals import Results
from bench.report import full, summary

START, END = "<!-- bench:start -->", "<!-- bench:end -->"
GRID_START, GRID_END = "<!-- grid:start -->", "<!-- grid:end -->"


DOCUMENTS = {ROOT / "README.md": summary, ROOT / "docs" / "performance.md": full}
GRIDS = {
    ROOT / "README.md": lambda grid: "\n\n".join(gridpage.front(grid)),
    ROOT / "docs" / "performance.md": lambda grid: "\n\n".join(gridpage.page(grid)),
}


class NoMarkersError(Exception):
    """The document has no place for figures."""


def between(document: str, text: str, start: str = START, end: str = END) -> str:
    """The document with `text` in the place of whatever stood between the markers."""
    if document.count(start) != 1 or document.count(end) != 1:
        raise NoMarkersError(f"needs one {start} and one {end}")
    before, rest = document.split(start)
    _, marker, after = rest.partition(end)
    if not marker:
        raise NoMarkersError(f"needs {start} before {end}")
    return f"{before}{start}\n{text}\n{end}{after}"


def publish(results: Results) -> list[Path]:
    """Write the figures into the README and docs/performance.md: both or none."""
    written = _publish({path: write(results) for path, write in DOCUMENTS.items()}, START, END)
    return publish_grid(results["grid"]) if results.get("grid") else written


def publish_grid(grid: dict[str, Any]) -> list[Path]:
    """The same with what the grid says, between markers of its own."""
    return _publish({path: write(grid) for path, write in GRIDS.items()}, GRID_START, GRID_END)


def _publish(told: dict[Path, str], start: str, end: str) -> list[Path]:
    new = {}
    for path, text in told.items():
        try:
            new[path] = between(path.read_text(encoding="utf-8"), text, start, end)
        except NoMarkersError as error:
            raise NoMarkersError(f"{path.name} {error}") from None
    for path, text in new.items():
        path.write_text(text, encoding="utf-8")
    return list(new)


def keep(results: Results, folder: Path = RESULTS) -> Path:
    """The results as JSON, named after the moment they were measured."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = results["machine"]["when"].replace(":", "").replace("+0000", "Z")
    path = folder / f"{stamp}{'-quick' if results['quick'] else ''}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return path
