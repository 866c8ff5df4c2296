"""A comparison that cannot fail proves nothing: break the explorer's modules, it must notice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import test_explorer_calls as calls
import test_explorer_state as state
import test_explorer_words as words
from explorer_cases import Case
from explorer_checks import (
    cases,
    check_feeds,
    check_flow,
    check_inspect,
    check_layout,
    check_values,
    check_winner,
)
from explorer_node import MODULES, Node

Check = Callable[[Node, Case], Any]
MUTANTS: list[tuple[str, str, str, str, str, Check]] = [
    ("windows", "Math.floor((o * n) / m)", "Math.ceil((o * n) / m)", "adaptive", "max",
     check_values),
    ("windows", "Math.ceil(((o + 1) * n) / m)", "Math.floor(((o + 1) * n) / m)", "pyramid", "sum",
     check_values),
    ("windows", "Math.min(m, Math.ceil((n + before) / stride))", "m", "sliding", "max",
     check_layout),
    ("windows", 'padding === "same" ?', 'padding !== "same" ?', "same", "max", check_layout),
    ("windows", "Math.min(kernel, Math.ceil", "Math.max(kernel, Math.ceil", "sliding", "mean",
     check_values),
    ("windows", "Math.trunc((o + 0.5)", "Math.trunc((o + 0.6)", "fractional", "max", check_values),
    ("windows", "o * Math.floor(n / m) + Math.min(o, n % m)", "Math.floor((o * n) / m)", "split",
     "max", check_layout),
    ("picks", "v[i] > v[place] || Number.isNaN(v[i])", "v[i] >= v[place] || Number.isNaN(v[i])",
     "adaptive", "max", check_winner),
    ("picks", "v[i] > v[place] || Number.isNaN(v[i])", "v[i] > v[place]", "sliding", "max",
     check_values),
    ("picks", "(n - 1) >> 1", "n >> 1", "sliding", "median", check_values),
    ("order", "v[a] === v[b] && a < b", "v[a] === v[b] && a > b", "adaptive", "median",
     check_flow),
    ("sums", "squares / (n - p[0])", "squares / n", "sliding", "var", check_values),
    ("sums", "2 * x - y", "x - y", "adaptive", "stochastic", check_inspect),
    ("pooling", "col: cols.start[c] + (place % width)", "col: cols.start[c] + (place % 2)",
     "adaptive", "max", check_flow),
    ("axis", "(i - start[o]) / step", "i - start[o]", "sliding", "max", check_feeds),
]  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m[0]}-{m[3]}-{m[4]}-{m[2][:20]}")
def test_a_fault_is_noticed(tmp_path: Path, mutant: tuple[str, str, str, str, str, Check]) -> None:
    module, right, wrong, kind, name, check = mutant
    break_it(tmp_path, module, right, wrong)
    with Node(tmp_path) as broken, pytest.raises(AssertionError, match="differ"):
        all_of(check, broken, kind, name)


def break_it(folder: Path, module: str, right: str, wrong: str) -> None:
    """A copy of the modules, where one says something else."""
    for path in MODULES.glob("*.js"):
        shutil.copy(path, folder)
    text = (folder / f"{module}.js").read_text(encoding="utf-8")
    assert right in text, "the fault no longer has a place"
    (folder / f"{module}.js").write_text(text.replace(right, wrong), encoding="utf-8")


def all_of(check: Check, node: Node, kind: str, name: str) -> None:
    for case in cases(kind, 12, [name]):
        check(node, case)


def test_without_a_fault_nothing_is_noticed() -> None:
    with Node() as node:
        for check, kind, name in sorted({(m[5], m[3], m[4]) for m in MUTANTS}, key=str):
            all_of(check, node, kind, name)


TOLD: list[tuple[str, str, str, Callable[[Node], None]]] = [
    ("named", "counts !== padsByDefault(windows)", "counts === padsByDefault(windows)",
     lambda node: calls.test_calls_are_short(node, *calls.SHORT[3])),
    ("named", 'mean: "avg_"', 'mean: "max_"',
     lambda node: calls.test_the_anypool_call_gives_the_same_numbers(node, "adaptive")),
    ("torch", '"divisor_override=1"', '"divisor_override=2"',
     lambda node: calls.test_the_torch_call_gives_the_same_numbers(node, "sliding")),
    ("torch", "before < reach && after < reach", "before <= reach && after <= reach",
     lambda node: calls.test_the_torch_call_gives_the_same_numbers(node, "sliding")),
    ("torch", "[across.before, across.after, down.before, down.after]",
     "[down.before, down.after, across.before, across.after]",
     lambda node: calls.test_the_torch_call_gives_the_same_numbers(node, "sliding")),
    ("words", "t === 0", "t === 1", lambda node: words.test_words_have_the_numbers(node, "same")),
    ("spelled", "${before}:${after}", "${after}:${before}", state.test_every_state_comes_back),
    ("unspelled", 'text === "-" ? null', 'text === "-" ? 1', state.test_every_state_comes_back),
]  # fmt: skip


@pytest.mark.parametrize("mutant", TOLD, ids=lambda m: f"{m[0]}-{m[2][:20]}")
def test_a_false_word_is_noticed(
    tmp_path: Path, mutant: tuple[str, str, str, Callable[[Node], None]]
) -> None:
    module, right, wrong, check = mutant
    break_it(tmp_path, module, right, wrong)
    with Node(tmp_path) as broken, pytest.raises((AssertionError, RuntimeError), match=r"\S"):
        check(broken)
