"""The explorer's arithmetic gives anypool's numbers: every kind of windows x every reduction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import anypool as ap
from explorer_cases import DATA, KINDS, NAMES, Case, Draw
from explorer_checks import (
    cases,
    check_coverage,
    check_feeds,
    check_flow,
    check_inspect,
    check_layout,
    check_values,
    check_winner,
)
from explorer_node import Node, RefusedError


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as process:
        yield process


@pytest.mark.parametrize("kind", KINDS)
def test_values_equal_anypool(node: Node, kind: str) -> None:
    cells_compared = sum(check_values(node, case) for case in cases(kind, 8))
    assert cells_compared > (600 if kind == "whole" else 5000)


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_and_coverage_equal_explain(node: Node, kind: str) -> None:
    for case in cases(kind, 12, ["max"]):
        check_layout(node, case)
        check_coverage(node, case)


@pytest.mark.parametrize("kind", KINDS)
def test_what_flows_back_equals_vjp(node: Node, kind: str) -> None:
    for case in cases(kind, 2):
        check_flow(node, case)


@pytest.mark.parametrize("kind", KINDS)
def test_inspection_equals_explain_and_vjp(node: Node, kind: str) -> None:
    for case in cases(kind, 1):
        check_inspect(node, case)


@pytest.mark.parametrize("kind", KINDS)
def test_winners_equal_indices(node: Node, kind: str) -> None:
    for case in cases(kind, 8, ["max", "min"]):
        check_winner(node, case)


@pytest.mark.parametrize("kind", KINDS)
def test_feeds_equal_vjp(node: Node, kind: str) -> None:
    for case in cases(kind, 1):
        if case.x.size < 60:
            check_feeds(node, case)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if i % 4 == 2 else pytest.mark.nightly)
             for i, n in enumerate(NAMES)]
)  # fmt: skip
def test_large_windows_and_planes(node: Node, name: str) -> None:
    """Beyond what is sorted by insertion, and a photograph's size."""
    draw = Draw(99)
    over = {
        "kind": "sliding", "kernel": [13, 9], "stride": [5, 7], "padding": [[6, 6], [4, 4]],
        "dilation": [1, 2], "ceil": True,
    }  # fmt: skip
    for data in DATA:
        pooling = {"reduce": name, "params": draw.params(name), "countPadding": None}
        case = Case({**pooling, "windows": over}, draw.plane(96, 128, data))
        check_values(node, case)
        check_flow(node, case)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_many_more_settings(node: Node, kind: str) -> None:
    for case in cases(kind, 100):
        check_values(node, case)
        check_flow(node, case)


def test_one_window_on_its_own(node: Node) -> None:
    """reduce, slopes and winner take a window's numbers as they are; nothing at all gives 0."""
    values = [3.0, 1.0, 3.0, 2.0]
    assert node.one("reduce", "max", {}, values) == 3
    assert node.one("winner", "max", {}, values) == 0
    assert list(node.one("slopes", "max", {}, values)) == [1, 0, 0, 0]
    assert node.one("reduce", "mean", {}, values, 8) == 9 / 8
    assert list(node.one("slopes", "mean", {}, values, 8)) == [1 / 8] * 4
    assert list(node.one("slopes", "median", {}, values)) == [0.5, 0, 0, 0.5]
    assert node.one("winner", "median", {}, values) == -1
    assert node.one("winner", "mode", {}, values) == 0
    assert node.one("slopes", "mode", {}, values) is None
    for name in NAMES:
        assert node.one("reduce", name, {}, []) == 0
        assert node.one("winner", name, {}, []) == -1


# -- refusals: the same cases, both ways --------------------------------------------------------


def refusal(call: Callable[[], Any]) -> str | None:
    """The sentence that a call is refused with, or None."""
    try:
        call()
    except (ap.PoolError, RefusedError, ZeroDivisionError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_what_anypool_refuses_is_refused(node: Node, kind: str) -> None:
    draw, refused = Draw(50), 0
    for turn in range(250):
        case = draw.case(kind, "max", "normal", least=turn % 2)
        ours = refusal(lambda c=case: ap.pool(c.x, *c.anypool))
        theirs = refusal(lambda c=case: node.one("lay", c.pooling["windows"], *c.shape))
        assert (ours is None) == (theirs is None), (case.pooling, case.shape, ours, theirs)
        refused += theirs is not None
        assert theirs is None or one_sentence(theirs)
    assert refused >= 10 or kind == "whole"


def one_sentence(words: str) -> bool:
    """RangeError, and one sentence that has a number or a word to use."""
    text = words.removeprefix("RangeError: ")
    told = any(c.isdigit() for c in text) or "use" in text
    return text != words and told and "\n" not in text and not text.endswith(".")


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("lp", {"p": 0.0}), ("lp", {"p": -1.0}), ("lp", {"p": float("nan")}), ("gem", {"eps": 0.0}),
    ("gem", {"eps": float("inf")}), ("gem", {"p": 0.0}), ("lse", {"r": 0.0}),
    ("lse", {"r": float("inf")}), ("soft", {"beta": float("inf")}), ("quantile", {"q": 1.1}),
    ("quantile", {"q": -0.1}), ("topk", {"k": 0}), ("topk", {"k": 1.5}),
    ("std", {"correction": float("inf")}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params"), WRONG, ids=str)
def test_parameters_that_make_no_sense(node: Node, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ap.PoolError, match="must be"):
        getattr(ap.reductions, name)(**params)
    with pytest.raises(RefusedError, match=f"RangeError: {next(iter(params))} of {name} is .*must"):
        node.one("reduce", name, params, [1.0])


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ({"kind": "sliding", "kernel": [2.5, 2]}, "kernel of the rows must be a whole number"),
        ({"kind": "pyramid", "bins": [], "rule": "adaptive"}, "bins is empty"),
        ({"kind": "pyramid", "bins": [1], "rule": "round"}, 'rule "round" is not known'),
        ({"kind": "copied", "size": [7, 7]}, "stride 5 // 7 = 0; use at most 5"),
        ({"kind": "round"}, "not known"),
    ],
    ids=str,
)
def test_refused_in_words(node: Node, windows: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        node.one("lay", windows, 5, 5)
    with pytest.raises(RefusedError, match='reduction "big" is not known; use one of max'):
        node.one("reduce", "big", {}, [1.0])
