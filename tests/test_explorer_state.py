"""The explorer's address: every state comes back from it, and no text breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from explorer_cases import INF, KINDS, NAMES, Draw
from explorer_node import Node

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as process:
        yield process


CHOICES: dict[str, list[Any]] = {
    "image": ["tutorial", "numbers", "photo", "own-2"],
    "channel": ["grey", "red", "green", "blue"],
    "colour": [True, False],
    "palette": ["grey", "dusk"],
    "scale": ["common", "own"],
    "view": ["values", "coverage", "gradient"],
    "of": ["a", "b"],
    "theme": ["auto", "light", "dark"],
}
ODD = [0.1, -2.5, 1e-9, 1e21, 3.0, INF, -INF, float("nan"), 1 / 3]


def random_pooling(draw: Draw) -> dict[str, Any]:
    name = draw.one(NAMES)
    counts = draw.one((None, True, False))
    windows = draw.windows(draw.one(KINDS))
    return {
        "reduce": name, "params": draw.params(name), "countPadding": counts, "windows": windows,
    }  # fmt: skip


def random_state(draw: Draw) -> dict[str, Any]:
    rows, cols = draw.pair(1, 5)
    values = [float(draw.one(ODD)) for _ in range(rows * cols)]
    state = {key: draw.one(words) for key, words in CHOICES.items()}
    at = {"panel": draw.one(["input", "a", "b", "d"]), "cell": draw.number(0, 10**6)}
    grid = {"rows": rows, "cols": cols, "values": values}
    return {
        **state, "a": random_pooling(draw), "b": draw.one((None, random_pooling(draw))),
        "at": draw.one((None, at)), "numbers": grid if state["image"] == "numbers" else None,
    }  # fmt: skip


def test_every_state_comes_back(node: Node) -> None:
    draw = Draw(5)
    for _ in range(400):
        state = random_state(draw)
        text = node.one("encode", state)
        found = node.one("decode", text)
        assert found["notes"] == []
        assert str(found["state"]) == str(ordered(found["state"], as_floats(state))), text
        assert node.one("encode", state) == text


def as_floats(value: Any) -> Any:
    """Numbers as node gives them back; lists stay lists."""
    if isinstance(value, dict):
        return {key: as_floats(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_floats(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def ordered(like: Any, value: Any) -> Any:
    """Dictionaries in the order of another, so that texts of them can be compared: NaN too."""
    if isinstance(like, dict) and isinstance(value, dict):
        keys = [*like, *(key for key in value if key not in like)]
        return {key: ordered(like.get(key), value[key]) for key in keys if key in value}
    if isinstance(like, list) and isinstance(value, list) and len(like) == len(value):
        return [ordered(a, b) for a, b in zip(like, value, strict=True)]
    return value


def test_the_address_is_readable(node: Node) -> None:
    state = node.one("firstState")
    assert node.one("encode", state) == "#image=tutorial&a=max,sliding,k2&b=mean,sliding,k2"
    text = (
        "#image=ramp&a=gem:p4:eps0.1,adaptive,n7x-"
        "&b=mean,sliding,k3x2,s2,p1:2x3,d2,ceil,nocount&at=input.5&view=gradient&theme=dark"
    )
    found = node.one("decode", text)
    assert found["notes"] == []
    assert node.one("encode", found["state"]) == text
    assert found["state"]["b"]["windows"]["padding"] == [[1, 2], [3, 3]]
    assert found["state"]["a"]["windows"] == {"kind": "adaptive", "size": [7, None]}
    percent = text.replace(",", "%2C").replace(":", "%3A")
    assert node.one("decode", percent) == found


@pytest.mark.parametrize(
    ("text", "note", "part", "value"),
    [
        ("a=max,sliding,k99", "kernel “99” is no whole number from 1 to 63; 2", "kernel", [2, 2]),
        ("a=max,sliding,k0x3", "kernel “0” is no whole number from 1 to 63; 2", "kernel", [2, 3]),
        ("a=max,sliding,s1.5", "stride “1.5” is no whole number", "stride", [1, 1]),
        ("a=max,sliding,p64", "padding “64” is no whole number from 0 to 63",
         "padding", [[0, 0], [0, 0]]),
        ("a=max,sliding,d17", "dilation “17” is no whole number from 1 to 16", "dilation", [1, 1]),
        ("a=max,adaptive,n513", "output size “513” is no whole number from 1 to 512", "size",
         [3, 3]),
        ("a=max,adaptive,k3", "“k3” does not go with adaptive windows", "size", [3, 3]),
        ("a=max,pyramid,b1.17", "bins “1.17” are not 1 to 8 whole numbers", "bins", [1, 2, 4]),
        ("a=max,pyramid,b1.1.1.1.1.1.1.1.1", "are not 1 to 8 whole", "bins", [1, 2, 4]),
        ("a=max,round", "windows “round” are not known; sliding is used", "kind", "sliding"),
        ("a=big,whole", "reduction “big” is not known; max is used", "kind", "whole"),
        ("a=max,sliding,zz", "“zz” does not go with sliding windows", "kernel", [2, 2]),
        ("a=lp:p-1,whole", "p of lp is -1; it must be above 0", "kind", "whole"),
        ("a=lp:q1,whole", "“q1” is no setting of lp", "kind", "whole"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(node: Node, text: str, note: str, part: str, value: Any) -> None:
    found = node.one("decode", f"#{text}")
    assert len(found["notes"]) == 1
    assert note in found["notes"][0]
    assert found["state"]["a"]["windows"][part] == value


@pytest.mark.parametrize(
    ("text", "note", "part", "value"),
    [
        ("image=a b", "picture “a b” is not known; tutorial", "image", "tutorial"),
        ("image=numbers", "has no numbers to show", "image", "tutorial"),
        ("numbers=1,2;3", "are not rows of as many numbers each", "numbers", None),
        ("numbers=1,x", "are not rows of as many numbers each", "numbers", None),
        (f"numbers={','.join('1' * 65)}", "at most 64 × 64", "numbers", None),
        ("at=c.3", "cell “c.3” is not known", "at", {"panel": "a", "cell": 0}),
        ("at=a.9999999", "cell “a.9999999” is not known", "at", {"panel": "a", "cell": 0}),
        ("view=toString", "view “toString” is not known; values", "view", "values"),
        ("colour=maybe", "colour “maybe” is not known; yes", "colour", True),
        ("zoom=3", "“zoom=3” in the address is not known", "view", "values"),
        ("theme=dark&theme=light", "“theme=light” in the address", "theme", "dark"),
    ],
)
def test_wrong_parts_fall_back(node: Node, text: str, note: str, part: str, value: Any) -> None:
    found = node.one("decode", text)
    assert [n for n in found["notes"] if note in n]
    assert len(found["notes"]) == 1
    assert found["state"][part] == value


PIECES = [
    "#", "a=", "b=", "max", "lp", ":p", "gem:p4", ",", "sliding", "pyramid", "adaptive", "k", "3x",
    "n-", "b1.", "&", "=", ";", "%", "%zz", "numbers=", "image=", "nan", "__proto__", "at=a.",
    "constructor", "-", ".", "inf", "\u0000", "😀", "e999",
]  # fmt: skip


TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@given(text=TEXTS)
def test_rubbish_never_throws(node: Node, text: str) -> None:
    found = node.one("decode", text)
    assert set(found["state"]) == {*CHOICES, "a", "b", "at", "numbers"}
    again = node.one("decode", node.one("encode", found["state"]))
    assert again["notes"] == []
    assert str(again["state"]) == str(found["state"])
    assert len(found["notes"]) <= 7
    assert all(len(note) < 200 for note in found["notes"])
