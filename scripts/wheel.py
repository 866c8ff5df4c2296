"""Build the wheel and test it as a stranger would: a fresh environment, no extras, no src.

First with numba (an import, a pooling, the command line), then with numba taken out (the core
suite). Everything happens in a temporary folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TOOLS = ["pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "ml_dtypes"]
# what only the compiled kernels promise: little scratch memory, saved places, second calls
OF_KERNELS = [
    "--ignore=tests/test_memory.py",
    "--ignore=tests/test_the_tests.py",
    "--deselect=tests/test_ties.py::test_max_of_a_large_window_keeps_more",
    "--deselect=tests/test_ties.py::test_pullback_may_be_called_again_after_x_has_changed",
]
POOLING = """
import numpy as np
import anypool as ap
x = np.array([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]])
y = ap.max_pool(x, 2)
print(ap.__file__, y.tolist())
if y.tolist() != [[9, 9], [9, 5]]:
    raise SystemExit("the wheel pools wrongly")
"""


def step(words: str, *command: str | Path, cwd: Path) -> None:
    """Say what is done, do it, stop at the first failure."""
    print(f"== {words}", flush=True)
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([str(word) for word in command], cwd=cwd, env=clean, check=True)


def build(room: Path) -> Path:
    """The wheel, built from this checkout into `room`."""
    step("building the wheel", sys.executable, "-m", "build", "-w", "-o", room, HERE, cwd=room)
    return next(room.glob("*.whl"))


def main() -> None:
    """Build, install, try, and run the core suite without numba."""
    with tempfile.TemporaryDirectory(prefix="anypool-wheel-") as name:
        room = Path(name)
        wheel = build(room)
        make = (sys.executable, "-m", "venv", "--without-pip", "env")
        step("a fresh environment", *make, cwd=room)
        python = room / "env/bin/python"
        pip = (sys.executable, "-m", "pip", "-q", "--python", python)
        pinned = ("-c", HERE / "constraints.txt")
        step("installing the wheel, no extras", *pip, "install", wheel, *pinned, cwd=room)
        step("import and pool", python, "-c", POOLING, cwd=room)
        step("anypool --help", room / "env/bin/anypool", "--help", cwd=room)
        step("anypool doctor", room / "env/bin/anypool", "doctor", cwd=room)
        step("taking numba out", *pip, "uninstall", "-y", "numba", "llvmlite", cwd=room)
        step("import and pool without numba", python, "-c", POOLING, cwd=room)
        step("adding pytest", *pip, "install", *TOOLS, *pinned, cwd=room)
        shutil.copytree(HERE / "tests", room / "tests")
        shutil.copy(HERE / "pyproject.toml", room)
        step(
            "the core suite without numba",
            python,
            HERE / "scripts/suites.py",
            *OF_KERNELS,
            cwd=room,
        )


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"wheel: stopped, exit code {error.returncode}: {' '.join(error.cmd)}")
