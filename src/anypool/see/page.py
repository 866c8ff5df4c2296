"""The page that shows the figures: one static file that works from disk, light and dark."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from .figure import Panel

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { font-weight: 600; line-height: 1.2; }
figure { margin: 0 0 1rem; }
img { width: 100%; height: auto; border-radius: 8px; border: 1px solid #8884; background: #fff; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.15rem 1.5rem 0.15rem 0; border-bottom: 1px solid #8884; }
summary { cursor: pointer; }
"""


@dataclass(frozen=True)
class Entry:
    """One photograph of the page: its name, the files of its figure, what the figure shows."""

    name: str
    figures: Sequence[Path]
    panels: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


def entry(
    name: str, figures: Sequence[Path], panels: Sequence[Panel], notes: Sequence[str] = ()
) -> Entry:
    """What the page must know of a figure, without keeping its pixels."""
    shown = [(panel.title, ", ".join(filter(None, (panel.size, panel.note)))) for panel in panels]
    return Entry(name, figures, shown, notes)


def page(entries: Sequence[Entry]) -> str:
    """The HTML of a page with every figure, its calls and sizes."""
    sections = "\n".join(_section(entry) for entry in entries)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>anypool: photographs, pooled</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        "<h1>Photographs, pooled</h1>\n"
        "<p>Every panel fills the same frame; its title gives the call that made it and its true "
        "size in pixels. Values lie between 0 (black) and 1 (white).</p>\n"
        f"{sections}\n</body>\n</html>\n"
    )


def _section(entry: Entry) -> str:
    rows = "\n".join(
        f"<tr><td><code>{escape(title)}</code></td><td>{escape(size)}</td></tr>"
        for title, size in entry.panels
    )
    notes = "".join(f"<p>{escape(note)}.</p>\n" for note in entry.notes)
    return (
        f"<h2>{escape(entry.name)}</h2>\n{notes}{_figure(entry)}\n"
        f"<details><summary>Calls and sizes</summary>\n<table>\n"
        f"<tr><th>call</th><th>rows × columns</th></tr>\n{rows}\n</table>\n</details>"
    )


def _figure(entry: Entry) -> str:
    """The first file that a page can show, and links to the others."""
    links = {file: quote(os.fsencode(file.name)) for file in entry.figures}
    seen = [file for file in entry.figures if file.suffix != ".pdf"][:1]
    shown = escape(f"{entry.name}: {', '.join(title for title, _ in entry.panels)}")
    pictures = [f'<a href="{links[f]}"><img src="{links[f]}" alt="{shown}"></a>\n' for f in seen]
    others = [
        f'<a href="{link}">{escape(file.name)}</a>'
        for file, link in links.items()
        if file not in seen
    ]
    told = f"<p>{', '.join(others)}</p>\n" if others else ""
    return f"<figure>\n{''.join(pictures)}</figure>\n{told}"
