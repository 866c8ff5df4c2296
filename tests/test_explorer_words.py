"""The explorer's sentences have the right numbers in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from explorer_cases import KINDS, Case, pooling, sliding, some_cases
from explorer_node import Node


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as process:
        yield process


def words_of(node: Node, case: Case) -> tuple[str, str]:
    """What is said of a pooling, and of its last output."""
    last = node.one(*case.steps)
    spot = (int(last["rows"]) - 1, int(last["cols"]) - 1)
    told = node.run(
        case.steps, ("lay", case.pooling["windows"], *case.shape),
        ("explainWords", case.pooling, *case.shape, "$1"), ("explainCell", "$0", *spot),
    )  # fmt: skip
    return told[2], told[3]


@pytest.mark.parametrize("kind", KINDS)
def test_words_have_the_numbers(node: Node, kind: str) -> None:
    for case in some_cases(kind, 4):
        words, cell = words_of(node, case)
        layout = node.one("lay", case.pooling["windows"], *case.shape)
        rows, cols = case.shape
        assert words.startswith(
            f"{rows} × {cols} → {int(layout['rows'])} × {int(layout['cols'])} outputs."
        )
        cover = node.run(case.steps, ("coverage", "$0"))[1]
        unread = int((cover == 0).sum())
        told = re.search(r"(\d+) inputs? (?:is|are) never read", words)
        assert int(told[1] if told else 0) == unread
        for text in (words, cell):
            assert sound(text), text


def sound(text: str) -> bool:
    """Sentences: no number that is none, no word of a program, a full stop at the end."""
    bad = re.search(r"undefined|null|\[object|Infinity|  |\.\.|,\.", text)
    return bad is None and text.endswith(".")


def test_words_by_example(node: Node) -> None:
    x = np.arange(100.0).reshape(10, 10)
    over = sliding(stride=[2, 2], padding=[[1, 1], [1, 1]])
    words, cell = words_of(node, Case(pooling("mean", over), x))
    assert words == (
        "10 × 10 → 5 × 5 outputs. "
        "Rows and columns: (10 + 1 + 1 − 3) / 2 rounded down, plus 1 = 5 outputs. "
        "64 of 100 inputs are read more than once, at most 4 times. "
        "The mean divides by 9: padding counts. "
        "Each window becomes the mean. Every input gets the same share of the gradient."
    )
    assert cell == (
        "Output (4, 4) reads rows 7–9 and columns 7–9: 9 numbers; "
        "their sum, 792, divided by 9 is 88."
    )
    words, cell = words_of(node, Case(pooling("max", {"kind": "copied", "size": [4, 5]}), x))
    assert "stride 10 // 4 = 2, kernel 10 − 3 · 2 = 4: not PyTorch's adaptive windows." in words
    assert "stride 10 // 5 = 2, kernel 10 − 4 · 2 = 2: here the same as the adaptive" in words
    assert cell.endswith("8 numbers; the largest number, 99 at (9, 9), wins.")


def test_words_for_what_is_special(node: Node) -> None:
    far = sliding(padding=[[4, 4], [4, 4]], stride=[1, 1])
    x = np.arange(9.0).reshape(3, 3)
    words, cell = words_of(node, Case(pooling("max", far), x))
    assert "56 windows have nothing but padding and become 0." in words
    assert cell == "Output (8, 8) reads nothing but padding, so it is 0."
    x[1, 1] = np.nan
    _, cell = words_of(node, Case(pooling("soft", {"kind": "whole"}), x))
    assert cell.endswith("9 numbers; a NaN among them makes it NaN.")
