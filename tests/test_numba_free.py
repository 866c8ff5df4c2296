"""Without numba everything still works, and gives the numbers that the kernels give.

Run as a script, this file is the other process: it makes numba impossible to import, pools every
row of the case table through the portable path and saves the answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cases import CASES
from same import assert_same

MISSING = ("numba", "llvmlite")


def answers() -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of what the rows of the table give: values, indices, gradients."""
    import anypool as ap

    for case in CASES:
        x, windows, reduce = case.data(), case.windows.build(), case.reduction.build()
        rng = np.random.default_rng(0)
        hidden = {"mask": rng.random(x.shape) < 0.7, "fill": 1}
        weighted = {"weights": rng.integers(0, 5, x.shape) / 4, "nan": "skip"}
        common = {"axes": case.axes}
        yield f"{case}/plain", ap.pool(x, windows, reduce, **common)
        if x.dtype != np.float64:  # each would compile kernels of its own in the parent
            continue
        yield f"{case}/masked", ap.pool(x, windows, reduce, **hidden, **common)
        yield f"{case}/weighted", ap.pool(x, windows, reduce, **weighted, **common)
        if case.reduction.name in ("max", "min"):
            for how, extra in (("plain", {}), ("masked", hidden)):
                _, found = ap.pool(x, windows, reduce, return_indices=True, **extra, **common)
                yield f"{case}/indices-{how}", found
        if case.reduction.gradient:
            y, pullback = ap.vjp(x, windows, reduce, **hidden, **common)
            made = pullback(np.cos(np.arange(y.size)).reshape(y.shape))
            yield f"{case}/gradient", made[0] if isinstance(made, tuple) else made


def test_without_numba(tmp_path):
    import anypool as ap

    saved = tmp_path / "answers.npz"
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__, str(saved)],
        env={**os.environ, "PYTHONPATH": str(Path(ap.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["portable"]
    rows = {str(case): case for case in CASES}
    with np.load(saved) as theirs:
        for name, ours in answers():
            row = rows[name.rpartition("/")[0]]
            size = max(float(np.abs(row.data().astype(float)).max()), 1.0)
            scale = size * 128 if row.reduction.name == "sum" else size**2
            exact = row.ulp == 0 and not name.endswith("gradient")
            assert_same(theirs[name], ours, ulp=0 if exact else 64, scale=scale)


def main(path: str) -> None:
    for name in MISSING:
        sys.modules[name] = None  # every import of it raises ImportError
    np.savez(path, **dict(answers()))
    loaded = [name for name in MISSING if sys.modules[name] is not None]
    print("portable" if not loaded else f"loaded {loaded}")  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(sys.argv[1])
