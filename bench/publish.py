"""Figures into documents, between two markers: nobody types a figure by hand."""

from __future__ import annotations

import json
from pathlib import Path

from bench import RESULTS, ROOT, gridpage
from bench.goals import Results
from bench.report import full, summary

START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def front(results: Results) -> str:
    """For the README: the grid's means first, then the layers of networks."""
    return "\n\n".join([*gridpage.front(results.get("grid")), summary(results)])


def page(results: Results) -> str:
    """For docs/performance.md: the grid, then all tables."""
    return "\n\n".join([*gridpage.page(results.get("grid")), full(results)])


DOCUMENTS = {ROOT / "README.md": front, ROOT / "docs" / "performance.md": page}


class NoMarkersError(Exception):
    """The document has no place for figures."""


def between(document: str, text: str) -> str:
    """The document with `text` in the place of whatever stood between the markers."""
    if document.count(START) != 1 or document.count(END) != 1:
        raise NoMarkersError(f"needs one {START} and one {END}")
    before, rest = document.split(START)
    _, marker, after = rest.partition(END)
    if not marker:
        raise NoMarkersError(f"needs {START} before {END}")
    return f"{before}{START}\n{text}\n{END}{after}"


def publish(results: Results) -> list[Path]:
    """Write the figures into the README and docs/performance.md: both or none."""
    new = {}
    for path, write in DOCUMENTS.items():
        try:
            new[path] = between(path.read_text(encoding="utf-8"), write(results))
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
