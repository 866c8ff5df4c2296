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


class NotWholeError(Exception):
    """Figures of a part would stand for the whole."""


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
    new = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
    new = _filled(new, {path: write(results) for path, write in DOCUMENTS.items()}, START, END)
    return _written(_with_grid(new, results["grid"]) if results.get("grid") else new)


def publish_grid(grid: dict[str, Any]) -> list[Path]:
    """The same with what the grid says, between markers of its own."""
    return _written(_with_grid({path: path.read_text(encoding="utf-8") for path in GRIDS}, grid))


def _with_grid(documents: dict[Path, str], grid: dict[str, Any]) -> dict[Path, str]:
    if grid["quick"] or grid["only"]:
        raise NotWholeError("documents show the whole grid; this one was quick, or of some rows")
    told = {path: write(grid) for path, write in GRIDS.items()}
    return _filled(documents, told, GRID_START, GRID_END)


def _filled(
    documents: dict[Path, str], told: dict[Path, str], start: str, end: str
) -> dict[Path, str]:
    new = {}
    for path, document in documents.items():
        try:
            new[path] = between(document, told[path], start, end)
        except NoMarkersError as error:
            raise NoMarkersError(f"{path.name} {error}") from None
    return new


def _written(documents: dict[Path, str]) -> list[Path]:
    for path, text in documents.items():
        path.write_text(text, encoding="utf-8")
    return list(documents)


def keep(results: Results, folder: Path = RESULTS) -> Path:
    """The results as JSON, named after the moment they were measured."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = results["machine"]["when"].replace(":", "").replace("+0000", "Z")
    path = folder / f"{stamp}{'-quick' if results['quick'] else ''}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return path
