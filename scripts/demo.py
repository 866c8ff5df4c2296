"""The main jobs: a small real study with its verdict and what its best network sees, photographs
pooled every way, windows as a picture, and the explorer.

The study trains on scikit-learn's digits. The photographs are scikit-image's own (chelsea and
coffee, both in the public domain); only its files are read. Everything is written under demo/.
"""

import importlib.util
import shlex
import sys
import time
from pathlib import Path

from anypool.cli import main as anypool

OUT = Path("demo")


def photographs() -> list[str]:
    """Where the two photographs lie in the installed scikit-image."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        sys.exit("demo: the photographs come with scikit-image: pip install scikit-image")
    return [
        str(Path(found.origin).parent / "data" / name) for name in ("chelsea.png", "coffee.png")
    ]


def run(*arguments: str) -> None:
    """Print a command of anypool as one would type it, and run it."""
    print(f"\n$ anypool {shlex.join(arguments)}", flush=True)
    if code := anypool(arguments):
        sys.exit(code)
    sys.stdout.flush()


if __name__ == "__main__":
    began = time.perf_counter()
    OUT.mkdir(exist_ok=True)
    store = str(OUT / "study.db")
    run("study", "run", "--data", "digits", "--arms", "avg,max,gem", "--seeds", "6",
        "--set", "epochs=6", "--store", store)  # fmt: skip
    run("study", "report", "--store", store, "--out", str(OUT / "study"))
    seen = ("features", "--store", store, "--image", "2")
    run(*seen, "--out", str(OUT / "features.png"))
    run(*seen, "--class-maps", "--out", str(OUT / "class-maps.png"))
    run("image", *photographs(), "--kernel", "8", "--out", str(OUT))
    run("windows", "10", "--adaptive", "7", "--out", str(OUT / "windows.svg"))
    run("explore", photographs()[0], "--out", str(OUT / "explorer.html"))
    print(f"\ndone in {time.perf_counter() - began:.0f} s; everything is under {OUT.resolve()}")
    for page in (OUT / "study" / "report.html", OUT / "index.html", OUT / "explorer.html"):
        print(f"open {page.resolve().as_uri()}")
