"""The explorer's address, written anew in Python: what a link says, for settings of any kind."""

from __future__ import annotations

import math


def number(value) -> str:
    """As the address has it: whole numbers whole, the others with every figure they need."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def pair(letter: str, values) -> str:
    words = ["-" if v is None else str(v) for v in values]
    return letter + (words[0] if len(set(words)) == 1 else "x".join(words))


def windows(w: dict) -> list[str]:
    kind = w["kind"]
    if kind == "whole":
        return [kind]
    if kind == "pyramid":
        split = ["split"] if w["rule"] == "split" else []
        return [kind, "b" + ".".join(map(str, w["bins"])), *split]
    if kind == "fractional":
        return [kind, pair("k", w["kernel"]), pair("n", w["size"])]
    if kind != "sliding":
        return [kind, pair("n", w["size"])]
    stride = [] if w["stride"] is None else [pair("s", w["stride"])]
    same = isinstance(w["padding"], str)
    padding = w["padding"] if same else pair("p", [f"{b}:{a}" for b, a in w["padding"]])
    ceil = ["ceil"] if w["ceil"] else []
    return [kind, pair("k", w["kernel"]), *stride, padding, pair("d", w["dilation"]), *ceil]


def pooling(p: dict) -> str:
    params = [f"{key}{number(value)}" for key, value in p["params"].items()]
    count = [] if p["countPadding"] is None else ["count" if p["countPadding"] else "nocount"]
    return ",".join([":".join([p["reduce"], *params]), *windows(p["windows"]), *count])


def address(x, a: dict, b: dict | None, **more: str) -> str:
    """The hash that shows a grid of numbers, pooled one way or two."""
    rows = ";".join(",".join(number(v) for v in row) for row in x.tolist())
    parts = {"image": "numbers", "a": pooling(a), "b": "none" if b is None else pooling(b)}
    return "#" + "&".join(f"{k}={v}" for k, v in {**parts, "numbers": rows, **more}.items())
