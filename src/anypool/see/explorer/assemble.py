"""One page from small files: the modules joined into one script, and a policy that allows it alone.

The modules are ordinary ES modules, so that an editor, node and a type checker read them as they
are. Their rules make joining simple: imports on one line, exports by name and without renaming,
and no top-level name used twice. A test holds them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ...errors import PoolError

HERE = Path(__file__).parent
ENTRY = "app.js"
_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+\.js)";$', re.MULTILINE)
# comments that stand on lines of their own: half of the text, and of use only to who writes it
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=const |let |function |async function |class )", re.MULTILINE)


def page(given: Mapping[str, Any]) -> str:
    """The whole file; `given` is what Python hands to the page: photo, state, notes."""
    style, script = _read("style.css"), joined()
    parts = {
        "POLICY": policy(style, script),
        "STYLE": style,
        "SCRIPT": script,
        "GIVEN": json.dumps(given, ensure_ascii=True).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("page.html"))


def policy(style: str, script: str) -> str:
    """Nothing may be loaded from anywhere; this script and this style alone may run."""
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def joined() -> str:
    """Every module that the page needs, each after those it imports."""
    return "\n".join(_bare(name) for name in order(ENTRY))


def order(entry: str) -> list[str]:
    """The modules that `entry` needs, itself last.

    >>> order("geometry.js")
    ['geometry.js']
    """
    found: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise PoolError(f"modules of the explorer import each other: {' > '.join(above)}")
        if name not in found:
            for needed in needs(name):
                visit(needed, (*above, name))
            found.append(name)

    visit(entry, ())
    return found


def needs(name: str) -> list[str]:
    """The modules that a module imports."""
    return [module for _, module in _IMPORT.findall(_read(name))]


def _bare(name: str) -> str:
    """A module's code without comments and the words that only modules need."""
    text = _EXPORT.sub("", _IMPORT.sub("", _COMMENT.sub("", _read(name))))
    return f"// {name}\n{text.strip()}\n"


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
