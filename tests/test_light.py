"""`import anypool` loads NumPy and nothing heavier: shown in a fresh process."""

import subprocess
import sys

import pytest

HEAVY = ["numba", "llvmlite", "torch", "jax", "keras", "tensorflow", "matplotlib", "PIL", "typer"]
HEAVY += ["rich", "scipy", "skimage", "pandas", "ml_dtypes"]


def loaded_by(code: str) -> set[str]:
    """The top-level packages a fresh interpreter holds after `code`."""
    tell = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", tell], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import anypool",
        "import anypool as ap; [getattr(ap, name) for name in ap.__all__]",
        "import anypool as ap; ap.windows.sliding(3); ap.reductions.gem(p=4)",
    ],
    ids=["import", "every public name", "values"],
)
def test_import_is_light(code):
    assert loaded_by(code) & set(HEAVY) == set()
    assert "numpy" in loaded_by(code)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_line_starts_light(argument):
    code = f"from anypool.cli import main; main([{argument!r}])"
    assert loaded_by(code) & {"numba", "torch", "matplotlib", "PIL"} == set()


def test_the_look_is_not_blind():
    assert "json" in loaded_by("import json")
