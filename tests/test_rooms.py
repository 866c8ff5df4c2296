"""The house itself: imports point one way, heavy packages stay in their rooms, files stay small."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import anypool

HOUSE = Path(anypool.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
CEILING = 300
# file -> why it may be taller than the ceiling; a kernel is one long loop, and its parts are
# compiled into it
TALLER = {
    "kernels/numbers.py": "the machine's numbers: one small compiled function a kind and step",
    "ops.py": "the public door: mostly docstrings, each with its example",
    "windows/__init__.py": "every kind of windows, and its docstring with an example",
}

# each room may import from the floors below its own, and from itself
FLOORS = [
    {"errors", "doors"},
    {"windows", "reductions"},
    {"axes"},
    {"plan"},
    {"kernels", "portable", "arrays", "plain"},
    {"engine"},
    {"tape"},
    {"ops", "explain", "reference", "blur", "unpool"},
    {"torch", "jax", "tensorflow", "keras", "arrayapi", "porting"},
    {"doctor", "warm", "see"},
    {"study", "bench"},
    {"cli"},
    {"__init__", "__main__"},
]
LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}
# a heavy package -> the only rooms that may import it
OWNERS = {
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "matplotlib": {"see", "study", "bench"},
    "triton": {"kernels", "torch"},  # torch/ only looks whether it is there
    "PIL": {"see", "study"},
    "torch": {"torch", "study", "see", "bench"},
    "jax": {"jax", "bench"},
    "torchcam": {"see"},
    "tensorflow": {"tensorflow", "bench"},
    "keras": {"keras"},
    "ml_dtypes": {"torch", "arrayapi", "bench"},
    "scipy": {"study", "bench"},
    "sqlalchemy": {"study"},
    "pooch": {"study"},
    "jinja2": {"study"},
    "markupsafe": {"study"},
    "requests": {"study"},
    "optuna": {"study"},
    "ray": {"study"},
    "sklearn": {"study"},
    "pyarrow": {"study"},
    "typer": {"cli"},
    "rich": {"cli", "study"},
    "onnx": {"bench"},
    "onnxruntime": {"bench"},
    "openvino": {"bench"},
    "skimage": {"bench"},
    "numbagg": {"bench"},
    "xarray": {"bench"},
}
# a door opens on the room of the caller's framework, and only when he comes with such an array
LATE = {("doors", "torch")}
LIGHT = {"numpy", "anypool", *sys.stdlib_module_names}


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def imports(path: Path, source: str) -> Iterator[str]:
    """Every imported module, in full: `from ..ops import pool` in see/image.py is anypool.ops."""
    package = ["anypool", *path.relative_to(HOUSE).parts[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            bare = module == ["anypool"]  # `from . import windows`: the names are rooms
            yield from (f"anypool.{a.name}" for a in node.names) if bare else [".".join(module)]


def wrong_turns(path: Path, source: str) -> list[str]:
    """The imports of a file that its room may not make."""
    room, wrong = room_of(path), []
    for module in imports(path, source):
        top, *rest = module.split(".")
        if top == "anypool":
            target = rest[0] if rest else "__init__"
            known = target if target in LEVEL else "__init__"
            if (room, known) in LATE:
                continue
            if known != room and LEVEL[known] >= LEVEL[room]:
                wrong.append(f"{room} may not import {module}")
        elif top not in LIGHT and room not in OWNERS.get(top, set()):
            wrong.append(f"{room} may not import {top}")
    return wrong


def test_every_room_is_on_a_floor():
    assert {room_of(path) for path in FILES} <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_one_way(path):
    assert wrong_turns(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("errors.py", "from .windows import sliding"),
        ("windows/rules.py", "from ..plan import Plan"),
        ("plan/checks.py", "import numba"),
        ("axes.py", "def f():\n    from .kernels import flat"),
        ("ops.py", "import torch"),
        ("ops.py", "from . import cli"),
        ("ops.py", "import anypool"),
        ("cli.py", "from PIL import Image"),
        ("see/image.py", "from .. import cli"),
    ],
)
def test_a_wrong_turn_is_noticed(file, line):
    assert len(wrong_turns(HOUSE / file, line)) == 1


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_stay_below_the_ceiling(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= CEILING or name_of(path) in TALLER


def test_no_exception_outlives_its_reason():
    tall = {name_of(p) for p in FILES if len(p.read_text("utf-8").splitlines()) > CEILING}
    assert set(TALLER) <= tall


def test_the_package_is_typed():
    assert (HOUSE / "py.typed").exists()
